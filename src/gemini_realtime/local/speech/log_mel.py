"""The spectrogram that Whisper hears: how loud each band of pitch is, a hundred times a second.

Source: `whisper/audio.py` of https://github.com/openai/whisper, and the mel scale of Slaney's Auditory Toolbox, which
it takes from librosa.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

RATE_HZ: Final = 16_000
FRAMES_PER_S: Final = 100

_HOP: Final = RATE_HZ // FRAMES_PER_S
_WINDOW: Final = 400
_QUIETEST: Final = 1e-10
_RANGE: Final = 8.0  # powers of ten below the loudest that are told apart

# Slaney's mel scale: linear up to 1 kHz, logarithmic above.
_LINEAR_HZ: Final = 200 / 3
_LOG_FROM_HZ: Final = 1_000.0
_LOG_FROM_MEL: Final = _LOG_FROM_HZ / _LINEAR_HZ
_LOG_STEP: Final = np.log(6.4) / 27


def log_mel(samples: NDArray[np.float32], bands: int) -> NDArray[np.float32]:
    """The spectrogram of mono sound at 16 kHz.

    Args:
        samples: from -1 to 1; more than 200 of them.
        bands: 80, or 128 for the newest models.

    Returns:
        Bands by frames of 10 ms.
    """
    around = np.pad(samples, _WINDOW // 2, mode="reflect")
    frames = sliding_window_view(around, _WINDOW)[::_HOP][: len(samples) // _HOP]
    power = np.abs(np.fft.rfft(frames * _hann(), axis=1)) ** 2
    loudness = np.log10(np.maximum(power @ _filters(bands).T, _QUIETEST))
    loudness = np.maximum(loudness, loudness.max() - _RANGE)
    return np.ascontiguousarray(((loudness + 4) / 4).T, np.float32)


@lru_cache(maxsize=1)
def _hann() -> NDArray[np.float32]:
    return np.float32(0.5) - np.float32(0.5) * np.cos(2 * np.pi * np.arange(_WINDOW) / _WINDOW).astype(np.float32)


@lru_cache(maxsize=2)
def _filters(bands: int) -> NDArray[np.float32]:
    """Bands by frequencies: overlapping triangles of the same area, evenly spaced in mel."""
    edges = _mel_to_hz(np.linspace(0, _hz_to_mel(RATE_HZ / 2), bands + 2))
    frequencies = np.fft.rfftfreq(_WINDOW, 1 / RATE_HZ)
    widths = np.diff(edges)
    slopes = edges[:, None] - frequencies
    rising, falling = -slopes[:-2] / widths[:-1, None], slopes[2:] / widths[1:, None]
    triangles = np.maximum(0, np.minimum(rising, falling))
    return np.asarray(triangles * (2 / (edges[2:] - edges[:-2]))[:, None], np.float32)


def _hz_to_mel(hz: float) -> float:
    return float(_LOG_FROM_MEL + np.log(hz / _LOG_FROM_HZ) / _LOG_STEP) if hz >= _LOG_FROM_HZ else hz / _LINEAR_HZ


def _mel_to_hz(mels: NDArray[np.float64]) -> NDArray[np.float64]:
    logarithmic = _LOG_FROM_HZ * np.exp(_LOG_STEP * (mels - _LOG_FROM_MEL))
    return np.where(mels >= _LOG_FROM_MEL, logarithmic, mels * _LINEAR_HZ)
