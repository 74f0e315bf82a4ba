"""A network in memory: connections with a latency of their own in each direction, frames in order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from random import Random
from typing import Protocol

from gemini_realtime.transport.base import Receiver

NORMAL = 1000
BROKEN = 1006

CLOSE_TIMEOUT_S = 2.0
"""How long the closing side waits for the other one."""


class Peer(Protocol):
    """The far end of a connection."""

    def received(self, frame: bytes) -> None:
        """A frame of the client arrived."""

    def ended(self, code: int) -> None:
        """The connection ended otherwise than by `Line.hang_up`."""


class Network:
    """Connects clients to one service.

    Args:
        accept: gives the far end for a new connection.
        random: for latencies.

    Attributes:
        lines: the connections that are open at either end.
        dials: how often it was dialled.
    """

    def __init__(self, accept: Callable[[Line], Peer], random: Random) -> None:
        self.lines: list[Line] = []
        self.dials = 0
        self._accept = accept
        self._random = random

    async def dial(self, url: str, headers: Mapping[str, str], receiver: Receiver) -> Line:
        """Connect a client; pass this as its `dial`."""
        self.dials += 1
        line = Line(receiver, Random(self._random.random()), self.lines.remove)
        await asyncio.sleep(line.latency_s * 3)  # TCP, TLS and the upgrade
        line.peer = self._accept(line)
        self.lines.append(line)
        return line


class Line:
    """One connection: the client's transport, and what the service holds of it.

    Attributes:
        latency_s: of one direction, without jitter.
        peer: the far end.
        lost: the client's end is closed.
        ended: the service's end is closed.
    """

    peer: Peer

    def __init__(self, receiver: Receiver, random: Random, gone: Callable[[Line], None]) -> None:
        self.latency_s = random.uniform(0.005, 0.150)
        self.lost = asyncio.Event()
        self.ended = False
        self._receiver = receiver
        self._gone = gone
        self._up = Direction(self.latency_s, random)
        self._down = Direction(self.latency_s, random)
        self._reading = True
        self._held: deque[bytes] = deque()

    # --- the client's end

    @property
    def writable(self) -> bool:
        return True

    def send(self, frame: bytes) -> None:
        if not self.lost.is_set():
            self._up.add(lambda: self._taken(frame))

    async def drain(self) -> None:
        await asyncio.sleep(0)

    def ping(self) -> None:
        if not self.lost.is_set():
            self._up.add(lambda: self._down.add(self._receiver.pong_received))

    def pause_reading(self) -> None:
        self._reading = False

    def resume_reading(self) -> None:
        self._reading = True
        while self._held and self._reading and not self.lost.is_set():
            self._receiver.frame_received(self._held.popleft())

    async def close(self) -> None:
        if self.lost.is_set():
            return
        self._up.add(lambda: self._end(NORMAL))
        self._up.add(lambda: self._down.add(lambda: self._lose(NORMAL, "")))
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self.lost.wait()
        except TimeoutError:
            pass
        finally:
            self._lose(BROKEN, "")

    # --- the service's end

    def say(self, frame: bytes) -> None:
        """Send a frame to the client."""
        if not self.ended:
            self._down.add(lambda: self._arrived(frame))

    def hang_up(self, code: int, reason: str) -> None:
        """Close, after everything that was said."""
        if not self.ended:
            self.ended = True
            self._up.clear()
            self._down.add(lambda: self._lose(code, reason))

    def cut(self) -> None:
        """Break; what is under way is gone."""
        self._end(BROKEN)
        self._lose(BROKEN, "")

    def _arrived(self, frame: bytes) -> None:
        if self._reading:
            self._receiver.frame_received(frame)
        else:
            self._held.append(frame)

    def _taken(self, frame: bytes) -> None:
        if not self.ended:
            self.peer.received(frame)

    def _end(self, code: int) -> None:
        if not self.ended:
            self.ended = True
            self.peer.ended(code)

    def _lose(self, code: int, reason: str) -> None:
        if self.lost.is_set():
            return
        while self._held:
            self._receiver.frame_received(self._held.popleft())
        self.lost.set()
        self._down.clear()
        if code == BROKEN:
            self._up.clear()
            self._end(BROKEN)
        self._gone(self)
        self._receiver.connection_lost(code, reason)


class Direction:
    """What is under way one way: each action comes after its latency, and none before the one before it."""

    def __init__(self, latency_s: float, random: Random) -> None:
        self._latency_s = latency_s
        self._random = random
        self._last_due = 0.0
        self._waiting: deque[tuple[float, Callable[[], None]]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, action: Callable[[], None]) -> None:
        """Put an action under way."""
        loop = asyncio.get_running_loop()
        due = loop.time() + self._latency_s * (1 + 0.3 * self._random.random())
        self._last_due = max(due, self._last_due)
        self._waiting.append((self._last_due, action))
        if self._timer is None:
            self._timer = loop.call_at(self._last_due, self._next)

    def clear(self) -> None:
        """Nothing of it arrives."""
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _next(self) -> None:
        loop, fired = asyncio.get_running_loop(), self._timer
        now = loop.time() + 1e-6
        while self._waiting and self._waiting[0][0] <= now:
            self._waiting.popleft()[1]()
        if self._timer is fired:  # nobody has cleared this meanwhile
            self._timer = loop.call_at(self._waiting[0][0], self._next) if self._waiting else None
