"""What the application says: refused before it is noted, or sent in order."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

import pytest

from gemini_realtime.errors import ConfigError
from gemini_realtime.protocol import events
from gemini_realtime.protocol.models import profile_for
from gemini_realtime.protocol.options import SessionOptions
from gemini_realtime.protocol.resumption import Reconnect
from gemini_realtime.protocol.session import Session

MANUAL = {"realtimeInputConfig": {"automaticActivityDetection": {"disabled": True}}}


def ready(setup: dict[str, Any] | None = None, model: str = "gemini-3.8-live") -> Session:
    session = Session(profile_for(model), reconnect=Reconnect(jitter=lambda: 0.5))
    session.prepare(setup or {})
    session.begin(0.0)
    sent(session)
    session.receive(b'{"setupComplete": {}}', 0.0)
    return session


def called(session: Session, call_id: str = "1") -> Session:
    call = {"toolCall": {"functionCalls": [{"id": call_id, "name": "f"}]}}
    session.receive(json.dumps(call).encode(), 0.0)
    return session


def sent(session: Session) -> list[dict[str, Any]]:
    return [json.loads(frame) for frame in iter(lambda: session.next_frame(0.0), None)]


def response(session: Session) -> Any:
    (frame,) = sent(session)
    return frame["toolResponse"]["functionResponses"][0]["response"]


# --- results


@dataclass
class Weather:
    sky: str


@pytest.mark.parametrize(
    ("result", "sent_as"),
    [
        ("fog", {"output": "fog"}),
        ({"sky": "fog"}, {"sky": "fog"}),
        ([1, 2], {"output": [1, 2]}),
        ((1, 2), {"output": [1, 2]}),
        (3, {"output": 3}),
        (2.5, {"output": 2.5}),
        (True, {"output": True}),
        (None, {"output": None}),
        ("", {"output": ""}),
        ([], {"output": []}),
        (Weather("fog"), {"sky": "fog"}),
        ({1: {"a"}}, {"1": ["a"]}),
    ],
)
def test_a_result_reaches_the_service_as_an_object(result: Any, sent_as: dict[str, Any]) -> None:
    session = called(ready())
    assert session.send_function_result("1", result, 0.0) is None
    assert response(session) == sent_as


@pytest.mark.parametrize(
    ("result", "path"),
    [
        (math.nan, "`result` is nan"),
        ({"a": [1, math.inf]}, "`result.a[1]` is inf"),
        ({"a": b"x"}, "`result.a` is bytes"),
        ([object()], "`result[0]` is object"),
        ({None: 1}, "`result` has a key of type NoneType"),
    ],
)
def test_a_result_without_a_form_in_json_is_refused_by_its_place(result: Any, path: str) -> None:
    session = called(ready())
    with pytest.raises(ConfigError) as error:
        session.send_function_result("1", result, 0.0)
    assert str(error.value).startswith(path)
    assert session.send_function_result("1", "better", 0.0) is None
    assert response(session) == {"output": "better"}


# --- what is refused leaves nothing behind


@pytest.mark.parametrize(
    "send",
    [
        lambda session: session.send_text("user", None, True, 0.0),
        lambda session: session.send_text("user", 42, True, 0.0),
        lambda session: session.send_text("nobody", "x", True, 0.0),
        lambda session: session.send_text("user", "\ud83d", True, 0.0),
        lambda session: session.send_function_result(None, "x", 0.0),
        lambda session: session.send_function_result(1, "x", 0.0),
        lambda session: session.send_function_result("1", "x", 0.0, scheduling="LATER"),
        lambda session: session.send_function_result("1", "x", 0.0, scheduling="silent"),
        lambda session: session.send_activity(0.0, start=True),
        lambda session: session.send_activity(0.0, start=False),
    ],
)
def test_what_cannot_be_meant_is_refused_and_nothing_of_it_stays(send: Any) -> None:
    session = called(ready())
    with pytest.raises(ConfigError):
        send(session)
    assert (sent(session), session.unsent) == ([], 0)
    session.send_text("user", "hi", True, 0.0)
    assert len(sent(session)) == 1


def test_marks_of_activity_go_with_detection_off_and_the_end_of_the_stream_with_it_on() -> None:
    manual, automatic = ready(MANUAL), ready()
    manual.send_activity(0.0, start=True)
    manual.send_activity(0.0, start=False)
    with pytest.raises(ConfigError, match="needs automatic detection on"):
        manual.send_audio_stream_end()
    automatic.send_audio_stream_end()
    assert (len(sent(manual)), len(sent(automatic))) == (2, 1)


# --- results that nobody waits for


@pytest.mark.parametrize("how", ["another conversation", "answered", "cancelled"])
def test_a_result_that_nobody_waits_for_is_reported_and_not_sent(how: str) -> None:
    session = ready()
    if how != "another conversation":
        called(session)
    if how == "answered":
        session.send_function_result("1", "first", 0.0)
    elif how == "cancelled":
        session.receive(b'{"toolCallCancellation": {"ids": ["1"]}}', 0.0)
    sent(session)
    told = session.send_function_result("1", "late", 0.0)
    assert isinstance(told, events.VoiceHealth)
    assert (told.finding, told.action, sent(session)) == ("orphaned_result", "not sent", [])


def test_whoever_sends_after_the_end_is_told_why() -> None:
    session = ready()
    session.end(ConfigError("the reason"))
    for send in (
        lambda: session.send_text("user", "hi", True, 0.0),
        lambda: session.send_audio(b"\0\0", b"AAA=", 16000, 1.0, 0.0),
        lambda: session.send_video("AAAA", "image/png", 0.0),
        session.send_audio_stream_end,
        lambda: session.send_function_result("1", "x", 0.0),
    ):
        with pytest.raises(ConfigError, match="the reason"):
            send()


# --- a seed


def test_a_seed_is_completed_after_the_first_utterance_that_the_application_marks() -> None:
    session = Session(profile_for("gemini-2.5-flash-native-audio"), reconnect=Reconnect(jitter=lambda: 0.5))
    history = [{"role": "user", "parts": [{"text": "I am Ada."}]}]
    session.prepare(MANUAL, SessionOptions(given={"history": history}))
    session.begin(0.0)
    sent(session)
    session.receive(b'{"setupComplete": {}}', 0.0)
    session.send_activity(0.0, start=True)
    session.send_activity(0.0, start=False)
    assert sent(session)[-1] == {"clientContent": {"turnComplete": True}}
    session.send_activity(0.0, start=True)
    session.send_activity(0.0, start=False)
    assert "clientContent" not in sent(session)[-1]
