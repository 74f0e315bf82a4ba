from __future__ import annotations

from random import Random
from typing import Any

import pytest

from gemini_realtime.audio.format import INPUT_FORMAT, OUTPUT_FORMAT
from gemini_realtime.evaluation.scenes import Background, Caller, Echo, Says
from gemini_realtime.evaluation.voices import aloud, microphone_of
from gemini_realtime.local.speech.spelled import hum

numpy = pytest.importorskip("numpy", reason="real speech needs the extra [local]")
pytest.importorskip("hibari", reason="real speech needs the extra [local]")

WORDS = "What is two plus three?"
PIECE = INPUT_FORMAT.bytes_for_ms(20)


async def heard(caller: Caller, words: bytes, seed: int = 0, played: bytes = b"") -> Any:
    """What the line carries of these words, as samples."""
    microphone = await microphone_of(caller, Random(seed))
    pieces = [words[at : at + PIECE] for at in range(0, len(words) // PIECE * PIECE, PIECE)]
    around = [
        played[at : at + PIECE * 3 // 2].ljust(PIECE * 3 // 2, b"\0")
        for at in range(0, len(words) * 3 // 2, PIECE * 3 // 2)
    ]
    carried = b"".join(microphone.heard(piece, play) for piece, play in zip(pieces, around, strict=False))
    return numpy.frombuffer(carried, "<i2").astype(float)


def level_db(samples: Any) -> float:
    return float(10 * numpy.log10(numpy.mean(samples**2)))


async def test_noise_is_so_many_decibels_below_the_speech_and_the_same_with_the_same_seed() -> None:
    noisy, silence = Caller([Says(WORDS)], noise_db=20), bytes(PIECE * 100)
    first, again, other = await heard(noisy, silence), await heard(noisy, silence), await heard(noisy, silence, 1)
    assert (first == again).all()
    assert (first != other).any()
    speech = numpy.frombuffer(await aloud(noisy, WORDS), "<i2").astype(float)
    assert level_db(speech) - level_db(first) == pytest.approx(20, abs=3)  # one sentence is louder than another


async def test_a_voice_in_the_background_is_below_the_caller_and_begins_by_seed() -> None:
    caller = Caller([Says(WORDS)], background=Background("Did you feed the cat? I told you twice.", 20))
    silence = bytes(PIECE * 400)
    first, again, other = await heard(caller, silence), await heard(caller, silence), await heard(caller, silence, 1)
    assert (first == again).all()
    assert (first != other).any()
    speech = numpy.frombuffer(await aloud(caller, WORDS), "<i2").astype(float)
    said = first[numpy.abs(first) > 0]
    assert level_db(speech) - level_db(said) == pytest.approx(20, abs=4)


async def test_an_echo_comes_back_later_and_quieter() -> None:
    caller = Caller([Says(WORDS)], echo=Echo(20, after_s=0.1))
    played = hum(100, OUTPUT_FORMAT)
    samples = await heard(caller, bytes(PIECE * 20), played=played)
    loud = numpy.flatnonzero(numpy.abs(samples) > 200) / 16
    assert (loud[0], loud[-1]) == (pytest.approx(100, abs=5), pytest.approx(200, abs=5))
    assert numpy.abs(samples).max() == pytest.approx(400, rel=0.2)


async def test_a_telephone_has_nothing_above_four_kilohertz() -> None:
    caller = Caller([Says(WORDS)], telephone=True)
    spectrum = numpy.abs(numpy.fft.rfft(await heard(caller, await aloud(caller, WORDS)))) ** 2
    above = spectrum[len(spectrum) * 9 // 16 :].sum()
    assert above < 0.001 * spectrum.sum()


async def test_a_quick_speaker_takes_less_time() -> None:
    usual, quick = await aloud(Caller([Says(WORDS)]), WORDS), await aloud(Caller([Says(WORDS)], speed=1.25), WORDS)
    assert 0.75 < len(quick) / len(usual) < 0.85
