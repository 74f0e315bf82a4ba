"""Recorded sessions, to be played again by the server in the service's part.

A recording is JSON lines, `{"from": "client" | "server", "frame": {...}}`, as the client's `transport.recording` writes
them. It may hold several connections, each of which begins with the client's setup.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from gemini_realtime.errors import ConfigError, GeminiRealtimeError
from gemini_realtime.local.wire.frames import server_frame
from gemini_realtime.protocol.codec import decode_client_message, encode
from gemini_realtime.protocol.messages import ClientMessage, Message

_STREAMS: Final = frozenset({"realtimeInput.audio", "realtimeInput.video"})
_END_OF_STREAM: Final = "realtimeInput.audioStreamEnd"


class ReplayError(GeminiRealtimeError):
    """The client does something else than in the recording."""


@dataclass(frozen=True)
class Recorded:
    """One frame of a recording, and the line it stands in."""

    line: int
    sender: Literal["client", "server"]
    frame: dict[str, Any]


class Recording:
    """A recording that a server plays: its first connection to the first client, and so on; then again.

    Raises:
        ConfigError: the file cannot be read, or is no recording; the message names file and line.
    """

    def __init__(self, path: Path) -> None:
        self._name = path.name
        self._connections = cycle(_connections(path))

    def next(self) -> Player:
        """What plays to the next client."""
        return Player(self._name, next(self._connections))


class Player:
    """Plays the service's part of one recorded connection, frame by frame of the client.

    Each frame of the client is held against the recording, by kind alone, and what the service said next is said
    again. Audio and video come in pieces of any number and size: of what was recorded for them as much is skipped as
    the client leaves out, and more than that is ignored, as a microphone goes on while the service speaks.

    Args:
        name: of the recording, for errors.
        recorded: the frames of the connection.
    """

    def __init__(self, name: str, recorded: Sequence[Recorded]) -> None:
        self._name = name
        self._rest = deque((_kind(entry) if entry.sender == "client" else "", entry) for entry in recorded)

    def receive(self, frame: bytes) -> list[bytes]:
        """Take a frame of the client; returns what the service sends then, which may be nothing.

        Raises:
            ReplayError: it is of another kind than in the recording, or the recording has ended.
        """
        kind = _kind_of(frame)
        if kind in _STREAMS:
            return self._advance() if self._expected == kind else []
        frames = list(self._skipped())
        if self._expected == kind:
            return frames + self._advance()
        if kind == _END_OF_STREAM:
            return frames
        raise ReplayError(self._mismatch(kind))

    @property
    def _expected(self) -> str:
        """What the client sends next in the recording; empty at its end."""
        return self._rest[0][0] if self._rest else ""

    def _advance(self) -> list[bytes]:
        self._rest.popleft()
        frames = []
        while self._rest and not self._expected:
            frames.append(server_frame(self._rest.popleft()[1].frame))
        return frames

    def _skipped(self) -> Iterator[bytes]:
        while self._expected in _STREAMS:
            yield from self._advance()

    def _mismatch(self, kind: str) -> str:
        if not self._rest:
            return f"{self._name} ends here, and the client sent {kind}"
        expected, entry = self._rest[0]
        return f"{self._name}:{entry.line} has {expected} here, and the client sent {kind}"


def _connections(path: Path) -> list[list[Recorded]]:
    connections: list[list[Recorded]] = []
    for entry in _read(path):
        if entry.sender == "client" and _kind(entry) == "setup":
            connections.append([])
        elif not connections:
            raise ConfigError(f"{path}:{entry.line} is not the client's setup", remedy="give a whole recording")
        connections[-1].append(entry)
    if not connections:
        raise ConfigError(f"{path} is empty", remedy="give a recording of a session")
    return connections


def _read(path: Path) -> Iterator[Recorded]:
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}", remedy="give the path of a recording") from error
    for number, line in enumerate(lines, 1):
        try:
            entry = msgspec.json.decode(line, type=_Line)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise ConfigError(
                f"{path}:{number} is not a line of a recording",
                remedy='each line is {"from": "client" or "server", "frame": {...}}',
            ) from error
        yield Recorded(number, entry.sender, entry.frame)


class _Line(msgspec.Struct, rename={"sender": "from"}):
    sender: Literal["client", "server"]
    frame: dict[str, Any]


def _kind(entry: Recorded) -> str:
    return _kind_of(encode(entry.frame))


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
