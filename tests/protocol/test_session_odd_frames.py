"""No frame of the service raises in a session, and an odd value costs no event beside it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.protocol.frames import FULL, WRONG, Path, check_neighbours, new_session, places, ready_session, with_value

LASTING = {name: member for name, member in FULL.items() if name not in ("setupComplete", "error", "goAway")}
"""A frame after which the session goes on."""

SAID = {
    **LASTING,
    "serverContent": {
        **LASTING["serverContent"],
        "modelTurn": {"parts": [{"text": "hi"}, {"inlineData": {"mimeType": "audio/pcm", "data": "AAAA"}}]},
    },
    "toolCall": {"functionCalls": [{"id": "1", "name": "f", "args": {"x": 1}}]},
}


@pytest.mark.parametrize("path", list(places(SAID)), ids=lambda path: ".".join(map(str, path)))
def test_an_odd_value_costs_no_event_of_another_member(path: Path) -> None:
    check_neighbours(SAID, path)


@pytest.mark.parametrize("path", list(places(FULL)), ids=lambda path: ".".join(map(str, path)))
def test_no_value_of_any_field_raises_before_or_after_the_setup(path: Path) -> None:
    for wrong in WRONG:
        session = new_session()
        data = json.dumps(with_value(FULL, path, wrong)).encode()
        assert session.receive(data, 1.0)
        assert session.receive(data, 2.0)


@pytest.mark.parametrize("depth", [300, 900, 970, 1000, 20_000])
@pytest.mark.parametrize("field", ['"toolCall":{"functionCalls":[{"name":"f","args":%s}]}', '"newField":%s'])
def test_no_depth_of_a_value_raises_or_costs_its_neighbours(field: str, depth: int) -> None:
    nested = '{"a":' * depth + "1" + "}" * depth
    happened = ready_session().receive(f'{{"serverContent":{{"turnComplete":true}},{field % nested}}}'.encode(), 1.0)
    assert "response.done" in [event.type for event in happened]
    assert all(map(repr, happened))


@settings(derandomize=True, deadline=None)
@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: f'{{"{text}":{text}}}'.encode(errors="replace")))
def test_any_bytes_give_an_event(data: bytes) -> None:
    assert ready_session().receive(data, 1.0)
