"""Measure this package beside other clients of the Live API.

python -m bench.run                  everything, in environments of its own (.venv-bench*), some ten minutes;
                                     prints the tables, keeps bench/results/, writes docs/performance.md
python -m bench.run --again          everything once more, kept beside the first run: the page says whether they agree
python -m bench.run receive send     only these
python -m bench.run --full           with more rounds, some forty minutes
python -m bench.run --show           write docs/performance.md from the results kept
python -m bench.run --quick          a handful of messages, nobody else's clients, nothing kept: does the bench work?
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from bench.contestants import ENVIRONMENTS, ROOT, environment_folder
from bench.progress import say

REQUIREMENTS = ROOT / "bench" / "requirements"
ROUNDS = {
    # question: rounds of `make bench`, and of `make bench-full`
    "density": (5, 20),
    "steps": (1, 1),
    "capacity": (1, 5),
    "latency": (1, 5),
    "dialling": (2, 5),
    "growth": (1, 3),
    "receive": (4, 11),
    "send": (4, 11),
    "imports": (4, 7),
    "memory": (1, 1),
    "conversations": (1, 3),
}
QUESTIONS = list(ROUNDS)
ONE_OF = f"only these, of {', '.join(QUESTIONS)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("questions", nargs="*", choices=[*QUESTIONS, []], metavar="question", help=ONE_OF)
    parser.add_argument("--again", action="store_true", help="keep it as the second of two runs")
    parser.add_argument("--full", action="store_true", help="more rounds")
    parser.add_argument("--show", action="store_true", help="measure nothing")
    parser.add_argument(
        "--quick", action="store_true", help="a handful of messages, nobody else's clients, nothing kept"
    )
    parser.add_argument("--here", action="store_true", help="with what is installed in this environment")
    options = parser.parse_args()
    if not options.here:
        for other in sorted(set(ENVIRONMENTS.values())) if not (options.show or options.quick) else ():
            environment_of_others(other)
        command: list[str | Path] = [environment("ours"), "-m", "bench.run", "--here", *sys.argv[1:]]
        raise SystemExit(subprocess.run(command, cwd=ROOT, check=False).returncode)
    from bench import answers  # needs what is not there before its environment is

    if not options.show:
        questions = options.questions or QUESTIONS
        rounds = {question: 1 if options.quick else ROUNDS[question][options.full] for question in questions}
        answers.measure(rounds, quick=options.quick, again=options.again)
    if not options.quick:
        answers.show(QUESTIONS)


def environment(name: str) -> Path:
    """The interpreter of an environment with what `bench/requirements/` says: each client as it would be installed."""
    folder = ROOT / ".venv-bench" if name == "ours" else environment_folder(name)
    python, made, requirements = folder / "bin" / "python", folder / ".made", REQUIREMENTS / f"{name}.txt"
    sources = [requirements, *([ROOT / "pyproject.toml", ROOT / "constraints.txt"] if name == "ours" else [])]
    wanted = b"".join(path.read_bytes() for path in sources)
    if not made.exists() or made.read_bytes() != wanted:
        say(f"Installing {folder.name} (once)")
        venv.create(folder, with_pip=True, clear=True)
        install: list[str | Path] = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*install, "-r", requirements], cwd=ROOT, check=True)
        made.write_bytes(wanted)
    return python


def environment_of_others(name: str) -> None:
    """Without it there is less to compare with, and no reason to measure nothing."""
    try:
        environment(name)
    except subprocess.CalledProcessError as error:
        shutil.rmtree(environment_folder(name))
        without = ", ".join(client for client, its in ENVIRONMENTS.items() if its == name)
        say(f"pip has not installed bench/requirements/{name}.txt ({error.returncode}): {without} will be missing")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit(130) from None
