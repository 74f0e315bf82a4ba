from __future__ import annotations

import pytest

from gemini_realtime.evaluation.passing_on import EndpointSettings
from gemini_realtime.evaluation.plan import Plan
from gemini_realtime.evaluation.scenes import Caller, Judge, Persona, Says, Scene, Suite

HERE = {"OPENAI_API_KEY": "sk-sesame", "OPENAI_MODEL": "m", "GEMINI_API_KEY": "AIza", "HOME": "/root"}
SCENE = Scene("scene", Caller([Says("Hello.")]))


def passed_on(suite: Suite, there: dict[str, str] | None = None) -> dict[str, str]:
    machine = {**(there or {})}
    EndpointSettings.needed_by(Plan(suite, agent="a:a"), HERE).give_to(machine)
    return machine


@pytest.mark.parametrize(
    ("suite", "names"),
    [
        (Suite("rules", [SCENE]), []),
        (Suite("judge", [SCENE], judge=Judge(["It is polite."])), ["OPENAI_API_KEY", "OPENAI_MODEL"]),
        (Suite("persona", [Scene("scene", Caller(Persona("A cook.")))]), ["OPENAI_API_KEY", "OPENAI_MODEL"]),
        (Suite("chat", [SCENE], model="chat:m"), ["OPENAI_API_KEY", "OPENAI_MODEL"]),
        (Suite("gemini", [SCENE], model="gemini"), ["GEMINI_API_KEY"]),
    ],
    ids=lambda given: given.name if isinstance(given, Suite) else "",
)
def test_machines_get_the_settings_of_those_who_are_asked(suite: Suite, names: list[str]) -> None:
    assert sorted(passed_on(suite)) == names


def test_a_key_does_not_come_to_an_address_that_a_machine_has_itself() -> None:
    there = {"OPENAI_BASE_URL": "http://elsewhere/v1"}
    assert passed_on(Suite("chat", [SCENE], model="chat:m"), there) == there


def test_a_key_is_not_shown() -> None:
    assert "sesame" not in repr(EndpointSettings.needed_by(Plan(Suite("chat", [SCENE], "a:a", "chat:m")), HERE))
