"""Hold a live spoken conversation with Gemini from Python, and do not lose a word of it.

    from gemini_realtime import GeminiRealtimeClient

Only the core (picows, msgspec, pybase64) is imported here; agents, adapters and `LiveServer`, the embedded Live server,
are when they are used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from gemini_realtime.client import GeminiRealtimeClient
from gemini_realtime.errors import (
    AudioFormatError,
    ConfigError,
    ConnectionClosed,
    GeminiRealtimeError,
    HandshakeError,
    ListenError,
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
    DigitPressed,
    FunctionCall,
    FunctionCallCancelled,
    FunctionResult,
    GenerationComplete,
    GoAway,
    InputAudioBufferDelta,
    InputTranscript,
    Interrupted,
    OutputTranscript,
    PlaybackStopped,
    RealtimeEvent,
    Reconnecting,
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
from gemini_realtime.protocol.parts import Media
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
    from gemini_realtime.adapters.plivo import PlivoAudioAdapter
    from gemini_realtime.adapters.sound import DeviceAudioAdapter, FileAudioAdapter
    from gemini_realtime.adapters.telnyx import TelnyxAudioAdapter
    from gemini_realtime.adapters.twilio import TwilioAudioAdapter
    from gemini_realtime.adapters.websocket import WebSocketAudioAdapter
    from gemini_realtime.agent import (
        Approval,
        AudioObserver,
        CallContext,
        ConversationLog,
        FunctionObserver,
        RealtimeAgent,
        RealtimeObserver,
        Tool,
        ToolError,
        tool,
    )
    from gemini_realtime.local import LiveServer

__all__ = [
    "Approval",
    "AudioDelta",
    "AudioDropped",
    "AudioFormatError",
    "AudioObserver",
    "CallContext",
    "ConfigError",
    "ConnectionClosed",
    "ConnectionLost",
    "ConversationLog",
    "DeviceAudioAdapter",
    "Dial",
    "DigitPressed",
    "FileAudioAdapter",
    "FunctionCall",
    "FunctionCallCancelled",
    "FunctionObserver",
    "FunctionResult",
    "GeminiRealtimeClient",
    "GeminiRealtimeError",
    "GenerationComplete",
    "GoAway",
    "HandshakeError",
    "InputAudioBufferDelta",
    "InputTranscript",
    "Interrupted",
    "ListenError",
    "LiveServer",
    "Media",
    "MissingDependencyError",
    "NotConnectedError",
    "OutputTranscript",
    "PlaybackStopped",
    "PlivoAudioAdapter",
    "RealtimeAgent",
    "RealtimeClientBase",
    "RealtimeClientProtocol",
    "RealtimeEvent",
    "RealtimeObserver",
    "Receiver",
    "Reconnecting",
    "ReplayedItem",
    "Role",
    "SendTimeout",
    "ServiceError",
    "SessionCreated",
    "SessionResumed",
    "SessionUpdated",
    "SetupTimeout",
    "SpeechStarted",
    "TelnyxAudioAdapter",
    "TextDelta",
    "ThoughtDelta",
    "Tool",
    "ToolError",
    "Transport",
    "TurnComplete",
    "TwilioAudioAdapter",
    "UnsupportedByModel",
    "Usage",
    "VoiceHealth",
    "WebSocketAudioAdapter",
    "get_client",
    "register_realtime_client",
    "tool",
]


_IMPORTED_WHEN_USED = {
    "LiveServer": "gemini_realtime.local",
    "RealtimeAgent": "gemini_realtime.agent",
    "RealtimeObserver": "gemini_realtime.agent",
    "FunctionObserver": "gemini_realtime.agent",
    "AudioObserver": "gemini_realtime.agent",
    "ConversationLog": "gemini_realtime.agent",
    "Tool": "gemini_realtime.agent",
    "ToolError": "gemini_realtime.agent",
    "CallContext": "gemini_realtime.agent",
    "Approval": "gemini_realtime.agent",
    "tool": "gemini_realtime.agent",
    "WebSocketAudioAdapter": "gemini_realtime.adapters.websocket",
    "TwilioAudioAdapter": "gemini_realtime.adapters.twilio",
    "TelnyxAudioAdapter": "gemini_realtime.adapters.telnyx",
    "PlivoAudioAdapter": "gemini_realtime.adapters.plivo",
    "DeviceAudioAdapter": "gemini_realtime.adapters.sound",
    "FileAudioAdapter": "gemini_realtime.adapters.sound",
}
"""They need optional extras, and time to import."""


def __getattr__(name: str) -> Any:
    if name in _IMPORTED_WHEN_USED:
        return getattr(import_module(_IMPORTED_WHEN_USED[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
