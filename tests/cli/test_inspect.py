"""`gemini-realtime inspect` and `replay`, as they are typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gemini_realtime.cli.commands import app
from gemini_realtime.errors import ConfigError
from tests.inspection.calls import call, write


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    return write(tmp_path / "calls" / "20261128T102117-1", call())


def typed(*words: object) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_inspect_prints_the_numbers_and_writes_the_page_beside_the_recording(recording: Path) -> None:
    told = typed("inspect", recording.parent)
    assert "connections                  2, 1 broken, 1 resumed" in told
    assert f"page: {recording / 'inspection.html'}" in told
    assert (recording / "inspection.html").stat().st_size > 100_000


def test_inspect_prints_json_and_nothing_else(recording: Path) -> None:
    told = typed("inspect", "--json", recording, recording)
    assert [json.loads(line)["turns"] for line in told.splitlines()] == [{"user": 3, "model": 3}] * 2
    assert not (recording / "inspection.html").exists()


def test_inspect_draws_a_picture(recording: Path, tmp_path: Path) -> None:
    typed("inspect", recording, "--png", tmp_path / "timeline.png", "-o", tmp_path / "page.html")
    assert (tmp_path / "timeline.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "page.html").exists()


@pytest.mark.parametrize("command", ["inspect", "replay"])
def test_what_is_no_recording_is_refused(command: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no recording"):
        typed(command, tmp_path)
