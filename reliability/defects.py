"""Plant defects in voice agents, and see whether an evaluation finds them; writes its column of docs/evaluate.md.

python -m reliability.defects                 10 calls with each, 200 without
python -m reliability.defects --defect NAME --seed 3 --trace
python -m reliability.defects --host google_genai --python PATH     the same with a program, in real time

With `--results FILE` each call is kept as it is there, and what the file has is not called again.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from gemini_realtime.evaluation import CallResult, Suite, Target, play
from gemini_realtime.evaluation.workers import call_workers, held_by_worker
from reliability.bookings import NAMES, Model, scene
from reliability.hosts.realtime_agent_host import Program
from reliability.tools import quiet

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "docs" / "evaluate.md"
MEASURED: Final = re.compile(r"(<!-- measured: defects -->\n).*?(<!-- end -->)", re.DOTALL)
OURS: Final = "gemini-realtime"
HOSTS: Final = {"google_genai": "google-genai", "pydantic_ai": "pydantic-ai", "pipecat": "Pipecat"}
"""Programs on other libraries, and the heads of their columns."""


@dataclass(frozen=True)
class Defect:
    """What is wrong with an agent: in its program or in what its model does."""

    meaning: str
    program: Program = field(default_factory=Program)
    model: Model = field(default_factory=Model)


GOOD: Final = "none"
DEFECTS: Final = {
    GOOD: Defect("an agent as it should be"),
    "calls twice": Defect("a table is booked twice", model=Model(calls=2)),
    "wrong guests": Defect("one guest too many is booked", model=Model(guests_off=1)),
    "wrong hour": Defect("the table is booked an hour later", model=Model(hour_off=1)),
    "pretends": Defect("it says that it has booked, and has not", model=Model(pretends=True)),
    "books too soon": Defect("it books before it knows the name", model=Model(books_at_once=True)),
    "asks again": Defect("it asks what it was told already", model=Model(asks_again=True)),
    "forgets the name": Defect("the name is not repeated", model=Model(forgets_name=True)),
    "makes up a price": Defect("it says a price that it was not given", model=Model(makes_up_price=True)),
    "misreads a result": Defect("it says another price than the function gave", model=Model(misreads_result=True)),
    "silent after a result": Defect("it says nothing about a result", model=Model(silent_after_result=True)),
    "says all twice": Defect("each sentence is said twice", model=Model(says_twice=True)),
    "tells its instructions": Defect("it tells what it was instructed", model=Model(tells_instructions=True)),
    "slow to think": Defect("each answer begins two seconds late", model=Model(thinks_s=2.0)),
    "sticks to its story": Defect("after an interruption it goes on as before", model=Model(sticks_to_menu=True)),
    "slow function": Defect("a function takes two seconds", Program(price_takes_s=2.0)),
    "failing function": Defect("a function raises an error", Program(price_fails=True)),
    "hanging function": Defect("a function never returns", Program(price_hangs=True)),
    "misnamed function": Defect("a function is declared under another name", Program(loses_tool=True)),
    "talks over the caller": Defect("it cannot be interrupted", Program(talks_over=True)),
    "answers too soon": Defect("it answers in the pauses of a sentence", Program(hasty=True)),
    "deaf after a resume": Defect("it hears nothing over its second connection", Program(deaf_after_resume=True)),
    "forgets after a cut": Defect("its second connection begins a new conversation"),
    "answers coughs": Defect("a cough is taken for a question", Program(answers_coughs=True)),
    "gives up": Defect("a lost connection ends the call", Program(gives_up_connection=True)),
    "hangs up": Defect("it ends the call once it has booked", Program(hangs_up=True)),
}
"""What each is; a program on another library has those of `Program` by their names."""

PROGRAMS: Final = frozenset(HOSTS.values())
UNPLANTED: Final = {
    "the server plays a program's caller, whatever that does with its microphone": (
        PROGRAMS,
        ("answers too soon", "deaf after a resume", "answers coughs"),
    ),
    "the client tells a new session what was said in the old one": ({OURS}, ("forgets after a cut",)),
}
"""Why some cannot be planted: where, and which."""


class Held(msgspec.Struct):
    """A call to an agent with a defect, as it is kept."""

    defect: str
    result: CallResult


@dataclass(frozen=True)
class Bench:
    """What is called, how often, and where that is kept.

    Attributes:
        command: that runs a program; empty for our agent, in this process.
        seeds: of the calls to each agent.
        processes: that hold calls at once.
        results: file of calls that were held, one JSON object on a line.
    """

    command: Sequence[str]
    seeds: Mapping[str, Sequence[int]]
    processes: int
    results: Path | None

    def run(self) -> Iterator[Held]:
        """The calls as they are there, those of an earlier run first."""
        todo = {(defect, seed) for defect, seeds in self.seeds.items() for seed in seeds}
        for held in self._kept():
            if (held.defect, held.result.seed) in todo:
                todo.remove((held.defect, held.result.seed))
                yield held
        order = {defect: number for number, defect in enumerate(self.seeds)}
        with call_workers(self.processes, quiet) as pool:
            calls = {
                pool.submit(held_by_worker, call, defect, seed, self.command): defect
                for defect, seed in sorted(todo, key=lambda each: (order[each[0]], each[1]))
            }
            for future in as_completed(calls):
                held = Held(calls[future], future.result())
                self._keep(held)
                yield held

    def _kept(self) -> Iterator[Held]:
        if self.results is not None and self.results.exists():
            for line in self.results.read_text("utf-8").splitlines():
                yield msgspec.json.decode(line, type=Held)

    def _keep(self, held: Held) -> None:
        if self.results is not None:
            with self.results.open("ab") as file:
                file.write(msgspec.json.encode(held) + b"\n")


def planted(head: str) -> list[str]:
    """The agents that can be made on this library, the one as it should be first."""
    missing = {name for heads, names in UNPLANTED.values() if head in heads for name in names}
    return [name for name in DEFECTS if name not in missing]


def call(defect: str, seed: int, command: Sequence[str] = ()) -> CallResult:
    """One call to an agent with this defect, or to the program that this command runs."""
    planted, held = DEFECTS[defect], scene(seed)
    target = Target(command=[*command, defect]) if command else Target(planted.program)
    return play(Suite("bookings", [held], model=planted.model, folder=ROOT), held, seed, target)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--defect", action="append", choices=DEFECTS, metavar="NAME", help="only this")
    parser.add_argument("--seeds", type=int, default=10, help="how many calls with each")
    parser.add_argument("--good", type=int, default=200, help="how many without any")
    parser.add_argument("--seed", type=int, help="only this one")
    parser.add_argument("--trace", action="store_true", help="show each call")
    parser.add_argument("--host", choices=HOSTS, help="a program on this library, in place of our agent")
    parser.add_argument("--python", default=sys.executable, help="that has the library")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="calls at once")
    parser.add_argument("--results", type=Path, help="where calls are kept, and not held again")
    options = parser.parse_args()
    command = [options.python, "-m", f"reliability.hosts.{options.host}_host"] if options.host else []
    head = HOSTS.get(options.host, OURS)
    names = options.defect or planted(head)
    quiet()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that programs under test are ended too
    bench = Bench(command, {name: _seeds(options, name) for name in names}, options.processes, options.results)
    results = _told(bench, trace=options.trace)
    if options.defect is None and options.seed is None:
        _write(head, results)
    sys.exit(not all(_as_wanted(name, found) for name, found in results.items()))


def _seeds(options: argparse.Namespace, name: str) -> Sequence[int]:
    if options.seed is not None:
        return [options.seed]
    return range(1, 1 + (options.good if name == GOOD else options.seeds))


def _told(bench: Bench, *, trace: bool) -> dict[str, list[CallResult]]:
    """Hold the calls and say what comes of them, those to each agent when all are there."""
    results: dict[str, list[CallResult]] = {name: [] for name in bench.seeds}
    for held in bench.run():
        found = results[held.defect]
        found.append(held.result)
        if trace:
            _trace(held)
        if len(found) == len(bench.seeds[held.defect]):
            wanting = sum(not result.passed for result in found)
            note = "" if _as_wanted(held.defect, found) else "  ✗"
            print(f"{held.defect}: {wanting} of {len(found)} calls found wanting{note}", flush=True)
    return results


def _write(head: str, results: Mapping[str, Sequence[CallResult]]) -> None:
    """Put what was found into the column of the page's table."""
    page = PAGE.read_text("utf-8")
    cells = _measured_before(page)
    for name, found in results.items():
        cells[name, head] = f"{sum(not result.passed for result in found)} of {len(found)}"
        if head == OURS or not cells.get((name, _BY)):
            cells[name, _BY] = _by(found)
    PAGE.write_text(MEASURED.sub(lambda place: place[1] + table(cells) + place[2], page), "utf-8")


_BY: Final = "found by"


def table(cells: Mapping[tuple[str, str], str]) -> str:
    """A row for each defect, a column for each host; what was not measured is left empty."""
    heads = [OURS, *HOSTS.values(), _BY]
    known = {head: set(DEFECTS if head == _BY else planted(head)) for head in heads}
    lines = [f"| defect | what it is | {' | '.join(heads)} |", "| --- " * (2 + len(heads)) + "|"]
    for name, defect in DEFECTS.items():
        row = [cells.get((name, head), "") if name in known[head] else "–" for head in heads]
        lines.append(f"| {name} | {defect.meaning} | {' | '.join(row)} |")
    reasons = (f"{', '.join(names)}: {reason}" for reason, (_, names) in UNPLANTED.items())
    return "\n".join([*lines, "", f"– was not planted. {'; '.join(reasons)}."]) + "\n"


def _measured_before(page: str) -> dict[tuple[str, str], str]:
    """The cells of the table in a page."""
    place = MEASURED.search(page)
    rows = [line.strip("| ").split(" | ") for line in place[0].splitlines() if line.startswith("|")] if place else []
    heads = rows[0][2:] if rows else []
    return {(row[0], head): cell for row in rows[2:] for head, cell in zip(heads, row[2:], strict=False)}


def _by(results: Iterable[CallResult]) -> str:
    """The expectation that told, in most of the calls."""
    told = [_told_first(result) for result in results if not result.passed]
    kinds = Counter(map(_kind, told))
    return next((words for words in told if _kind(words) == kinds.most_common(1)[0][0]), "")


def _told_first(result: CallResult) -> str:
    if result.error:
        return result.error.splitlines()[0]
    return next(verdict.expected for verdict in result.verdicts if not verdict.met)


def _kind(expected: str) -> str:
    """Without what differs from call to call."""
    return re.sub(rf"\d+|{'|'.join(NAMES)}", "…", expected)


def _as_wanted(name: str, results: Sequence[CallResult]) -> bool:
    found = sum(not result.passed for result in results)
    return found == 0 if name == GOOD else found >= 0.95 * len(results)


def _trace(held: Held) -> None:
    result = held.result
    print(f"{held.defect}, seed {result.seed}")
    for turn in result.record.turns:
        print(f"  {turn.at_s:6.2f} s  {turn.role:<6}  {turn.text}{' —' if turn.interrupted else ''}")
    for tool in result.record.tools:
        print(f"  {tool}")
    for failure in result.failures:
        print(f"  ✗ {failure}")


if __name__ == "__main__":
    main()
