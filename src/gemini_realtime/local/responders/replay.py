"""Recorded sessions, to be played again by the server in the service's part; see `gemini_realtime.recordings`.

A recording may hold several connections, each of which begins with the client's setup.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Final

from gemini_realtime.errors import ConfigError, GeminiRealtimeError
from gemini_realtime.local.wire.frames import server_frame
from gemini_realtime.protocol.codec import decode_base64, decode_client_message
from gemini_realtime.protocol.messages import ClientMessage, CloseCode, Message
from gemini_realtime.recordings import ConversationRecording
from gemini_realtime.recordings.lines import Closed, Line

_STREAMS: Final = frozenset({"realtimeInput.audio", "realtimeInput.video"})
_END_OF_STREAM: Final = "realtimeInput.audioStreamEnd"

Played = bytes | Closed
"""A frame of the service, or that it closed the connection."""


class ReplayError(GeminiRealtimeError):
    """The client does something else than in the recording."""


@dataclass(frozen=True)
class Recorded:
    """One line of a recording, with its number, and what kind of frame it is where it is the client's."""

    number: int
    line: Line
    kind: str = ""


class Replay:
    """A recording that a server plays: its first connection to the first client, and so on; then again.

    Args:
        path: of a recording, as `talk`, `serve`, agents and `client.record()` make them.
        real_time: say everything as long after what the client said as it was recorded; else at once.

    Raises:
        ConfigError: it cannot be read, or is no recording; the message names file and line.
    """

    def __init__(self, path: str | Path, *, real_time: bool = False) -> None:
        recording = ConversationRecording(path)
        self._name = recording.frames_path.name
        self._real_time = real_time
        self._connections = cycle(_connections(recording))

    def next(self) -> Player:
        """What plays to the next client."""
        recorded = next(self._connections)
        return (RealTimePlayer if self._real_time else Player)(self._name, recorded)


class Player:
    """Plays the service's part of one recorded connection, frame by frame of the client.

    Each frame of the client is held against the recording, by kind alone, and what the service said next is said
    again. Audio and video come in pieces of any number and size: of what was recorded for them as much is skipped as
    the client leaves out, and more than that is ignored, as a microphone goes on while the service speaks.

    Args:
        name: of the recording, for errors.
        recorded: the lines of the connection.
    """

    def __init__(self, name: str, recorded: Sequence[Recorded]) -> None:
        self._name = name
        self._rest = deque(recorded)

    def receive(self, frame: bytes, now: float = 0.0) -> list[Played]:
        """Take a frame of the client; returns what the service says then, which may be nothing.

        Raises:
            ReplayError: it is of another kind than in the recording, or the recording has ended.
        """
        kind = _kind_of(frame)
        if kind in _STREAMS:
            return self._streamed(kind, now)
        if kind == _END_OF_STREAM and self._next_other() != kind:
            return self._unexpected_end_of_stream(now)
        said = list(self._said_before_next_other())
        if not self._rest or self._rest[0].kind != kind:
            raise ReplayError(self._mismatch(kind))
        return said + self._matched(now)

    def due(self, now: float) -> list[Played]:
        """What the service says now by itself."""
        return []

    def deadline(self) -> float | None:
        """When it says something by itself; None for not before the client does."""
        return None

    def _streamed(self, kind: str, now: float) -> list[Played]:
        return self._matched(now) if self._rest and self._rest[0].kind == kind else []

    def _unexpected_end_of_stream(self, now: float) -> list[Played]:
        return list(self._said_before_next_other())

    def _matched(self, now: float) -> list[Played]:
        self._rest.popleft()
        return list(self._said_before_client())

    def _said_before_client(self) -> Iterator[Played]:
        while self._rest and not self._rest[0].kind:
            yield _played(self._rest.popleft())

    def _said_before_next_other(self) -> Iterator[Played]:
        yield from self._said_before_client()
        while self._rest and self._rest[0].kind in _STREAMS:
            self._rest.popleft()
            yield from self._said_before_client()

    def _next_other(self) -> str:
        """The kind of the client's next frame that is no piece of a stream; empty where there is none."""
        return next((entry.kind for entry in self._rest if entry.kind and entry.kind not in _STREAMS), "")

    def _mismatch(self, kind: str) -> str:
        if not self._rest:
            return f"{self._name} ends here, and the client sent {kind}"
        expected = self._rest[0]
        return f"{self._name}:{expected.number} has {expected.kind} here, and the client sent {kind}"


class RealTimePlayer(Player):
    """The same in recorded time: the clock goes on while the client streams, and waits for all else it is to say."""

    def __init__(self, name: str, recorded: Sequence[Recorded]) -> None:
        super().__init__(name, recorded)
        self._began: float | None = None  # when the recording would have begun; None while the clock waits
        self._streams = False

    def due(self, now: float) -> list[Played]:
        said = []
        while (at := self.deadline()) is not None and at <= now:
            entry = self._rest.popleft()
            if not entry.kind:
                said.append(_played(entry))
        if at is None:
            self._began = None
        return said

    def deadline(self) -> float | None:
        if self._began is None or not self._rest:
            return None
        waits = self._rest[0].kind and not (self._streams and self._rest[0].kind in _STREAMS)
        return None if waits else self._began + self._rest[0].line.ms / 1000

    def _streamed(self, kind: str, now: float) -> list[Played]:
        self._streams = True
        if self._began is None and self._rest and self._rest[0].kind in _STREAMS:
            self._began = now - self._rest[0].line.ms / 1000
        return self.due(now)

    def _unexpected_end_of_stream(self, now: float) -> list[Played]:
        return self.due(now)

    def _matched(self, now: float) -> list[Played]:
        self._began = now - self._rest.popleft().line.ms / 1000
        return self.due(now)


def _played(entry: Recorded) -> Played:
    if entry.line.unreadable:
        return decode_base64(entry.line.unreadable)
    return entry.line.closed or server_frame(entry.line.parsed())


def _connections(recording: ConversationRecording) -> list[list[Recorded]]:
    connections: list[list[Recorded]] = []
    open_: dict[int, list[Recorded]] = {}
    for number, line in recording.lines():
        kind = _kind_of(bytes(line.frame)) if line.sender == "client" else ""
        if kind == "setup":
            open_[line.connection] = []
            connections.append(open_[line.connection])
        elif line.sender is not None and line.connection not in open_:
            raise ConfigError(
                f"{recording.frames_path}:{number} is not the client's setup", remedy="give a whole recording"
            )
        if line.sender is not None or (line.connection in open_ and _closed_by_service(line)):
            open_[line.connection].append(Recorded(number, line, kind))
    if not connections:
        raise ConfigError(f"{recording.frames_path} is empty", remedy="give a recording of a session")
    return connections


def _closed_by_service(line: Line) -> bool:
    """Whether the service is to close: of what the client closed, or may have closed, it is for the client to do so."""
    if line.closed is None:
        return False
    return line.closed.by == "server" or (line.closed.by is None and line.closed.code != CloseCode.NORMAL)


def _kind_of(frame: bytes) -> str:
    """What a client sends, such as `setup` or `realtimeInput.audio`."""
    try:
        message: ClientMessage = decode_client_message(frame)[0]
    except ValueError:
        return "what is no message"
    if message.realtime_input is not None:
        fields = ["audio" if field == "mediaChunks" else field for field in _fields(message.realtime_input)]
        return f"realtimeInput.{'+'.join(fields)}"
    return "+".join(_fields(message)) or "what is no message"


def _fields(message: Message) -> Iterator[str]:
    names = zip(message.__struct_fields__, message.__struct_encode_fields__, strict=True)
    return (wire_name for name, wire_name in names if getattr(message, name) is not None)
