from __future__ import annotations

import copy
import json
import math
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_realtime.errors import ConfigError
from gemini_realtime.protocol.models import profile_for
from gemini_realtime.protocol.saved_state import STATE_VERSION, read_state
from gemini_realtime.protocol.session import Session

MODEL = "gemini-2.5-flash-native-audio"
FRAME = '{"clientContent":{"turns":[{"role":"user","parts":[{"text":"one"}]}],"turnComplete":true}}'
GOOD: dict[str, Any] = {
    "version": STATE_VERSION,
    "model": MODEL,
    "saved_at": 1.5e9,
    "handle": "h1",
    "handle_age_s": 1.0,
    "history": [{"role": "user", "text": "hello"}, {"role": "model", "text": "hi"}],
    "messages": [
        {"kind": "text", "frame": FRAME, "label": "one", "role": "user", "asks": True, "answers": False,
         "where": where, "uncertain": False}
        for where in ("inside", "sent", "waiting")
    ],
    "calls": [{"id": "call-1", "name": "look_up"}],
}  # fmt: skip
ODD = [None, True, 0, -1, 1.5, "", "x", "\ud800", [], {}, [None], {"": None}, 10**400, math.nan, math.inf, b"x", object]
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda some: st.lists(some) | st.dictionaries(st.text(), some),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where anything lies in a value, itself included."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in items:
        yield from places(item, (*path, name))


def changed(path: tuple[Any, ...], value: Any) -> Any:
    state: Any = copy.deepcopy(GOOD)
    if not path:
        return value
    *parents, name = path
    inner = state
    for parent in parents:
        inner = inner[parent]
    inner[name] = value
    return state


def restored(state: Any) -> Session:
    session = Session(profile_for(MODEL))
    session.restore(msgspec.to_builtins(read_state(state, MODEL)), 0.0)
    return session


def test_what_a_session_saves_is_what_it_takes() -> None:
    saved = {"version": STATE_VERSION, "model": MODEL, "saved_at": 0.0, **restored(GOOD).saved_state(0.0)}
    again = json.loads(json.dumps(saved))
    assert restored(again).saved_state(0.0) == restored(GOOD).saved_state(0.0)


@pytest.mark.parametrize("path", list(places(GOOD)), ids=str)
def test_whatever_is_damaged_is_a_config_error_or_does_not_matter(path: tuple[Any, ...]) -> None:
    for odd in ODD:
        with suppress(ConfigError):
            session = restored(changed(path, odd))
            session.prepare({"model": MODEL, "sessionResumption": {}})
            session.begin(1.0)
            assert session.next_frame(1.0)


@pytest.mark.parametrize("path", [path for path in places(GOOD) if path and isinstance(path[-1], str)], ids=str)
def test_what_is_missing_is_a_config_error_or_has_a_default(path: tuple[Any, ...]) -> None:
    state: Any = copy.deepcopy(GOOD)
    inner = state
    for parent in path[:-1]:
        inner = inner[parent]
    del inner[path[-1]]
    with suppress(ConfigError):
        restored(state)


@given(JSON)
def test_anything_else_is_refused(value: Any) -> None:
    with pytest.raises(ConfigError, match="the state is"):
        read_state(value, MODEL)


def test_damage_is_named_by_its_place_and_not_repeated() -> None:
    with pytest.raises(ConfigError, match=r"messages\[1\]\.frame") as raised:
        read_state(changed(("messages", 1, "frame"), "SPOKEN IN PRIVATE"), MODEL)
    assert "PRIVATE" not in str(raised.value)
    with pytest.raises(ConfigError, match=r"history\[0\]\.text"):
        read_state(changed(("history", 0, "text"), 5), MODEL)


def test_a_state_taken_during_an_answer_holds_what_was_heard_and_typed() -> None:
    session = Session(profile_for(MODEL))
    session.prepare({"sessionResumption": {}})
    session.begin(0.0)
    said: list[dict[str, Any]] = [
        {"setupComplete": {}},
        {"serverContent": {"inputTranscription": {"text": "Tell me a story."}}},
        {"serverContent": {"modelTurn": {"parts": [{"text": "Once"}]}}},
    ]
    for message in said:
        session.receive(json.dumps(message).encode(), 1.0)
    session.send_text("user", "My name is Ann.", False, 1.0)
    while session.next_frame(1.0) is not None:
        pass
    session.receive(b'{"sessionResumptionUpdate": {"newHandle": "h", "resumable": true}}', 9.0)
    state = session.saved_state(9.0)
    assert state["history"] == [{"role": "user", "text": "Tell me a story.\nMy name is Ann."}]
    assert state["messages"] == []


def test_a_state_of_another_model_or_version_is_refused() -> None:
    with pytest.raises(ConfigError, match=MODEL):
        read_state({**GOOD, "model": "other"}, MODEL)
    with pytest.raises(ConfigError, match="version 2"):
        read_state({**GOOD, "version": 2}, MODEL)
