"""The lines of `frames.jsonl`: what went over the connections of a conversation, and what a client noticed.

    {"ms":0.0,"connection":1,"opened":true}
    {"ms":0.4,"connection":1,"from":"client","frame":{"setup":{...}}}
    {"ms":80.2,"connection":1,"from":"server","frame":{"setupComplete":{}}}
    {"ms":9000.0,"connection":1,"closed":{"code":1006,"reason":"","by":"server"}}
    {"ms":9000.1,"connection":1,"event":{"type":"session.connection_lost","code":1006,"reason":""}}

`ms` counts from the beginning of the recording. A connection is named by a number, from 1. Events are those that a
client makes itself, without a frame of the service; their fields are those of the event's class. A reader skips lines
and fields that it does not know.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

from gemini_realtime.errors import ConfigError
from gemini_realtime.protocol.codec import encode, encode_base64

Sender = Literal["client", "server"]

NO_FRAME = msgspec.Raw(b"")


MAX_UNREADABLE_BYTES: Final = 64 * 1024
"""Of a frame that is no JSON so much is kept."""


class Closed(msgspec.Struct, frozen=True):
    """How a connection ended.

    Attributes:
        code: of RFC 6455; 1006 when it broke.
        reason: in the words of whoever closed it.
        by: who closed it, where that is known; of one that broke, the server's side.
    """

    code: int = 1006
    reason: str = ""
    by: Sender | None = None


class Line(msgspec.Struct, frozen=True, rename={"sender": "from"}):
    """One line; what it is about is the one of `frame`, `opened`, `closed` and `event` that it has.

    Attributes:
        ms: since the recording began.
        connection: counted from 1.
        sender: who sent the frame.
        frame: JSON, not parsed yet; empty where the line is about something else.
        unreadable: base64 of a frame that is no JSON; `frame` is an empty object then.
        opened: the connection was opened.
        closed: it ended.
        event: what the client noticed.
    """

    ms: float = 0.0
    connection: int = 1
    sender: Sender | None = None
    frame: msgspec.Raw = NO_FRAME
    unreadable: str = ""
    opened: bool = False
    closed: Closed | None = None
    event: dict[str, Any] | None = None

    def parsed(self) -> dict[str, Any]:
        """The frame as a dict; empty where there is none."""
        return dict(_frames.decode(self.frame)) if self.frame else {}


_lines = msgspec.json.Decoder(Line)
_frames = msgspec.json.Decoder(dict[str, Any])


def read_line(line: bytes) -> Line:
    """Read a line.

    Raises:
        ValueError: it is none of a recording.
    """
    try:
        read = _lines.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ValueError(str(error)) from None
    if read.sender is not None and not bytes(read.frame).startswith(b"{"):
        raise ValueError("a frame is an object")
    if read.sender is None and not (read.opened or read.closed or read.event):
        raise ValueError("nothing that a line is about")
    return read


def frame_line(ms: float, connection: int, sender: Sender, frame: dict[str, Any]) -> bytes:
    """Write the line of a frame; one that nests more deeply than can be written is empty."""
    try:
        written = encode(frame)
    except ConfigError:
        written = b"{}"
    return b'{"ms":%.1f,"connection":%d,"from":"%b","frame":%b}\n' % (ms, connection, sender.encode(), written)


def unreadable_line(ms: float, connection: int, sender: Sender, frame: bytes) -> bytes:
    """Write the line of a frame that is no JSON."""
    content = encode_base64(frame[:MAX_UNREADABLE_BYTES])
    return b'{"ms":%.1f,"connection":%d,"from":"%b","frame":{},"unreadable":"%b"}\n' % (
        ms, connection, sender.encode(), content,
    )  # fmt: skip


def opened_line(ms: float, connection: int) -> bytes:
    """Write that a connection was opened."""
    return b'{"ms":%.1f,"connection":%d,"opened":true}\n' % (ms, connection)


def closed_line(ms: float, connection: int, closed: Closed) -> bytes:
    """Write how a connection ended."""
    ended = msgspec.json.encode(closed)
    return b'{"ms":%.1f,"connection":%d,"closed":%b}\n' % (ms, connection, ended)


def event_line(ms: float, connection: int, event: dict[str, Any]) -> bytes:
    """Write what a client noticed; of an event that has no form in JSON its type."""
    try:
        written = encode(event)
    except ConfigError:
        written = encode({"type": str(event.get("type", ""))})
    return b'{"ms":%.1f,"connection":%d,"event":%b}\n' % (ms, connection, written)
