"""What does a conversation cost at the pace of life?"""

from __future__ import annotations

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from math import inf
from statistics import median
from typing import Any, NamedTuple

from bench.contestants import (
    AG2,
    AG2_LIVE,
    ASYNCIO,
    FLOOR,
    GENERATOR,
    GOOGLE,
    LEAST,
    LIVEKIT,
    OURS,
    OURS_AGENT,
    OURS_DISPATCH,
    OURS_NO_ECHOES,
    PIPECAT,
    PYDANTIC_AI,
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

SIDES = [GENERATOR, FLOOR, ASYNCIO, LEAST, OURS, OURS_NO_ECHOES, OURS_DISPATCH, AG2, GOOGLE]
FEWER = [GENERATOR, FLOOR, OURS, OURS_DISPATCH, AG2, GOOGLE]
WITH_AGENT = [GENERATOR, OURS, OURS_AGENT]
FRAMEWORKS = [PYDANTIC_AI, AG2_LIVE, LIVEKIT, PIPECAT]
BESIDE_FRAMEWORKS = [GENERATOR, OURS, OURS_AGENT, GOOGLE, *FRAMEWORKS]
SESSIONS = 60
FEWER_SESSIONS = 10
"""So many of a framework's take less than a core, wherever this runs."""

WARMUP_S, MEASURED_S = 0.8, 1.2
RING_S = 17.0
"""By then the client has its last 15 s of microphone in memory."""


class _Case(NamedTuple):
    series: Series
    rounds: int
    how: dict[str, Any]
    """What is asked of the workers, beyond what is asked in all cases."""


def answer(rounds: int, *, quick: bool = False) -> Result:
    """Hold conversations, all sides in turn against one server process."""
    sessions, fewer = (2, 2) if quick else (SESSIONS, FEWER_SESSIONS)
    some = max(1, rounds // 4)
    by_function = "The same with a function call in every turn of 8 s, which the agent answers"
    cases = [
        _Case(_series(f"{sessions} {PLAIN}", SIDES), rounds, {}),
        _Case(_series("The same on uvloop", FEWER), some, {"loop": "uvloop"}),
        _Case(_series("The same over TLS", FEWER), some, {"scheme": "wss"}),
        _Case(_series("The same, with usage in every message", FEWER), some, {"path": "/talk-usage"}),
        _Case(_series(by_function, WITH_AGENT), some, {"path": "/talk-function"}),
    ]
    beside = _Case(_series(f"{fewer} {PLAIN}, beside frameworks", BESIDE_FRAMEWORKS), some, {"sessions": fewer})
    usual: dict[str, Any] = {"path": "/talk", "sessions": sessions}
    usual |= {"warmup_s": 0.1, "measured_s": 0.3} if quick else {"warmup_s": WARMUP_S, "measured_s": MEASURED_S}
    memory = _series("Memory per session", [*SIDES[1:], *FRAMEWORKS])
    _talk([*SIDES, OURS_AGENT], cases, usual, quick=quick)
    _talk(BESIDE_FRAMEWORKS, [beside], usual, quick=quick)
    for names in (SIDES[1:], FRAMEWORKS):
        _memory(memory, names, quick=quick)
    talked = [case.series for case in [*cases, beside] if case.series.measured]
    return Result(QUESTION, [*talked, memory], machine(), versions(), f"{REMARKS}\n\n{headline(talked[0])}")


def _series(title: str, sides: list[str]) -> Series:
    rivals = {name: OURS for name in sides if name not in (GENERATOR, OURS, OURS_NO_ECHOES, OURS_DISPATCH)}
    return Series(title, sides, rivals)


def _talk(names: Sequence[str], cases: Sequence[_Case], usual: dict[str, Any], *, quick: bool) -> None:
    shuffle = random.Random(1)
    with race(names, quick=quick) as running:
        for series, rounds, how in cases:
            if how.get("scheme") == "wss" and not running.has_tls:
                continue
            present = [name for name in running.contestants if name in series.contestants]
            for _ in range(rounds):
                _round(running, shuffle.sample(present, len(present)), series, usual | how)


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


def _memory(series: Series, names: Sequence[str], *, quick: bool) -> None:
    """In new processes, as one does not give memory back; all at the same time, as it does not matter how fast."""
    talk: dict[str, Any] = {"do": "talk", "sessions": 2 if quick else 20, "measured_s": 0.1}
    talk["warmup_s"] = 0.3 if quick else RING_S
    with race(names, quick=quick) as running, ThreadPoolExecutor(len(names)) as pool:
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
