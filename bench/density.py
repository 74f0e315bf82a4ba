"""How many conversations fit on a core?"""

from __future__ import annotations

import random
from collections.abc import Sequence
from statistics import median
from typing import Any

from bench.contestants import AG2, ASYNCIO, FLOOR, GENERATOR, GOOGLE, OURS, OURS_DISPATCH, OURS_NO_ECHOES
from bench.machine import machine, versions
from bench.race import Race, race
from bench.report import Result, Series

QUESTION = "How many conversations fit on a core?"
REMARKS = """\
Conversations at the pace of life: each session sends 20 ms of microphone 50 times a second, from a task of its own, and
hears 40 ms of the model 25 times a second, with the transcripts and ends of turns that come between. All sessions are
set up, and have talked for a while, before the window begins. CPU time is that of the client's process."""

CPU, BEYOND = "CPU time per session and second, ms", "beyond the load generator, ms"
LATE, HEARD = "audio late, p99, ms", "audio heard, %"
IDLE, TALKING = "open and silent, kB", "talking for 17 s, kB"

SIDES = [GENERATOR, FLOOR, ASYNCIO, OURS, OURS_NO_ECHOES, OURS_DISPATCH, AG2, GOOGLE]
SESSIONS = 60
PIECES_PER_S = 25
WARMUP_S, MEASURED_S = 2.0, 3.0
RING_S = 17.0
"""By then the client has its last 15 s of microphone in memory."""


def answer(rounds: int, *, quick: bool = False) -> Result:
    """Hold conversations, all sides in turn against one server process."""
    sessions, warmup_s, measured_s = (2, 0.1, 0.3) if quick else (SESSIONS, WARMUP_S, MEASURED_S)
    size = {"sessions": sessions, "warmup_s": warmup_s, "measured_s": measured_s}
    plain = _series(f"{sessions} conversations in one process")
    usage = _series(f"{sessions} conversations whose every message says what the turn has cost so far")
    memory = Series("Memory per session", SIDES, {AG2: OURS, GOOGLE: OURS})
    shuffle = random.Random(1)
    with race(SIDES) as running:
        for _ in range(rounds):
            for series, path in ((plain, "/talk"), (usage, "/talk-usage")):
                _round(running, shuffle.sample(running.contestants, len(running.contestants)), series, path, size)
    _memory(memory, 2 if quick else 20, 0.3 if quick else RING_S)
    return Result(QUESTION, [plain, usage, memory], machine(), versions(), f"{REMARKS}\n\n{headline(plain)}")


def _series(title: str) -> Series:
    return Series(title, SIDES, {AG2: OURS, GOOGLE: OURS, FLOOR: OURS, ASYNCIO: OURS})


def _round(running: Race, order: Sequence[str], series: Series, path: str, size: dict[str, Any]) -> None:
    measured = {name: running.measure(name, path, do="talk", **size) for name in order}
    for name in running.contestants:
        columns = {CPU: measured[name]["cpu_ms"]}
        if name != GENERATOR:
            columns |= {
                BEYOND: measured[name]["cpu_ms"] - measured[GENERATOR]["cpu_ms"],
                LATE: measured[name]["late_p99_ms"],
                HEARD: measured[name]["heard"] / PIECES_PER_S * 100,
            }
        series.add(name, columns)


def _memory(series: Series, sessions: int, talking_s: float) -> None:
    """In new processes: one does not give memory back."""
    with race([name for name in SIDES if name != GENERATOR]) as running:
        for name in running.contestants:
            held = running.measure(name, "/talk", do="talk", sessions=sessions, warmup_s=talking_s, measured_s=0.1)
            series.add(name, {IDLE: held["open_bytes"] / 1e3, TALKING: held["talking_bytes"] / 1e3})


def headline(series: Series) -> str:
    """Who costs how many times whom."""
    said = [
        f"- {one} costs {_times(series, one, other)} what {other} does"
        for one, other in [
            (AG2, OURS), (GOOGLE, OURS), (AG2, OURS_DISPATCH), (GOOGLE, OURS_DISPATCH),
            (OURS, FLOOR), (OURS_DISPATCH, FLOOR), (AG2, FLOOR), (GOOGLE, FLOOR),
        ]
        if {one, other} <= series.measured.keys()
    ]  # fmt: skip
    return "\n".join(
        ["The CPU time of one side by that of another in the same round, the load generator in both:", "", *said]
    )


def _times(series: Series, one: str, other: str) -> str:
    """Median and range over the rounds."""
    pairs = zip(series.measured[one][CPU], series.measured[other][CPU], strict=True)
    ratios = sorted(cost / least for cost, least in pairs)
    return f"**{median(ratios):.2f} times** ({ratios[0]:.2f}-{ratios[-1]:.2f})"
