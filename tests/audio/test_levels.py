from __future__ import annotations

import pytest

from gemini_realtime.audio.format import INPUT_FORMAT
from gemini_realtime.audio.levels import first_audible_ms, last_audible_ms
from gemini_realtime.local.speech.spelled import hum


def silence(ms: float) -> bytes:
    return bytes(INPUT_FORMAT.bytes_for_ms(ms))


@pytest.mark.parametrize(
    ("pcm", "first_ms", "last_ms"),
    [
        (hum(40), 0, 40),
        (silence(250) + hum(30) + silence(100) + hum(20) + silence(510), 250, 400),
        (silence(100) + b"\x05\x00" * 1600, None, None),  # what a line adds
        (hum(20) + b"\x01", 0, 20),  # cut inside a sample
        (silence(3), None, None),
        (b"", None, None),
    ],
)
def test_what_is_to_be_heard_begins_and_ends_to_ten_milliseconds(
    pcm: bytes, first_ms: float | None, last_ms: float | None
) -> None:
    assert (first_audible_ms(pcm, INPUT_FORMAT), last_audible_ms(pcm, INPUT_FORMAT)) == (first_ms, last_ms)
