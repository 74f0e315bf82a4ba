from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from gemini_realtime.protocol import messages
from gemini_realtime.protocol.codec import Frame, decode_server_message
from gemini_realtime.protocol.events import AudioDelta, FunctionCall, RealtimeEvent, TextDelta, TurnComplete
from gemini_realtime.protocol.server_events import message_events

CALL = {"id": "1", "name": "f", "args": {"x": 1}}
AUDIO = {"inlineData": {"mimeType": "audio/pcm;rate=24000", "data": "AAAA"}}


def read(message: dict[str, Any], *, interrupted: bool = False, made: set[str] | None = None) -> list[RealtimeEvent]:
    frame = Frame(json.dumps(message).encode())
    seen = made if made is not None else set[str]()

    def opened(call: messages.FunctionCall) -> str | None:
        if call.id in seen:
            return None
        seen.add(call.id or "made-up")
        return call.id or "made-up"

    return message_events(decode_server_message(frame.data)[0], frame, interrupted=interrupted, opened=opened)


def types(message: dict[str, Any]) -> list[str]:
    return [event.type for event in read(message)]


MEMBERS: dict[str, dict[str, Any]] = {
    "input_audio_buffer.speech_started": {"voiceActivity": {"type": "ACTIVITY_START"}},
    "response.audio_transcript.delta": {"serverContent": {"outputTranscription": {"text": "hi"}}},
    "response.function_call_arguments.done": {"toolCall": {"functionCalls": [CALL]}},
    "response.function_call.cancelled": {"toolCallCancellation": {"ids": ["0"]}},
    "unknown": {"sessionResumptionUpdate": {"newHandle": "h", "resumable": True}},
    "usage": {"usageMetadata": {"totalTokenCount": 1}},
    "session.go_away": {"goAway": {"timeLeft": "9s"}},
}
"""A message of each kind by the event it gives, in the order of the events."""


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(MEMBERS, 2)))
def test_a_frame_of_two_members_gives_the_events_of_both_in_order(one: str, other: str) -> None:
    assert types(MEMBERS[one] | MEMBERS[other]) == [one, other]
    assert types(MEMBERS[other] | MEMBERS[one]) == [one, other]


def test_the_end_of_a_turn_comes_after_all_else_of_it() -> None:
    content = {
        "turnComplete": True,
        "generationComplete": True,
        "interrupted": True,
        "outputTranscription": {"text": "o"},
        "modelTurn": {"parts": [AUDIO, {"text": "t"}]},
        "inputTranscription": {"text": "i"},
    }
    assert types({"usageMetadata": {}, "toolCall": {"functionCalls": [CALL]}, "serverContent": content}) == [
        "input_audio_transcription.delta",
        "response.audio.delta",
        "response.text.delta",
        "response.audio_transcript.delta",
        "response.function_call_arguments.done",
        "response.interrupted",
        "response.generation_complete",
        "usage",
        "response.done",
    ]


def test_the_counts_that_come_with_a_turns_end_are_in_it() -> None:
    *_, end = read({"serverContent": {"turnComplete": True}, "usageMetadata": {"totalTokenCount": 9}})
    assert isinstance(end, TurnComplete)
    assert end.usage is not None
    assert end.usage.total_tokens == 9


@pytest.mark.parametrize("interrupted", [True, False])
def test_a_turn_that_was_cut_off_before_ends_as_such(interrupted: bool) -> None:
    (end,) = read({"serverContent": {"turnComplete": True}}, interrupted=interrupted)
    assert isinstance(end, TurnComplete)
    assert end.interrupted is interrupted


def test_a_call_among_the_parts_of_a_turn_is_a_call() -> None:
    parts = [{"functionCall": CALL, "thoughtSignature": "AAAA"}, AUDIO]
    call, audio = read({"serverContent": {"modelTurn": {"parts": parts}}})
    assert isinstance(call, FunctionCall)
    assert (call.name, call.arguments, call.call_id) == ("f", {"x": 1}, "1")
    assert isinstance(audio, AudioDelta)


def test_a_call_that_comes_in_both_forms_is_one() -> None:
    message = {
        "toolCall": {"functionCalls": [CALL, {**CALL, "id": "2"}]},
        "serverContent": {"modelTurn": {"parts": [{"functionCall": CALL}]}},
    }
    assert [event.call_id for event in read(message) if isinstance(event, FunctionCall)] == ["1", "2"]
    made: set[str] = set()
    read({"toolCall": {"functionCalls": [CALL]}}, made=made)
    assert read({"serverContent": {"modelTurn": {"parts": [{"functionCall": CALL}]}}}, made=made) == []


def test_a_part_of_several_members_gives_the_events_of_each() -> None:
    part = {**AUDIO, "text": "hi", "functionCall": CALL}
    happened = read({"serverContent": {"modelTurn": {"parts": [part]}}})
    assert [type(event) for event in happened] == [AudioDelta, TextDelta, FunctionCall]


@pytest.mark.parametrize(
    ("blob", "rate_hz"),
    [
        ({"mimeType": "audio/pcm"}, 24000),
        ({"mimeType": "audio/L16;codec=pcm;rate=16000"}, 16000),
        ({"mimeType": "AUDIO/PCM; Rate=16000"}, 16000),
        ({"mimeType": "audio/pcm;bitrate=128000"}, 24000),
        ({"mimeType": "audio/pcm;rate=\u00b2"}, 24000),
        ({"mimeType": "audio/pcm;rate=" + "9" * 5000}, 24000),
        ({"mimeType": 7}, 24000),
        ({"mimeType": {}}, 24000),
        ({}, 24000),
    ],
)
def test_audio_is_audio_whatever_its_type_says_of_the_rate(blob: dict[str, Any], rate_hz: int) -> None:
    (audio,) = read({"serverContent": {"modelTurn": {"parts": [{"inlineData": {"data": "AAAA", **blob}}]}}})
    assert isinstance(audio, AudioDelta)
    assert (audio.delta, audio.rate_hz) == ("AAAA", rate_hz)


@pytest.mark.parametrize("mime_type", ["image/png", "audio/opus", "audio/PCMU;rate=8000", "audio/pcm;channels=2"])
def test_media_that_is_no_mono_pcm_is_not_passed_off_as_such(mime_type: str) -> None:
    blob = {"mimeType": mime_type, "data": "AAAA"}
    assert types({"serverContent": {"modelTurn": {"parts": [{"inlineData": blob}]}}}) == ["unknown"]
