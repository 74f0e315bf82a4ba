"""Call agents with langwatch-scenario and with `gemini-realtime evaluate --url`, in turn, and compare the verdicts.

python -m interop.scenario.agree --python PATH-OF-AN-INTERPRETER-THAT-HAS-IT [--rounds 3] [--write]
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final

from reliability.defects import DEFECTS, GOOD

from gemini_realtime.audio.format import OUTPUT_FORMAT
from gemini_realtime.audio.levels import AUDIBLE_DB, last_audible_ms
from gemini_realtime.evaluation import (
    AnswersWithin,
    Caller,
    Expectation,
    NeverSays,
    Says,
    SaysWords,
    Scene,
    Suite,
    Target,
    play,
)
from gemini_realtime.testing import speech_from_text
from interop.scenario.script import ANSWERS_WITHIN_S, NEVER_SAYS, PATIENCE_S, PIECE_MS, QUESTIONS, SAYS_ONCE
from interop.served import served

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "docs" / "evaluate.md"
MEASURED: Final = re.compile(r"(<!-- measured: scenario -->\n).*?(<!-- end -->)", re.DOTALL)
AGENTS: Final = (
    GOOD,
    "makes up a price",
    "misreads a result",
    "silent after a result",
    "says all twice",
    "tells its instructions",
    "slow to think",
    "slow function",
    "failing function",
    "hanging function",
)
"""Those whose defects can be heard within the script."""


@dataclass(frozen=True)
class Outcome:
    """What one of the two says of a call.

    Attributes:
        failures: what was not as expected.
        latencies_s: from the end of each question to the first sound of its answer.
        unheard_s: how much later the answer is audible, of each answer; empty where that is what was measured.
    """

    failures: list[str]
    latencies_s: list[float]
    unheard_s: list[float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=sys.executable, help="that has langwatch-scenario")
    parser.add_argument("--rounds", type=int, default=3, help="calls to the agent without a defect")
    parser.add_argument("--at-once", type=int, default=1, help="how many agents are called at the same time")
    parser.add_argument("--only", action="append", choices=AGENTS, metavar="DEFECT")
    parser.add_argument("--write", action="store_true", help="keep the table in docs/evaluate.md")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the agent is ended too
    with tempfile.TemporaryDirectory() as folder:
        questions = Path(folder)
        for number, words in enumerate(QUESTIONS):
            (questions / f"{number}.pcm").write_bytes(_ends_audibly(speech_from_text(words, rate_hz=24000)))
        names = options.only or AGENTS
        with ThreadPoolExecutor(options.at_once) as pool:
            rounds = [options.rounds if defect == GOOD else 1 for defect in names]
            hold = partial(called, options.python, questions)
            outcomes = dict(zip(names, pool.map(hold, names, rounds), strict=True))
    text = table(outcomes)
    print(text)
    if options.write:
        page = PAGE.read_text("utf-8")
        PAGE.write_text(MEASURED.sub(lambda place: place[1] + text + place[2], page), "utf-8")
    sys.exit(any(bool(ours.failures) != bool(theirs.failures) for each in outcomes.values() for ours, theirs in each))


def called(python: str, questions: Path, defect: str, rounds: int) -> list[tuple[Outcome, Outcome]]:
    """Call an agent so often with each of the two, in turn."""
    outcomes = []
    with agent(defect) as url:
        for _ in range(rounds):
            outcomes.append((by_us(url), by_scenario(python, url, questions)))
            print(defect, *outcomes[-1], sep="\n  ", flush=True)
    return outcomes


@contextmanager
def agent(defect: str) -> Iterator[str]:
    """Run the agent with this defect; where it is called."""
    with served(lambda port: [sys.executable, "-m", "interop.scenario.agent", str(port), defect]) as port:
        yield f"ws://127.0.0.1:{port}/talk"


def by_us(url: str) -> Outcome:
    """Call with `evaluate --url`."""
    expect: list[Expectation] = [
        SaysWords(SAYS_ONCE, times=1),
        *map(NeverSays, NEVER_SAYS),
        AnswersWithin(ANSWERS_WITHIN_S, 100),
    ]
    scene = Scene("a booking", Caller([*map(Says, QUESTIONS)], patience_s=PATIENCE_S), expect)
    result = play(Suite("bookings", [scene]), scene, 0, Target(url=url))
    return Outcome(result.failures, result.record.answered_after_s, [])


def by_scenario(python: str, url: str, questions: Path) -> Outcome:
    """Call with langwatch-scenario."""
    command = [python, "-m", "interop.scenario.caller", url, str(questions), str(AUDIBLE_DB)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    told = json.loads(done.stdout.splitlines()[-1])
    return Outcome(told["failures"], told["latencies_s"], told["unheard_s"])


def table(outcomes: Mapping[str, list[tuple[Outcome, Outcome]]]) -> str:
    """The verdicts side by side, and the latencies of the agent without a defect."""
    lines = ["| agent | calls | `evaluate --url` | langwatch-scenario |", "| --- | ---: | --- | --- |"]
    for defect, calls in outcomes.items():
        verdicts = (_verdict([call[who] for call in calls]) for who in (0, 1))
        lines.append(f"| {DEFECTS[defect].meaning} | {len(calls)} | {' | '.join(verdicts)} |")
    if GOOD in outcomes:
        waits = [[wait for call in outcomes[GOOD] for wait in call[who].latencies_s] for who in (0, 1)]
        ours, theirs = (f"{1000 * median(values):.0f} ms (p50 of {len(values)})" for values in waits)
        lines.append(f"| its end of speech to first sound | | {ours} | {theirs} |")
        heard = [wait + unheard for _, call in outcomes[GOOD]
                 for wait, unheard in zip(call.latencies_s, call.unheard_s, strict=True)]  # fmt: skip
        lines.append(f"| until it is audible | | {ours} | {1000 * median(heard):.0f} ms |")
    return "\n".join(lines) + "\n"


def _verdict(outcomes: list[Outcome]) -> str:
    failures = [re.split("; |: it said ", outcome.failures[0])[0] for outcome in outcomes if outcome.failures]
    return f"fails: {failures[0]}" if failures else "passes"


def _ends_audibly(pcm: bytes) -> bytes:
    """Up to the last sound, from which both measure, which is where a piece of the microphone's ends."""
    audible = pcm[: OUTPUT_FORMAT.bytes_for_ms(last_audible_ms(pcm, OUTPUT_FORMAT) or 0)]
    return bytes(-len(audible) % OUTPUT_FORMAT.bytes_for_ms(PIECE_MS)) + audible


if __name__ == "__main__":
    main()
