from __future__ import annotations

from array import array
from math import sin

import pytest

from gemini_realtime import TurnComplete, Usage
from gemini_realtime.cli.measuring import Floor, Measurements, SpeechLevel


def tone(peak: int) -> bytes:
    return array("h", [round(peak * sin(n / 5)) for n in range(320)]).tobytes()


def test_speech_stands_out_from_the_noise_around_it() -> None:
    level = SpeechLevel()
    heard = [level.is_speech(tone(peak)) for peak in (100, 8000, 2000, 350, 8000)]
    assert heard == [False, True, True, False, True]


def test_silence_alone_holds_no_speech_however_even_it_is() -> None:
    level = SpeechLevel()
    assert not any(level.is_speech(tone(250)) for _ in range(100))


def test_a_slammed_door_is_forgotten() -> None:
    level = SpeechLevel()
    level.is_speech(tone(32_000))
    assert not level.is_speech(tone(800))
    after_20_s = [level.is_speech(tone(800)) for _ in range(1000)]
    assert after_20_s[-1]


def test_the_most_negative_sample_is_loud() -> None:
    assert SpeechLevel().is_speech(array("h", [-32_768]).tobytes())


def test_nothing_is_settled_before_the_first_answer_is_complete() -> None:
    floor = Floor()
    assert not floor.settled
    assert floor.answering()
    assert not floor.answering()
    assert not floor.settled
    floor.turn_complete()
    assert floor.settled


def test_what_was_cut_off_is_no_answer() -> None:
    floor = Floor()
    floor.answering()
    floor.interrupted()
    floor.turn_complete()
    assert floor.waiting
    assert floor.answering()


def test_the_summary_tells_the_spread_of_several_answers() -> None:
    took = Measurements(connect_ms=12.3, setup_ms=4.5)
    for asked_ms, answered_ms in ((0, 700), (1000, 1600), (2000, 3000)):
        took.asked_ms = asked_ms
        took.answered(answered_ms)
        took.turn_complete(TurnComplete(usage=Usage(prompt_tokens=10, response_tokens=3)))
    assert took.lines(spoken=True) == [
        ("end of speech → first audio", "700 ms (median of 3, 600-1000 ms)"),
        ("connection, session", "12 ms, 4 ms"),
        ("tokens", "30 in, 9 out in 3 turns"),
    ]


def test_the_summary_leaves_out_what_did_not_happen() -> None:
    assert Measurements(connect_ms=5).lines(spoken=True) == []


@pytest.mark.parametrize(("spoken", "label"), [(True, "end of speech"), (False, "question sent")])
def test_what_the_delay_is_counted_from_is_said(spoken: bool, label: str) -> None:
    took = Measurements(asked_ms=100)
    took.answered(150)
    assert took.lines(spoken=spoken) == [(f"{label} → first audio", "50 ms")]
