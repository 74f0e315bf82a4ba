"""How late does audio come, and what blocks the event loop?"""

from __future__ import annotations

from typing import Any

from bench.contestants import AG2, FLOOR, GOOGLE, OURS, OURS_DISPATCH
from bench.machine import machine, versions
from bench.race import race
from bench.report import Result, Series

QUESTION = "How late does audio come, and what blocks the event loop?"
REMARKS = """\
From the moment before the other end sends a piece of audio until the application has it. That has the kernel, the event
loop and all other programs of the machine in it, as picows alone shows. The longest block is the CPU time of one
callback of the event loop, with the garbage collector and the application's own part (next to nothing) in it: for so
long nothing else in the process runs."""

SIDES = [FLOOR, OURS, OURS_DISPATCH, AG2, GOOGLE]
FEW, MANY = 5, 60
BLOCKS = "Blocks of the event loop, with as many conversations"
COLUMNS = {"p50, ms": "late_p50_ms", "p99, ms": "late_p99_ms", "p99.9, ms": "late_p999_ms"}
LONGEST, RARE = "longest block, ms of CPU", "1 of 1,000 callbacks takes more than, ms"


def answer(rounds: int, *, quick: bool = False) -> Result:
    """Look at every message, in few conversations and in many; then at every callback."""
    few, many, measured_s = (1, 2, 0.3) if quick else (FEW, MANY, 2.0)
    warm: dict[str, Any] = {"warmup_s": 0.1 if quick else 0.8, "measured_s": measured_s}
    late = [Series(f"{sessions} conversations in one process", SIDES, {}) for sessions in (few, many)]
    held = Series(BLOCKS, SIDES, {})
    for _ in range(rounds):
        with race(SIDES, quick=quick) as running:
            for series, sessions in zip(late, (few, many), strict=True):
                for name in running.contestants:
                    came = running.measure(name, "/talk", do="talk", sessions=sessions, looked_at=1, **warm)
                    series.add(name, {column: came[what] for column, what in COLUMNS.items()})
            for name in running.contestants:
                holds = running.measure(name, "/talk", do="hold up", sessions=many, **warm)
                held.add(name, {LONGEST: holds["longest_ms"], RARE: holds["p999_ms"]})
    return Result([*late, held], machine(), versions())
