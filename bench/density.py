"""What does a conversation cost in real time?"""

from __future__ import annotations

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
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
    present,
)
from bench.machine import machine, versions
from bench.race import Race, race
from bench.report import Result, Series
from bench.talk import CHUNK_S, PIECES_PER_S

QUESTION = "What does a conversation cost in real time?"
REMARKS = """\
Each session sends 20 ms of microphone 50 times a second, from a task of its own, and receives 40 ms of the model's
voice 25 times a second, with transcripts and ends of turns. Before it is measured, all sessions are connected and have
talked for a while. Where over 3 % more or less is said or heard than should be, something else had the machine, and it
is measured again, twice at most. "Late" is the time from before the other end sends a piece of audio until the
application has it."""

CPU, BEYOND = "CPU time per session and second, ms", "beyond the load generator, ms"
LATE, HEARD = "audio late, p99, ms", "audio heard, %"
IDLE, TALKING = "open and silent, kB", "talking for 17 s, kB"
PLAIN = "conversations in one process"
ON_UVLOOP, OVER_TLS, MEMORY = "The same on uvloop", "The same over TLS", "Memory per session"
WITH_USAGE = "The same, with usage in every message"
WAYS = [ON_UVLOOP, OVER_TLS, WITH_USAGE]
BESIDE_THEM = "beside frameworks on google-genai"

SIDES = [GENERATOR, FLOOR, ASYNCIO, LEAST, OURS, OURS_NO_ECHOES, OURS_DISPATCH, AG2, GOOGLE]
FEWER = [GENERATOR, FLOOR, OURS, OURS_DISPATCH, AG2, GOOGLE]
WITH_AGENT = [GENERATOR, OURS, OURS_AGENT]
FRAMEWORKS = [PYDANTIC_AI, AG2_LIVE, LIVEKIT, PIPECAT]
BESIDE_FRAMEWORKS = [GENERATOR, OURS, OURS_AGENT, GOOGLE, *FRAMEWORKS]
SESSIONS = 60
FEWER_SESSIONS = 10
"""So many of a framework's take less than a core, wherever this runs."""

WARMUP_S, MEASURED_S = 0.8, 1.2
DISTURBED = 0.03
"""So much more or less than should be is said or heard where something else had the machine."""

RING_S = 17.0
"""By then the client has its last 15 s of microphone in memory."""


class _Case(NamedTuple):
    series: Series
    rounds: int
    how: dict[str, Any]
    """What is asked of the workers, beyond what is asked in all cases."""


def answer(rounds: int, *, quick: bool = False) -> Result:
    """Hold conversations, all sides in turn against one server process."""
    sessions = 2 if quick else SESSIONS
    some = max(1, rounds // 4)
    by_function = "The same with a function call in every turn of 8 s, which the agent answers"
    cases = [
        _case(f"{sessions} {PLAIN}", SIDES, rounds),
        _case(ON_UVLOOP, FEWER, some, loop="uvloop"),
        _case(OVER_TLS, FEWER, some, scheme="wss"),
        _case(WITH_USAGE, FEWER, some, path="/talk-usage"),
        _case(by_function, WITH_AGENT, some, path="/talk-function"),
    ]
    beside = _case(f"{FEWER_SESSIONS} {PLAIN}, {BESIDE_THEM}", BESIDE_FRAMEWORKS, some, sessions=FEWER_SESSIONS)
    usual: dict[str, Any] = {"path": "/talk", "sessions": sessions}
    usual |= {"warmup_s": 0.1, "measured_s": 0.3} if quick else {"warmup_s": WARMUP_S, "measured_s": MEASURED_S}
    memory = _series(MEMORY, [*SIDES[1:], *FRAMEWORKS], [])
    _talk([*SIDES, OURS_AGENT], cases, usual, quick=quick)
    _memory(memory, SIDES[1:], quick=quick)
    if present(FRAMEWORKS, quick=quick):
        _talk(BESIDE_FRAMEWORKS, [beside], usual, quick=quick)
        _memory(memory, FRAMEWORKS, quick=quick)
    talked = [case.series for case in [*cases, beside] if case.series.measured]
    return Result([*talked, memory], machine(), versions())


def _case(title: str, sides: list[str], rounds: int, **how: Any) -> _Case:
    # The difference of two numbers that were measured once each is too uncertain to be divided by another.
    return _Case(_series(title, sides, [LATE, HEARD, *([BEYOND] if rounds == 1 else [])]), rounds, how)


def _series(title: str, sides: list[str], uncompared: list[str]) -> Series:
    rivals = {name: OURS for name in sides if name not in (GENERATOR, OURS, OURS_NO_ECHOES, OURS_DISPATCH)}
    return Series(title, sides, rivals, uncompared=uncompared)


def _talk(names: Sequence[str], cases: Sequence[_Case], usual: dict[str, Any], *, quick: bool) -> None:
    shuffle = random.Random(1)
    for number in range(max(case.rounds for case in cases)):
        # New processes each time: how the memory of one happens to lie makes it a little faster or slower for good.
        with race(names, quick=quick) as running:
            for series, rounds, how in cases:
                if number < rounds and (running.has_tls or how.get("scheme") != "wss"):
                    sides = [name for name in running.contestants if name in series.contestants]
                    _round(running, shuffle.sample(sides, len(sides)), series, usual | how, tries=1 if quick else 3)


def _round(running: Race, order: Sequence[str], series: Series, how: dict[str, Any], *, tries: int) -> None:
    measured = {name: _undisturbed(running, name, how, tries) for name in order}
    for name in sorted(order, key=series.contestants.index):
        columns = {CPU: measured[name]["cpu_ms"]}
        if name != GENERATOR:
            columns |= {
                BEYOND: measured[name]["cpu_ms"] - measured[GENERATOR]["cpu_ms"],
                LATE: measured[name]["late_p99_ms"],
                HEARD: measured[name]["heard"] / PIECES_PER_S * 100,
            }
        series.add(name, columns)


def _undisturbed(running: Race, name: str, how: dict[str, Any], tries: int) -> dict[str, float]:
    """Measured until what is said and heard is what should be, or so many times."""
    for _ in range(tries):
        measured = running.measure(name, do="talk", **how)
        shares = [measured["said"] * CHUNK_S, 1.0 if name == GENERATOR else measured["heard"] / PIECES_PER_S]
        if all(abs(share - 1.0) <= DISTURBED for share in shares):
            break
    return measured


def _memory(series: Series, names: Sequence[str], *, quick: bool) -> None:
    """In new processes, as one does not give memory back; all at the same time, as it does not matter how fast."""
    talk: dict[str, Any] = {"do": "talk", "sessions": 2 if quick else 20, "measured_s": 0.1}
    talk["warmup_s"] = 0.3 if quick else RING_S
    with race(names, quick=quick) as running, ThreadPoolExecutor(len(names)) as pool:
        held = pool.map(lambda name: running.measure(name, "/talk", **talk), running.contestants)
        for name, measured in zip(running.contestants, held, strict=True):
            series.add(name, {IDLE: measured["open_bytes"] / 1e3, TALKING: measured["talking_bytes"] / 1e3})


HEADLINE = [
    (AG2, OURS),
    (GOOGLE, OURS),
    (OURS, FLOOR),
    (AG2, OURS_DISPATCH),
    (GOOGLE, OURS_DISPATCH),
    (OURS_DISPATCH, FLOOR),
    (AG2, LEAST),
    (GOOGLE, LEAST),
]
"""Who is compared with whom."""


def headline(series: Series) -> str:
    """Who costs how many times whom."""
    pairs = [(one, other) for one, other in HEADLINE if {one, other} <= series.measured.keys()]
    said = [f"- {one} costs {_times(series, one, other)} what {other} does" for one, other in pairs]
    return "\n".join(["CPU time by CPU time in the same round, the load generator in both:", "", *said])


def in_short(series: Series) -> str:
    """The same in two sentences, for those who want no more."""
    ag2, google = (ratio(series, name, OURS) for name in (AG2, GOOGLE))
    return (
        f"A conversation takes **{ag2:.1f} times** as much CPU time with AG2's client as with this one, and "
        f"**{google:.1f} times** with google-genai. The floor, receiving the same WebSocket frames without parsing "
        f"them, is at {ratio(series, FLOOR, OURS):.2f}: [performance](docs/performance.md)."
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
