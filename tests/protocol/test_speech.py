"""The model's speech, while it goes on."""

from __future__ import annotations

import json
from math import inf

import pytest

from gemini_realtime.protocol.events import AudioDelta
from gemini_realtime.protocol.speech import Speech


def frame_of(text: str) -> bytes:
    parts = [{"inlineData": {"mimeType": "audio/pcm;rate=24000", "data": text}}]
    return json.dumps({"serverContent": {"modelTurn": {"parts": parts}}}).encode()


def learnt() -> Speech:
    speech = Speech()
    speech.learn(frame_of("AAAA"), AudioDelta(delta="AAAA", rate_hz=24000))
    speech.go_on()
    return speech


def found(speech: Speech, frame: bytes) -> str | None:
    event = speech.next(frame, 1.0)
    return None if event is None else event.delta


def test_speech_that_goes_on_is_read_by_its_bytes() -> None:
    assert found(Speech(), frame_of("AAAA")) is None
    speech = learnt()
    assert [found(speech, frame_of(text)) for text in ("BBBBCCCC", "")] == ["BBBBCCCC", ""]
    event = speech.next(frame_of("AAAA"), 2.0)
    assert event is not None
    assert event.raw_message == json.loads(frame_of("AAAA"))
    assert (event.rate_hz, speech.heard_at) == (24000, 2.0)


def test_what_is_spoken_is_counted_until_another_turn_begins() -> None:
    speech = learnt()
    speech.add(4 * 24000 * 2 // 3, 24000)
    found(speech, frame_of("AAAA" * (24000 * 2 // 3)))
    assert speech.spoken_s == pytest.approx(2.0)
    speech.begin()
    assert speech.spoken_s == 0.0
    assert found(speech, frame_of("AAAA")) is None


def test_a_piece_that_may_mean_more_is_only_found() -> None:
    speech = learnt()
    speech.interrupt()
    assert found(speech, frame_of("AAAA")) is None
    event = speech.find(frame_of("AAAA"))
    assert event is not None
    assert (event.delta, speech.spoken_s, speech.heard_at) == ("AAAA", 0.0, -inf)


def test_any_other_frame_changes_nothing() -> None:
    speech = learnt()
    assert found(speech, frame_of("AAAA")[:-1]) is None
    assert (speech.spoken_s, speech.heard_at) == (0.0, -inf)
    assert found(speech, frame_of("AAAA")) == "AAAA"
