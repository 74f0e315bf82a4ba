"""One client's WebSocket: whole messages in, frames out, one clean close.

picows hands out a view of its own read buffer, valid inside the callback only, so every payload is copied once, here.
It neither joins fragments nor answers a close frame; both are done here too.
"""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

import picows

MAX_MESSAGE_BYTES: Final = 16 * 1024 * 1024
"""Bound on one message of a client; a picture in base64 is a tenth of it."""

CLOSE_TIMEOUT_S: Final = 1.0
"""How long a client may take to answer a close: the connection is of no use to it any more."""

_PROTOCOL_ERROR: Final = 1002
_TOO_BIG: Final = 1009
"""RFC 6455 7.4.1."""


class Receiver(Protocol):
    """Who is told what comes from a connection."""

    def connection_made(self) -> None:
        """The client is there."""
        ...

    def message_received(self, message: bytes) -> None:
        """A whole message, text or binary."""
        ...

    def connection_ended(self) -> None:
        """The connection is gone; nothing follows."""
        ...


class Connection(picows.WSListener):
    """A WebSocket that a client opened.

    Attributes:
        receiver: is told what comes; to be set before the first message.
        writable: cleared while the client is slow to read.
        ended: set once the connection is gone.
    """

    def __init__(self) -> None:
        self.receiver: Receiver | None = None
        self.writable = asyncio.Event()
        self.writable.set()
        self.ended = asyncio.Event()
        self._socket: picows.WSTransport | None = None
        self._fragments: list[bytes] = []
        self._aborting: asyncio.TimerHandle | None = None

    def send(self, frame: bytes) -> None:
        """Send a binary frame; nothing is sent once the connection closes."""
        if self._socket is not None:
            self._socket.send(picows.WSMsgType.BINARY, frame)

    def close(self, code: int, reason: str) -> None:
        """Say goodbye and wait for the client to answer, but not for long; what it still sends is not read."""
        if self._socket is None or self._socket.is_close_frame_sent:
            return
        self._socket.send_close(picows.WSCloseCode(code), reason.encode())
        self.resume_reading()  # the answer must get through
        self._aborting = asyncio.get_running_loop().call_later(CLOSE_TIMEOUT_S, self._socket.disconnect, False)

    def pause_reading(self) -> None:
        """Let the client wait."""
        if self._socket is not None and not self._socket.is_close_frame_sent:
            self._socket.underlying_transport.pause_reading()

    def resume_reading(self) -> None:
        """Read on."""
        if self._socket is not None:
            self._socket.underlying_transport.resume_reading()

    # --- called by picows

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        self._socket = transport
        if self.receiver is not None:
            self.receiver.connection_made()

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        kind = frame.msg_type
        if kind is picows.WSMsgType.CLOSE:
            # An empty close has no code, and 0, which picows then gives, may not be sent: RFC 6455 7.4.
            transport.send_close(frame.get_close_code() if frame.payload_size else picows.WSCloseCode.OK)
            transport.disconnect()
        elif kind not in (picows.WSMsgType.PING, picows.WSMsgType.PONG) and not transport.is_close_frame_sent:
            self._take(frame.get_payload_as_bytes(), frame.fin, continues=kind is picows.WSMsgType.CONTINUATION)

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        self._socket = None
        if self._aborting is not None:
            self._aborting.cancel()
        self.writable.set()
        self.ended.set()
        if self.receiver is not None:
            self.receiver.connection_ended()

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()

    def _take(self, payload: bytes, complete: bool, *, continues: bool) -> None:
        if continues != bool(self._fragments):
            self.close(_PROTOCOL_ERROR, "a message begins inside another, or in the middle")
            return
        if complete and not self._fragments:
            self._tell(payload)
            return
        self._fragments.append(payload)
        if sum(map(len, self._fragments)) > MAX_MESSAGE_BYTES:
            self.close(_TOO_BIG, f"a message is longer than {MAX_MESSAGE_BYTES} bytes")
        elif complete:
            message = b"".join(self._fragments)
            self._fragments.clear()
            self._tell(message)

    def _tell(self, message: bytes) -> None:
        if self.receiver is not None:
            self.receiver.message_received(message)
