"""Tutorial and migration pages, followed to the letter: files written, commands typed, what they print compared."""

from __future__ import annotations

import doctest
import functools
import os
import re
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Literal

import pytest

from gemini_realtime import LiveServer
from tests.busy import skip_where_busy
from tests.test_examples import missing_for

pytest.importorskip("ctranslate2", reason="the tutorial speaks: it needs the extra [local]")
pytest.importorskip("soxr", reason="the double of the telephone service resamples with it")

DOCS = Path(__file__).parents[1] / "docs"
TUTORIAL = [f"tutorial/{page}" for page in (
    "first-sentence", "functions", "out-loud", "interruption", "test", "telephone", "recording",
)]  # fmt: skip
MIGRATION = ["migration/google-genai"]
BLOCK = re.compile(r'^```(?P<language>\w+)(?: title="(?P<file>[^"]+)")?\n(?P<text>.*?)^```$', re.DOTALL | re.MULTILINE)
INSTALLING = ("git ", "python3 -m venv ", "source ", "pip ", "export ", "mkdir ", "cd ")
NEEDS_A_PERSON = ("gemini-realtime web ",)
Pace = Literal["realtime", "instant"]
WITH_A_KEY = "export GEMINI_API_KEY="
TIMES = re.compile(r"\d+\.\d+(?= ?s\b)|\d+(?= ms\b| frames| media)")


def blocks(page: str) -> Iterator[re.Match[str]]:
    return BLOCK.finditer((DOCS / f"{page}.md").read_text("utf-8"))


def commands(page: str) -> Iterator[tuple[str, str]]:
    """What is typed, and what is shown to be printed; without what installs, and what needs a key."""
    for block in blocks(page):
        if block["language"] == "console" and WITH_A_KEY not in block["text"]:
            for typed in re.split(r"^\$ ", block["text"], flags=re.MULTILINE)[1:]:
                command, _, printed = typed.partition("\n")
                if not command.startswith((*INSTALLING, *NEEDS_A_PERSON)):
                    yield command.removeprefix("gemini-realtime offline -- "), printed


def of_this_environment(command: str) -> list[str]:
    program, *arguments = shlex.split(command)
    return [str(Path(sys.executable).with_name(program)), *arguments]


@pytest.fixture
def folder(page: str, tmp_path: Path) -> Path:
    """A folder with the files that a reader has written by the end of a page."""
    for earlier in TUTORIAL[: TUTORIAL.index(page) + 1] if page in TUTORIAL else [page]:
        for block in blocks(earlier):
            if block["file"]:
                (tmp_path / block["file"]).write_text(block["text"], "utf-8")
    return tmp_path


@pytest.fixture(scope="module")
def servers() -> Iterator[Callable[[Pace], LiveServer]]:
    """The embedded server by its pace; it is started when it is first asked for, and serves every page."""
    with ExitStack() as running:

        @functools.cache
        def server(pace: Pace) -> LiveServer:
            return running.enter_context(LiveServer(tls=True, warm_up=False, pace=pace))

        yield server


@pytest.fixture
def environment(page: str, servers: Callable[[Pace], LiveServer]) -> dict[str, str]:
    """Where programs find the embedded server; who is to be interrupted has to talk as long as it takes."""
    server = servers("realtime" if page == "tutorial/interruption" else "instant")
    return {**os.environ, **server.environment(), "TWILIO_AUTH_TOKEN": "example"}


@contextmanager
def serving(command: str, folder: Path, environment: dict[str, str]) -> Iterator[None]:
    """A web server in the background, from when it listens."""
    port = int(command.split()[-1])
    with subprocess.Popen(
        [*of_this_environment(command), "--log-level", "warning"], cwd=folder, env=environment
    ) as server:
        try:
            deadline = time.monotonic() + 60
            while not listens(port):
                assert server.poll() is None, "it did not start"
                assert time.monotonic() < deadline, "it does not listen"
                time.sleep(0.05)
            yield
        finally:
            server.terminate()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> str:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return str(one.getsockname()[1])


@pytest.mark.parametrize("page", TUTORIAL + MIGRATION)
def test_what_is_typed_prints_what_is_shown(page: str, folder: Path, environment: dict[str, str]) -> None:
    if page == "tutorial/interruption":  # its caller breaks in after seven seconds
        skip_where_busy()
    port = free_port()
    with ExitStack() as running:
        for command, shown in commands(page):
            typed = command.replace("8000", port)
            if typed == "python before.py" and missing_for((folder / "before.py").read_text("utf-8")):
                continue  # of a library that is not installed here
            if typed.startswith("uvicorn "):
                running.enter_context(serving(typed, folder, environment))
                continue
            done = subprocess.run(
                of_this_environment(typed),
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            varying = re.compile(r"\d+") if typed.startswith("gemini-realtime inspect ") else TIMES
            wanted, printed = (varying.sub("#", text) for text in (shown.replace("8000", port), done.stdout))
            flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
            assert not shown or doctest.OutputChecker().check_output(wanted, printed, flags), done.stdout


@pytest.mark.parametrize("page", ["tutorial/out-loud"])
def test_the_program_for_a_microphone_can_be_imported(folder: Path) -> None:
    subprocess.run([sys.executable, "-c", "import talk"], cwd=folder, check=True, timeout=60)


def test_whoever_moves_here_arrives_at_the_same_program() -> None:
    after = [block["text"] for page in DOCS.glob("migration/*.md") for block in BLOCK.finditer(page.read_text("utf-8"))
             if block["file"] == "after.py"]  # fmt: skip
    assert len(after) == 3
    assert len(set(after)) == 1
