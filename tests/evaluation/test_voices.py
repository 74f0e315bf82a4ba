from __future__ import annotations

from random import Random

import pytest

from gemini_realtime.evaluation.scenes import Caller, Says
from gemini_realtime.evaluation.voices import aloud

numpy = pytest.importorskip("numpy", reason="real speech needs the extra [local]")
pytest.importorskip("hibari", reason="real speech needs the extra [local]")

WORDS = "What is two plus three?"


async def spoken(caller: Caller, seed: int = 0) -> bytes:
    return await aloud(caller, Random(seed), WORDS)


async def test_noise_is_so_many_decibels_below_the_speech_and_the_same_with_the_same_seed() -> None:
    noisy = Caller([Says(WORDS)], noise_db=20)
    first, again, other = await spoken(noisy), await spoken(noisy), await spoken(noisy, 1)
    assert first == again != other
    clean = numpy.frombuffer(await spoken(Caller([Says(WORDS)])), "<i2").astype(float)
    sound = numpy.frombuffer(first, "<i2").astype(float)
    around = (len(sound) - len(clean)) // 2
    noise = sound - numpy.pad(clean, around)
    below_db = 20 * numpy.log10(numpy.sqrt(numpy.mean(clean**2)) / numpy.sqrt(numpy.mean(noise**2)))
    assert 19.5 < below_db < 20.5


async def test_a_telephone_has_nothing_above_four_kilohertz() -> None:
    sound = numpy.frombuffer(await spoken(Caller([Says(WORDS)], telephone=True)), "<i2").astype(float)
    spectrum = numpy.abs(numpy.fft.rfft(sound)) ** 2
    above = spectrum[len(spectrum) * 9 // 16 :].sum()
    assert above < 0.001 * spectrum.sum()


async def test_a_quick_speaker_takes_less_time() -> None:
    usual, quick = await spoken(Caller([Says(WORDS)])), await spoken(Caller([Says(WORDS)], speed=1.25))
    assert 0.75 < len(quick) / len(usual) < 0.85
