"""What does a conversation cost at the pace of life?"""

from __future__ import annotations

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from math import inf
from statistics import median
from typing import Any

from bench.contestants import (
    AG2,
    ASYNCIO,
    FLOOR,
    GENERATOR,
    GOOGLE,
    OURS,
    OURS_AGENT,
    OURS_DISPATCH,
    OURS_NO_ECHOES,
)
from bench.machine import machine, versions
from bench.race import Race, race
from bench.report import Result, Series
from bench.talk import PIECES_PER_S

QUESTION = "What does a conversation cost at the pace of life?"
REMARKS = """\
Each session sends 20 ms of microphone 50 times a second, from a task of its own, and hears 40 ms of the model 25 times
a second, with the transcripts and ends of turns that come between. All sessions are set up, and have talked for a
while, before the window begins. CPU time is that of the client's process."""

CPU, BEYOND = "CPU time per session and second, ms", "beyond the load generator, ms"
LATE, HEARD = "audio late, p99, ms", "audio heard, %"
IDLE, TALKING = "open and silent, kB", "talking for 17 s, kB"
PLAIN = "conversations in one process"

SIDES = [GENERATOR, FLOOR, ASYNCIO, OURS, OURS_NO_ECHOES, OURS_DISPATCH, AG2, GOOGLE]
FEWER = [GENERATOR, FLOOR, OURS, OURS_DISPATCH, AG2, GOOGLE]
WITH_AGENT = [GENERATOR, OURS, OURS_AGENT]
SESSIONS = 60
WARMUP_S, MEASURED_S = 1.0, 1.5
RING_S = 17.0
"""By then the client has its last 15 s of microphone in memory."""


def answer(rounds: int, *, quick: bool = False) -> Result:
    """Hold conversations, all sides in turn against one server process."""
    sessions, warmup_s, measured_s = (2, 0.1, 0.3) if quick else (SESSIONS, WARMUP_S, MEASURED_S)
    size: dict[str, Any] = {"sessions": sessions, "warmup_s": warmup_s, "measured_s": measured_s}
    cases: list[tuple[Series, dict[str, Any], int]] = [
        (_series(f"{sessions} {PLAIN}", SIDES), {"path": "/talk"}, rounds),
        (_series("The same on uvloop", FEWER), {"path": "/talk", "loop": "uvloop"}, max(1, rounds // 3)),
        (_series("The same over TLS", FEWER), {"path": "/talk", "scheme": "wss"}, max(1, rounds // 3)),
        (
            _series("The same, every message saying what the turn has cost so far", FEWER),
            {"path": "/talk-usage"},
            max(1, rounds // 3),
        ),
        (
            _series("The same with a function call in every turn of 8 s, which the agent answers", WITH_AGENT),
            {"path": "/talk-function"},
            max(1, rounds // 3),
        ),
    ]
    memory = Series("Memory per session", [name for name in SIDES if name != GENERATOR], {AG2: OURS, GOOGLE: OURS})
    shuffle = random.Random(1)
    with race([*SIDES, OURS_AGENT], quick=quick) as running:
        for series, how, times in cases:
            if how.get("scheme") == "wss" and not running.has_tls:
                continue
            present = [name for name in running.contestants if name in series.contestants]
            for _ in range(times):
                _round(running, shuffle.sample(present, len(present)), series, how | size)
        talkers = [name for name in running.contestants if name in memory.contestants]
    _memory(memory, talkers, 2 if quick else 20, 0.3 if quick else RING_S)
    tables = [series for series, *_ in cases if series.measured]
    return Result(QUESTION, [*tables, memory], machine(), versions(), f"{REMARKS}\n\n{headline(tables[0])}")


def _series(title: str, sides: list[str]) -> Series:
    rivals = {name: OURS for name in sides if name not in (GENERATOR, OURS, OURS_NO_ECHOES, OURS_DISPATCH)}
    return Series(title, sides, rivals)


def _round(running: Race, order: Sequence[str], series: Series, how: dict[str, Any]) -> None:
    measured = {name: running.measure(name, do="talk", **how) for name in order}
    for name in sorted(order, key=series.contestants.index):
        columns = {CPU: measured[name]["cpu_ms"]}
        if name != GENERATOR:
            columns |= {
                BEYOND: measured[name]["cpu_ms"] - measured[GENERATOR]["cpu_ms"],
                LATE: measured[name]["late_p99_ms"],
                HEARD: measured[name]["heard"] / PIECES_PER_S * 100,
            }
        series.add(name, columns)


def _memory(series: Series, names: list[str], sessions: int, talking_s: float) -> None:
    """In new processes, as one does not give memory back; all at the same time, as it does not matter how fast."""
    talk: dict[str, Any] = {"do": "talk", "sessions": sessions, "warmup_s": talking_s, "measured_s": 0.1}
    with race(names) as running, ThreadPoolExecutor(len(running.contestants)) as pool:
        held = pool.map(lambda name: running.measure(name, "/talk", **talk), running.contestants)
        for name, measured in zip(running.contestants, held, strict=True):
            series.add(name, {IDLE: measured["open_bytes"] / 1e3, TALKING: measured["talking_bytes"] / 1e3})


AIMS = [
    (AG2, OURS, 1.85, inf),
    (GOOGLE, OURS, 3.0, inf),
    (OURS, FLOOR, 0.0, 1.5),
    (AG2, OURS_DISPATCH, 2.1, inf),
    (GOOGLE, OURS_DISPATCH, 3.3, inf),
    (OURS_DISPATCH, FLOOR, 0.0, 1.35),
    (AG2, FLOOR, 0.0, inf),
    (GOOGLE, FLOOR, 0.0, inf),
]
"""Who is compared with whom, and between what the ratio is meant to be."""


def headline(series: Series) -> str:
    """Who costs how many times whom, and what was aimed at."""
    present = [aim for aim in AIMS if {*aim[:2]} <= series.measured.keys()]
    said = [
        f"- {one} costs {_times(series, one, other)} what {other} does{_aim(least, most)}"
        for one, other, least, most in present
    ]
    return "\n".join(
        ["The CPU time of one side by that of another in the same round, the load generator in both:", "", *said]
    )


def in_short(series: Series) -> str:
    """The same in two sentences, for those who want no more."""
    ag2, google = (ratio(series, name, OURS) for name in (AG2, GOOGLE))
    called_ag2, called_google = (ratio(series, name, OURS_DISPATCH) for name in (AG2, GOOGLE))
    return (
        f"At the pace of a conversation AG2's client takes **{ag2:.1f} times** the CPU time of this package, and "
        f"google-genai **{google:.1f} times**; {called_ag2:.1f} and {called_google:.1f} times where a plain function "
        f"is called (`dispatch_events`). The floor, WebSocket frames that nobody looks into, takes "
        f"{ratio(series, FLOOR, OURS):.2f} of it: [performance](docs/performance.md)."
    )


def ratio(series: Series, one: str, other: str) -> float:
    """How many times another's CPU time: the median over the rounds."""
    return median(_ratios(series, one, other))


def _ratios(series: Series, one: str, other: str) -> list[float]:
    pairs = zip(series.measured[one][CPU], series.measured[other][CPU], strict=True)
    return sorted(cost / least for cost, least in pairs)


def _times(series: Series, one: str, other: str) -> str:
    ratios = _ratios(series, one, other)
    return f"**{median(ratios):.2f} times** ({ratios[0]:.2f}-{ratios[-1]:.2f})"


def _aim(least: float, most: float) -> str:
    return f" (aim: {least:g} or more)" if least else f" (aim: {most:g} at most)" if most < inf else ""
