"""What a `Peer` asks the owner of its connection to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from gemini_realtime.local.session.content import SpokenTurn
from gemini_realtime.local.thinking import Request
from gemini_realtime.local.wire.frames import server_frame
from gemini_realtime.protocol.messages import ServerContent, ServerMessage


@dataclass(frozen=True)
class Send:
    """Send this as one binary frame."""

    frame: bytes


@dataclass(frozen=True)
class Close:
    """Close the connection; nothing is sent after it."""

    code: int
    reason: str


class Hear(msgspec.Struct, frozen=True):  # made fifty times a second, which takes a dataclass ten times as long
    """Microphone audio: mono 16-bit PCM, which may end inside a sample."""

    pcm: bytes
    rate_hz: int


@dataclass(frozen=True)
class StartUtterance:
    """The client says that the user begins to speak (manual activity)."""


@dataclass(frozen=True)
class EndUtterance:
    """The client says that the user has spoken: tell `heard` about what came since `StartUtterance`."""


@dataclass(frozen=True)
class EndAudio:
    """The microphone is off for now: what was heard so far is complete."""


@dataclass(frozen=True)
class Recall:
    """Find out the words of this turn, which was spoken earlier, and tell `recalled`."""

    turn: SpokenTurn


@dataclass(frozen=True)
class Respond:
    """Begin the reply with this id, or go on with it after its calls were answered."""

    reply_id: int
    request: Request


@dataclass(frozen=True)
class Stop:
    """The reply with this id is not wanted any more."""

    reply_id: int


@dataclass(frozen=True)
class Spoken:
    """These words are being sent as sound, to a client that wants no transcript: for whoever observes the server."""

    words: str


@dataclass(frozen=True)
class Note:
    """Log this: something odd that is the client's fault, and is not refused or not explained to it."""

    text: str


Action = Send | Spoken | Close | Note | Hear | StartUtterance | EndUtterance | EndAudio | Recall | Respond | Stop


class Outbox:
    """The actions not carried out yet, in order."""

    def __init__(self) -> None:
        self._actions: list[Action] = []

    def put(self, action: Action) -> None:
        """Ask for something."""
        self._actions.append(action)

    def send(self, message: ServerMessage) -> None:
        """Ask to send a message."""
        self.put(Send(server_frame(message)))

    def content(self, **fields: Any) -> None:
        """Ask to send a `serverContent` with these fields."""
        self.send(ServerMessage(server_content=ServerContent(**fields)))

    def take(self) -> list[Action]:
        """The actions since the last call."""
        actions, self._actions = self._actions, []
        return actions
