"""Many conversations in one process, at the pace of life."""

from __future__ import annotations

import asyncio
import base64
import gc
import time
from array import array
from collections.abc import Sequence
from contextlib import AsyncExitStack

from bench.contestants import STAMP, Contestant
from bench.meter import resident_bytes

CHUNK_S = 0.020
BASE64_OF_STAMP = STAMP.size * 4 // 3
LOOKED_AT = 8
"""Of so many messages the time of one is looked at, so that looking costs next to nothing."""


class Heard:
    """What one process hears in a window of time.

    Attributes:
        late_ms: how long after it was sent a message was in the application's hands, for some of them.
        messages: how many came.
    """

    def __init__(self) -> None:
        self.late_ms = array("d")
        self.messages = 0

    def hear(self, audio: bytes | str) -> None:
        """Take a piece of audio, or the beginning of its base64."""
        self.messages += 1
        if self.messages % LOOKED_AT == 0:
            if isinstance(audio, str) or len(audio) == BASE64_OF_STAMP:
                audio = base64.b64decode(audio[:BASE64_OF_STAMP])
            self.late_ms.append((time.monotonic() - STAMP.unpack_from(audio)[0]) * 1000)

    def start_anew(self) -> None:
        """Forget what was before the window."""
        self.messages = 0
        del self.late_ms[:]


async def converse(
    kind: type[Contestant], *, do: str, url: str, sessions: int, warmup_s: float, measured_s: float
) -> dict[str, float]:
    """Hold conversations: each hears the model and says 20 ms every 20 ms, from a task of its own.

    Args:
        kind: the client.
        do: the command, which is this.
        url: of a service that talks.
        sessions: how many; they are all open before anything is measured.
        warmup_s: for how long they talk before that.
        measured_s: for how long after it.

    Returns:
        CPU time per session and second, how late audio came, and memory per session: open and silent, and talking.
    """
    heard, said = Heard(), [0]
    async with AsyncExitStack() as stack:
        subjects = [kind() for _ in range(sessions)]
        await stack.enter_async_context(subjects[0].connected(url))
        with_one = resident_bytes()
        for subject in subjects[1:]:
            await stack.enter_async_context(subject.connected(url))
        open_bytes = resident_bytes() - with_one
        gc.collect()  # not later: what piles up meanwhile would be heard in the window
        for subject in subjects:
            subject.hear = heard.hear
        speaking = [asyncio.create_task(_speak(subject, at, said)) for at, subject in enumerate(subjects)]
        await asyncio.sleep(warmup_s)
        heard.start_anew()
        said[0] = 0
        cpu_s, began = time.process_time(), time.perf_counter()
        await asyncio.sleep(measured_s)
        cpu_s, lasted_s = time.process_time() - cpu_s, time.perf_counter() - began
        messages, chunks, late_ms = heard.messages, said[0], sorted(heard.late_ms)
        talking_bytes = resident_bytes() - with_one
        for task in speaking:
            task.cancel()
        await asyncio.wait(speaking)
    return {
        "cpu_ms": cpu_s / lasted_s / sessions * 1000,
        "core_percent": cpu_s / lasted_s * 100,
        "heard": messages / lasted_s / sessions,
        "said": chunks / lasted_s / sessions,
        "late_p50_ms": _quantile(late_ms, 0.5),
        "late_p99_ms": _quantile(late_ms, 0.99),
        "open_bytes": open_bytes / max(1, sessions - 1),
        "talking_bytes": talking_bytes / max(1, sessions - 1),
    }


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
