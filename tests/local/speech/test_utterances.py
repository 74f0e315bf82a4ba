from __future__ import annotations

from math import gcd

import pytest

from gemini_realtime.audio.format import INPUT_FORMAT, MAX_RATE_HZ, MIN_RATE_HZ
from gemini_realtime.audio.resample import Resampler
from gemini_realtime.local.session.actions import EndUtterance, Hear, StartUtterance
from gemini_realtime.local.speech import utterances
from gemini_realtime.local.speech.hearing import SpeechEnded
from gemini_realtime.local.speech.utterances import UtteranceFinder

MAX_FILTER_WEIGHTS = 131_072
"""1 MB; what takes some 30 ms to make."""


@pytest.mark.parametrize(
    "rate_hz", [MIN_RATE_HZ, 8_001, 11_025, 22_050, 44_100, 47_999, 48_000, 128_482, 176_400, MAX_RATE_HZ]
)
def test_a_second_of_any_rate_is_about_a_second(rate_hz: int) -> None:
    finder = UtteranceFinder(None)
    finder.take(StartUtterance())
    finder.take(Hear(bytes(2 * rate_hz), rate_hz))
    (ended,) = finder.take(EndUtterance())
    assert isinstance(ended, SpeechEnded)
    assert INPUT_FORMAT.duration_ms(len(ended.audio)) == pytest.approx(1000, abs=12)


def test_no_rate_makes_the_others_wait_for_a_huge_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    made: set[int] = set()

    def note(from_rate_hz: int, to_rate_hz: int) -> None:
        made.add(from_rate_hz)

    monkeypatch.setattr("gemini_realtime.audio.resample.Resampler", note)
    for rate_hz in range(MIN_RATE_HZ, MAX_RATE_HZ + 1):
        utterances._converter(rate_hz)
    for rate_hz in made:
        phases = INPUT_FORMAT.rate_hz // gcd(rate_hz, INPUT_FORMAT.rate_hz)
        assert phases * 64 * max(1, rate_hz / INPUT_FORMAT.rate_hz) <= MAX_FILTER_WEIGHTS


def test_the_rates_in_use_are_converted_as_they_are() -> None:
    for rate_hz in (8_000, 11_025, 12_000, 22_050, 24_000, 32_000, 44_100, 48_000, 88_200, 96_000, 176_400, 192_000):
        converter = utterances._converter(rate_hz)
        assert isinstance(converter, Resampler)
        assert converter.source.rate_hz == rate_hz
