"""A day of conversation in virtual time: goAway every ten minutes, and something goes wrong every three.

python -m reliability.day                 24 hours, which take some six minutes
python -m reliability.day --hours 1 --seed 7

Nothing may be lost, and memory may not grow: what the modules of the package hold is measured every hour.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
import tracemalloc
from collections import Counter
from functools import partial
from pathlib import Path

import gemini_realtime
from reliability.application import Habits
from reliability.case import Case, Stage
from reliability.oracle import Verdict
from reliability.run import findings_of, quiet
from reliability.troubles import TROUBLES

HOUR_S = 3600.0
LIFETIME_S = 600.0
NOTICE_S = 50.0
TROUBLE_EVERY_S = 180.0

CHUNK_MS = 100
"""Of the microphone's audio: longer than usual, so that a day takes minutes."""

PASSING = (
    "cut", "cuts", "close", "silence", "stop-reading", "congestion", "outage", "late-setup", "no-setup",
    "refuse-handle", "go-away", "interrupted", "empty-turn", "cancel-calls", "blocked",
)  # fmt: skip
"""Troubles that come to an end by themselves."""

PACKAGE = str(Path(gemini_realtime.__file__).parent / "*")


class Memory:
    """What is in use, hour by hour.

    Attributes:
        of_package: bytes that the modules of the package hold, at each full hour.
        peaks: bytes that the whole process held at most, in each hour; the book that the service keeps included.
    """

    def __init__(self) -> None:
        self.of_package: list[int] = []
        self.peaks: list[int] = []
        self._begun = time.monotonic()

    def measure(self) -> None:
        """An hour is over."""
        gc.collect()
        snapshot = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, PACKAGE)])
        self.of_package.append(sum(trace.size for trace in snapshot.traces))
        self.peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.reset_peak()
        print(
            f"hour {len(self.peaks):2}: the client holds {self.of_package[-1] / 1024:6,.0f} KiB, the process held "
            f"{self.peaks[-1] / 2**20:,.1f} MiB at most ({time.monotonic() - self._begun:.0f} s)",
            flush=True,
        )


def day(hours: float, seed: int, memory: Memory | None = None, timeline: list[str] | None = None) -> Verdict:
    """Talk for so long."""
    habits = Habits(duration_s=hours * HOUR_S, chunk_ms=CHUNK_MS)
    return Case(partial(arrange, memory), seed, "day", habits, timeline=timeline).run()


def arrange(memory: Memory | None, stage: Stage) -> None:
    """Everything that will go wrong."""
    stage.manner.lifetime_s, stage.manner.notice_s = LIFETIME_S - NOTICE_S, NOTICE_S
    happens = Counter[str]()
    stage.moment_s = TROUBLE_EVERY_S
    while stage.moment_s < stage.habits.duration_s:
        name = stage.random.choice(PASSING)
        happens[name] += 1
        TROUBLES[name].arrange(stage)
        stage.moment_s += TROUBLE_EVERY_S
    if memory is not None:
        print(", ".join(f"{count} {name}" for name, count in sorted(happens.items())), flush=True)
        for hour in range(1, int(stage.habits.duration_s / HOUR_S) + 1):
            stage.at(hour * HOUR_S, memory.measure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--trace", action="store_true", help="show how it went")
    options = parser.parse_args()
    quiet()
    timeline: list[str] | None = [] if options.trace else None
    tracemalloc.start()
    verdict = day(options.hours, options.seed, Memory(), timeline)
    print(*(timeline or []), *findings_of(verdict), sep="\n")
    print(
        f"{len(verdict.lost)} lost, {len(verdict.doubled)} doubled, {verdict.uncertain} uncertain; taken up again "
        f"{verdict.resumed} times, {verdict.new_sessions} as a new session; worst gap {verdict.worst_gap_s:.1f} s"
    )
    sys.exit(not verdict.good)


if __name__ == "__main__":
    main()
