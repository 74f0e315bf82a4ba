"""The answers: measured, kept in bench/results/, and shown in docs/performance.md."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from textwrap import fill, indent

from bench import aims, density
from bench.contestants import ROOT
from bench.plots import draw
from bench.progress import Progress, now, say
from bench.report import Result, section

RESULTS = ROOT / "bench" / "results"
AGAIN = RESULTS / "again"
"""Of a second run."""

PAGE = ROOT / "docs" / "performance.md"
README = ROOT / "README.md"
MEASURED = re.compile(r"( *)<!-- measured -->\n.*?<!-- end -->", re.DOTALL)
"""What is written anew, in `PAGE` and in `README`."""


def measure(rounds: Mapping[str, int], *, quick: bool, again: bool) -> None:
    """Answer one question after the other, print the answers, and keep each as soon as it is there.

    Args:
        rounds: how often everything is measured, by the name of the question.
        quick: measure next to nothing, and keep nothing.
        again: this is the second of two runs.
    """
    modules = {question: import_module(f"bench.{question}") for question in rounds}
    expected_s = [None if quick else _expected_s(question, times) for question, times in rounds.items()]
    progress = Progress(expected_s)
    for question, module in modules.items():
        progress.next(module.QUESTION)
        others, began_s = os.getloadavg()[0], time.monotonic()
        result: Result = module.answer(rounds[question], quick=quick)
        result.machine["load before"] = f"{others:.1f}"
        result.rounds, result.took_s = rounds[question], round(time.monotonic() - began_s, 1)
        now("")
        print(section(module.QUESTION, module.REMARKS, result), end="\n\n", flush=True)
        if not quick:
            result.save((AGAIN if again else RESULTS) / f"{question}.json")


def _expected_s(question: str, rounds: int) -> float | None:
    """How long it takes, by the run that is kept."""
    path = RESULTS / f"{question}.json"
    kept = Result.load(path) if path.exists() else None
    return kept.took_s / kept.rounds * rounds if kept and kept.rounds else None


def show(questions: Sequence[str]) -> None:
    """Put the answers that are kept into docs/performance.md, in this order, and the headline into README.md."""
    results, again = _kept(questions, RESULTS), _kept(questions, AGAIN)
    pictures = draw(results, PAGE.parent)
    sections = {}
    for question, result in results.items():
        shown = [f"![{shows}]({name})" for name, shows in pictures.get(question, [])]
        module = import_module(f"bench.{question}")
        remarks = module.REMARKS
        if question == "density":
            remarks += f"\n\n{density.headline(result.series[0])}"
        sections[question] = section(module.QUESTION, remarks, result, shown)
    of_density = [sections.pop("density")] if "density" in results else []
    of_aims = aims.section(results, again)
    _write(PAGE, "\n\n".join([*of_density, of_aims, *sections.values(), _measured_on(results, again)]))
    if of_density:
        _write(README, fill(density.in_short(results["density"].series[0]), 118, break_on_hyphens=False))


def _kept(questions: Sequence[str], folder: Path) -> dict[str, Result]:
    paths = {question: folder / f"{question}.json" for question in questions}
    return {question: Result.load(path) for question, path in paths.items() if path.exists()}


def _measured_on(results: Mapping[str, Result], again: Mapping[str, Result]) -> str:
    """Everything about the machine, and what else it did."""
    first = next(iter(results.values()))
    loads = [
        ", ".join(f"{result.machine.pop('load before', 'not noted')} ({question})" for question, result in run.items())
        for run in (results, again)
    ]
    what = [*first.machine.items(), ("what else ran, as the load average before each question", loads[0])]
    what += [("the same in the second run", loads[1])] if again else []
    facts = "\n".join(f"- {name}: {value}" for name, value in [*what, *first.versions.items()])
    return f"## What it was measured on\n\n{facts}"


def _write(page: Path, measured: str) -> None:
    marked = f"<!-- measured -->\n{measured}\n<!-- end -->"
    written = MEASURED.sub(lambda found: indent(marked, found[1]), page.read_text("utf-8"))
    page.write_text(written, "utf-8")
    say(f"{page.relative_to(ROOT)} is written")
