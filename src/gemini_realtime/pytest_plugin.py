"""For pytest: the embedded Live server as fixtures, and suites of calls as tests, for other people's voice agents.

    def test_my_agent(live_server_tls):                      # my_agent uses google-genai, and nothing in it changes
        assert my_agent.ask("What is two plus three?") == "Two plus three is five."

The server runs on a thread of its own, so a test may be a plain function or a coroutine.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from gemini_realtime.checking import spelling_remedy

if TYPE_CHECKING:
    from gemini_realtime import LiveServer
    from gemini_realtime.evaluation.record import CallResult
    from gemini_realtime.testing.calling import Calling


class _PlainImports(MetaPathFinder):
    """Finds this package as Python does without pytest, which would rewrite the assertions of a plugin's whole package.

    Rewriting parses each module where it is imported, and here the threads of tests and of servers import at the same
    time. CPython 3.11 may let one of them fail then (`SystemError: AST constructor recursion depth mismatch`, seen on
    3.11.7; pytest#10763).
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] != "gemini_realtime":
            return None
        return PathFinder.find_spec(fullname, path, target)


_plain_imports = pytest.StashKey[_PlainImports]()


def pytest_configure(config: pytest.Config) -> None:
    """Make the markers known, and find this package before pytest does."""
    sys.meta_path.insert(0, config.stash.setdefault(_plain_imports, _PlainImports()))
    config.addinivalue_line("markers", "live_server(**options): options of LiveServer for the fixtures live_server*")
    config.addinivalue_line("markers", "voice_suite(file, **plan): a test for each call of a suite, see voice_call")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave imports as they were."""
    sys.meta_path.remove(config.stash[_plain_imports])


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test for each call of the suite that the marker `voice_suite` names."""
    marker = metafunc.definition.get_closest_marker("voice_suite")
    if marker is None:
        return
    if len(marker.args) != 1 or "voice_call" not in metafunc.fixturenames:
        pytest.fail("the marker voice_suite takes the file of a suite, and the test voice_call", pytrace=False)
    from gemini_realtime.errors import ConfigError
    from gemini_realtime.evaluation.plan import Plan
    from gemini_realtime.evaluation.suite_file import read_suite

    file = metafunc.definition.path.parent / marker.args[0]
    try:
        plan = Plan(read_suite(file), **marker.kwargs)
    except ConfigError as error:  # it names the place: that of the reader in this package helps nobody
        pytest.fail(str(error), pytrace=False)
    calls = [(plan, scene, seed) for scene, seed in plan.calls]
    ids = [f"{scene.name}-{seed}" for _, scene, seed in calls]
    metafunc.parametrize("_voice_plan", calls, ids=ids, indirect=True)


@pytest.fixture
def _voice_plan(request: pytest.FixtureRequest) -> Any:
    return getattr(request, "param", None)


@pytest.fixture
def voice_call(_voice_plan: Any) -> CallResult:
    """What came of a call of the suite that the marker `voice_suite` names: `passed`, `failures`, `record`."""
    from gemini_realtime.evaluation.calls import play

    if _voice_plan is None:
        pytest.fail("voice_call needs the marker voice_suite, which names a suite", pytrace=False)
    plan, scene, seed = _voice_plan
    return play(plan.suite, scene, seed, plan.target())


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
def caller(live_server_options: dict[str, Any]) -> Callable[..., Calling[Any]]:
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
