"""How late does audio come, and what holds up everything else?"""

from __future__ import annotations

from typing import Any

from bench.contestants import AG2, FLOOR, GOOGLE, OURS, OURS_DISPATCH
from bench.machine import machine, versions
from bench.race import race
from bench.report import Result, Series

QUESTION = "How late does audio come, and what holds up everything else?"
REMARKS = """\
From the moment before the other end sends a piece of audio until the application holds it; the kernel, the loop and
whoever else runs on this machine are in it, as picows alone shows. The longest hold-up is what one callback of the
event loop takes of CPU time, the application's own part (next to nothing) and Python's garbage collector in it: for so
long nobody else in the process comes to anything."""

SIDES = [FLOOR, OURS, OURS_DISPATCH, AG2, GOOGLE]
FEW, MANY = 5, 60
COLUMNS = {"p50, ms": "late_p50_ms", "p99, ms": "late_p99_ms", "p99.9, ms": "late_p999_ms"}
LONGEST, RARE = "longest hold-up, ms of CPU", "1 of 1,000 callbacks takes more than, ms"


def answer(rounds: int, *, quick: bool = False) -> Result:
    """Look at every message, in few conversations and in many; then at every callback."""
    few, many, measured_s = (1, 2, 0.3) if quick else (FEW, MANY, 3.0)
    warm: dict[str, Any] = {"warmup_s": 0.1 if quick else 1.0, "measured_s": measured_s}
    late = [Series(f"{sessions} conversations in one process", SIDES, {}) for sessions in (few, many)]
    held = Series(f"Hold-ups, with {many} conversations", SIDES, {})
    with race(SIDES, quick=quick) as running:
        for _ in range(rounds):
            for series, sessions in zip(late, (few, many), strict=True):
                for name in running.contestants:
                    came = running.measure(name, "/talk", do="talk", sessions=sessions, looked_at=1, **warm)
                    series.add(name, {column: came[what] for column, what in COLUMNS.items()})
            for name in running.contestants:
                holds = running.measure(name, "/talk", do="hold up", sessions=many, **warm)
                held.add(name, {LONGEST: holds["longest_ms"], RARE: holds["p999_ms"]})
    return Result(QUESTION, [*late, held], machine(), versions(), REMARKS)
