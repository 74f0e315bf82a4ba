"""Measure this package beside other clients of the Live API.

python -m bench.run                  everything, in environments of its own (.venv-bench*), some ten minutes;
                                     prints the tables, keeps bench/results/, writes docs/performance.md
python -m bench.run --again          everything once more, kept beside the first run: the page says whether they agree
python -m bench.run receive send     only these
python -m bench.run --full           with more rounds, some forty minutes
python -m bench.run --show           write docs/performance.md from the results kept
python -m bench.run --quick          a handful of messages, here, nobody else's clients: does the bench work?
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import time
import venv
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from textwrap import fill, indent

from bench import aims, density
from bench.contestants import ENVIRONMENTS, environment_folder
from bench.plots import draw
from bench.progress import Progress, say
from bench.report import Result, section

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "bench" / "results"
AGAIN = RESULTS / "again"
"""Of a second run."""

PAGE = ROOT / "docs" / "performance.md"
README = ROOT / "README.md"
REQUIREMENTS = ROOT / "bench" / "requirements"
ROUNDS = {
    # question: rounds of `make bench`, and of `make bench-full`
    "density": (5, 20),
    "steps": (1, 1),
    "capacity": (1, 5),
    "latency": (1, 5),
    "dialling": (1, 5),
    "growth": (1, 3),
    "receive": (2, 11),
    "send": (2, 11),
    "imports": (3, 7),
    "memory": (1, 1),
    "conversations": (1, 3),
}
QUESTIONS = list(ROUNDS)
ONE_OF = f"only these, of {', '.join(QUESTIONS)}"
MEASURED = re.compile(r"( *)<!-- measured -->\n.*?<!-- end -->", re.DOTALL)
"""What is written anew, in `PAGE` and in `README`."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("questions", nargs="*", choices=[*QUESTIONS, []], metavar="question", help=ONE_OF)
    parser.add_argument("--again", action="store_true", help="keep it as the second of two runs")
    parser.add_argument("--full", action="store_true", help="more rounds")
    parser.add_argument("--show", action="store_true", help="measure nothing")
    parser.add_argument("--quick", action="store_true", help="a handful of messages, in this environment, nothing kept")
    parser.add_argument("--here", action="store_true", help="measure with what is installed in this environment")
    options = parser.parse_args()
    questions = options.questions or QUESTIONS
    if options.quick or options.here:
        measure(questions, full=options.full, quick=options.quick, folder=AGAIN if options.again else RESULTS)
    elif not options.show:
        for other in sorted(set(ENVIRONMENTS.values())):
            environment_of_others(other)
        more = [flag for flag, wanted in (("--full", options.full), ("--again", options.again)) if wanted]
        ours: list[str | Path] = [environment("ours"), "-m", "bench.run"]
        subprocess.run([*ours, "--here", *more, *questions], cwd=ROOT, check=True)
        subprocess.run([*ours, "--show"], cwd=ROOT, check=True)
    else:
        write_page()


def measure(questions: Sequence[str], *, full: bool, quick: bool, folder: Path) -> None:
    """Answer the questions one after the other, and keep each answer as soon as it is there."""
    rounds = {question: 1 if quick else ROUNDS[question][full] for question in questions}
    modules = {question: import_module(f"bench.{question}") for question in questions}
    expected_s = [None if quick else _expected_s(question, rounds[question]) for question in questions]
    progress = Progress(expected_s)
    for question, module in modules.items():
        progress.next(module.QUESTION)
        others, began_s = os.getloadavg()[0], time.monotonic()
        result: Result = module.answer(rounds[question], quick=quick)
        result.machine["load before"] = f"{others:.1f}"
        result.rounds, result.took_s = rounds[question], round(time.monotonic() - began_s, 1)
        print(section(module.QUESTION, module.REMARKS, result), end="\n\n", flush=True)
        if not quick:
            result.save(folder / f"{question}.json")


def _expected_s(question: str, rounds: int) -> float | None:
    """How long it takes, by the run that is kept."""
    path = RESULTS / f"{question}.json"
    kept = Result.load(path) if path.exists() else None
    return kept.took_s / kept.rounds * rounds if kept and kept.rounds else None


def environment(name: str) -> Path:
    """The interpreter of an environment with what `bench/requirements/` says: each client as it would be installed."""
    folder = ROOT / ".venv-bench" if name == "ours" else environment_folder(name)
    python, requirements = folder / "bin" / "python", REQUIREMENTS / f"{name}.txt"
    made = folder / ".made"
    if not made.exists() or made.read_bytes() != requirements.read_bytes():
        say(f"Installing {folder.name} (once)")
        venv.create(folder, with_pip=True, clear=True)
        install: list[str | Path] = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        ours = ["-c", "constraints.txt"] if name == "ours" else []  # the others bring what they were released with
        subprocess.run([*install, "-r", requirements, *ours], cwd=ROOT, check=True)
        made.write_bytes(requirements.read_bytes())
    return python


def environment_of_others(name: str) -> None:
    """Without it there is less to compare with, and no reason to measure nothing."""
    try:
        environment(name)
    except subprocess.CalledProcessError as error:
        shutil.rmtree(environment_folder(name))
        without = ", ".join(client for client, its in ENVIRONMENTS.items() if its == name)
        say(
            f"bench/requirements/{name}.txt is not installed, as pip says above ({error.returncode}): without {without}"
        )


def write_page() -> None:
    """Put the results that are kept into docs/performance.md, and the headline into README.md."""
    results, again = _kept(RESULTS), _kept(AGAIN)
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


def _kept(folder: Path) -> dict[str, Result]:
    paths = {question: folder / f"{question}.json" for question in QUESTIONS}
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


if __name__ == "__main__":
    main()
