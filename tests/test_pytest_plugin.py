"""The fixtures for other people's tests: used here as they are used there, and the examples of docs/testing.md, run."""

from __future__ import annotations

import importlib
import os
import ssl
import sys
import threading
from importlib.machinery import SourceFileLoader
from pathlib import Path

import pytest

from gemini_realtime import GeminiRealtimeClient, LiveServer, SessionCreated

pytest_plugins = "pytester"

PAGE = Path(__file__).parents[1] / "docs" / "testing.md"
TIMEOUT_S = 120


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache folder that is not the user's, and no key of theirs."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for name in ("GEMINI_API_KEY", "GOOGLE_API_KEY"):
        monkeypatch.delenv(name, raising=False)


async def connects(server: LiveServer) -> bool:
    client = GeminiRealtimeClient(llm_config=server.llm_config())
    async with client.connect():
        return isinstance(await anext(aiter(client.read_events())), SessionCreated)


def test_the_package_is_imported_as_without_pytest(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "gemini_realtime.transport.replay"
    monkeypatch.delitem(sys.modules, name, raising=False)
    assert type(importlib.import_module(name).__loader__) is SourceFileLoader


async def test_a_server_serves_a_coroutine(live_server: LiveServer) -> None:
    assert await connects(live_server)


def test_a_server_serves_a_plain_function(live_server: LiveServer) -> None:
    assert live_server.url.startswith("ws://127.0.0.1:")
    assert [thread.name for thread in threading.enumerate()].count("gemini-realtime") == 1


@pytest.mark.live_server(api_key="sesame")
async def test_the_marker_sets_options(live_server: LiveServer) -> None:
    assert live_server.llm_config()["config_list"][0]["api_key"] == "sesame"
    assert await connects(live_server)


class TestOverridden:
    """Options for several tests at once."""

    @pytest.fixture
    def live_server_options(self) -> dict[str, str]:
        return {"api_key": "other"}

    def test_an_override_sets_options(self, live_server: LiveServer) -> None:
        assert live_server.llm_config()["config_list"][0]["api_key"] == "other"


STATUS = """
import socket, pytest

def status(server):
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(
            b"GET / HTTP/1.1\\r\\nHost: x\\r\\nConnection: Upgrade\\r\\nUpgrade: websocket\\r\\n"
            b"Sec-WebSocket-Version: 13\\r\\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\\r\\n\\r\\n"
        )
        return client.recv(12).decode()[-3:]
"""


def outcome(pytester: pytest.Pytester, test: str) -> pytest.RunResult:
    """How a test of somebody else goes."""
    pytester.makepyfile(STATUS + test)
    return pytester.runpytest_inprocess("--strict-markers", "-p", "no:asyncio")


def test_the_marker_lets_faults_happen_in_one_test_only(pytester: pytest.Pytester) -> None:
    test = """
@pytest.mark.live_server(faults=["reject:status=429,times=1", "refuse:connection=3"])
def test_bad_day(live_server):
    assert [status(live_server) for _ in range(4)] == ["429", "101", "", "101"]

def test_good_day(live_server):
    assert status(live_server) == "101"
"""
    outcome(pytester, test).assert_outcomes(passed=2)


def test_markers_add_up_and_the_nearer_one_wins(pytester: pytest.Pytester) -> None:
    test = """
@pytest.mark.live_server(faults=["reject:status=429"], pace="realtime")
class TestBadDays:
    @pytest.mark.live_server(faults=["reject:status=403"])
    def test_worse(self, live_server, live_server_options):
        assert (status(live_server), live_server_options["pace"]) == ("403", "realtime")

    def test_bad(self, live_server):
        assert status(live_server) == "429"
"""
    outcome(pytester, test).assert_outcomes(passed=2)


@pytest.mark.parametrize(
    ("marker", "problem"),
    [
        ("faults=['cutt']", "*there is no fault 'cutt' → did you mean 'cut'? choose one of *"),
        ("faults='cut'", "*`faults` is a str → pass a list, such as faults=*"),
        ("pase='instant'", "*LiveServer has no option 'pase' → did you mean 'pace'? *"),
        ("pace='fast'", "*`pace` is 'fast' → choose one of realtime, instant*"),
        ("['cut']", "*the marker live_server takes options by name*"),
    ],
)
def test_a_mistake_in_the_marker_is_an_error_that_says_so(pytester: pytest.Pytester, marker: str, problem: str) -> None:
    test = f"@pytest.mark.live_server({marker})\ndef test_it(live_server): ..."
    result = outcome(pytester, test)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([problem])


@pytest.mark.live_server(api_key="sesame")
def test_the_environment_leads_to_the_server_with_tls(live_server_tls: LiveServer) -> None:
    pytest.importorskip("trustme", reason="TLS needs the extra [local]")
    assert os.environ["GOOGLE_GEMINI_BASE_URL"] == live_server_tls.tls_url.replace("wss", "https")
    assert os.environ["GOOGLE_API_KEY"] == os.environ["GEMINI_API_KEY"] == "sesame"
    assert "gemini-realtime" in str(ssl.create_default_context().get_ca_certs())


@pytest.fixture
def own_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key of the user's, which no test has any use for."""
    monkeypatch.setenv("GEMINI_API_KEY", "mine")


@pytest.mark.usefixtures("own_key", "live_server_tls")
def test_a_key_of_ones_own_is_replaced() -> None:
    assert os.environ["GEMINI_API_KEY"] == os.environ["GOOGLE_API_KEY"] == "offline"


SUITE = """
agent: sums:agent
scenes:
  - name: a sum
    caller: [{says: What is two plus three?}]
    expect: [{says: five}]
  - name: a wrong sum
    caller: [{says: What is two plus three?}]
    expect: [{says: six}]
"""
AGENT = """
from gemini_realtime import RealtimeAgent

def agent(llm_config):
    return RealtimeAgent(name="host", llm_config=llm_config)
"""


def test_a_suite_is_a_test_for_each_call(pytester: pytest.Pytester) -> None:
    pytester.makefile(".yaml", suite=SUITE)
    pytester.makepyfile(sums=AGENT)
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.voice_suite("suite.yaml", repeat=2)
        def test_sums(voice_call):
            assert voice_call.passed, voice_call.failures
        """
    )
    done = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    done.assert_outcomes(passed=2, failed=2)
    done.stdout.fnmatch_lines(["*test_sums[[]a wrong sum-1[]]*"])


def test_a_call_without_a_suite_says_what_is_missing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_sums(voice_call): ...")
    done = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    done.assert_outcomes(errors=1)
    done.stdout.fnmatch_lines(["*voice_call needs the marker voice_suite*"])


def test_a_mistake_in_a_suite_is_told_with_its_line_and_no_traceback(pytester: pytest.Pytester) -> None:
    pytester.makefile(".yaml", suite="scenes:\n  - name: a\n    caller: [sais: x]\n")
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.voice_suite("suite.yaml")
        def test_sums(voice_call): ...
        """
    )
    done = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    done.assert_outcomes(errors=1)
    done.stdout.fnmatch_lines(["*suite.yaml:3:14: there is no 'sais' → did you mean 'says'*"])
    done.stdout.no_fnmatch_line("*suite_file.py*")
