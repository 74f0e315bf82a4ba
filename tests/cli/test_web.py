from __future__ import annotations

import json
import signal
import urllib.request
from pathlib import Path

import pytest

from gemini_realtime.web.access import Access
from tests.cli.strangers import TIMEOUT_S, run, start

pytest.importorskip("uvicorn", reason="it serves the page: the extra [web]")
pytest.importorskip("ctranslate2", reason="the embedded server hears and speaks with the extra [local]")
web = pytest.importorskip("gemini_realtime.cli.web", reason="the command: the extra [web]")

AGENT = """
from gemini_realtime import RealtimeAgent

agent = RealtimeAgent(
    name="host", system_message="Seat people.", llm_config={"config_list": [{"model": "gemini-3.8-live"}]}
)
"""


def test_it_says_where_the_page_of_an_agent_is_and_ends_cleanly(tmp_path: Path) -> None:
    (tmp_path / "my_agent.py").write_text(AGENT)
    server = start(
        "web", "--agent", "my_agent:agent", "--port", "0", "--no-open", cwd=tmp_path, XDG_CACHE_HOME=str(tmp_path)
    )
    try:
        assert server.stdout is not None
        ready, url = server.stdout.readline().split()
        told = server.stdout.readline()
        address, _, secret = url.partition("#secret=")
        asked = urllib.request.Request(f"{address}about", headers={"Authorization": f"Bearer {secret}"})
        with urllib.request.urlopen(asked, timeout=TIMEOUT_S) as answer:
            about = json.load(answer)
        server.send_signal(signal.SIGINT)
        stdout, stderr = server.communicate(timeout=TIMEOUT_S)
    finally:
        server.kill()
    assert ready == "ready"
    assert (about["agent"], about["instructions"], about["models"]) == ("host", "Seat people.", [])
    assert told == "It talks to the embedded server, until Ctrl-C.\n"
    assert (server.returncode, stdout, stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (
            ["--host", "0.0.0.0"],
            "other machines reach 0.0.0.0, and whoever does would talk at your expense",
        ),
        (["--host", "0.0.0.0", "--auth", "short"], "fewer than 8 characters"),
        (["--agent", "nothing_here:agent", "--no-embedded"], "there is no module 'nothing_here'"),
        (["--port", "0", "--certificate", __file__], "test_web.py: [SSL]"),
        (["--agent", "a:b", "--model", "gemini-3.8-live"], "an agent of yours names its model itself"),
    ],
)
def test_what_cannot_be_served_is_said(arguments: list[str], problem: str, tmp_path: Path) -> None:
    refused = run("web", "--no-open", *arguments, cwd=tmp_path, XDG_CACHE_HOME=str(tmp_path))
    assert refused.returncode == 2
    assert problem in " ".join(refused.stderr.replace("│", " ").split())


def test_what_opens_by_itself_has_a_ticket_and_not_the_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(web.webbrowser, "open", opened.append)
    monkeypatch.setenv("BROWSER", "any")
    access = Access("the secret of the page")
    web.tell(web.WebOptions(), access, 8760, "the embedded server")
    (address,) = opened
    page, _, ticket = address.partition("#ticket=")
    assert page == "http://127.0.0.1:8760/"
    assert access.redeem(ticket) == "the secret of the page"
