"""Run as a program, `python -m tests.audio.test_resample` prints what the quality tests measure."""

from __future__ import annotations

from itertools import pairwise, permutations
from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gemini_realtime.audio.resample import Resampler, resample
from gemini_realtime.errors import AudioFormatError

RATES_HZ = (8000, 16_000, 22_050, 24_000, 44_100, 48_000)
PAIRS = list(permutations(RATES_HZ, 2))
DOWN = [(from_rate_hz, to_rate_hz) for from_rate_hz, to_rate_hz in PAIRS if from_rate_hz > to_rate_hz]
IN_BAND = (0.03, 0.25, 0.5, 0.7, 0.85)  # of the lower Nyquist frequency; 0.85 is 3.4 kHz at 8 kHz
ABOVE_BAND = (1.05, 1.2, 1.5, 1.8)
HALF_WIDTH = 32  # of the filter, in samples at the lower rate


def sine(rate_hz: int, frequency_hz: float, seconds: float = 0.2) -> NDArray[np.float64]:
    at_s = np.arange(round(rate_hz * seconds)) / rate_hz
    return 16_384 * np.sin(2 * np.pi * frequency_hz * at_s)


def pcm(signal: NDArray[np.float64]) -> bytes:
    samples: NDArray[np.int16] = np.rint(signal).astype(np.int16)
    return samples.tobytes()


def samples(audio: bytes) -> NDArray[np.float64]:
    return np.frombuffer(audio, "<i2").astype(np.float64)


def middle(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Without the ends, where the sine starts and stops and is no sine."""
    edge = len(signal) // 5
    return signal[edge:-edge]


def decibels(signal: NDArray[np.float64], rest: NDArray[np.float64]) -> float:
    power = float(np.mean(rest**2))
    return 10 * float(np.log10(np.mean(signal**2) / power)) if power else inf


def in_band_snr_db(from_rate_hz: int, to_rate_hz: int, fraction: float) -> float:
    """Against the sine as it should be: wrong level, wrong time, images and noise all count."""
    frequency_hz = fraction * min(from_rate_hz, to_rate_hz) / 2
    ideal = middle(sine(to_rate_hz, frequency_hz))
    made = middle(samples(resample(pcm(sine(from_rate_hz, frequency_hz)), from_rate_hz, to_rate_hz)))
    return decibels(ideal, made - ideal)


def alias_rejection_db(from_rate_hz: int, to_rate_hz: int, fraction: float) -> float:
    """How far a tone that the lower rate cannot hold is pushed down."""
    tone = sine(from_rate_hz, fraction * to_rate_hz / 2)
    return decibels(tone, middle(samples(resample(pcm(tone), from_rate_hz, to_rate_hz))))


@pytest.mark.parametrize(("from_rate_hz", "to_rate_hz"), PAIRS)
def test_sines_in_band_come_out_as_they_should_be(from_rate_hz: int, to_rate_hz: int) -> None:
    assert min(in_band_snr_db(from_rate_hz, to_rate_hz, fraction) for fraction in IN_BAND) >= 84


@pytest.mark.parametrize(("from_rate_hz", "to_rate_hz"), DOWN)
def test_tones_above_the_band_do_not_alias(from_rate_hz: int, to_rate_hz: int) -> None:
    representable = [fraction for fraction in ABOVE_BAND if fraction * to_rate_hz < from_rate_hz]
    assert min(alias_rejection_db(from_rate_hz, to_rate_hz, fraction) for fraction in representable) >= 84


@st.composite
def streams(draw: st.DrawFn) -> tuple[int, int, int, bytes, list[int]]:
    from_rate_hz, to_rate_hz = draw(st.sampled_from(PAIRS))
    channels = draw(st.sampled_from((1, 2)))
    frames = draw(st.integers(0, 1500))
    seed = draw(st.integers(0, 2**32 - 1))
    noise = np.random.default_rng(seed).integers(-32_768, 32_768, frames * channels).astype("<i2").tobytes()
    cuts = draw(st.lists(st.integers(0, frames), max_size=12))
    return from_rate_hz, to_rate_hz, channels, noise, sorted([0, *cuts, frames])


@settings(derandomize=True, deadline=None)
@given(streams())
def test_pieces_and_whole_give_the_same_bits(stream: tuple[int, int, int, bytes, list[int]]) -> None:
    from_rate_hz, to_rate_hz, channels, audio, cuts = stream
    resampler = Resampler(from_rate_hz, to_rate_hz, channels)
    frame_bytes = 2 * channels
    pieces = [resampler.push(audio[start * frame_bytes : end * frame_bytes]) for start, end in pairwise(cuts)]
    assert b"".join(pieces) + resampler.flush() == resample(audio, from_rate_hz, to_rate_hz, channels)


@settings(derandomize=True, deadline=None)
@given(st.sampled_from(PAIRS), st.integers(0, 2000))
def test_length_is_exact(rates: tuple[int, int], frames: int) -> None:
    assert len(resample(bytes(2 * frames), *rates)) == 2 * round(frames * rates[1] / rates[0])


@pytest.mark.parametrize(("from_rate_hz", "to_rate_hz"), PAIRS)
def test_output_lags_by_no_more_than_half_the_filter(from_rate_hz: int, to_rate_hz: int) -> None:
    resampler = Resampler(from_rate_hz, to_rate_hz)
    made = 0
    for chunk in range(1, 6):
        made += len(resampler.push(bytes(2 * (from_rate_hz // 50)))) // 2
        lag_s = chunk * (from_rate_hz // 50) / from_rate_hz - made / to_rate_hz
        # one sample of either rate, because both count whole ones
        assert lag_s <= HALF_WIDTH / min(from_rate_hz, to_rate_hz) + 1 / from_rate_hz + 1 / to_rate_hz


def test_equal_rates_change_nothing() -> None:
    resampler = Resampler(16_000, 16_000)
    assert resampler.push(b"abcdef") == b"abcdef"
    assert resampler.flush() == b""


@pytest.mark.parametrize(("from_rate_hz", "to_rate_hz"), PAIRS)
def test_a_constant_stays_that_constant(from_rate_hz: int, to_rate_hz: int) -> None:
    made = samples(resample(pcm(np.full(from_rate_hz // 5, 12_345.0)), from_rate_hz, to_rate_hz))
    assert set(middle(made)) == {12_345}


def test_overshoot_is_clipped_and_does_not_wrap_around() -> None:
    square = np.where(np.arange(4800) // 240 % 2, -32_768.0, 32_767.0)
    made = samples(resample(pcm(square), 24_000, 48_000))
    assert made.max() == 32_767
    assert made.min() == -32_768
    assert (made[40:440] > 30_000).all()  # a wrapped overshoot would be negative


def test_channels_do_not_touch_each_other() -> None:
    left, right = sine(24_000, 440), sine(24_000, 1234)
    both = samples(resample(pcm(np.stack([left, right], axis=1).ravel()), 24_000, 16_000, channels=2))
    assert both[0::2].tolist() == samples(resample(pcm(left), 24_000, 16_000)).tolist()
    assert both[1::2].tolist() == samples(resample(pcm(right), 24_000, 16_000)).tolist()


def test_flush_starts_afresh() -> None:
    resampler = Resampler(48_000, 16_000)
    first = resampler.push(pcm(sine(48_000, 440))) + resampler.flush()
    assert resampler.flush() == b""
    assert resampler.push(pcm(sine(48_000, 440))) + resampler.flush() == first


def test_half_a_frame_is_refused() -> None:
    with pytest.raises(AudioFormatError):
        Resampler(48_000, 16_000, channels=2).push(bytes(6))


def test_impossible_rates_are_refused() -> None:
    with pytest.raises(AudioFormatError):
        Resampler(0, 16_000)
    with pytest.raises(AudioFormatError):
        Resampler(16_000, -1)


def test_rates_that_would_take_a_huge_filter_are_refused_before_it_is_built() -> None:
    with pytest.raises(AudioFormatError, match="192000 to 191999 in lowest terms"):
        Resampler(192_000, 191_999)


def _print_measurements() -> None:
    print("worst over the tested tones, dB; 16-bit rounding alone allows 92 for these half-scale sines")
    for rates in PAIRS:
        snr_db = min(in_band_snr_db(*rates, fraction) for fraction in IN_BAND)
        above = [fraction for fraction in ABOVE_BAND if fraction * rates[1] < rates[0]]
        alias_db = min((alias_rejection_db(*rates, fraction) for fraction in above), default=inf)
        print(f"{rates[0]:6} -> {rates[1]:6} Hz: in band {snr_db:5.1f}, alias {alias_db:5.1f}")


if __name__ == "__main__":
    _print_measurements()
