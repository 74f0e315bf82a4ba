"""One client's WebSocket: whole messages in, frames out, one clean close.

picows hands out a view of its own read buffer, valid inside the callback only, so every payload is copied once, here.
It neither joins fragments nor answers a close frame; both are done here too. Pings are answered here, not by picows,
which would not tell of them: they are a sign of life.
"""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

import picows

from gemini_realtime.local.server.limits import Limits
from gemini_realtime.protocol.messages import CloseCode

CLOSE_TIMEOUT_S: Final = 1.0
"""How long a client may take to answer a close: the connection is of no use to it any more."""

_MAX_REASON_BYTES: Final = 123
"""What a close frame holds: RFC 6455 5.5, less the code."""


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

    Args:
        limits: of the server.

    Attributes:
        receiver: is told what comes; to be set before the first message.
        writable: cleared while the client is slow to read.
        ended: set once the connection is gone.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self.receiver: Receiver | None = None
        self.writable = asyncio.Event()
        self.writable.set()
        self.ended = asyncio.Event()
        self._socket: picows.WSTransport | None = None
        self._fragments: list[bytes] = []
        self._aborting: asyncio.TimerHandle | None = None
        self._limits = limits or Limits()
        self._silent = False
        self._watching: asyncio.TimerHandle | None = None

    def send(self, frame: bytes) -> None:
        """Send a binary frame; nothing is sent once the connection closes."""
        if self._socket is not None:
            self._socket.send(picows.WSMsgType.BINARY, frame)

    def pong(self, payload: bytes) -> None:
        """Answer a ping."""
        if self._socket is not None:
            self._socket.send_pong(payload)

    def close(self, code: int, reason: str) -> None:
        """Say goodbye and wait for the client to answer, but not for long; what it still sends is not read."""
        if self._socket is None or self._socket.is_close_frame_sent:
            return
        cut = reason.encode()[:_MAX_REASON_BYTES].decode(errors="ignore")
        self._socket.send_close(picows.WSCloseCode(code), cut.encode())
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
        self._watch()
        if self.receiver is not None:
            self.receiver.connection_made()

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        kind = frame.msg_type
        self._silent = False
        if kind is picows.WSMsgType.CLOSE:
            # An empty close has no code, and 0, which picows then gives, may not be sent: RFC 6455 7.4.
            transport.send_close(frame.get_close_code() if frame.payload_size else picows.WSCloseCode.OK)
            transport.disconnect()
        elif kind is picows.WSMsgType.PING:
            self.pong(frame.get_payload_as_bytes())
        elif kind is not picows.WSMsgType.PONG and not transport.is_close_frame_sent:
            self._take(frame.get_payload_as_bytes(), frame.fin, continues=kind is picows.WSMsgType.CONTINUATION)

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        self._socket = None
        for timer in (self._aborting, self._watching):
            if timer is not None:
                timer.cancel()
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
            self.close(CloseCode.PROTOCOL_ERROR, "a message begins inside another, or in the middle")
            return
        if complete and not self._fragments:
            self._tell(payload)
            return
        self._fragments.append(payload)
        if sum(map(len, self._fragments)) > self._limits.message_bytes:
            self.close(CloseCode.TOO_BIG, f"a message is longer than {self._limits.message_bytes} bytes")
        elif complete:
            message = b"".join(self._fragments)
            self._fragments.clear()
            self._tell(message)

    def _watch(self) -> None:
        """Look now and then whether anything came since the last look: cheaper than a timer for every frame."""
        if self._silent:
            self.close(CloseCode.POLICY, f"nothing came from the client for {self._limits.idle_s:g} seconds")
            return
        self._silent = True
        self._watching = asyncio.get_running_loop().call_later(self._limits.idle_s, self._watch)

    def _tell(self, message: bytes) -> None:
        if self.receiver is not None:
            self.receiver.message_received(message)
