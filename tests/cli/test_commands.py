from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gemini_realtime import __version__
from gemini_realtime.cli.commands import app
from gemini_realtime.cli.options.files import writing
from tests.cli.strangers import run

COMMANDS = ["talk", "serve", "offline", "doctor"]
KEY = "AIza-not-a-real-key"


def test_help_names_every_command() -> None:
    result = CliRunner().invoke(app, ["--help"])
    assert result.exit_code == 0
    assert all(command in result.output for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    result = CliRunner().invoke(app, [command, "-h"])
    assert result.exit_code == 0
    assert f"gemini-realtime {command}" in result.output


def test_version_is_told() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.output) == (0, f"gemini-realtime {__version__}\n")


def test_help_for_talk_teaches_with_examples() -> None:
    output = CliRunner().invoke(app, ["talk", "--help"]).output
    assert "Examples" in output
    assert 'gemini-realtime talk --say "What time is it?"' in output


@pytest.mark.parametrize("command", ["serve", "offline"])
def test_help_faults_tells_what_can_go_wrong(command: str) -> None:
    result = CliRunner().invoke(app, [command, "--help-faults"])
    assert result.exit_code == 0
    assert "cut (once): end the connection without a close frame" in result.output


def test_help_loads_nothing_heavy() -> None:
    code = "import sys; import gemini_realtime.cli.commands; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    own = {"gemini_realtime.local", "gemini_realtime.recordings", "gemini_realtime.protocol"}
    heavy = own | {"numpy", "sounddevice", "livekit", "ctranslate2", "hibari", "uvloop", "rich.live"}
    assert heavy & set(loaded) == set()


@pytest.mark.parametrize(
    "arguments",
    [
        ["talk", "--say", "a", "--input", __file__],
        ["talk", "--input", "no-such-file.wav"],
        ["talk", "--say", "a", "--output", "no/such/directory/a.wav"],
        ["talk", "--say", "a", "--output", "a.wav", "--record", "a.wav"],
        ["talk", "--say", " "],
        ["talk", "--say", "a", "--url", ""],
        ["talk", "--say", "\udcff"],
        ["talk", "--system", "\udcff"],
        ["web", "--key", __file__],
        ["talk", "--no-such-option"],
        ["serve", "--port", "65536"],
        ["no-such-command"],
    ],
)
def test_wrong_usage_is_exit_code_2_and_says_what(arguments: list[str]) -> None:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert "Error" in result.output


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["tlak"], "'talk'"),
        (["talk", "--otput", "a.wav"], "--output"),
        (["serve", "--responder", "ecko"], "'echo'"),
        (["serve", "--fault", "cutt"], "'cut'"),
        (["serve", "--model-profile", "3.8-life"], "'3.8-live'"),
    ],
)
def test_a_name_that_is_nearly_right_is_suggested(arguments: list[str], meant: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert meant in done.stderr


@pytest.mark.parametrize("option", ["--output", "--record"])
def test_a_file_that_exists_is_not_overwritten_without_force(option: str, tmp_path: Path) -> None:
    kept = tmp_path / "kept.wav"
    kept.write_bytes(b"mine")
    done = run("talk", "--say", "hello", option, kept, "--url", "ws://127.0.0.1:1")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--force" in done.stderr
    forced = run("talk", "--say", "hello", option, kept, "--url", "ws://127.0.0.1:1", "--force")
    assert forced.returncode != 2  # nobody listens there
    assert kept.read_bytes() == b"mine"


@pytest.mark.parametrize("option", ["--output", "--record"])
def test_a_file_that_cannot_be_written_is_refused_before_the_conversation(option: str, tmp_path: Path) -> None:
    done = run("talk", "--say", "hello", option, "/proc/no.wav" if os.path.isdir("/proc") else "/no.wav", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "cannot be written" in done.stderr


def test_a_file_that_cannot_be_written_after_all_is_named(tmp_path: Path) -> None:
    file = tmp_path / "answer.wav"
    with pytest.raises(OSError, match=r"answer.wav' cannot be written: No space left on device"), writing(file):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_closed_standard_streams_are_not_mistaken_for_the_next_file() -> None:
    closed = "import os; [os.close(number) for number in range(3)]"
    program = "from gemini_realtime.cli import _open_standard_streams as opened; opened(); os._exit(os.dup(0))"
    assert subprocess.run([sys.executable, "-c", f"{closed}; {program}"], timeout=60).returncode > 2


def test_a_file_that_was_only_tried_is_not_left_behind(tmp_path: Path) -> None:
    run("talk", "--say", "hello", "--output", tmp_path / "a.wav", "--url", "ws://127.0.0.1:1")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "code", "problem"),
    [
        (["talk", "--json", "--input", __file__], 2, "cannot be read as sound"),
        (["serve", "--host", "0.0.0.0"], 2, "reached from other machines"),
        (["talk", "--json", "--say", "hello", "--url", "ws://127.0.0.1:1"], 1, "cannot reach"),
        (["talk", "--json", "--say", "hello", "--url", "nonsense"], 2, "→"),
        (["talk", "--json", "--say", "hello", "--url", "http://[::1"], 2, "→"),
    ],
)
def test_an_error_is_one_line_with_a_remedy(arguments: list[str], code: int, problem: str) -> None:
    done = run(*arguments, GEMINI_API_KEY=KEY)
    assert done.returncode == code
    assert done.stdout == ""
    last = done.stderr.splitlines()[-1]
    assert problem in last
    assert "→" in last
    assert "Traceback" not in done.stderr
    assert KEY not in done.stderr


@pytest.mark.parametrize("missing", ["typer", "rich", "numpy"])
def test_a_missing_package_names_the_command_that_installs_it(missing: str, tmp_path: Path) -> None:
    (tmp_path / f"{missing}.py").write_text("raise ModuleNotFoundError(name=__name__)")
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    done = run("talk", "--json", "--say", "hello", PYTHONPATH=path)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "pip install 'gemini-realtime[" in done.stderr


@pytest.mark.parametrize("module", ["gemini_realtime.errors", "gemini_realtime.cli.commands", "typer"])
def test_ctrl_c_while_a_command_is_still_imported_ends_it_quietly(module: str) -> None:
    program = (
        "import sys\n"
        "class Interrupts:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {module!r}: raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupts())\n"
        "from gemini_realtime.cli import main\n"
        "main()\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (130, "", "")
