"""Call one agent with voicebench and with `gemini-realtime evaluate --url`, in turn, and compare what both measured.

python -m interop.voicebench.agree --voicebench PATH-OF-ITS-EXECUTABLE [--rounds 5] [--agent known]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, Final

from gemini_realtime.evaluation import Caller, Interrupts, Says, Scene, Suite, Target, play
from gemini_realtime.testing import speech_from_text
from interop.served import served

ROOT: Final = Path(__file__).parents[2]
QUESTIONS: Final = ("What is two plus three?", "What is nine times seven?", "Count to three.", "Tell me a long story.")
OVER_IT: Final = "Stop. What is two plus two?"
BEFORE_MS: Final = 1600  # of the story
WORDS_BEFORE: Final = 4  # which take as long

Measured = tuple[list[float], list[float]]
"""Seconds to the first sound of each answer, and until the story stopped."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--voicebench", default="voicebench", help="its executable")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--agent", choices=("talk", "known"), default="talk", help="a real one, or one whose times are")
    options = parser.parse_args()
    measured: dict[str, list[Measured]] = {"voicebench": [], "evaluate": []}
    with agent(options.agent) as url, tempfile.TemporaryDirectory() as folder:
        by_us(url)  # loads what hears and speaks
        for _ in range(options.rounds):
            measured["voicebench"].append(by_voicebench(options.voicebench, url, Path(folder)))
            measured["evaluate"].append(by_us(url))
            print({who: rounds[-1] for who, rounds in measured.items()}, flush=True)
    for number, what in enumerate(("end of speech to first sound", "until it stops")):
        for who, rounds in measured.items():
            values = [value for one in rounds for value in one[number]]
            print(
                f"{what}, {who}: p50 {1000 * median(values):.0f} ms, "
                f"{1000 * min(values):.0f} to {1000 * max(values):.0f}, of {len(values)}"
            )


@contextmanager
def agent(name: str) -> Iterator[str]:
    """An agent, behind the embedded server."""
    with served(_command) as port:
        yield f"ws://127.0.0.1:{port}/{name}"


def _command(port: int) -> list[str]:
    offline = [sys.executable, "-m", "gemini_realtime", "offline", "--", sys.executable, "-m"]
    return [*offline, "uvicorn", "interop.voicebench.app:app", "--port", str(port), "--log-level", "error"]


def by_us(url: str) -> Measured:
    """Measure with `evaluate --url`."""
    scene = Scene("sums", Caller([*map(Says, QUESTIONS), Interrupts(OVER_IT, WORDS_BEFORE)]))
    result = play(Suite("sums", [scene]), scene, 0, Target(url=url))
    if result.error:
        sys.exit(result.error)
    return result.record.answered_after_s, result.record.stopped_after_s


def by_voicebench(executable: str, url: str, folder: Path) -> Measured:
    """Measure with voicebench."""
    turns = [_turn(number, words, folder) for number, words in enumerate([*QUESTIONS, OVER_IT])]
    adapter = {"type": "websocket", "options": {"url": url, "agent_sample_rate": 24000}}
    scenario = {"name": "sums", "sample_rate": 16000, "frame_ms": 20, "turns": turns, "adapter": adapter}
    (folder / "scenario.yaml").write_text(json.dumps(scenario))
    command = [executable, "run", str(folder / "scenario.yaml"), "--format", "json", "--out", str(folder), "--quiet"]
    subprocess.run(command, check=False)
    report = json.loads((folder / "report.json").read_text())
    told = [turn for session in report["sessions"] for turn in session["turns"]]
    waits, stops = (
        [turn[key] / 1000 for turn in told if turn[key] is not None]
        for key in ("response_latency_ms", "stop_latency_ms")
    )
    return waits, stops


def _turn(number: int, words: str, folder: Path) -> dict[str, Any]:
    path = folder / f"{number}.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(speech_from_text(words))
    start: dict[str, Any] = {"after": "agent_speech_end" if number else "session_start", "delay_ms": 500}
    turn = {"id": f"turn-{number}", "audio": {"file": str(path)}, "start": start}
    if words != OVER_IT:
        return turn
    start = {"after": "agent_speech_start", "delay_ms": BEFORE_MS}
    return {**turn, "start": start, "expect": "stop", "max_stop_ms": 2000}


if __name__ == "__main__":
    main()
