"""The rules responder: answers built-in sentences and calls declared functions, without a model."""

from __future__ import annotations

from .responder import Rules

__all__ = ["Rules"]
