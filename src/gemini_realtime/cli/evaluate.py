"""`gemini-realtime evaluate`: call an agent many times, and report the results."""

from __future__ import annotations

import shlex
import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from textwrap import indent

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from gemini_realtime import ConfigError
from gemini_realtime.cli import printable
from gemini_realtime.cli.options.evaluate import EvaluateOptions
from gemini_realtime.cli.options.files import writing
from gemini_realtime.evaluation.comparison import Change, JudgedChange, compare
from gemini_realtime.evaluation.files import JsonLines, JUnit, Sink, read_results, taken_over
from gemini_realtime.evaluation.page import page
from gemini_realtime.evaluation.plan import Plan
from gemini_realtime.evaluation.record import CallResult
from gemini_realtime.evaluation.running import run, run_again
from gemini_realtime.evaluation.suite_file import read_suite, steps_of
from gemini_realtime.evaluation.summary import JudgedStatement, SceneSummary, Tally

_COLOURS = {"passed": "green", "failed": "red", "flaky": "yellow", "better": "green", "worse": "red", "same": "dim"}
_SHOWN_MAX = 3  # kinds of failures of a scene that are told
_SEEDS_MAX = 5
_AGAIN_CALLS = 5  # failed calls of a scene that are made again
_AGAIN_TIMES = 9  # so that one which fails ten times in a row passes less often than one in four (95 %)


def evaluate(options: EvaluateOptions) -> bool:
    """Hold the calls of a suite; returns whether all were as expected.

    Raises:
        ConfigError: the suite or the agent cannot be used.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that a program under test is ended too
    plan = _plan(options)
    tally = Tally(scene.name for scene in plan.scenes)
    try:
        _hold(plan, tally, options)
    except KeyboardInterrupt:
        if tally.calls:
            _tell(plan, tally, options)
            _tell_stopped(plan, tally, options)
        raise
    _tell(plan, tally, options)
    if options.html is not None:
        with writing(options.html):
            options.html.write_text(page(plan.suite.name, tally, partial(_again, options)), "utf-8")
    return not tally.failed


def _again(options: EvaluateOptions, call: CallResult) -> str:
    """What holds a call once more; an address and a program, which may hold a secret, are left to be filled in."""
    words = ["gemini-realtime", "evaluate", str(options.suite), "--scene", call.scene, "--seed", str(call.seed)]
    for option, value in (("--agent", options.agent), ("--model", options.model), ("--url", options.url and "URL")):
        words += [option, value] if value else []
    words += ["--sound"] if options.sound else []
    return shlex.join(words + (["--", "PROGRAM"] if options.command else []))


def _plan(options: EvaluateOptions) -> Plan:
    assert options.suite is not None
    suite = read_suite(options.suite)
    return Plan(
        replace(
            suite,
            seed=suite.seed if options.seed is None else options.seed,
            model=options.model or suite.model,
        ),
        agent=options.agent,
        command=options.command or (),
        url=options.url,
        only=options.scene or (),
        repeat=options.repeat,
        sound=options.sound,
        workers=options.workers,
        record=None if options.record is None else options.record.absolute(),
        ray=options.ray,
    )


def compared(before: Path, after: Path) -> bool:
    """Say what became better and worse; returns whether nothing became worse.

    Raises:
        ConfigError: a file cannot be read, or the two have no scene in common.
    """
    changes = compare(read_results(before), read_results(after))
    if not changes:
        raise ConfigError("the two runs have no scene in common", remedy="compare runs of one suite")
    table = _changes("scene", "pass", "", "difference", "first sound, s", "", "difference")
    for change in changes:
        table.add_row(*_changed(change))
    console = Console()
    console.print(table)
    judged = _changes("scene", "a judge says that", "holds in", "", "difference")
    for change in changes:
        for statement in change.judged:
            judged.add_row(escape(change.name), escape(statement.statement), *_shares(statement))
    if judged.row_count:
        console.print("", judged)
    console.print("95 times of 100, all differences lie in these intervals; first sounds are medians", style="dim")
    return not any("worse" in (change.outcome, change.speed) for change in changes)


def _changes(*heads: str) -> Table:
    """A table of which numbers stay whole, however long the names are."""
    table = Table(box=None, padding=(0, 1, 0, 0))  # 80 columns are few
    for head in heads:
        table.add_column(head, no_wrap=head not in ("scene", "a judge says that"))
    return table


def _hold(plan: Plan, tally: Tally, options: EvaluateOptions) -> None:
    """Hold the calls, count them, and keep them in the files that are wanted."""
    with ExitStack() as closing, _progress() as progress:
        sinks = _sinks(plan, options)
        for sink in sinks:
            closing.callback(sink.close)
        known = set()
        for result in filter(plan.includes, taken_over(sinks)):
            known.add((result.scene, result.seed))
            tally.add(result)
        task = progress.add_task("calls", total=len(plan), completed=tally.calls, failed=tally.failed)
        for result in run(plan, known=known):
            for sink in sinks:
                sink.add(result)
            tally.add(result)
            progress.update(task, advance=1, failed=tally.failed)
        if options.flaky:
            _hold_again(plan, tally, progress)


def _hold_again(plan: Plan, tally: Tally, progress: Progress) -> None:
    """Hold some of the calls that failed again, with the seeds that they had."""
    failed = [call for scene in tally for call in scene.failed[:_AGAIN_CALLS]]
    task = progress.add_task("again", total=len(failed) * _AGAIN_TIMES, failed=0)
    for result in run_again(plan, failed, _AGAIN_TIMES):
        tally.add_again(result)
        progress.update(task, advance=1)


def _sinks(plan: Plan, options: EvaluateOptions) -> list[Sink]:
    sinks: list[Sink] = []
    if options.json is not None:
        sinks.append(JsonLines(options.json, resume=options.resume))
    if options.parquet is not None:
        from gemini_realtime.evaluation.parquet import ParquetParts

        sinks.append(ParquetParts(options.parquet, resume=options.resume))
    if options.junit is not None:
        sinks.append(JUnit(options.junit, plan.suite.name))
    return sinks


def _progress() -> Progress:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
               TextColumn("{task.fields[failed]} failed"), TimeElapsedColumn(), TimeRemainingColumn())  # fmt: skip
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _tell_stopped(plan: Plan, tally: Tally, options: EvaluateOptions) -> None:
    """What was held until somebody stopped it, and how to go on."""
    kept = [name for name, path in (("--json", options.json), ("--parquet", options.parquet)) if path is not None]
    remedy = "add --resume to go on" if kept else "with --json FILE, --resume could go on from here"
    Console().print(f"stopped after {tally.calls} of {len(plan)} calls; {remedy}", style="yellow")


def _tell(plan: Plan, tally: Tally, options: EvaluateOptions) -> None:
    console = Console()
    _tell_scenes(console, [scene.summary() for scene in tally])
    faster = tally.lasted_s / max(tally.took_s, 1e-9)
    time = f"virtual time, {faster:.0f} times as fast"
    if plan.sound or plan.command or plan.url:
        time = "real time" if plan.command else "real time, with real speech"
    lasted_s = tally.lasted_s / tally.calls
    calls = f"{tally.calls} calls of {lasted_s:.0f} s on average" if tally.calls > 1 else f"1 call of {lasted_s:.0f} s"
    console.print(f"{calls}, {time}", style="dim")
    if tally.held_again:
        console.print(f"{tally.held_again} were held again, since this machine was late itself", style="yellow")
    failed = next((result for scene in tally for result in scene.failed), None)
    if failed is not None:
        _tell_call(console, failed)
        console.print(f"  again: {_again(options, failed)}", markup=False, soft_wrap=True)


def _tell_scenes(console: Console, scenes: Sequence[SceneSummary]) -> None:
    flaky = any(scene.outcome == "flaky" for scene in scenes)
    table = Table("", "scene", "calls", *(["pass, 95 %"] if flaky else []), "first sound p50", "p95", box=None)
    for scene in scenes:
        low, high = scene.rate_interval
        share = f"{low:.0%} to {high:.0%}" if scene.outcome == "flaky" else ""
        table.add_row(
            f"[{_COLOURS[scene.outcome]}]{scene.outcome}[/]",
            escape(scene.name),
            f"{scene.passed}/{scene.calls}",
            *([share] if flaky else []),
            _seconds(scene.p50_s),
            _seconds(scene.p95_s),
        )
    console.print(table)
    for scene in scenes:
        if scene.seeds:
            console.print(f"\n{scene.name}", style="bold", markup=False)
            for line in _failures(scene):
                console.print(f"  {printable(line)}", markup=False)
    judged = Table("scene", "a judge says that", "holds in", "votes agree", "no verdict", box=None)
    for scene in scenes:
        for statement in scene.judged:
            judged.add_row(escape(scene.name), *_judged(statement))
    if judged.row_count:
        console.print("", judged, "")


def _failures(scene: SceneSummary) -> Iterator[str]:
    """What failed in a scene, and with which seeds."""
    for words, count in scene.failures[:_SHOWN_MAX]:
        yield f"✗ {count} × {words}"
    if len(scene.failures) > _SHOWN_MAX:
        yield f"and {len(scene.failures) - _SHOWN_MAX} more"
    if not scene.again:
        yield f"with {_seeds(scene.seeds)}"
    if scene.faults:
        yield f"a fault, which repeats itself: {_seeds(scene.faults)}"
    tossed = [f"{seed} ({passed} of {times})" for seed, (passed, times) in scene.again.items() if passed]
    if tossed:
        yield f"a coin toss, which came down well when it was repeated: {_seeds(tossed)}"


def _seeds(seeds: Sequence[int | str]) -> str:
    more = ", …" if len(seeds) > _SEEDS_MAX else ""
    return f"{'seed' if len(seeds) == 1 else 'seeds'} {', '.join(map(str, seeds[:_SEEDS_MAX]))}{more}"


def _tell_call(console: Console, call: CallResult) -> None:
    console.print(f"\n{call.scene}, seed {call.seed}:", style="bold", markup=False)
    for turn in call.record.turns:
        cut = " —" if turn.interrupted else ""
        console.print(f"  {turn.at_s:6.2f} s  {turn.role:<6}  {printable(turn.text)}{cut}", markup=False)
    for failure in call.failures:
        console.print(f"  ✗ {printable(failure)}", style="red", markup=False, soft_wrap=True)
    for judgement in call.judgements:
        told = f"  judge: {judgement.statement} {judgement.verdict}: {judgement.reason}"
        console.print(told, style="dim", markup=False)
    if call.record.improvised:
        console.print("  the caller's words as steps, with which the call is made again:", markup=False)
        console.print(indent(steps_of(call.record), "    "), markup=False, soft_wrap=True)
    if call.recording:
        console.print(f"  see and hear it: {call.recording}", markup=False, soft_wrap=True)


def _changed(change: Change) -> list[str]:
    before, after = ("–" if p50 is None else f"{p50:.2f}" for p50 in change.p50_s)
    times = "too few calls" if change.p50_interval_s is None else "{:+.2f} to {:+.2f}".format(*change.p50_interval_s)
    return [
        escape(change.name),
        *_shares(change),
        f"{before} → {after}",
        f"[{_COLOURS[change.speed]}]{change.speed}[/]",
        times,
    ]


def _shares(change: Change | JudgedChange) -> list[str]:
    (before, after), (low, high) = change.rates, change.rate_interval
    return [
        f"{before:.0%} → {after:.0%}",
        f"[{_COLOURS[change.outcome]}]{change.outcome}[/]",
        f"{low:+.0%} to {high:+.0%}",
    ]


def _judged(judged: JudgedStatement) -> list[str]:
    return [
        escape(judged.statement),
        f"{judged.held}/{judged.judged}",
        "–" if judged.agreement is None else f"{judged.agreement:.0%}",
        escape("; ".join(f"{count}: {why}" for why, count in judged.missing)),
    ]


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f} s"
