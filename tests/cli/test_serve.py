from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from tests.cli.strangers import TIMEOUT_S, run, start

pytest.importorskip("ctranslate2", reason="the embedded server hears and speaks with the extra [local]")


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_listens_serves_and_ends_cleanly(stop: signal.Signals, tmp_path: Path) -> None:
    server = start("serve", "--pace", "instant")
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
    assert second.stderr.splitlines() == [
        f"port {port} of 127.0.0.1 is in use → stop the program that listens there, or take another port; "
        "0 is any that is free"
    ]


def test_with_tls_it_prints_what_is_to_be_pasted(tmp_path: Path) -> None:
    server = start("serve", "--tls", XDG_CACHE_HOME=str(tmp_path))
    try:
        assert server.stdout is not None
        ready, url, tls_url = server.stdout.readline().split()
        lines = list(iter(server.stdout.readline, "export GOOGLE_API_KEY=offline\n"))
        server.terminate()
        server.communicate(timeout=TIMEOUT_S)
    finally:
        server.kill()
    assert (ready, url.partition(":")[0], tls_url.partition(":")[0]) == ("ready", "ws", "wss")
    (bundle,) = map(str, (tmp_path / "gemini-realtime").glob("*/authorities.pem"))
    assert [line.strip() for line in lines if "proxy" not in line.lower()] == [
        f"export GOOGLE_GEMINI_BASE_URL={tls_url.replace('wss', 'https')}",
        f"export GOOGLE_VERTEX_BASE_URL={tls_url.replace('wss', 'https')}",
        f"export SSL_CERT_FILE={bundle}",
        f"export NODE_EXTRA_CA_CERTS={bundle}",
    ]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--model-profile", "gpt"], "use one of"),
        (["--max-sessions", "0"], "Invalid value"),
        (["--sessions", "no/such/folder/file"], "there is no directory"),
        (["--responder", "parrot"], "choose one of rules, echo, "),
        (["--responder", "replay:no-such-file"], "cannot be read"),
        (["--hearing", "vosk"], "choose one of best, "),
        (["--speaking", "piper:no-such-voice.onnx"], "→"),
        (["--fault", "slow-pong", "--fault", "cut:frames=1"], "write cut:after_frames=1,after_s,times,connection"),
        (["--seed", "x", "--fault", "cut"], "Invalid value"),
    ],
)
def test_options_that_cannot_be_are_exit_code_2(options: list[str], problem: str) -> None:
    done = run("serve", *options)
    assert done.returncode == 2
    assert problem in done.stderr
