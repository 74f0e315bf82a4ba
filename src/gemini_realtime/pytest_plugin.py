"""Fixtures for pytest: the embedded Live server, for tests of other people's voice agents.

    def test_my_agent(live_server_tls):                      # my_agent uses google-genai, and nothing in it changes
        assert my_agent.ask("What is two plus three?") == "Two plus three is five."

The server runs on a thread of its own, so a test may be a plain function or a coroutine.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from gemini_realtime.checking import spelling_remedy

if TYPE_CHECKING:
    from gemini_realtime import LiveServer
    from gemini_realtime.testing.call import Calling


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", "live_server(**options): options of LiveServer for the fixtures live_server*")


@pytest.fixture
def live_server_options(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The options of the server: it answers at once, and as the markers `live_server` say. To be overridden at will."""
    options: dict[str, Any] = {"pace": "instant", "warm_up": False}
    for marker in reversed(list(request.node.iter_markers("live_server"))):  # what stands nearer to the test wins
        if marker.args:
            pytest.fail("the marker live_server takes options by name, such as pace='realtime'", pytrace=False)
        options |= marker.kwargs
    return options


@pytest.fixture
def live_server(live_server_options: dict[str, Any]) -> Iterator[LiveServer]:
    """The embedded server. `url` and `llm_config()` lead to it."""
    from gemini_realtime import LiveServer

    with LiveServer(**_checked(live_server_options)) as server:
        yield server


@pytest.fixture
def live_server_tls(live_server_options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveServer]:
    """The same with TLS, and an environment that leads google-genai to it, with a key that is none."""
    from gemini_realtime import LiveServer

    with LiveServer(**{"tls": True, **_checked(live_server_options)}) as server:
        key = live_server_options.get("api_key") or "offline"
        # It takes the place of real keys, for which no test has any use.
        keys = dict.fromkeys(("GOOGLE_API_KEY", "GEMINI_API_KEY"), key)
        for name, value in {**server.environment(), **keys}.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def caller(live_server_options: dict[str, Any]) -> Callable[..., Calling]:
    """`gemini_realtime.testing.caller`, whose embedded server has the options of the test."""
    from gemini_realtime.testing import caller

    return functools.partial(caller, **_checked(live_server_options))


def _checked(options: dict[str, Any]) -> dict[str, Any]:
    """The options, all of which exist."""
    from gemini_realtime import LiveServer

    names = inspect.signature(LiveServer).parameters
    for name in options:
        if name not in names:
            pytest.fail(f"LiveServer has no option {name!r} → {spelling_remedy(name, names)}", pytrace=False)
    return options
