"""What comes from the service, by what the session says about its deadline."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gemini_realtime.protocol.events import AudioDelta
from gemini_realtime.protocol.health import read_health
from gemini_realtime.protocol.models import profile_for
from gemini_realtime.protocol.session import Session
from gemini_realtime.protocol.turns import END_WITHIN_S

BLOCKING = {"functionDeclarations": [{"name": "f", "behavior": "BLOCKING"}]}
CALL = {"toolCall": {"functionCalls": [{"id": "c1", "name": "f"}]}}
CANCELLED = {"toolCallCancellation": {"ids": ["c1"]}}


def ready() -> Session:
    session = Session(profile_for("gemini-3.8-live"), health=read_health("off"))
    session.prepare({"model": "models/gemini-3.8-live", "tools": [BLOCKING]})
    session.begin(0.0)
    hear(session, {"setupComplete": {}})
    return session


def hear(session: Session, *said: dict[str, Any], now: float = 1.0) -> bool:
    """Whether the session wants to be asked for its deadline after the last of these."""
    for message in said:
        session.take_actions()
        session.receive(json.dumps(message).encode(), now)
    return session.stirred


def content(**fields: Any) -> dict[str, Any]:
    return {"serverContent": fields}


def speech(data: str = "AAAA" * 400) -> dict[str, Any]:
    blob = {"mimeType": "audio/pcm;rate=24000", "data": data}
    return content(modelTurn={"parts": [{"inlineData": blob}]})


@pytest.mark.parametrize("end", ["generationComplete", "interrupted"])
def test_a_turn_that_begins_to_end_moves_the_deadline_and_what_follows_does_not(end: str) -> None:
    session = ready()
    assert not hear(session, speech())
    assert session.deadline() is None
    assert hear(session, content(**{end: True}))
    assert session.deadline() is not None
    assert not hear(session, content(outputTranscription={"text": "late"}))


def test_a_cancelled_call_lets_the_turn_end() -> None:
    session = ready()
    hear(session, CALL, speech(), content(generationComplete=True))
    assert session.deadline() is None
    assert hear(session, CANCELLED)
    deadline = session.deadline()
    assert deadline is not None
    assert deadline <= 1.1 + END_WITHIN_S


def test_speech_is_known_by_its_bytes_only_where_it_is_all_that_a_frame_holds() -> None:
    session = ready()
    with_news = {**speech(), "newField": {"x": 1}}
    for message in (with_news, with_news):
        events = session.receive(json.dumps(message).encode(), 1.0)
        assert [type(event) is AudioDelta for event in events] == [True, False]
    for data in ("AAAA" * 3, "BBBB" * 5, ""):
        (event,) = session.receive(json.dumps(speech(data)).encode(), 1.0)
        assert isinstance(event, AudioDelta)
        assert event.delta == data
