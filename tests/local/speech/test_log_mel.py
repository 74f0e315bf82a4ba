"""The spectrogram that Whisper hears."""

from __future__ import annotations

import pytest

pytest.importorskip("numpy", reason="the extra [local] is not installed")

import numpy as np
from numpy.typing import NDArray

from gemini_realtime.local.speech.log_mel import RATE_HZ, log_mel

REFERENCE = [
    [-0.56617, -0.56617, -0.56617, -0.56617],
    [0.810029, 0.986032, 1.081963, 1.148271],
    [0.944149, 1.120162, 1.216094, 1.282403],
    [-0.56617, -0.56617, -0.56617, -0.56617],
]


def tone(frequency_hz: float, duration_s: float = 1.0) -> NDArray[np.float32]:
    wave = np.sin(2 * np.pi * frequency_hz * np.arange(round(RATE_HZ * duration_s)) / RATE_HZ)
    return np.asarray(wave, np.float32)


@pytest.mark.parametrize("bands", [80, 128])
def test_there_are_a_hundred_frames_per_second(bands: int) -> None:
    assert log_mel(tone(440, 1.5), bands).shape == (bands, 150)


def test_it_is_the_spectrogram_that_the_model_was_trained_with() -> None:
    """Source of the numbers: faster-whisper 1.2.1 `FeatureExtractor`, of the same sound."""
    mel = log_mel(tone(440) * np.linspace(0, 0.5, RATE_HZ, dtype=np.float32), 80)
    assert mel.dtype == np.float32
    assert mel[6:18:3, 20:100:25] == pytest.approx(np.array(REFERENCE), abs=1e-5)


def test_a_higher_tone_is_in_a_higher_band() -> None:
    bands = [int(log_mel(tone(hz), 80).mean(axis=1).argmax()) for hz in (200, 400, 1_000, 3_000, 7_000)]
    assert bands == sorted(set(bands))


def test_silence_is_the_same_everywhere() -> None:
    assert np.ptp(log_mel(np.zeros(RATE_HZ, np.float32), 80)) == 0
