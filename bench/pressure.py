"""What a worker does under pressure, and what becomes of its memory meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import time
import tracemalloc
from collections.abc import Awaitable
from typing import Any

from bench.contestants import Contestant
from bench.meter import resident_bytes

QUARTERS = 4
CHUNK_S = 0.020

TEXT_EVERY_CHUNKS = 500
"""One text in ten seconds of microphone."""


async def endure(
    kind: type[Contestant], *, do: str, url: str, duration_s: float, times_faster: float, traced: bool
) -> dict[str, float]:
    """Read nothing while a flood comes (`sleep`), or speak and type into a stalled connection (`stall`).

    Args:
        kind: the client.
        do: which of them.
        url: of a service that does its part.
        duration_s: for how long.
        times_faster: how much faster than in life the microphone runs.
        traced: count allocations, which takes memory itself, instead of looking at the process.

    Returns:
        Bytes beyond those at the beginning, after each quarter of the time and, where they are traced, at the worst;
        and for how long the microphone was held up.
    """
    if traced:
        tracemalloc.start()
    subject = kind()
    subject.awake = asyncio.Event()
    async with subject.connected(url):
        beginning = _bytes(traced)
        microphone = Microphone(subject, times_faster)
        speaking = asyncio.create_task(microphone.speak()) if do == "stall" else None
        found: dict[str, float] = {}
        for quarter in range(1, QUARTERS + 1):
            await asyncio.sleep(duration_s / QUARTERS)
            found[f"{quarter}"] = _bytes(traced) - beginning
        found["peak"] = tracemalloc.get_traced_memory()[1] - beginning if traced else 0.0
        if speaking is not None:
            found["held_up_s"] = microphone.held_up_s()
            await microphone.stop(speaking)
        subject.awake.set()
    return found


def _bytes(traced: bool) -> int:
    return tracemalloc.get_traced_memory()[0] if traced else resident_bytes()


class Microphone:
    """Awaits every chunk before the next, as recorders do; somebody types meanwhile, and waits for nothing.

    Args:
        subject: sends.
        times_faster: than in life.
    """

    def __init__(self, subject: Contestant, times_faster: float) -> None:
        self._subject = subject
        self._pause_s = CHUNK_S / times_faster
        self._typing: set[asyncio.Task[Any]] = set()
        self._since = 0.0
        self._held_up_s = 0.0

    async def speak(self) -> None:
        """Until cancelled."""
        started, chunks = time.monotonic(), 0
        while True:
            chunks += 1
            await asyncio.sleep(max(0.0, started + chunks * self._pause_s - time.monotonic()))
            self._since = time.monotonic()
            await self._subject.send_chunk()
            self._held_up_s, self._since = self.held_up_s(), 0.0
            if chunks % TEXT_EVERY_CHUNKS == 0:
                self._type("Are you still there?")

    def held_up_s(self) -> float:
        """The longest time that a chunk has taken, or takes."""
        return max(self._held_up_s, time.monotonic() - self._since if self._since else 0.0)

    async def stop(self, speaking: asyncio.Task[None]) -> None:
        """Stop it, and whoever types."""
        waiting = {speaking, *self._typing}
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)

    def _type(self, text: str) -> None:
        task = asyncio.create_task(_sent(self._subject.send_text(text)))
        self._typing.add(task)
        task.add_done_callback(self._typing.discard)


async def _sent(sending: Awaitable[object]) -> None:
    with contextlib.suppress(TimeoutError):  # it is told that nothing was sent
        await sending
