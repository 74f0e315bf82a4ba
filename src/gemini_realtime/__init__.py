"""Hold a live spoken conversation with Gemini from Python, and do not lose a word of it.

    from gemini_realtime import GeminiRealtimeClient

Only the core (picows, msgspec, pybase64) is imported here; `LiveServer`, the embedded Live server, is when it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gemini_realtime.client import GeminiRealtimeClient
from gemini_realtime.errors import (
    AudioFormatError,
    ConfigError,
    ConnectionClosed,
    GeminiRealtimeError,
    HandshakeError,
    MissingDependencyError,
    NotConnectedError,
    SendTimeout,
    ServiceError,
    SetupTimeout,
    UnsupportedByModel,
)
from gemini_realtime.protocol.events import (
    AudioDelta,
    AudioDropped,
    ConnectionLost,
    FunctionCall,
    FunctionCallCancelled,
    GenerationComplete,
    GoAway,
    InputAudioBufferDelta,
    InputTranscript,
    Interrupted,
    OutputTranscript,
    RealtimeEvent,
    ReplayedItem,
    SessionCreated,
    SessionResumed,
    SessionUpdated,
    SpeechStarted,
    TextDelta,
    ThoughtDelta,
    TurnComplete,
    Usage,
    VoiceHealth,
)
from gemini_realtime.realtime_client import (
    RealtimeClientBase,
    RealtimeClientProtocol,
    Role,
    get_client,
    register_realtime_client,
)
from gemini_realtime.transport.base import Dial, Receiver, Transport
from gemini_realtime.version import __version__ as __version__

if TYPE_CHECKING:
    from gemini_realtime.local import LiveServer

__all__ = [
    "AudioDelta",
    "AudioDropped",
    "AudioFormatError",
    "ConfigError",
    "ConnectionClosed",
    "ConnectionLost",
    "Dial",
    "FunctionCall",
    "FunctionCallCancelled",
    "GeminiRealtimeClient",
    "GeminiRealtimeError",
    "GenerationComplete",
    "GoAway",
    "HandshakeError",
    "InputAudioBufferDelta",
    "InputTranscript",
    "Interrupted",
    "LiveServer",
    "MissingDependencyError",
    "NotConnectedError",
    "OutputTranscript",
    "RealtimeClientBase",
    "RealtimeClientProtocol",
    "RealtimeEvent",
    "Receiver",
    "ReplayedItem",
    "Role",
    "SendTimeout",
    "ServiceError",
    "SessionCreated",
    "SessionResumed",
    "SessionUpdated",
    "SetupTimeout",
    "SpeechStarted",
    "TextDelta",
    "ThoughtDelta",
    "Transport",
    "TurnComplete",
    "UnsupportedByModel",
    "Usage",
    "VoiceHealth",
    "get_client",
    "register_realtime_client",
]


def __getattr__(name: str) -> Any:
    if name == "LiveServer":
        from gemini_realtime.local import LiveServer

        return LiveServer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
