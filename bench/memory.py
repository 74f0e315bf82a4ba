"""Does memory stay flat when the application sleeps, and when the network does?

python -m bench.memory --full        in true time, ten minutes per line and column; prints the tables
"""

from __future__ import annotations

import argparse
import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from bench.contestants import AG2, GOOGLE, OURS, interpreter, present
from bench.machine import machine, versions
from bench.pressure import QUARTERS
from bench.progress import now
from bench.race import read_line, running
from bench.report import Result, Series, section

QUESTION = "Does memory stay flat under pressure?"
REMARKS = """\
Memory beyond that of the open session, after each quarter of ten minutes: of the process, and of all that Python
allocated, which is measured in a process of its own, at its worst. Ten minutes pass in ten seconds here: everything
comes 60 times as fast, while the clients' own clocks do not, so that what they keep for a second counts as a minute
(`python -m bench.memory --full` takes the ten minutes). Memory of the kernel is not counted.

A sleeping application: the task that reads is held up over its first event, while the model speaks 3.3 times as fast as
it is heard: 49,500 messages, 137 MB. A stalled network: a microphone whose every chunk is awaited, and a text each ten
seconds, while the other end reads nothing. "Held up" is the longest wait for a chunk, in seconds that are not sped up:
what the microphone hears meanwhile has to be kept, or is lost, elsewhere. Ours waits for one, then drops the oldest
audio and says how much; the others wait for as long as the network does."""

CONTESTANTS = [OURS, GOOGLE, AG2]
TEN_MINUTES_S = 600.0
SPEECH_PER_S = 25 * 3.3
"""Messages of 40 ms."""


def answer(rounds: int, *, quick: bool = False) -> Result:
    """Sleep and stall, faster than in life."""
    return _answer(rounds, 1.0 if quick else 10.0, times_faster=600.0 if quick else 60.0, quick=quick)


def _answer(rounds: int, duration_s: float, times_faster: float, *, quick: bool = False) -> Result:
    asleep = Series("A sleeping application and a service that floods it", CONTESTANTS, {})
    stalled = Series("A network that takes nothing", CONTESTANTS, {})
    flood = f"/flood-{round(SPEECH_PER_S * times_faster)}-{round(duration_s)}"
    stall = f"/stalled-{round(duration_s) + 1}"
    size: dict[str, Any] = {"duration_s": duration_s, "times_faster": times_faster}
    names = list(present(CONTESTANTS, quick=quick))
    with ThreadPoolExecutor(len(names)) as pool:  # all at the same time: it does not matter how fast they are
        for _ in range(rounds):
            for series, path, do in ((asleep, flood, "sleep"), (stalled, stall, "stall")):
                now(f"all: {do}, {path}")
                measured = pool.map(partial(_columns, path=path, do=do, **size), names)
                for name, columns in zip(names, measured, strict=True):
                    series.add(name, columns)
    return Result([asleep, stalled], machine(), versions())


def _columns(name: str, path: str, **command: Any) -> dict[str, float]:
    process = _measured(name, path, traced=False, **command)
    traced = _measured(name, path, traced=True, **command)
    columns = {f"{quarter}/4, MB": process[f"{quarter}"] / 1e6 for quarter in range(1, QUARTERS + 1)}
    columns["allocated at worst, MB"] = traced["peak"] / 1e6
    if "held_up_s" in process:
        columns[f"held up, s of {command['duration_s']:g}"] = process["held_up_s"]
    return columns


def _measured(name: str, path: str, **command: Any) -> dict[str, float]:
    """By a worker that has done nothing before."""
    with running("bench.service") as service, running("bench.worker", name, python=interpreter(name)) as worker:
        command["url"] = f"ws://127.0.0.1:{int(read_line(service))}{path}"
        assert worker.stdin is not None
        read_line(worker)
        print(json.dumps(command), file=worker.stdin, flush=True)
        measured: dict[str, float] = json.loads(read_line(worker))
        return measured


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="in true time")
    full = parser.parse_args().full
    print(section(QUESTION, REMARKS, _answer(1, TEN_MINUTES_S, times_faster=1.0) if full else answer(1)))


if __name__ == "__main__":
    main()
