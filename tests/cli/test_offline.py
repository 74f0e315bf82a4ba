"""`gemini-realtime offline`, with small programs in the place of voice agents."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.strangers import TIMEOUT_S, run

pytest.importorskip("trustme", reason="offline needs the extra [local]")

TELL = "import json, os, sys; print(json.dumps([dict(os.environ), sys.argv, sys.stdin.read()]))"
WAIT = """
import signal, sys
signal.signal(signal.{name}, lambda *_: sys.exit(7))
print("waiting", flush=True)
signal.pause()
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache folder that is not the user's."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def told(*options: str, **environment: str) -> tuple[dict[str, str], list[str]]:
    """The environment and arguments of a program that was run."""
    done = run("offline", *options, "--", sys.executable, "-c", TELL, "--port", "--", "x", **environment)
    assert (done.returncode, done.stderr) == (0, "")
    environ, arguments, _ = json.loads(done.stdout)
    return environ, arguments


def test_a_program_is_led_to_the_server_with_a_key_that_is_none(tmp_path: Path) -> None:
    environ, arguments = told("--pace", "instant", https_proxy="http://proxy")
    assert arguments == ["-c", "--port", "--", "x"]
    assert environ["GOOGLE_GEMINI_BASE_URL"].startswith("https://127.0.0.1:")
    assert Path(environ["SSL_CERT_FILE"]).is_relative_to(tmp_path / "gemini-realtime")
    assert environ["GOOGLE_API_KEY"] == environ["GEMINI_API_KEY"] == "offline"
    assert "127.0.0.1" in environ["NO_PROXY"]


def test_a_key_that_is_set_stays() -> None:
    environ, _ = told(GEMINI_API_KEY="mine")
    assert environ["GEMINI_API_KEY"] == "mine"
    assert environ["GOOGLE_API_KEY"] == "offline"


def test_but_not_when_the_server_wants_another() -> None:
    environ, _ = told("--api-key", "sesame", GEMINI_API_KEY="mine")
    assert environ["GEMINI_API_KEY"] == environ["GOOGLE_API_KEY"] == "sesame"


def test_a_program_gets_the_input_and_gives_its_exit_code() -> None:
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "gemini_realtime",
            "offline",
            sys.executable,
            "-c",
            "import sys; sys.exit(len(input()))",
        ],
        stdin=subprocess.PIPE,
    )
    process.communicate(b"hello\n", timeout=TIMEOUT_S)
    assert process.returncode == 5


@pytest.mark.skipif(sys.platform == "win32", reason="exit codes of POSIX shells")
def test_what_cannot_be_run_is_one_line_and_an_exit_code_as_in_a_shell(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    for command, code in (("no-such-program", 127), (str(tmp_path / "data"), 126)):
        done = run("offline", "--", command)
        assert done.returncode == code
        assert done.stderr.splitlines() == [done.stderr.strip()]
        assert command in done.stderr
    assert run("offline", sys.executable, "-c", "import os; os.kill(os.getpid(), 9)").returncode == 137
    assert run("offline").returncode == 2


@pytest.mark.skipif(sys.platform == "win32", reason="the console tells programs itself")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_reach_the_program(number: signal.Signals) -> None:
    command = [sys.executable, "-m", "gemini_realtime", "offline", sys.executable, "-c", WAIT.format(name=number.name)]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # away from the terminal, whose Ctrl-C would be for the program itself
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        process.send_signal(number)
        _, stderr = process.communicate(timeout=TIMEOUT_S)
    finally:
        process.kill()
    assert (process.returncode, stderr) == (7, "")


CALL = """
import os, signal
from websockets.sync.client import connect

url = os.environ["GOOGLE_GEMINI_BASE_URL"].replace("https", "wss")
with connect(url) as socket:
    socket.send('{"setup": {"model": "models/gemini-3.8-live"}}')
    assert "setupComplete" in socket.recv().decode()
    os.kill(os.getppid(), signal.SIGUSR2)
    print(socket.recv().decode())
    os.kill(os.getppid(), signal.SIGUSR1)
    socket.recv()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_a_program_asks_for_trouble_by_signals() -> None:
    done = run("offline", "--", sys.executable, "-c", CALL)
    assert "goAway" in done.stdout
    assert "ConnectionClosedError: no close frame" in done.stderr
