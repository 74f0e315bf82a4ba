"""What the README and the examples show is what happens: they are run as they stand."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("pocketsphinx", reason="the examples speak: they need the extra [local]")

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "src" / "gemini_realtime" / "local" / "samples" / "weather.wav"
TIMEOUT_S = 120


def run(*command: str | Path) -> str:
    """Run as a stranger without a key would; returns what is printed."""
    environment = {k: v for k, v in os.environ.items() if k not in ("GEMINI_API_KEY", "GOOGLE_API_KEY")}
    done = subprocess.run(
        [sys.executable, *map(str, command)],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        env=environment,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_the_code_of_the_readme_prints_what_the_readme_says() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    code = re.search(r"```python\n(.*?)```", readme, re.DOTALL)
    printed = re.search(r"prints\n\n```\n(.*?)```", readme, re.DOTALL)
    assert code
    assert printed
    words, seconds = run("-c", code[1]).splitlines()
    said_words, said_seconds = printed[1].splitlines()
    assert words == said_words
    # The voice's samples, and so its length, differ a little between versions of espeak-ng.
    assert float(seconds.split()[0]) == pytest.approx(float(said_seconds.split()[0]), abs=0.3)


def test_hello_prints_the_answer() -> None:
    assert run("examples/hello.py").strip() == "Twelve times seven is eighty four."


def test_bad_network_shows_a_conversation_that_goes_on() -> None:
    assert run("examples/bad_network.py").splitlines() == ["lost with 1006", "back", "said: Are you still there?"]


def test_ask_aloud_hears_the_question_and_keeps_the_answer(tmp_path: Path) -> None:
    answer = tmp_path / "answer.wav"
    printed = run("examples/ask_aloud.py", SAMPLE, answer)
    assert "weather" in printed
    assert "london" in printed.lower()
    assert answer.stat().st_size > 24_000


def test_functions_are_called_and_spoken_about() -> None:
    call, answer = run("examples/functions.py").splitlines()
    assert call == "get_weather({'city': 'London'})"
    assert "London" in answer


def test_an_agent_runs_a_function_and_keeps_a_log() -> None:
    answer, turn, use = run("examples/agent.py").splitlines()
    assert answer == "It is foggy and 12 degrees in London."
    assert answer in turn
    assert use.strip().startswith('get_weather({"city": "London"}) -> ')


def test_the_story_is_interrupted_and_the_new_question_answered() -> None:
    printed = run("examples/interruption.py")
    assert re.search(r"-- interrupted, \d+\.\d s unheard --", printed)
    assert printed.rstrip().endswith("Two plus two is four.")


def test_the_example_of_a_test_passes() -> None:
    assert "1 passed" in run("-m", "pytest", "-q", "-p", "no:cacheprovider", "examples/test_your_agent.py")


def test_the_generated_parts_of_the_documentation_are_up_to_date() -> None:
    assert run("docs/generate.py", "--check") == ""


def test_every_link_between_pages_leads_somewhere() -> None:
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("interop/*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
