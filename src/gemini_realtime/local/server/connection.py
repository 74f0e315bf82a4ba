"""One client's WebSocket: whole messages in, frames out, one clean close.

picows hands out a view of its own read buffer, valid inside the callback only, so every payload is copied once, here.
It neither joins fragments nor answers a close frame; both are done here too. Pings are answered here, not by picows,
which would not tell of them: they are a sign of life.

Whatever a client sends, and however little it reads, what is kept of it here is bounded: one message, one answer to a
ping, and `Limits.unread_bytes` of what it does not read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Final, Literal, Protocol

import picows

from gemini_realtime.local.server.inbox import Inbox
from gemini_realtime.local.server.limits import Limits
from gemini_realtime.local.server.observers import Observer, Observers
from gemini_realtime.protocol.messages import CloseCode

CLOSE_TIMEOUT_S: Final = 1.0
"""How long a client may take to answer a close: the connection is of no use to it any more."""

_MAX_REASON_BYTES: Final = 123
"""What a close frame holds: RFC 6455 5.5, less the code."""

# Looking a member up in its enum costs more than comparing it.
_CLOSE, _CONTINUATION = picows.WSMsgType.CLOSE, picows.WSMsgType.CONTINUATION
_PING, _PONG = picows.WSMsgType.PING, picows.WSMsgType.PONG

Why = Literal["hearing", "waiting", "unread", "for good"]
"""Why nothing is read: what was heard has to be understood first, messages wait, the client does not read either, or
nothing is to be read any more."""


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
        observers: are told what goes over the connection.
        came_in: is called when the first message comes: only then it is a session.
        writable: cleared while the client is slow to read.
        ended: set once the connection is gone.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self.receiver: Receiver | None = None
        self.observers: Observer = Observers()
        self.came_in: Callable[[], None] = _nothing
        self._ended_with: tuple[int, str] | None = None
        self.writable = asyncio.Event()
        self.writable.set()
        self.ended = asyncio.Event()
        self._socket: picows.WSTransport | None = None
        self._partial: bytearray | None = None
        self._inbox = Inbox(self._tell, partial(self.pause_reading, "waiting"), self._caught_up)
        self._paused: set[Why] = set()
        self._unanswered_ping: bytes | None = None
        self._aborting: asyncio.TimerHandle | None = None
        self._limits = limits or Limits()
        self._silent = False
        self._watching: asyncio.TimerHandle | None = None
        self._first_due: asyncio.TimerHandle | None = None

    def send(self, frame: bytes) -> None:
        """Send a binary frame; nothing is sent once the connection closes."""
        if self._socket is None:
            return
        self._socket.send(picows.WSMsgType.BINARY, frame)
        self.observers.sent(frame)
        if not self.writable.is_set() and self._unread_bytes > self._limits.unread_bytes:
            self.pause_reading("unread")

    def spoke(self, words: str) -> None:
        """Tell the observers what is said in what is sent."""
        self.observers.spoken(words)

    def pong(self, payload: bytes) -> None:
        """Answer a ping."""
        if self._socket is not None:
            self._socket.send_pong(payload)

    def close(self, code: int, reason: str) -> None:
        """Say goodbye and wait for the client to answer, but not for long; what it still sends is not read.

        Args:
            code: of RFC 6455 7.4.
            reason: cut at what a close frame holds.
        """
        if self._socket is None or self._socket.is_close_frame_sent:
            return
        cut = reason.encode(errors="replace")[:_MAX_REASON_BYTES].decode(errors="ignore")
        self._socket.send_close(picows.WSCloseCode(code), cut.encode())
        self._ended_with = (code, cut)
        self._inbox.clear()
        for why in self._paused - {"for good"}:
            self.resume_reading(why)  # the answer must get through
        self._aborting = asyncio.get_running_loop().call_later(CLOSE_TIMEOUT_S, self._socket.disconnect, False)

    def hold(self) -> None:
        """Give the receiver no more messages until `release`."""
        self._inbox.hold()

    def release(self) -> None:
        """Give it messages again."""
        self._inbox.release()

    def pause_reading(self, why: Why) -> None:
        """Let the client wait; after a close only for a moment, since its answer is to come."""
        if self._socket is None or why in self._paused or (self._socket.is_close_frame_sent and why != "waiting"):
            return
        self._paused.add(why)
        self._socket.underlying_transport.pause_reading()

    def resume_reading(self, why: Why) -> None:
        """Read on, unless there is another reason not to."""
        if why in self._paused:
            self._paused.discard(why)
            if self._socket is not None and not self._paused:
                self._socket.underlying_transport.resume_reading()

    # --- called by picows

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        self._socket = transport
        self._watch()
        self._first_due = asyncio.get_running_loop().call_later(self._limits.setup_s, self._give_up)
        if self.receiver is not None:
            self.receiver.connection_made()

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        kind = frame.msg_type
        self._silent = False
        if kind is _CLOSE:
            self._take_close(transport, frame)
        elif kind is _PING:
            self._answer_ping(frame.get_payload_as_bytes())
        elif kind is _PONG or transport.is_close_frame_sent:
            self._inbox.spend()
        elif frame.fin and self._partial is None and kind is not _CONTINUATION:
            self._put(frame.get_payload_as_bytes())
        else:
            self._join(frame.get_payload_as_bytes(), frame.fin, continues=kind is _CONTINUATION)

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        self._socket = None
        for timer in (self._aborting, self._watching, self._first_due):
            if timer is not None:
                timer.cancel()
        self._inbox.clear()
        self.writable.set()
        self.ended.set()
        self.observers.closed(*(self._ended_with or (None, "")))
        if self.receiver is not None:
            self.receiver.connection_ended()

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()
        self.resume_reading("unread")
        self._answer_last_ping()

    def _answer_ping(self, payload: bytes) -> None:
        """Of the pings that come while there is no time, or while the client does not read, the last is answered.

        RFC 6455 5.5.3 has it so.
        """
        if self._inbox.spend() and self.writable.is_set():
            self.pong(payload)
        else:
            self._unanswered_ping = payload

    def _answer_last_ping(self) -> None:
        if self._unanswered_ping is not None and self.writable.is_set():
            ping, self._unanswered_ping = self._unanswered_ping, None
            self.pong(ping)

    def _caught_up(self) -> None:
        """Nothing waits any more."""
        self.resume_reading("waiting")
        self._answer_last_ping()

    def _take_close(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        # An empty close has no code, and 0, which picows then gives, may not be sent: RFC 6455 7.4.
        code = frame.get_close_code() if frame.payload_size else picows.WSCloseCode.OK
        self._ended_with = self._ended_with or (code.value, _text(frame.get_close_message()))
        self._inbox.finish(partial(_answer_close, transport, code))

    def _join(self, fragment: bytes, complete: bool, *, continues: bool) -> None:
        """Append a fragment; however many there are, each costs what it holds."""
        if continues != (self._partial is not None):
            self.close(CloseCode.PROTOCOL_ERROR, "a message begins inside another, or in the middle")
            return
        self._inbox.spend()
        message = self._partial = self._partial or bytearray()
        message += fragment
        if len(message) > self._limits.longest_message:
            self._partial = None
            self.close(CloseCode.TOO_BIG, f"a message is longer than {self._limits.longest_message} bytes")
        elif complete:
            self._partial = None
            self._put(bytes(message))

    def _put(self, message: bytes) -> None:
        if self._first_due is not None:
            self._first_due.cancel()
            self._first_due = None
            self.came_in()
        self._inbox.put(message)

    @property
    def _unread_bytes(self) -> int:
        """What the client has not read, beyond what the kernel holds."""
        return self._socket.underlying_transport.get_write_buffer_size() if self._socket is not None else 0

    def _watch(self) -> None:
        """Look now and then whether anything came since the last look: cheaper than a timer for every frame."""
        if self._silent:
            self.close(CloseCode.POLICY, f"nothing came from the client for {self._limits.idle_s:g} seconds")
            return
        self._silent = True
        self._watching = asyncio.get_running_loop().call_later(self._limits.idle_s, self._watch)

    def _give_up(self) -> None:
        """The client has dialled and said nothing."""
        if "for good" not in self._paused:
            self.close(CloseCode.POLICY, f"no setup came for {self._limits.setup_s:g} seconds")

    def _tell(self, message: bytes) -> None:
        self.observers.received(message)
        if self.receiver is not None:
            self.receiver.message_received(message)


def _nothing() -> None:
    pass


def _answer_close(transport: picows.WSTransport, code: picows.WSCloseCode) -> None:
    transport.send_close(code)
    transport.disconnect()


def _text(reason: str | bytes | None) -> str:
    return reason.decode(errors="replace") if isinstance(reason, bytes) else reason or ""
