"""Hold many conversations in which functions are called and something goes wrong, and count what is paid twice.

python -m reliability.tools                   200 seeds of each; prints the table and writes it into docs/agents.md
python -m reliability.tools --fault NAME --seed 17 --trace
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import re
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from gemini_realtime import Approval, CallContext
from gemini_realtime.transport.faults import Stalled
from reliability.tool_scene import Arrange, CallingConnection, ToolScene, ToolVerdict, hold
from reliability.troubles import At

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "agents.md"
MEASURED = re.compile(r"(<!-- measured: tools -->\n).*?(<!-- end -->)", re.DOTALL)


@dataclass(frozen=True)
class ToolFault:
    """Something that goes wrong.

    Attributes:
        name: of it.
        meaning: what happens.
        arrange: brings it about.
    """

    name: str
    meaning: str
    arrange: Arrange


# --- what the model does


def _says(**changes: Any) -> Arrange:
    def arrange(scene: ToolScene) -> None:
        for name, value in changes.items():
            setattr(scene.model, name, value)

    return arrange


def _mistakes(**changes: Any) -> Arrange:
    def arrange(scene: ToolScene) -> None:
        scene.may_miss = True
        _says(**changes)(scene)

    return arrange


def _takes_back(after_s: tuple[float, float], *, stubborn: bool = False) -> Arrange:
    def arrange(scene: ToolScene) -> None:
        def called(connection: CallingConnection) -> None:
            if scene.struck():
                scene.later(after_s, connection.take_back)

        scene.may_miss, scene.model.called = True, called
        if stubborn:
            _stubborn(scene)

    return arrange


def _wrong(item: str) -> dict[str, Any]:
    return {"thing": item}


# --- what the connection does


def _when_called(action: Callable[[ToolScene], object], after_s: tuple[float, float]) -> Arrange:
    """Something happens after a call."""

    def arrange(scene: ToolScene) -> None:
        def called(connection: CallingConnection) -> None:
            if scene.struck():
                scene.later(after_s, lambda: action(scene))

        scene.model.called = called

    return arrange


def _when_answered(action: Callable[[ToolScene], object], after_s: tuple[float, float]) -> Arrange:
    """Something happens when a result has come."""

    def arrange(scene: ToolScene) -> None:
        def answered(connection: CallingConnection) -> None:
            if scene.struck():
                scene.later(after_s, lambda: action(scene))

        scene.model.answered = answered

    return arrange


def _cut(scene: ToolScene) -> None:
    scene.cut()


def _cuts(scene: ToolScene) -> None:
    for _ in range(scene.random.randint(2, 5)):
        scene.later((0.0, 12.0), scene.cut)


def _go_away(scene: ToolScene) -> None:
    if scene.service.present is not None:
        scene.service.present.go_away(scene.random.choice((0.0, 0.2, 1.0, 5.0)))


def _forgotten(scene: ToolScene) -> None:
    scene.service.manner.refused_handles = 1
    scene.cut()


def _close(code: int, reason: str) -> Callable[[ToolScene], None]:
    def close(scene: ToolScene) -> None:
        if scene.service.present is not None:
            scene.service.present.hang_up(code, reason)

    return close


def _stops(scene: ToolScene) -> None:
    scene.ends = scene.may_miss = True
    _when_called(lambda scene: scene.agent.stop(), (0.0, 5.0))(scene)


def _stalls(scene: ToolScene) -> None:
    scene.faults.append(At(time_s=scene.random.uniform(1.0, 20.0), fault=Stalled(for_s=45.0)))


# --- what the function does


def _raises(error: type[BaseException], *, after: bool) -> Arrange:
    def arrange(scene: ToolScene) -> None:
        async def pay(item: str) -> None:
            await scene.till.wait()
            if after:
                scene.till.pay(item)
            raise error("no money")

        scene.function, scene.may_miss = pay, not after

    return arrange


def _too_slow(scene: ToolScene) -> None:
    scene.till.takes_s = (0.5, 6.0)
    scene.options["timeout_s"] = 4.0
    scene.may_miss = True


def _late(scene: ToolScene) -> None:
    scene.till.takes_s = (10.0, 25.0)


def _stubborn(scene: ToolScene) -> None:
    """Goes on although it is cancelled, and pays."""

    async def pay(item: str, context: CallContext) -> str:
        for _ in range(3):
            with suppress(asyncio.CancelledError):
                await scene.till.wait()
        scene.till.pay(item, context.idempotency_key)
        return "paid"

    scene.function = pay


def _in_a_thread(scene: ToolScene) -> None:
    def pay(item: str) -> str:
        scene.till.pay(item)
        return "paid"

    scene.function = pay


def _with_progress(scene: ToolScene) -> None:
    async def pay(item: str) -> AsyncIterator[str]:
        yield "asking the bank"
        await scene.till.wait()
        scene.till.pay(item)
        yield "nearly"
        await scene.till.wait()
        yield "paid"

    scene.function = pay


def _untellable(scene: ToolScene) -> None:
    async def pay(item: str) -> Any:
        await scene.till.wait()
        scene.till.pay(item)
        return scene.random.choice((object(), "x" * 1_000_000, b"\x89PNG\r\n\x1a\n", float("nan")))

    scene.function = pay


def _denied(scene: ToolScene) -> None:
    async def approve(approval: Approval) -> bool:
        await scene.till.wait()
        return scene.random.random() < 0.5

    scene.options["approve"], scene.may_miss = approve, True


def _keyless(scene: ToolScene) -> None:
    """The till knows no idempotency keys: what runs twice pays twice."""

    async def pay(item: str) -> str:
        await scene.till.wait()
        scene.till.pay(item)
        await scene.till.wait()
        return "paid"

    scene.function = pay


def _option(**options: Any) -> Arrange:
    return lambda scene: scene.options.update(options)


def _interrupted(scene: ToolScene) -> None:
    scene.options["cancel_on_interruption"] = scene.random.random() < 0.5
    scene.interrupts = scene.may_miss = True


def _all(*arrangements: Arrange) -> Arrange:
    def arrange(scene: ToolScene) -> None:
        for one in arrangements:
            one(scene)

    return arrange


WHILE = (0.0, 5.0)
"""Seconds in which a function is at work."""

FAULTS: Final = {
    fault.name: fault
    for fault in (
        ToolFault("none", "nothing", lambda scene: None),
        # --- what the model does
        ToolFault("doubled-call", "the same call comes twice", _says(times=2)),
        ToolFault("two-forms", "it comes as `toolCall` and among the parts of `modelTurn`", _says(both_forms=True)),
        ToolFault("many-calls", "two hundred calls at once", _says(count=200)),
        ToolFault("many-calls-cut", "and the connection breaks", _all(_says(count=200), _when_called(_cut, WHILE))),
        ToolFault("wrong-arguments", "arguments that the function does not take", _mistakes(arguments=_wrong)),
        ToolFault("unknown-name", "a function that does not exist", _mistakes(name="pray")),
        ToolFault("cancelled", "the service cancels while the function runs", _takes_back(WHILE)),
        ToolFault("cancelled-late", "it cancels, and the function goes on and pays", _takes_back(WHILE, stubborn=True)),
        ToolFault("interrupted", "the user asks something else meanwhile", _interrupted),
        # --- what the connection does
        ToolFault("cut-before", "the connection breaks with the call on its way", _when_called(_cut, (0.0, 0.01))),
        ToolFault("cut-while", "it breaks while the function runs", _when_called(_cut, WHILE)),
        ToolFault("cut-result", "it breaks with the result on its way", _when_answered(_cut, (0.0, 0.01))),
        ToolFault("cut-answer", "it breaks while the model speaks of the result", _when_answered(_cut, (0.2, 4.0))),
        ToolFault("cuts", "it breaks several times", _when_called(_cuts, (0.0, 1.0))),
        ToolFault("keyless-cuts", "and the till knows no idempotency keys",
                  _all(_keyless, _when_called(_cuts, (0.0, 1.0)))),
        ToolFault("same-id", "it breaks, and the call comes again under its old id",
                  _all(_says(same_ids=True), _when_called(_cut, WHILE))),
        ToolFault("new-session", "it breaks, and the session is forgotten", _when_called(_forgotten, WHILE)),
        ToolFault("go-away", "the service leaves while the function runs", _when_called(_go_away, WHILE)),
        ToolFault("close", "it closes with 1011 meanwhile", _when_called(_close(1011, "Internal error"), WHILE)),
        ToolFault("stalled", "nothing that is sent is taken for 45 s", _stalls),
        ToolFault("end", "the conversation ends meanwhile", _stops),
        # --- what the function does
        ToolFault("exception", "the function raises", _raises(ValueError, after=False)),
        ToolFault("exception-cut", "it raises when it has paid, and the connection breaks",
                  _all(_raises(ValueError, after=True), _when_called(_cut, WHILE))),
        ToolFault("exit", "it raises SystemExit", _raises(SystemExit, after=True)),
        ToolFault("timeout", "it takes too long", _too_slow),
        ToolFault("timeout-cut", "and the connection breaks", _all(_too_slow, _when_called(_cut, WHILE))),
        ToolFault("late-result", "it takes 20 to 50 s, and the connection breaks",
                  _all(_late, _when_called(_cut, (0.0, 40.0)))),
        ToolFault("untellable", "its result has no form in JSON, or is too long", _untellable),
        ToolFault("thread-cut", "a thread that nobody can stop, and the connection breaks",
                  _all(_in_a_thread, _when_called(_cut, WHILE))),
        ToolFault("progress-cut", "it tells of progress, and the connection breaks",
                  _all(_with_progress, _when_called(_cut, WHILE))),
        ToolFault("background", "it runs in the background", _option(background=True)),
        ToolFault("background-cut", "and the connection breaks",
                  _all(_option(background=True), _when_called(_cut, WHILE))),
        ToolFault("denied", "half of the calls are not approved", _denied),
        ToolFault("denied-cut", "and the connection breaks", _all(_denied, _when_called(_cut, WHILE))),
    )
}  # fmt: skip
"""What goes wrong, by name."""


@dataclass
class Row:
    """All conversations with one fault."""

    fault: str
    seeds: int = 0
    calls: int = 0
    paid: int = 0
    doubled: int = 0
    missing: int = 0
    unanswered: int = 0
    other: int = 0
    failing: list[tuple[int, ToolVerdict]] = field(default_factory=list)

    def add(self, seed: int, verdict: ToolVerdict) -> None:
        """Count one more."""
        self.seeds += 1
        self.calls += verdict.calls
        self.paid += verdict.paid
        self.doubled += verdict.doubled
        self.missing += verdict.missing
        self.unanswered += verdict.unanswered
        self.other += len(verdict.other)
        if not verdict.good:
            self.failing.append((seed, verdict))


def conversation(name: str, seed: int, timeline: list[str] | None = None) -> ToolVerdict:
    """Hold one conversation."""
    return hold(name, FAULTS[name].arrange, seed, timeline)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fault", action="append", choices=list(FAULTS), metavar="NAME", help="only this")
    parser.add_argument("--seeds", type=int, default=200, help="how many conversations of each")
    parser.add_argument("--seed", type=int, help="only this one")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="at once")
    parser.add_argument("--trace", action="store_true", help="show how each conversation went")
    options = parser.parse_args()
    names = options.fault or list(FAULTS)
    seeds = range(1, options.seeds + 1) if options.seed is None else [options.seed]
    quiet()
    if options.trace:
        for name in names:
            for seed in seeds:
                timeline: list[str] = []
                verdict = conversation(name, seed, timeline)
                print(f"{name}, seed {seed}", *timeline, verdict, sep="\n")
        return
    rows = list(_rows(names, seeds, options.processes))
    print(table(rows))
    if names == list(FAULTS) and options.seed is None:
        page = PAGE.read_text("utf-8")
        PAGE.write_text(MEASURED.sub(lambda found: f"{found[1]}{table(rows)}\n{found[2]}", page), "utf-8")
    sys.exit(any(row.failing for row in rows))


def quiet() -> None:
    """What goes wrong on purpose is not for the terminal."""
    for name in ("gemini_realtime", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _rows(names: Iterable[str], seeds: Iterable[int], processes: int) -> Iterator[Row]:
    with ProcessPoolExecutor(processes, initializer=quiet) as pool:
        for name in names:
            row, some = Row(name), list(seeds)
            for seed, verdict in zip(some, pool.map(partial(conversation, name), some, chunksize=4), strict=True):
                row.add(seed, verdict)
            print(f"{name}: {row.seeds - len(row.failing)} of {row.seeds} good", *row.failing[:2], flush=True)
            yield row


def table(rows: Iterable[Row]) -> str:
    """The results as a Markdown table."""
    numbered = ("seeds", "calls", "paid", "paid twice", "not paid", "unanswered", "other findings")
    lines = [f"| fault | what happens | {' | '.join(numbered)} |", f"| --- | --- |{' ---: |' * len(numbered)}"]
    for row in rows:
        numbers = (row.seeds, row.calls, row.paid, row.doubled, row.missing, row.unanswered, row.other)
        lines.append("| " + " | ".join(map(str, [f"`{row.fault}`", FAULTS[row.fault].meaning, *numbers])) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
