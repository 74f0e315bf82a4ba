from __future__ import annotations

import base64
from typing import Any

import pytest

from gemini_realtime.protocol import events
from gemini_realtime.protocol.codec import Frame
from gemini_realtime.protocol.events import (
    AudioDelta,
    FunctionCall,
    InputAudioBufferDelta,
    RealtimeEvent,
    SpeechStarted,
)

DOCUMENTED: list[tuple[RealtimeEvent, str, set[str]]] = [
    (RealtimeEvent(raw_message={"a": 1}), "unknown", set()),
    (events.SessionCreated(raw_message={}), "session.created", set()),
    (events.SessionUpdated(raw_message={}), "session.updated", set()),
    (AudioDelta(raw_message={}, delta="AAA=", item_id=None), "response.audio.delta", {"delta", "item_id"}),
    (
        InputAudioBufferDelta(raw_message={}, delta="AAA=", item_id=None),
        "input_audio_buffer.delta",
        {"delta", "item_id"},
    ),
    (SpeechStarted(raw_message={}), "input_audio_buffer.speech_started", set()),
    (
        FunctionCall(raw_message={}, name="f", arguments={"x": 1}, call_id="1"),
        "response.function_call_arguments.done",
        {"name", "arguments", "call_id"},
    ),
]


@pytest.mark.parametrize(("event", "type_", "fields"), DOCUMENTED, ids=lambda value: type(value).__name__)
def test_documented_events_keep_their_type_and_fields(event: RealtimeEvent, type_: str, fields: set[str]) -> None:
    assert event.type == type_
    assert all(hasattr(event, field) for field in fields)


def test_events_are_immutable() -> None:
    event = SpeechStarted(raw_message={})
    with pytest.raises(AttributeError):
        event.type = "other"  # type: ignore[misc, assignment]


def test_raw_message_is_the_dict_given_or_the_frame_parsed_when_read() -> None:
    given: dict[str, Any] = {"goAway": {}}
    assert events.GoAway(raw_message=given).raw_message is given
    frame: Any = Frame(b'{"goAway": {"timeLeft": "5s"}}')
    first, second = events.GoAway(raw_message=frame), RealtimeEvent(raw_message=frame)
    assert first.raw_message == {"goAway": {"timeLeft": "5s"}}
    assert first.raw_message is second.raw_message


def test_audio_is_decoded_on_demand() -> None:
    pcm = bytes(range(12))
    assert AudioDelta(delta=base64.b64encode(pcm).decode()).audio == pcm


@pytest.mark.parametrize("length", [0, 1, 2, 3, 640])
def test_neither_repr_nor_dict_shows_audio_only_its_length(length: int) -> None:
    delta = base64.b64encode(b"\x12" * length).decode()
    event = InputAudioBufferDelta(delta=delta)
    assert f"audio_bytes={length}" in repr(event)
    assert event.to_dict() == {
        "type": "input_audio_buffer.delta",
        "item_id": None,
        "sent_at": None,
        "audio_bytes": length,
    }
    assert not delta or delta not in repr(event)
    assert event.to_dict(audio=True)["delta"] == delta


def test_a_plain_event_shows_the_services_message_without_media_unless_asked() -> None:
    raw = {
        "serverContent": {"modelTurn": {"parts": [{"inlineData": {"mimeType": "audio/x", "data": "AAAA"}, "new": 1}]}}
    }
    event = RealtimeEvent(raw_message=raw)
    shown = event.to_dict()["raw_message"]["serverContent"]["modelTurn"]["parts"][0]
    assert shown == {"inlineData": {"mimeType": "audio/x", "data": ""}, "new": 1}
    assert event.to_dict(audio=True)["raw_message"] == raw
    assert repr(event) == "RealtimeEvent()"


def test_an_event_inside_an_event_becomes_a_dict_too() -> None:
    done = events.TurnComplete(usage=events.Usage(total_tokens=3))
    assert done.to_dict()["usage"]["total_tokens"] == 3


@pytest.mark.parametrize(("delta", "audio"), [("!!", b""), ("A", b""), ("AAAA", bytes(2)), ("AA==", b""), ("", b"")])
def test_audio_is_whole_samples_whatever_was_sent(delta: str, audio: bytes) -> None:
    assert AudioDelta(delta=delta).audio == audio


@pytest.mark.parametrize("depth", [100, 900, 5000])
def test_an_event_can_be_shown_however_deep_it_is(depth: int) -> None:
    deep: dict[str, Any] = {}
    for _ in range(depth):
        deep = {"a": deep}
    call = FunctionCall(raw_message=deep, name="f", arguments=deep, call_id="1")
    assert repr(call).startswith("FunctionCall(name='f', arguments=")
    assert call.to_dict()["arguments"].keys() == {"a"}
    assert RealtimeEvent(raw_message=deep).to_dict()["raw_message"].keys() == {"a"}


def test_audio_stays_out_of_the_repr_of_an_event_whose_base64_is_broken() -> None:
    assert "!!" not in repr(AudioDelta(delta="!!"))
