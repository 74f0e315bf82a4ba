"""Minds beside the rules: an echo, a chat endpoint, a script."""
