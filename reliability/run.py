"""Hold many conversations with every kind of trouble, and count what is lost.

python -m reliability.run                     200 seeds of each, which takes half an hour on two cores;
                                              prints the table and writes it into docs/reliability.md
python -m reliability.run --keep rows.json    in pieces: goes on from what the file has, and keeps there what is done
python -m reliability.run --fault cut         only this one; may be given several times
python -m reliability.run --fault cut --seed 17 --trace
                                              one conversation, and how it went
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import re
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from reliability.application import Habits
from reliability.case import Case
from reliability.oracle import Verdict
from reliability.troubles import TROUBLES

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reliability.md"
MEASURED = re.compile(r"(<!-- measured -->\n).*?(<!-- end -->)", re.DOTALL)

SHOWN = 3
"""Failing conversations that are told about in full, of each trouble."""


@dataclass
class Row:
    """All conversations with one kind of trouble."""

    trouble: str
    seeds: int = 0
    lost: int = 0
    doubled: int = 0
    wrong: int = 0
    hangs: int = 0
    uncertain: int = 0
    resumed: int = 0
    worst_gap_s: float = 0.0
    failing: list[int] = field(default_factory=list)

    def add(self, seed: int, verdict: Verdict) -> None:
        """Count one more."""
        self.seeds += 1
        self.lost += len(verdict.lost)
        self.doubled += len(verdict.doubled)
        self.wrong += len(verdict.wrong)
        self.hangs += verdict.hung
        self.uncertain += verdict.uncertain
        self.resumed += verdict.resumed
        self.worst_gap_s = max(self.worst_gap_s, verdict.worst_gap_s)
        if not verdict.good:
            self.failing.append(seed)


def conversation(name: str, seed: int, habits: Habits, timeline: list[str] | None = None) -> Verdict:
    """Hold one conversation."""
    trouble = TROUBLES[name]
    verdict = Case(trouble.arrange, seed, name, habits, may_end=bool(trouble.ends), timeline=timeline).run()
    if trouble.undisturbed and verdict.resumed:
        verdict.wrong.append("a connection was given up that was good")
    if verdict.ended and trouble.ends and verdict.ended not in trouble.ends:
        verdict.wrong.append(f"it ended with {verdict.ended}")
    return verdict


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fault", action="append", choices=list(TROUBLES), metavar="NAME", help="only this")
    parser.add_argument("--seeds", type=int, default=200, help="how many conversations of each")
    parser.add_argument("--seed", type=int, help="only this one")
    parser.add_argument("--seconds", type=float, default=90.0, help="of each, before it comes to an end")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="at once")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="goes on from what it has, and adds what is done")
    parser.add_argument("--trace", action="store_true", help="show how each conversation went")
    parser.add_argument("--list", action="store_true", help="say what goes wrong under which name")
    options = parser.parse_args()
    names = options.fault or list(TROUBLES)
    seeds = range(1, options.seeds + 1) if options.seed is None else [options.seed]
    habits = Habits(duration_s=options.seconds)
    if options.list:
        print("\n".join(f"{trouble.name:<22}{trouble.meaning}" for trouble in TROUBLES.values()))
    elif options.trace:
        sys.exit(_trace(names, seeds, habits))
    else:
        rows = list(_rows(names, seeds, habits, options.processes, Kept(options.keep)))
        print(table(rows))
        if names == list(TROUBLES) and options.seed is None:
            write_page(rows)
        sys.exit(any(row.failing for row in rows))


def _trace(names: Iterable[str], seeds: Iterable[int], habits: Habits) -> bool:
    quiet()
    failed = False
    for name in names:
        for seed in seeds:
            timeline: list[str] = []
            verdict = conversation(name, seed, habits, timeline)
            print(f"{name}, seed {seed}", *timeline, *findings_of(verdict), sep="\n")
            failed = failed or not verdict.good
    return failed


class Kept:
    """What was done before, in a file.

    Args:
        path: of the file; None to keep nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def row(self, name: str) -> Row:
        """What there is of one kind of trouble: the first seeds."""
        return Row(**self._read().get(name, {"trouble": name}))

    def add(self, row: Row) -> None:
        """Keep it."""
        if self._path is not None:
            text = json.dumps({**self._read(), row.trouble: asdict(row)}, indent=1)
            written = self._path.with_suffix(f".{os.getpid()}")
            written.write_text(text, "utf-8")
            written.replace(self._path)

    def _read(self) -> dict[str, Any]:
        if self._path is None or not self._path.exists():
            return {}
        rows: dict[str, Any] = json.loads(self._path.read_text("utf-8"))
        return rows


def _rows(names: Iterable[str], seeds: Iterable[int], habits: Habits, processes: int, kept: Kept) -> Iterator[Row]:
    with ProcessPoolExecutor(processes, initializer=quiet) as pool:
        for name in names:
            row = kept.row(name)
            some = list(seeds)[row.seeds :]
            verdicts = pool.map(conversation, [name] * len(some), some, [habits] * len(some), chunksize=4)
            for seed, verdict in zip(some, verdicts, strict=True):
                row.add(seed, verdict)
                if not verdict.good and len(row.failing) <= SHOWN:
                    print(
                        f"{name}, seed {seed}", *findings_of(verdict), _again(name, seed, habits), sep="\n", flush=True
                    )
            print(f"{name}: {row.seeds - len(row.failing)} of {row.seeds} good", flush=True)
            kept.add(row)
            yield row


def quiet() -> None:
    """Thousands of lost connections are not for the terminal."""
    logging.getLogger("gemini_realtime").setLevel(logging.CRITICAL)
    for name in ("asyncio", "picows"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def findings_of(verdict: Verdict) -> list[str]:
    """What is to be said against a conversation, one line each."""
    kinds = {"lost": verdict.lost, "doubled": verdict.doubled, "wrong": verdict.wrong}
    return [f"    {kind}: {finding}" for kind, findings in kinds.items() for finding in findings]


def _again(name: str, seed: int, habits: Habits) -> str:
    return f"    python -m reliability.run --fault {name} --seed {seed} --seconds {habits.duration_s:g} --trace"


def table(rows: Iterable[Row]) -> str:
    """The results as a Markdown table."""
    numbered = ("seeds", "lost", "doubled", "uncertain", "resumed", "worst gap (s)", "hangs", "other findings")
    lines = [f"| fault | what happens | {' | '.join(numbered)} |", f"| --- | --- |{' ---: |' * len(numbered)}"]
    for row in rows:
        meaning = TROUBLES[row.trouble].meaning
        numbers = [row.seeds, row.lost, row.doubled, row.uncertain, row.resumed, f"{row.worst_gap_s:.1f}", row.hangs]
        lines.append("| " + " | ".join(map(str, [f"`{row.trouble}`", meaning, *numbers, row.wrong])) + " |")
    return "\n".join(lines)


def write_page(rows: Iterable[Row]) -> None:
    """Put the table into docs/reliability.md."""
    written = table(rows)
    PAGE.write_text(MEASURED.sub(lambda found: f"{found[1]}{written}\n{found[2]}", PAGE.read_text("utf-8")), "utf-8")
    print(f"{PAGE.relative_to(ROOT)} is written", file=sys.stderr)


if __name__ == "__main__":
    main()
