from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gemini_realtime.evaluation.expectations import SaysWords
from gemini_realtime.evaluation.plan import Plan
from gemini_realtime.evaluation.running import run, run_again
from gemini_realtime.evaluation.scenes import Caller, Says, Scene, Suite

SUITE = Suite(
    "suite",
    [
        Scene("sums", Caller([Says("What is two plus three?")]), [SaysWords("five")]),
        Scene("table", Caller([Says("Book a table for two guests at eight.")]), [SaysWords("six")]),
    ],
    agent="tests.evaluation.agents:restaurant",
)


def test_every_scene_is_called_with_seeds_that_follow() -> None:
    results = list(run(Plan(SUITE, repeat=2, workers=1)))
    assert [(result.scene, result.seed, result.passed) for result in results] == [
        ("sums", 0, True),
        ("sums", 1, True),
        ("table", 0, False),
        ("table", 1, False),
    ]


def test_processes_come_to_the_same_as_one() -> None:
    alone = {(result.scene, result.seed): result.record for result in run(Plan(SUITE, repeat=2, workers=1))}
    shared = {(result.scene, result.seed): result.record for result in run(Plan(SUITE, repeat=2, workers=2))}
    assert alone == shared


def test_an_agent_that_ends_its_process_takes_no_other_call_along() -> None:
    plan = Plan(SUITE, agent="tests.evaluation.agents:suicidal", workers=2)
    assert [result.error for result in run(plan)] == ["the agent ended its process"] * 2


LINGERS = "import os, pathlib, sys, time; pathlib.Path(sys.argv[1], str(os.getpid())).touch(); time.sleep(100)"


@pytest.fixture
def interruptible() -> Iterator[None]:
    """What a shell runs in the background is not interrupted, unless it asks for it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.skipif(sys.platform == "win32", reason="there, a program cannot be asked whether it is there")
def test_who_leaves_a_run_ends_its_calls_and_programs(tmp_path: Path) -> None:
    calls = run(Plan(SUITE, command=[sys.executable, "-c", LINGERS, str(tmp_path)], repeat=9, workers=2))
    interrupting = threading.Thread(target=_interrupt_when, args=(tmp_path, 2))
    interrupting.start()
    with pytest.raises(KeyboardInterrupt):
        next(calls)
    interrupting.join()
    for program in tmp_path.iterdir():
        with pytest.raises(ProcessLookupError):
            os.kill(int(program.name), 0)


RUNS = """
import sys
from gemini_realtime.evaluation.plan import Plan
from gemini_realtime.evaluation.running import run
from tests.evaluation.test_running import LINGERS, SUITE

if __name__ == "__main__":
    list(run(Plan(SUITE, command=[sys.executable, "-c", LINGERS, sys.argv[1]], repeat=9, workers=2)))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there, a program cannot be asked whether it is there")
def test_a_run_that_is_killed_leaves_no_program_behind(tmp_path: Path) -> None:
    (tmp_path / "runs.py").write_text(RUNS, "utf-8")
    programs = tmp_path / "programs"
    programs.mkdir()
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, str(root)])}
    with subprocess.Popen([sys.executable, tmp_path / "runs.py", programs], env=environment) as running:
        while len(list(programs.iterdir())) < 2:
            assert running.poll() is None, "it does not begin"
            time.sleep(0.05)
        running.kill()
    deadline = time.monotonic() + 30
    while any(_is_there(int(program.name)) for program in programs.iterdir()):
        assert time.monotonic() < deadline, "a program goes on"
        time.sleep(0.05)


def _is_there(program: int) -> bool:
    try:
        os.kill(program, 0)
    except ProcessLookupError:
        return False
    return True


def _interrupt_when(folder: Path, programs: int) -> None:
    while len(list(folder.iterdir())) < programs:
        time.sleep(0.05)
    os.kill(os.getpid(), signal.SIGINT)


def test_a_recording_of_a_failure_stays_when_the_call_is_made_again(tmp_path: Path) -> None:
    plan = Plan(SUITE, only=["table"], workers=1, record=tmp_path)
    (failed,) = run(plan)
    again = list(run_again(plan, [failed], 2))
    assert [(result.scene, result.seed, result.recording) for result in again] == [("table", 0, "")] * 2
    assert Path(failed.recording).exists()
