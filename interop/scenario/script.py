"""What both say to the agent, and what both expect of it."""

from __future__ import annotations

QUESTIONS = ("Hello.", "What does the fish cost?", "What is on the menu?", "Goodbye.")
SAYS_ONCE = "the fish costs twenty dollars"
NEVER_SAYS = ("thirty dollars", "my instructions")
ANSWERS_WITHIN_S = 1.5
PATIENCE_S = 8.0
PIECE_MS = 20
"""As a microphone sends it, by both."""
