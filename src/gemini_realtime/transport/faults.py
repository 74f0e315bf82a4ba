"""A network that misbehaves on request, around any dial: for tests of anything built on a client.

    dial = faulty(service.dial, [Refused(status=503, times=2), Cut(after_frames=20)])
    client = GeminiRealtimeClient(llm_config=..., dial=dial)

    Refused        the dial fails with an HTTP status
    Unreachable    the dial fails before: name resolution, TLS, proxy, timeout
    Cut            the connection breaks, or is closed with a code and a reason
    Silence        half open: nothing passes any more, in either direction, and nothing says so
    Stalled        nothing that is sent is taken any more, so that `drain` waits
    Late           frames take longer, in the same order
    LatePongs      pongs take longer, or never come
    Damaged        frames that are received are cut short, sent twice, swapped, or followed by garbage

Frames that no fault touches pass as they are. A fault of your own is a subclass of `Fault`.
"""

from __future__ import annotations

import asyncio
import random as standard_random
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal
from urllib.parse import urlsplit

from gemini_realtime.errors import HandshakeError
from gemini_realtime.protocol.messages import CloseCode
from gemini_realtime.transport.base import Dial, Receiver, Transport

_closing: set[asyncio.Task[None]] = set()
"""What closes connections that were cut, behind the client's back; the loop itself holds tasks weakly."""


def faulty(dial: Dial, faults: Iterable[Fault], *, random: Callable[[], float] = standard_random.random) -> Dial:
    """A dial whose connections have these faults.

    Args:
        dial: opens the connections.
        faults: looked through for each connection anew, so a list may be changed in between.
        random: gives numbers from 0 to 1, for what is left to chance.
    """
    struck: Counter[Fault] = Counter()
    connections = 0

    async def dial_faulty(url: str, headers: Mapping[str, str], receiver: Receiver) -> Transport:
        nonlocal connections
        connections += 1
        present = [fault for fault in faults if fault.concerns(connections, struck[fault])]
        host = urlsplit(url).netloc.rpartition("@")[2]
        for fault in present:
            if fault.at_dial:
                struck[fault] += 1
                await fault.refuse(host)
        line = Line(receiver, random)
        line.open(await dial(url, headers, line))
        for fault in present:
            if not fault.at_dial:
                struck[fault] += 1
                fault.connected(line)
        return line

    return dial_faulty


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Something that goes wrong.

    Attributes:
        times: on how many connections, all together; on all by default.
        connection: only on this one, counted from 1, dials that fail included.
        at_dial: whether it happens while a connection is opened, and keeps it from opening.
    """

    times: int | None = None
    connection: int | None = None

    at_dial: ClassVar[bool] = False

    def concerns(self, connection: int, struck: int) -> bool:
        """Whether it happens on a connection.

        Args:
            connection: its number, counted from 1.
            struck: on how many connections it has happened already.
        """
        return self.connection in (None, connection) and (self.times is None or struck < self.times)

    async def refuse(self, host: str) -> None:
        """Instead of dialling.

        Raises:
            HandshakeError: always, unless the connection is to be opened after all.
        """

    def connected(self, line: Line) -> None:
        """A connection is open: change it, or arrange for that."""


# --- no connection


@dataclass(frozen=True, kw_only=True)
class Refused(Fault):
    """The dial fails with an HTTP status.

    Attributes:
        status: of the answer.
        retry_after_s: what its header Retry-After says.
        after_s: how long the answer takes.
    """

    status: int = 503
    retry_after_s: float | None = None
    after_s: float = 0.0

    at_dial: ClassVar[bool] = True

    async def refuse(self, host: str) -> None:
        await asyncio.sleep(self.after_s)
        raise HandshakeError(
            f"{host} refused the connection with HTTP {self.status}",
            status=self.status,
            retry_after_s=self.retry_after_s,
        )


@dataclass(frozen=True, kw_only=True)
class Unreachable(Fault):
    """The dial fails before any HTTP.

    Attributes:
        cause: what fails.
        after_s: how long it takes to fail.
    """

    cause: Literal["name", "route", "tls", "proxy", "timeout"] = "route"
    after_s: float = 0.0

    at_dial: ClassVar[bool] = True

    async def refuse(self, host: str) -> None:
        await asyncio.sleep(self.after_s)
        raise HandshakeError(_CAUSES[self.cause].format(host=host), retryable=self.cause != "tls")


_CAUSES = {
    "name": "cannot reach {host}: gaierror: [Errno -2] Name or service not known",
    "route": "cannot reach {host}: ConnectionRefusedError: [Errno 111] Connection refused",
    "tls": "the certificate of {host} is not trusted: certificate has expired",
    "proxy": "cannot reach {host} through the proxy: ProxyError: 502 Bad Gateway",
    "timeout": "{host} did not answer in time",
}


# --- the connection ends, or only seems to be there


@dataclass(frozen=True, kw_only=True)
class Moment(Fault):
    """A fault that begins at some moment of a connection.

    Attributes:
        after_frames: once so many frames were received.
        after_s: instead: so long after the connection opened.
    """

    after_frames: int = 0
    after_s: float | None = None

    def connected(self, line: Line) -> None:
        if self.after_s is not None:
            line.later(self.after_s, lambda: self.strike(line))
        elif self.after_frames <= 0:
            self.strike(line)
        else:
            line.after(self.after_frames, lambda: self.strike(line))

    def strike(self, line: Line) -> None:
        """The moment has come."""


@dataclass(frozen=True, kw_only=True)
class Cut(Moment):
    """The connection ends.

    Attributes:
        code: of the close frame; 1006 stands for none: the connection just breaks.
        reason: in the close frame.
    """

    code: int = CloseCode.NONE
    reason: str = ""

    def strike(self, line: Line) -> None:
        line.cut(self.code, self.reason)


@dataclass(frozen=True, kw_only=True)
class Silence(Moment):
    """Nothing passes any more, in either direction; frames, pongs, and the end of the connection."""

    def strike(self, line: Line) -> None:
        line.silent = True


@dataclass(frozen=True, kw_only=True)
class Stalled(Moment):
    """Nothing that is sent is taken any more, pings included; `drain` waits.

    Attributes:
        for_s: until then, when all of it is taken; by default until the connection ends.
    """

    for_s: float | None = None

    def strike(self, line: Line) -> None:
        line.stall()
        if self.for_s is not None:
            line.later(self.for_s, line.go_on)


# --- frames


@dataclass(frozen=True, kw_only=True)
class Late(Fault):
    """Frames take longer; their order stays.

    Attributes:
        delay_s: at least so long.
        jitter_s: and up to so much more, by chance.
    """

    delay_s: float = 1.0
    jitter_s: float = 0.0

    def connected(self, line: Line) -> None:
        line.latency_s = lambda: self.delay_s + self.jitter_s * line.random()


@dataclass(frozen=True, kw_only=True)
class LatePongs(Fault):
    """Pongs take longer.

    Attributes:
        delay_s: so much; None: they never come.
    """

    delay_s: float | None = None

    def connected(self, line: Line) -> None:
        line.pong_delay_s = self.delay_s if self.delay_s is not None else float("inf")


@dataclass(frozen=True, kw_only=True)
class Damaged(Fault):
    """Frames that are received suffer.

    Attributes:
        how: `truncated`: the end is missing; `duplicated`: it comes twice; `swapped`: it comes after the one that
            follows; `garbage`: it is followed by bytes that mean nothing.
        probability: of each frame.
        least_bytes: only frames that are so long.
        size_bytes: of the garbage.
    """

    how: Literal["truncated", "duplicated", "swapped", "garbage"]
    probability: float = 0.1
    least_bytes: int = 0
    size_bytes: int = 64

    def connected(self, line: Line) -> None:
        held: list[bytes] = []

        def damage(frame: bytes) -> list[bytes]:
            if held:
                return [frame, held.pop()]
            if len(frame) < self.least_bytes or line.random() >= self.probability:
                return [frame]
            if self.how == "swapped":
                held.append(frame)
                return []
            return {
                "truncated": [frame[: int(len(frame) * line.random())]],
                "duplicated": [frame, frame],
                "garbage": [frame, bytes(int(256 * line.random()) for _ in range(self.size_bytes))],
            }[self.how]

        line.damages.append(damage)


class Line:
    """One connection with its faults: the receiver of the true one, and the transport of the client.

    Attributes:
        random: gives numbers from 0 to 1.
        silent: nothing passes any more.
        latency_s: how much longer each frame takes.
        pong_delay_s: how much longer pongs take.
        damages: what is made of each frame that is received.
    """

    def __init__(self, receiver: Receiver, random: Callable[[], float]) -> None:
        self.random = random
        self.silent = False
        self.latency_s: Callable[[], float] | None = None
        self.pong_delay_s = 0.0
        self.damages: list[Callable[[bytes], list[bytes]]] = []
        self._receiver = receiver
        self._transport: Transport | None = None
        self._incoming = _Queue()
        self._outgoing = _Queue()
        self._timers: list[asyncio.TimerHandle] = []
        self._untaken: deque[Callable[[], None]] = deque()
        self._due: dict[int, list[Callable[[], None]]] = {}
        self._received = 0
        self._moving = asyncio.Event()
        self._moving.set()
        self._lost = asyncio.Event()

    # --- for faults

    def open(self, transport: Transport) -> None:
        """The true connection is open."""
        self._transport = transport

    def later(self, delay_s: float, action: Callable[[], None]) -> None:
        """Do something after a while, unless the connection has ended."""
        if not self._lost.is_set():
            self._timers.append(asyncio.get_running_loop().call_later(delay_s, action))

    def after(self, frames: int, action: Callable[[], None]) -> None:
        """Do something once so many frames were received."""
        self._due.setdefault(frames, []).append(action)

    def cut(self, code: int, reason: str) -> None:
        """End the connection, for the client at once."""
        if self._lost.is_set():
            return
        self._lose(code, reason)
        task = asyncio.get_running_loop().create_task(self._true.close())
        _closing.add(task)
        task.add_done_callback(_closing.discard)

    def stall(self) -> None:
        """Stall: take nothing more that is sent."""
        self._moving.clear()

    def go_on(self) -> None:
        """Take what was sent meanwhile, and all that follows."""
        self._moving.set()
        while self._untaken:
            self._untaken.popleft()()

    # --- as a receiver

    def frame_received(self, frame: bytes) -> None:
        if self._deaf:
            return
        frames = [frame]
        for damage in self.damages:
            frames = [result for one in frames for result in damage(one)]
        for result in frames:
            self._pass_on(self._incoming, lambda result=result: self._deliver(result))  # type: ignore[misc]

    def connection_lost(self, code: int, reason: str) -> None:
        if not self._deaf:
            self._pass_on(self._incoming, lambda: self._lose(code, reason))

    def pong_received(self) -> None:
        if self.pong_delay_s == float("inf"):
            return
        if self.pong_delay_s > 0:
            self.later(self.pong_delay_s, self._pong)
        else:
            self._pass_on(self._incoming, self._pong)

    # --- as a transport

    @property
    def writable(self) -> bool:
        return self._deaf or (self._moving.is_set() and self._true.writable)

    def send(self, frame: bytes) -> None:
        self._give(lambda: self._pass_on(self._outgoing, lambda: self._true.send(frame)))

    async def drain(self) -> None:
        await self._moving.wait()
        if not self._deaf:
            await self._true.drain()

    def ping(self) -> None:
        self._give(lambda: self._pass_on(self._outgoing, self._true.ping))

    def pause_reading(self) -> None:
        self._true.pause_reading()

    def resume_reading(self) -> None:
        self._true.resume_reading()

    async def close(self) -> None:
        self._outgoing.flush()
        self._incoming.clear()
        self.latency_s = None  # what the true connection says of its end is not to come after the end
        try:
            await self._true.close()
        finally:
            self._lose(CloseCode.NONE, "")  # unless the true connection said something else

    @property
    def _true(self) -> Transport:
        assert self._transport is not None
        return self._transport

    @property
    def _deaf(self) -> bool:
        return self.silent or self._lost.is_set()

    def _give(self, action: Callable[[], None]) -> None:
        """Let the network take something, now or when it moves again."""
        if self._deaf:
            return
        if self._moving.is_set():
            action()
        else:
            self._untaken.append(action)

    def _pass_on(self, queue: _Queue, action: Callable[[], None]) -> None:
        if self.latency_s is None:
            action()
        else:
            queue.add(self.latency_s(), action)

    def _deliver(self, frame: bytes) -> None:
        if self._deaf:
            return
        self._received += 1
        self._receiver.frame_received(frame)
        for action in self._due.pop(self._received, []):
            action()

    def _pong(self) -> None:
        if not self._deaf:
            self._receiver.pong_received()

    def _lose(self, code: int, reason: str) -> None:
        if self._lost.is_set():
            return
        self._lost.set()
        self._moving.set()
        self._untaken.clear()
        self._incoming.clear()
        self._outgoing.clear()
        for timer in self._timers:
            timer.cancel()
        self._receiver.connection_lost(code, reason)


class _Queue:
    """Actions in order, each not before its time."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[float, Callable[[], None]]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, delay_s: float, action: Callable[[], None]) -> None:
        self._waiting.append((asyncio.get_running_loop().time() + delay_s, action))
        self._arm()

    def flush(self) -> None:
        """Do everything now."""
        while self._waiting:
            self._waiting.popleft()[1]()
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        if self._timer is None and self._waiting:
            self._timer = asyncio.get_running_loop().call_at(self._waiting[0][0], self._next)

    def _next(self) -> None:
        self._timer = None
        _, action = self._waiting.popleft()
        action()
        self._arm()
