"""The embedded Live server: it speaks the Live protocol on loopback, hears, answers, talks and can be interrupted."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from gemini_realtime.local.lifetime import SessionLimits
from gemini_realtime.local.server.limits import Limits

if TYPE_CHECKING:
    from gemini_realtime.local.in_memory import InMemoryServer as InMemoryServer
    from gemini_realtime.local.responders.replay import Replay as Replay
    from gemini_realtime.local.serve import LiveServer as LiveServer

__all__ = ["InMemoryServer", "Limits", "LiveServer", "Replay", "SessionLimits"]

_HOME = {"LiveServer": "serve", "InMemoryServer": "in_memory", "Replay": "responders.replay"}


def __getattr__(name: str) -> Any:
    """Import a server, or what it plays, when it is asked for: its parts are used without it too."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
