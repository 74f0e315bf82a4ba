from __future__ import annotations

import pytest

from gemini_realtime.errors import ConfigError
from gemini_realtime.evaluation.expectations import CallsOnly, SaysWords
from gemini_realtime.evaluation.plan import Plan
from gemini_realtime.evaluation.scenes import Caller, Misbehaves, Says, Scene, Step, Suite

SUITE = Suite(
    "suite",
    [Scene("sums", Caller([Says("What is two plus three?")])), Scene("table", Caller([Says("Book a table.")]))],
    agent="tests.evaluation.agents:restaurant",
)


def test_one_scene_may_be_picked_and_another_name_is_a_clear_error() -> None:
    assert [scene.name for scene, _ in Plan(SUITE, only=["table"]).calls] == ["table"]
    with pytest.raises(ConfigError, match="did you mean 'table'"):
        Plan(SUITE, only=["tabel"])


@pytest.mark.parametrize(
    ("faults", "how", "where"),
    [(["cut"], {"url": "ws://127.0.0.1:9/"}, "over a WebSocket"), ([], {}, "of the real service")],
)
def test_what_cannot_be_made_to_go_wrong_is_said_before_there_are_calls(
    faults: list[str], how: dict[str, str], where: str
) -> None:
    steps: list[Step] = [Says("Hello."), *([] if faults else [Misbehaves("cut")])]
    scene = Scene("broken", Caller(steps), faults=faults, model="gemini")
    with pytest.raises(ConfigError, match=f"'broken' cannot be made to happen {where}"):
        Plan(Suite("suite", [scene], agent="tests.evaluation.agents:restaurant"), **how).target()  # type: ignore[arg-type]


def test_what_cannot_be_heard_over_a_websocket_is_not_expected_there() -> None:
    scene = Scene("booking", Caller([Says("Hello.")]), [SaysWords("hello"), CallsOnly([])])
    with pytest.raises(ConfigError, match="'booking' expects what cannot be heard over a WebSocket: calls nothing"):
        Plan(Suite("suite", [scene]), url="ws://127.0.0.1:9/").target()


def test_without_an_agent_there_is_nobody_to_call() -> None:
    with pytest.raises(ConfigError, match="no agent to call"):
        Plan(Suite("suite", SUITE.scenes))
