"""Many conversations in one process, in real time."""

from __future__ import annotations

import asyncio
import base64
import gc
import time
from array import array
from asyncio import Handle
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from typing import Any

from bench.contestants import STAMP, Contestant
from bench.meter import resident_bytes

CHUNK_S = 0.020
PIECES_PER_S = 25
BASE64_OF_STAMP = STAMP.size * 4 // 3
LOOKED_AT = 8
"""Of so many messages the time of one is looked at, so that looking costs next to nothing."""

SETTLED_S = 0.5
"""New conversations are not measured for so long."""

CLOSE = 1.08
"""The number of conversations that come in time is known when this many times as many do not."""

MOST_OF_A_CORE = 85.0
"""Percent; it makes no sense to try a number at which more would be needed, before one near it."""

AHEAD_CHUNKS = 10
"""Where time is not to be waited for, so much is sent before it is looked what came."""

HEARD_LEAST = 0.97
"""A side that hears less than this share of what is said does not keep up, however early it hears that."""


class Heard:
    """What one process hears in a window of time.

    Args:
        looked_at: of so many messages the time of one is looked at.

    Attributes:
        late_ms: how long after it was sent a message was in the application's hands, for those that are looked at.
        messages: how many came.
    """

    def __init__(self, looked_at: int) -> None:
        self.late_ms = array("d")
        self.messages = 0
        self._looked_at = looked_at
        self._wanted = -1
        self._enough = asyncio.Event()

    async def until(self, messages: int) -> None:
        """Wait until so many have come."""
        self._wanted = messages
        self._enough.clear()
        if self.messages < messages:
            await self._enough.wait()

    def hear(self, audio: bytes | str) -> None:
        """Take a piece of audio, or the beginning of its base64."""
        self.messages += 1
        if self.messages == self._wanted:
            self._enough.set()
        if self.messages % self._looked_at == 0:
            if isinstance(audio, str) or len(audio) == BASE64_OF_STAMP:
                audio = base64.b64decode(audio[:BASE64_OF_STAMP])
            self.late_ms.append((time.monotonic() - STAMP.unpack_from(audio)[0]) * 1000)

    def start_anew(self) -> None:
        """Forget what was before the window."""
        self.messages = 0
        del self.late_ms[:]


class Talks:
    """Conversations: each hears the model and says 20 ms every 20 ms, from a task of its own.

    Args:
        kind: the client.
        url: of a service that talks.
        looked_at: as in `Heard`.
    """

    def __init__(self, kind: type[Contestant], url: str, looked_at: int = LOOKED_AT) -> None:
        self._kind = kind
        self._url = url
        self._heard = Heard(looked_at)
        self._said = [0]
        self._sessions: list[tuple[Contestant, AsyncExitStack]] = []
        self._speaking: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Talks:
        return self

    async def __aexit__(self, *raised: Any) -> None:
        await self.hold(0)

    async def hold(self, sessions: int) -> None:
        """Open more, silent for now, or close some, until there are so many."""
        while len(self._sessions) < sessions:
            subject, stack = self._kind(), AsyncExitStack()
            await stack.enter_async_context(subject.connected(self._url))
            self._sessions.append((subject, stack))
        silenced = self._speaking[sessions:]
        for task in silenced:
            task.cancel()
        if silenced:
            await asyncio.wait(silenced)
        for _, stack in self._sessions[sessions:]:
            await stack.aclose()
        del self._speaking[sessions:], self._sessions[sessions:]

    def speak(self) -> None:
        """Those that are silent begin."""
        for subject, _ in self._sessions[len(self._speaking) :]:
            subject.hear = self._heard.hear
            self._speaking.append(asyncio.create_task(_speak(subject, len(self._speaking), self._said)))

    async def measure(self, duration_s: float) -> dict[str, float]:
        """CPU time per session and second, what was heard and said, and how late."""
        sessions = len(self._speaking)
        self._heard.start_anew()
        self._said[0] = 0
        cpu_s, began = time.process_time(), time.perf_counter()
        await asyncio.sleep(duration_s)
        cpu_s, lasted_s = time.process_time() - cpu_s, time.perf_counter() - began
        late_ms = sorted(self._heard.late_ms)
        return {
            "sessions": sessions,
            "cpu_ms": cpu_s / lasted_s / sessions * 1000,
            "core_percent": cpu_s / lasted_s * 100,
            "heard": self._heard.messages / lasted_s / sessions,
            "said": self._said[0] / lasted_s / sessions,
            "late_p50_ms": _quantile(late_ms, 0.5),
            "late_p99_ms": _quantile(late_ms, 0.99),
            "late_p999_ms": _quantile(late_ms, 0.999),
        }


async def converse(
    kind: type[Contestant],
    *,
    do: str,
    url: str,
    sessions: int,
    warmup_s: float,
    measured_s: float,
    looked_at: int = LOOKED_AT,
) -> dict[str, float]:
    """Hold conversations.

    Args:
        kind: the client.
        do: the command, which is this.
        url: of a service that talks.
        sessions: how many; they are all open before anything is measured.
        warmup_s: for how long they talk before that.
        measured_s: for how long after it.
        looked_at: as in `Heard`.

    Returns:
        As `Talks.measure`, and memory per session: open and silent, and talking.
    """
    async with Talks(kind, url, looked_at) as talks:
        await talks.hold(1)
        with_one = resident_bytes()
        await talks.hold(sessions)
        open_bytes = resident_bytes() - with_one
        gc.collect()  # not later: what piles up meanwhile would be heard in the window
        talks.speak()
        await asyncio.sleep(warmup_s)
        measured = await talks.measure(measured_s)
        others = max(1, sessions - 1)
        return measured | {
            "open_bytes": open_bytes / others,
            "talking_bytes": (resident_bytes() - with_one) / others,
        }


async def grow(
    kind: type[Contestant], *, do: str, url: str, sessions: int, most: int, measured_s: float, late_ms: float
) -> dict[str, float]:
    """Find out how many conversations can be held before audio comes late.

    Args:
        kind: the client.
        do: the command, which is this.
        url: of a service that talks.
        sessions: with how many to begin.
        most: how many to try at most.
        measured_s: for how long each number of them is measured.
        late_ms: what the 99th percentile may be.

    Returns:
        The largest number that was in time, and what that took of a core.
    """
    in_time, too_many = 0, most + 1
    core_percent = 0.0
    async with Talks(kind, url) as talks:
        wanted = sessions
        while in_time < wanted < too_many:
            await talks.hold(wanted)
            gc.collect()
            measured = await _in_time(talks, measured_s, late_ms)
            if measured is None:
                too_many = wanted
            else:
                in_time, core_percent = wanted, measured["core_percent"]
            if too_many <= in_time * CLOSE:
                break
            wanted = _next(in_time, too_many, most, core_percent)
    return {"sessions": in_time, "core_percent": core_percent}


def _next(in_time: int, too_many: int, most: int, core_percent: float) -> int:
    """How many to try, between what is known."""
    if too_many <= most:
        return max(in_time + 1, (in_time + too_many) // 2)
    return min(most, max(round(in_time * CLOSE), int(in_time * min(2.0, MOST_OF_A_CORE / core_percent))))


async def _in_time(talks: Talks, measured_s: float, late_ms: float) -> dict[str, float] | None:
    """Whether these conversations are in time; they may try twice, for this is not the only program that runs."""
    talks.speak()
    for _ in range(2):
        await asyncio.sleep(SETTLED_S)
        measured = await talks.measure(measured_s)
        if measured["late_p99_ms"] <= late_ms and measured["heard"] >= HEARD_LEAST * PIECES_PER_S:
            return measured
    return None


async def hold_up(
    kind: type[Contestant], *, do: str, url: str, sessions: int, warmup_s: float, measured_s: float
) -> dict[str, float]:
    """For how long one thing that the event loop runs holds up all others: the longest, and what 1 of 1,000 exceeds.

    In CPU time, so that it does not matter what else the machine does.
    """
    async with Talks(kind, url) as talks:
        await talks.hold(sessions)
        gc.collect()
        talks.speak()
        await asyncio.sleep(warmup_s)
        with _timed_callbacks() as taken_s:
            await asyncio.sleep(measured_s)
        ordered = sorted(taken_s)
        return {"longest_ms": ordered[-1] * 1000, "p999_ms": _quantile(ordered, 0.999) * 1000}


async def long(
    kind: type[Contestant], *, do: str, url: str, minutes: Sequence[int], minute_s: float
) -> dict[str, float]:
    """Hold one conversation as fast as it goes.

    Args:
        kind: the client.
        do: the command, which is this.
        url: of a service that answers each second chunk with a message.
        minutes: the minutes of the conversation that are measured, in order.
        minute_s: how long a minute is.

    Returns:
        For each of these minutes what it cost, and how large the process is after it.
    """
    measured: dict[str, float] = {}
    heard = Heard(LOOKED_AT)
    subject = kind()
    chunks = round(minute_s / CHUNK_S)
    async with subject.connected(url):
        subject.hear = heard.hear
        for minute in range(1, minutes[-1] + 1):
            cpu_s = time.process_time()
            for chunk in range(chunks):
                await subject.send_chunk()
                if chunk % AHEAD_CHUNKS == 0:
                    await asyncio.sleep(0)
            await heard.until(minute * chunks // 2)
            cpu_s = time.process_time() - cpu_s
            if minute in minutes:
                measured |= {f"cpu_ms_{minute}": cpu_s * 1000, f"bytes_{minute}": resident_bytes()}
            del heard.late_ms[:]
    return measured


@contextmanager
def _timed_callbacks() -> Iterator[array[float]]:
    """How much CPU time each callback of the event loop takes."""
    run, taken_s = Handle._run, array("d")

    def timed(handle: Handle) -> None:
        began_s = time.thread_time()
        run(handle)
        taken_s.append(time.thread_time() - began_s)

    Handle._run = timed  # type: ignore[method-assign, assignment]
    try:
        yield taken_s
    finally:
        Handle._run = run  # type: ignore[method-assign]


async def _speak(subject: Contestant, at: int, said: list[int]) -> None:
    due = time.monotonic() + at * 0.00131 % CHUNK_S  # microphones are not in step
    while True:
        due += CHUNK_S
        await asyncio.sleep(due - time.monotonic())
        await subject.send_chunk()
        said[0] += 1


def _quantile(ordered: Sequence[float], share: float) -> float:
    if not ordered:
        return 0.0
    return ordered[int(len(ordered) * share)]
