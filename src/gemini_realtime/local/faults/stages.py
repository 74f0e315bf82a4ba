"""What stands between the service's side of a connection and its client: stages, each of which lets through or spoils.

What is sent goes through all stages of a connection in turn. One that does nothing special is a `Stage` itself.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from random import Random
from typing import Protocol

from gemini_realtime.local.faults.table import Fault


class Occasions:
    """How often a fault still happens, on all connections together.

    Args:
        times: None for always.
    """

    def __init__(self, times: int | None) -> None:
        self._left = times

    def take(self) -> bool:
        """Whether it happens now, which counts."""
        if self._left is None:
            return True
        self._left -= 1
        return self._left >= 0


class Line(Protocol):
    """The connection as faults see it."""

    def later(self, delay_s: float, call: Callable[[], None]) -> asyncio.TimerHandle:
        """Call after a while, if the connection is still there."""
        ...

    def write(self, data: bytes) -> None:
        """Send bytes that are no frame."""
        ...

    def send_fragments(self, fragments: list[bytes]) -> None:
        """Send a message in these fragments."""
        ...

    def stop_reading(self) -> None:
        """Read nothing any more."""
        ...

    def mute(self) -> None:
        """Send nothing any more, and answer nothing."""
        ...

    def cut(self) -> None:
        """End the connection without a word."""
        ...


class Way(Protocol):
    """Where what is sent goes."""

    def send(self, frame: bytes) -> None:
        """A frame for the client."""
        ...

    def pong(self, payload: bytes) -> None:
        """The answer to a ping."""
        ...

    def close(self, code: int, reason: str) -> None:
        """The connection is to be closed."""
        ...


class Stage:
    """Lets everything through.

    Args:
        fault: what it is to do.
        occasions: how often.
        random: decides what is left to chance.
        line: the connection.

    Attributes:
        next: the stage after this one, or the connection itself.
    """

    next: Way

    def __init__(self, fault: Fault, occasions: Occasions, random: Random, line: Line) -> None:
        self.fault = fault
        self.occasions = occasions
        self.random = random
        self.line = line

    def open(self) -> None:
        """The client is there."""

    def send(self, frame: bytes) -> None:
        """A frame for the client."""
        self.next.send(frame)

    def pong(self, payload: bytes) -> None:
        """The answer to a ping."""
        self.next.pong(payload)

    def close(self, code: int, reason: str) -> None:
        """The connection is to be closed."""
        self.next.close(code, reason)

    def admits(self, message: bytes) -> bool:
        """Whether the service's side gets to see this message of the client."""
        return True


class Moment(Stage):
    """Does something once: after so many frames, or so long after the connection opened."""

    def __init__(self, fault: Fault, occasions: Occasions, random: Random, line: Line) -> None:
        super().__init__(fault, occasions, random, line)
        self._frames_left: int | None = fault["after_frames"] if fault["after_s"] is None else None

    def open(self) -> None:
        """Begin to wait."""
        if self._frames_left is None:
            self.line.later(self.fault["after_s"], self._happen)
        elif self._frames_left == 0:
            self._happen()

    def send(self, frame: bytes) -> None:
        """Count a frame."""
        self.next.send(frame)
        if self._frames_left:
            self._frames_left -= 1
            if self._frames_left == 0:
                self._happen()

    def happen(self) -> None:
        """Do it."""
        raise NotImplementedError

    def _happen(self) -> None:
        if self.occasions.take():
            self.happen()


class Queue(Stage):
    """Keeps what is sent in order while some of it waits. A close waits for nothing."""

    def __init__(self, fault: Fault, occasions: Occasions, random: Random, line: Line) -> None:
        super().__init__(fault, occasions, random, line)
        self._steps: deque[float | Callable[[], None]] = deque()
        self._waiting: asyncio.TimerHandle | None = None

    def send(self, frame: bytes) -> None:
        """Send a frame after what still waits."""
        self.put(partial(self.next.send, frame))

    def close(self, code: int, reason: str) -> None:
        """Send what waits, and close."""
        self.hurry()
        self.next.close(code, reason)

    def put(self, *steps: float | Callable[[], None]) -> None:
        """Add what is to be done, and pauses in seconds."""
        self._steps.extend(steps)
        if self._waiting is None:
            self._go_on()

    def hurry(self) -> None:
        """Do now what waits."""
        if self._waiting is not None:
            self._waiting.cancel()
        self._steps = deque(step for step in self._steps if not isinstance(step, float))
        self._go_on()

    def _go_on(self) -> None:
        self._waiting = None
        while self._steps:
            step = self._steps.popleft()
            if isinstance(step, float):
                self._waiting = self.line.later(step, self._go_on)
                return
            step()
