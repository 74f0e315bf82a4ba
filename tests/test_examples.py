"""What the README and the examples show is what happens: they are run as they stand."""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
import pytest
import typer.main

from gemini_realtime.cli.commands import app
from gemini_realtime.local.faults import parse_fault

pytest.importorskip("pocketsphinx", reason="the examples speak: they need the extra [local]")

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "src" / "gemini_realtime" / "local" / "samples" / "weather.wav"
TIMEOUT_S = 120


def run(*command: str | Path, cwd: Path = ROOT, **environment: str) -> str:
    """Run as a stranger without a key would; returns what is printed."""
    own = {k: v for k, v in os.environ.items() if k not in ("GEMINI_API_KEY", "GOOGLE_API_KEY")}
    done = subprocess.run(
        [sys.executable, *map(str, command)],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        env={**own, **environment},
        cwd=cwd,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


README = (ROOT / "README.md").read_text("utf-8")
SHOWN_WITH_OUTPUT = re.compile(r"```python\n(?P<code>[^`]*)```\n\nprints\n\n```\n(?P<output>.*?)```", re.DOTALL)


def test_the_code_of_the_readme_prints_what_the_readme_says() -> None:
    client, _ = SHOWN_WITH_OUTPUT.finditer(README)
    words, seconds = run("-c", client["code"]).splitlines()
    said_words, said_seconds = client["output"].splitlines()
    assert words == said_words
    # How long it takes to say differs between the voices that may be installed, and their versions.
    assert float(seconds.split()[0]) == pytest.approx(float(said_seconds.split()[0]), abs=0.6)


def test_the_agent_of_the_readme_is_short_and_answers_what_the_readme_says() -> None:
    _, agent = SHOWN_WITH_OUTPUT.finditer(README)
    assert len(agent["code"].splitlines()) <= 25
    assert run("-c", agent["code"]) == agent["output"]


PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))]
SHOWN = re.compile(r"^```(?:console|bash|sh)?\n(?P<code>.*?)^```$", re.DOTALL | re.MULTILINE)
CLI: Any = typer.main.get_command(app)
FENCED = re.compile(r"^```(?P<language>\w+)\n(?P<code>.*?)^```$", re.DOTALL | re.MULTILINE)


def blocks() -> Iterator[Any]:
    """Every block of Python in the documentation."""
    for page in PAGES:
        text = page.read_text("utf-8")
        for block in FENCED.finditer(text):
            if block["language"] == "python":
                line = text.count("\n", 0, block.start()) + 1
                yield pytest.param(page, block["code"], id=f"{page.relative_to(ROOT)}:{line}")


def missing_for(code: str) -> list[str]:
    """What a program imports, is not of this project, and not installed."""
    found: list[str] = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "\nimport " in node.value:
            found += missing_for(node.value)  # a program within the program
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            namespace = node.module == "google"  # shared by Google's packages: what is imported from it is the package
            found.append(f"{node.module}.{node.names[0].name}" if namespace else node.module)
    strangers = [name for name in found if name.split(".")[0] not in (*sys.stdlib_module_names, "gemini_realtime")]
    return [name for name in strangers if not find_spec(name.split(".")[0]) or not find_spec(name)]


@pytest.mark.parametrize(("page", "code"), [*blocks()])
def test_every_block_of_the_documentation_runs_as_it_stands(page: Path, code: str, tmp_path: Path) -> None:
    if missing := missing_for(code):
        pytest.skip(f"{', '.join(missing)} is not installed")
    for block in FENCED.finditer(page.read_text("utf-8")):
        if block["language"] == "yaml" and block["code"].startswith("replies:"):
            (tmp_path / "call.yaml").write_text(block["code"])  # the script that the page shows
        if block["language"] == "yaml" and block["code"].startswith("agent:") and "\njudge:" not in block["code"]:
            (tmp_path / "suite.yaml").write_text(block["code"])
        if block["language"] == "python" and "\ndef agent(llm_config):" in block["code"]:
            (tmp_path / "restaurant.py").write_text(block["code"])
    is_test = re.search(r"^(async )?def test_", code, re.MULTILINE)
    program = tmp_path / ("test_block.py" if is_test else "block.py")
    program.write_text(code)
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n"
    )
    options = ["-m", "pytest", "-q", "-p", "no:cacheprovider"] if is_test else []
    # Nothing is sent to Gemini: a client is made, for which it needs a key.
    printed = run(*options, program, cwd=tmp_path, XDG_CACHE_HOME=str(tmp_path), GEMINI_API_KEY="example")
    assert not is_test or re.search(r"^\d+ passed", printed, re.MULTILINE), printed


def commands() -> Iterator[Any]:
    """Every `gemini-realtime` that is shown to be typed, in the documentation and in the help of the commands."""
    shown = [(page.name, block["code"]) for page in PAGES for block in SHOWN.finditer(page.read_text("utf-8"))]
    shown += [(name, str(command.epilog)) for name, command in CLI.commands.items()]
    for where, text in shown:
        for line in text.splitlines():
            if found := re.search(r"(?:^|[ $])gemini-realtime (\w.*)", line):
                yield pytest.param(shlex.split(found[1].partition(" | ")[0]), id=f"{where}: {found[1]}")


@pytest.mark.parametrize("typed", [*commands()])
def test_every_command_that_is_shown_can_be_typed(typed: list[str]) -> None:
    name, *arguments = typed
    command = CLI.commands[name]
    command.make_parser(click.Context(command)).parse_args(arguments)
    for option, value in pairwise(arguments):
        if option == "--fault":
            parse_fault(value)


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
    answer, question, turn, use, latency = run("examples/agent.py").splitlines()
    assert answer == "It is foggy and 12 degrees in London."
    assert question.endswith("What is the weather in London?")
    assert answer in turn
    assert "first audio after" in latency
    assert use.strip().startswith('get_weather({"city": "London"}) -> ')


def test_an_agent_calls_the_function_of_an_mcp_server() -> None:
    pytest.importorskip("mcp", reason="the official MCP library")
    answer, question, turn, use, latency = run("examples/mcp_tools.py").splitlines()
    assert answer == "It is foggy and 12 degrees in London."
    assert question.endswith("What is the weather in London?")
    assert answer in turn
    assert "first audio after" in latency
    assert use.strip().startswith('get_weather({"city": "London"}) -> ')


def test_an_agent_hands_over_to_another() -> None:
    desk, opening, answer = run("examples/hand_over.py").splitlines()
    assert desk == "desk: You are connected to billing."
    assert opening.startswith("billing: Hello!")
    assert answer == "billing: customer Miller owes five euros."


def test_the_story_is_interrupted_and_the_new_question_answered() -> None:
    printed = run("examples/interruption.py")
    assert re.search(r"-- interrupted, \d+\.\d s unheard --", printed)
    assert printed.rstrip().endswith("Two plus two is four.")


def test_the_example_of_a_test_passes() -> None:
    assert "1 passed" in run("-m", "pytest", "-q", "-p", "no:cacheprovider", "examples/test_your_agent.py")


def test_the_generated_parts_of_the_documentation_are_up_to_date() -> None:
    assert run("docs/generate.py", "--check") == ""


def test_every_link_between_pages_leads_somewhere() -> None:
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("interop/*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
