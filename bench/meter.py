"""CPU time of this process over a number of messages, and its memory."""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import time
from pathlib import Path
from typing import NamedTuple


class Reading(NamedTuple):
    """What a number of messages cost.

    Attributes:
        messages: how many.
        cpu_s: CPU time of the whole process, exact.
        user_s: the part of it spent outside the kernel; the kernel samples it at its tick, so it is good over many
            messages only.
        wall_s: time that passed.
    """

    messages: int
    cpu_s: float
    user_s: float
    wall_s: float


class Meter:
    """Starts after `warmup` ticks and stops at the first tick after both limits are reached.

    Attributes:
        done: set when it has stopped.
        ticks: counted so far, warm-up included.
    """

    def __init__(self, warmup: int, messages: int, cpu_s: float) -> None:
        """Measure at least so many messages, and at least so much CPU time."""
        self.done = asyncio.Event()
        self.ticks = 0
        self._warmup = warmup
        self._check_at = warmup + messages
        self._least_cpu_s = cpu_s
        self._start = self._stop = _now(0)

    def tick(self) -> bool:
        """Count one message; True when it was the last to be measured."""
        self.ticks += 1
        if self.ticks == self._warmup:
            self._start = _now(self.ticks)
        elif self.ticks == self._check_at:
            self._stop = _now(self.ticks)
            self._check_at += 100
            if self._stop.cpu_s - self._start.cpu_s >= self._least_cpu_s:
                self._check_at = -1
                self.done.set()
                return True
        return False

    def reading(self) -> Reading:
        """What was measured."""
        start, stop = self._start, self._stop
        return Reading(
            stop.messages - start.messages,
            stop.cpu_s - start.cpu_s,
            stop.user_s - start.user_s,
            stop.wall_s - start.wall_s,
        )


def resident_bytes(pid: int | None = None) -> int:
    """Resident set size of a process, this one by default. Linux only."""
    gc.collect()
    return int(Path(f"/proc/{pid or 'self'}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def _now(ticks: int) -> Reading:
    user_s = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    return Reading(ticks, time.process_time(), user_s, time.perf_counter())
