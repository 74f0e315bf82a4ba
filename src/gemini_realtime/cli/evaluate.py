"""`gemini-realtime evaluate`: call an agent many times, and say what came of it."""

from __future__ import annotations

import shlex
import signal
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from gemini_realtime import ConfigError
from gemini_realtime.cli.options.evaluate import EvaluateOptions
from gemini_realtime.evaluation.files import read_results, to_json_line, write_junit, write_parquet
from gemini_realtime.evaluation.page import page
from gemini_realtime.evaluation.record import CallResult
from gemini_realtime.evaluation.running import Plan, run
from gemini_realtime.evaluation.suite_file import read_suite
from gemini_realtime.evaluation.summary import Change, SceneSummary, compare, summaries

_COLOURS = {"passed": "green", "failed": "red", "flaky": "yellow", "better": "green", "worse": "red", "same": "dim"}
_SHOWN_MAX = 3  # failures of a scene in the table
_SEEDS_MAX = 5


def evaluate(options: EvaluateOptions) -> bool:
    """Hold the calls of a suite; returns whether all were as expected.

    Raises:
        ConfigError: the suite or the agent cannot be used.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that a program under test is ended too
    plan = _plan(options)
    results = _held(plan, options)
    if options.junit is not None:
        write_junit(options.junit, plan.suite.name, results)
    if options.parquet is not None:
        write_parquet(options.parquet, results)
    if options.html is not None:
        agent = ["--agent", plan.agent] if plan.agent else []
        command = shlex.join(["gemini-realtime", "evaluate", str(options.suite), *agent])
        options.html.write_text(page(plan.suite.name, results, command), "utf-8")
    _tell(plan, results)
    return all(result.passed for result in results)


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
    table = Table("scene", "calls that pass", "difference, 95 %", "first sound, p50", "difference, 95 %", box=None)
    for change in changes:
        table.add_row(*_changed(change))
    Console().print(table)
    return not any("worse" in (change.outcome, change.speed) for change in changes)


def _held(plan: Plan, options: EvaluateOptions) -> list[CallResult]:
    path = options.json
    results = read_results(path) if options.resume and path is not None else []
    known = {(result.scene, result.seed) for result in results}
    columns = (TextColumn("calls"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[failed]} failed"),
               TimeRemainingColumn())  # fmt: skip
    console = Console(stderr=True)
    with (
        path.open("a" if options.resume else "w", encoding="utf-8") if path is not None else nullcontext() as file,
        Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress,
    ):
        failed = sum(not result.passed for result in results)
        task = progress.add_task("", total=len(plan.calls), completed=len(results), failed=failed)
        for result in run(plan, known=known):
            results.append(result)
            failed += not result.passed
            if file is not None:
                print(to_json_line(result), file=file, flush=True)
            progress.update(task, advance=1, failed=failed)
    order = {scene.name: number for number, scene in enumerate(plan.suite.scenes)}
    return sorted(results, key=lambda result: (order.get(result.scene, len(order)), result.seed))


def _tell(plan: Plan, results: list[CallResult]) -> None:
    console = Console()
    table = Table("", "scene", "calls", "first sound p50", "p95", "what failed", box=None)
    for scene in summaries(results):
        table.add_row(*_told(scene))
    console.print(table)
    lasted_s, took_s = sum(result.record.lasted_s for result in results), sum(result.took_s for result in results)
    faster = lasted_s / max(took_s, 1e-9)
    time = f"virtual time, {faster:.0f} times as fast"
    if plan.sound or plan.command or plan.url:
        time = "real time" if plan.command else "real time, with real speech"
    console.print(f"{len(results)} calls of {lasted_s / len(results):.0f} s on average, {time}", style="dim")
    failed = next((result for result in results if not result.passed), None)
    if failed is not None:
        console.print(f"\n{failed.scene}, seed {failed.seed}:", style="bold")
        for turn in failed.record.turns:
            cut = " —" if turn.interrupted else ""
            console.print(f"  {turn.at_s:6.2f} s  {turn.role:<6}  {turn.text}{cut}", markup=False)
        for failure in failed.failures:
            console.print(f"  ✗ {failure}", style="red", markup=False)
        if failed.recording:
            console.print(f"  see and hear it: {failed.recording}", markup=False, soft_wrap=True)


def _told(scene: SceneSummary) -> list[str]:
    colour = _COLOURS[scene.outcome]
    failures = [f"{words} ({count})" for words, count in scene.failures[:_SHOWN_MAX]]
    more = ", …" if len(scene.seeds) > _SEEDS_MAX else ""
    seeds = f" (seeds {', '.join(map(str, scene.seeds[:_SEEDS_MAX]))}{more})" if scene.seeds else ""
    return [
        f"[{colour}]{scene.outcome}[/]",
        scene.name,
        f"{scene.passed}/{scene.calls}",
        _seconds(scene.p50_s),
        _seconds(scene.p95_s),
        "; ".join(failures) + seeds,
    ]


def _changed(change: Change) -> list[str]:
    low, high = change.rate_interval
    times = "" if change.p50_interval_s is None else "{:+.2f} to {:+.2f} s".format(*change.p50_interval_s)
    return [
        change.name,
        f"{change.rates[0]:.0%} → {change.rates[1]:.0%} [{_COLOURS[change.outcome]}]{change.outcome}[/]",
        f"{low:+.0%} to {high:+.0%}",
        f"{_seconds(change.p50_s[0])} → {_seconds(change.p50_s[1])} [{_COLOURS[change.speed]}]{change.speed}[/]",
        times,
    ]


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f} s"
