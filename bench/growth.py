"""How does cost grow with sessions, minutes and functions?"""

from __future__ import annotations

from typing import Any

from bench.contestants import GENERATOR, OURS, OURS_DISPATCH
from bench.machine import machine, versions
from bench.race import Race, race
from bench.report import Result, Series

QUESTION = "How does cost grow with sessions, minutes and functions?"
REMARKS = """\
With sessions that talk, and with sessions that do not; with the length of one conversation, held as fast as it goes (a
minute is 3,000 chunks sent and 1,500 messages received); with the functions that an agent declares, of three parameters
each, from making the agent until the first call is answered."""

TALKING, SILENT = [1, 10, 100], [1, 100, 1000]
SILENT_FULL = [*SILENT, 2000]
MINUTES = [1, 10, 60]
FUNCTIONS = [1, 10, 50]
CPU, EACH = "CPU time per session and second, ms", "memory per session, kB"


def answer(rounds: int, *, quick: bool = False) -> Result:
    """Grow one thing after the other."""
    silent = [1, 2] if quick else SILENT_FULL if rounds > 1 else SILENT
    tables = {
        "talking": Series("Sessions that talk in one process, the load generator taken off", [], {}),
        "silent": Series("Sessions that are open and silent", [], {}),
        "long": Series("One conversation, minute by minute", [], {}),
        "functions": Series("Functions of an agent", [], {}),
    }
    for _ in range(rounds):
        with race([OURS, OURS_DISPATCH, GENERATOR]) as running:  # a process does not give memory back
            _talking(running, tables["talking"], [1, 2] if quick else TALKING, 0.3 if quick else 1.5)
        for sessions in silent:
            with race([OURS]) as running:
                _silent(running, tables["silent"], sessions, 0.3 if quick else 1.5)
        with race([OURS]) as running:
            _long(running, tables["long"], [1, 2] if quick else MINUTES, 0.4 if quick else 60.0)
        with race([OURS]) as running:
            _functions(running, tables["functions"], [1, 2] if quick else FUNCTIONS, 10 if quick else 500)
    return Result(list(tables.values()), machine(), versions())


def _talking(running: Race, series: Series, numbers: list[int], measured_s: float) -> None:
    for sessions in numbers:
        size: dict[str, Any] = {"sessions": sessions, "warmup_s": measured_s / 2, "measured_s": measured_s}
        cost = {name: running.measure(name, "/talk", do="talk", **size)["cpu_ms"] for name in running.contestants}
        for name in (OURS, OURS_DISPATCH):
            series.add(name, {f"{sessions}, ms of CPU per session and second": cost[name] - cost[GENERATOR]})


def _silent(running: Race, series: Series, sessions: int, measured_s: float) -> None:
    held = running.measure(OURS, "/silent", do="hold", sessions=sessions, measured_s=measured_s)
    columns = {"of a core, %": held["core_percent"]}
    if sessions > 1:
        columns[EACH] = held["session_bytes"] / 1e3
    series.add(f"{sessions}", columns)


def _long(running: Race, series: Series, minutes: list[int], minute_s: float) -> None:
    measured = running.measure(OURS, "/long", do="long", minutes=minutes, minute_s=minute_s)
    for minute in minutes:
        columns = {"CPU time of it, ms": measured[f"cpu_ms_{minute}"]}
        series.add(f"minute {minute}", columns | {"memory of the process, MB": measured[f"bytes_{minute}"] / 1e6})


def _functions(running: Race, series: Series, numbers: list[int], calls: int) -> None:
    for number in numbers:
        measured = running.measure(OURS, "/call", do="functions", tools=number, calls=calls)
        columns = {"until the first call is answered, ms": measured["ready_ms"]}
        columns |= {"CPU of that, ms": measured["ready_cpu_ms"], "CPU per call, µs": measured["call_us"]}
        series.add(f"{number}", columns)
