"""What a new session is told, and when that counts."""

from __future__ import annotations

import json
import struct
from typing import Any

import msgspec
import pybase64

from gemini_realtime.protocol.closing import close_error
from gemini_realtime.protocol.handover import LISTENS_S, LOOK_AGAIN_S
from gemini_realtime.protocol.health import read_health
from gemini_realtime.protocol.messages import Content, Part
from gemini_realtime.protocol.models import profile_for
from gemini_realtime.protocol.options import SessionOptions
from gemini_realtime.protocol.session import Session

TURN = Content(role="user", parts=[Part(text="My name is Ada.")])
HEARD = {"serverContent": {"inputTranscription": {"text": "Hello?"}}}
COMPLETED = {"clientContent": {"turnComplete": True}}


def ready(model: str) -> Session:
    """A session that was told a turn."""
    session = Session(profile_for(model), health=read_health("off"))
    session.prepare({"model": f"models/{model}"}, SessionOptions(given={"history": msgspec.to_builtins([TURN])}))
    session.begin(0.0)
    sent(session, 0.0)
    hear(session, {"setupComplete": {}}, 0.0)
    assert "clientContent" in sent(session, 0.0)[0]
    return session


def hear(session: Session, message: dict[str, Any], now: float) -> None:
    session.receive(json.dumps(message).encode(), now)


def sent(session: Session, now: float) -> list[dict[str, Any]]:
    return [json.loads(frame) for frame in iter(lambda: session.next_frame(now), None)]


def speak(session: Session, now: float, sample: int = 9000) -> None:
    pcm = struct.pack("<320h", *[sample] * 320)
    session.send_audio(pcm, pybase64.b64encode(pcm), 16000, 20.0, now)
    sent(session, now)


def test_a_seed_that_waits_is_completed_once_somebody_has_spoken_and_is_silent() -> None:
    session = ready("gemini-2.5-flash-native-audio")
    assert session.deadline() is None
    speak(session, 1.0)
    hear(session, HEARD, 1.0)
    assert session.deadline() == 1.0 + LISTENS_S
    speak(session, 1.4)
    session.deadline_reached(1.0 + LISTENS_S)
    assert sent(session, 1.5) == []
    assert session.deadline() == 1.0 + LISTENS_S + LOOK_AGAIN_S
    session.deadline_reached(2.0)
    assert sent(session, 2.0) == [COMPLETED]
    assert session.deadline() is None


def test_a_typed_question_completes_a_seed_by_itself() -> None:
    session = ready("gemini-2.5-flash-native-audio")
    hear(session, HEARD, 1.0)
    session.send_text("user", "What is my name?", True, 1.1)
    (question,) = sent(session, 1.1)
    assert question["clientContent"]["turnComplete"]
    session.deadline_reached(1.0 + LISTENS_S)
    assert sent(session, 2.0) == []


def test_where_a_seed_counts_at_once_nothing_is_completed() -> None:
    session = ready("gemini-3.8-live")
    hear(session, HEARD, 1.0)
    assert session.deadline() is None


def test_a_history_that_was_not_announced_is_not_completed_and_asked_about_once() -> None:
    session = Session(profile_for("gemini-3.1-flash-live-preview"), health=read_health("off"))
    session.prepare({"model": "models/gemini-3.1-flash-live-preview", "sessionResumption": {}})
    session.begin(0.0)
    hear(session, {"setupComplete": {}}, 0.0)
    hear(session, HEARD, 10.0)
    session.connection_ended(close_error(1006, ""), 60.0)  # the sound of the question is kept no more
    session.connected(61.0)
    (setup,) = sent(session, 61.0)
    assert "historyConfig" not in setup["setup"]
    hear(session, {"setupComplete": {}}, 61.1)
    told, asked = sent(session, 61.1)
    assert told == {"clientContent": {"turns": [{"role": "user", "parts": [{"text": "Hello?"}]}]}}
    assert asked == COMPLETED
