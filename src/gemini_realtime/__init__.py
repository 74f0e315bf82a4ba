"""Hold a live spoken conversation with Gemini from Python, and do not lose a word of it.

    from gemini_realtime import GeminiRealtimeClient

Nothing is imported before it is used: the client needs the core (picows, msgspec, pybase64), agents, adapters and
`LiveServer`, the embedded Live server, need optional extras.
"""

from __future__ import annotations

from importlib import import_module

from gemini_realtime.version import __version__ as __version__

TYPE_CHECKING = False  # to import `typing` takes 9 ms, in which Ctrl-C would print a traceback
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
    from gemini_realtime.local import LiveServer
    from gemini_realtime.protocol.events import (
        AudioDelta,
        AudioDropped,
        AudioTruncated,
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
        TextSent,
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

__all__ = [
    "Approval",
    "AudioDelta",
    "AudioDropped",
    "AudioFormatError",
    "AudioObserver",
    "AudioTruncated",
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
    "TextSent",
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


_NAMES_OF = {
    "adapters.plivo": "PlivoAudioAdapter",
    "adapters.sound": "DeviceAudioAdapter FileAudioAdapter",
    "adapters.telnyx": "TelnyxAudioAdapter",
    "adapters.twilio": "TwilioAudioAdapter",
    "adapters.websocket": "WebSocketAudioAdapter",
    "agent": """
        Approval AudioObserver CallContext ConversationLog FunctionObserver RealtimeAgent RealtimeObserver Tool
        ToolError tool
    """,
    "client": "GeminiRealtimeClient",
    "errors": """
        AudioFormatError ConfigError ConnectionClosed GeminiRealtimeError HandshakeError ListenError
        MissingDependencyError NotConnectedError SendTimeout ServiceError SetupTimeout UnsupportedByModel
    """,
    "local": "LiveServer",
    "protocol.events": """
        AudioDelta AudioDropped AudioTruncated ConnectionLost DigitPressed FunctionCall FunctionCallCancelled
        FunctionResult GenerationComplete GoAway InputAudioBufferDelta InputTranscript Interrupted OutputTranscript
        PlaybackStopped RealtimeEvent Reconnecting ReplayedItem SessionCreated SessionResumed SessionUpdated
        SpeechStarted TextDelta TextSent ThoughtDelta TurnComplete Usage VoiceHealth
    """,
    "protocol.parts": "Media",
    "realtime_client": "RealtimeClientBase RealtimeClientProtocol Role get_client register_realtime_client",
    "transport.base": "Dial Receiver Transport",
}
_HOME = {name: module for module, names in _NAMES_OF.items() for name in names.split()}

if not TYPE_CHECKING:
    del __all__  # what `from gemini_realtime import *` gives depends on what is installed


def _installed() -> list[str]:
    """The public names that can be had here; others need an optional extra."""
    from gemini_realtime.errors import MissingDependencyError

    names = []
    for name in sorted(_HOME):
        try:
            __getattr__(name)
        except MissingDependencyError:
            continue
        names.append(name)
    return names


def __getattr__(name: str) -> object:
    if name == "__all__":
        return _installed()
    if name in _HOME:
        value = globals()[name] = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
        return value
    module = f"{__name__}.{name}"
    try:
        if not name.startswith("_"):
            return import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
