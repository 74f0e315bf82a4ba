from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from tests.cli.strangers import TIMEOUT_S, run, start

pytest.importorskip("pocketsphinx", reason="the embedded server hears and speaks with the extra [local]")


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_listens_serves_and_ends_cleanly(stop: signal.Signals, tmp_path: Path) -> None:
    server = start("serve", "--instant")
    try:
        assert server.stdout is not None
        ready, url = server.stdout.readline().split()
        assert ready == "ready"
        assert url.startswith("ws://127.0.0.1:")
        talked = run("talk", "--json", "--say", "Count to three", "--url", url, "--output", tmp_path / "a.wav")
        server.send_signal(stop)
        stdout, stderr = server.communicate(timeout=TIMEOUT_S)
    finally:
        server.kill()
    assert talked.returncode == 0, talked.stderr
    assert json.loads(talked.stdout.splitlines()[0])["type"] == "session.created"
    assert (server.returncode, stdout, stderr) == (0, "", "")


def test_a_port_that_is_taken_is_one_clear_line() -> None:
    first = start("serve")
    try:
        assert first.stdout is not None
        port = first.stdout.readline().rpartition(":")[2].strip()
        second = run("serve", "--port", port)
    finally:
        first.terminate()
        first.communicate(timeout=TIMEOUT_S)
    assert second.returncode == 1
    assert second.stdout == ""
    assert len(second.stderr.splitlines()) == 1
    assert port in second.stderr
