"""The embedded Live server: it speaks the Live protocol on loopback, hears, answers, talks and can be interrupted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gemini_realtime.local.lifetime import SessionLimits
from gemini_realtime.local.server.limits import Limits

if TYPE_CHECKING:
    from gemini_realtime.local.serve import LiveServer as LiveServer

__all__ = ["Limits", "LiveServer", "SessionLimits"]


def __getattr__(name: str) -> Any:
    """Import the server when it is asked for: its parts are used without it too."""
    if name != "LiveServer":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from gemini_realtime.local.serve import LiveServer

    return LiveServer
