"""Telephone audio: ITU-T G.711 mu-law and A-law to 16-bit PCM and back.

Each direction is one table lookup; the tables are built from the formulas of the recommendation when the
module is imported. A-law codes the upper 13 bits of a 16-bit sample, mu-law the upper 14.
"""

from __future__ import annotations

from typing import Final

from gemini_realtime.audio.format import AudioFormat
from gemini_realtime.errors import MissingDependencyError

try:
    import numpy as np
    from numpy.typing import NDArray
except ImportError as error:
    raise MissingDependencyError("G.711 audio", "audio") from error

_PCM16: Final = AudioFormat("pcm16")
_SAMPLE: Final[np.dtype[np.int16]] = np.dtype("<i2")


def mulaw_encode(pcm: bytes) -> bytes:
    """16-bit PCM to one mu-law byte per sample; AudioFormatError when `pcm` ends inside a sample."""
    return _encode(pcm, _MULAW_CODES)


def mulaw_decode(mulaw: bytes) -> bytes:
    """Mu-law bytes to 16-bit PCM."""
    return _decode(mulaw, _MULAW_SAMPLES)


def alaw_encode(pcm: bytes) -> bytes:
    """16-bit PCM to one A-law byte per sample; AudioFormatError when `pcm` ends inside a sample."""
    return _encode(pcm, _ALAW_CODES)


def alaw_decode(alaw: bytes) -> bytes:
    """A-law bytes to 16-bit PCM."""
    return _decode(alaw, _ALAW_SAMPLES)


def _encode(pcm: bytes, codes: NDArray[np.uint8]) -> bytes:
    _PCM16.check(pcm)
    return bytes(codes[np.frombuffer(pcm, "<u2")])


def _decode(audio: bytes, samples: NDArray[np.int16]) -> bytes:
    return bytes(samples[np.frombuffer(audio, np.uint8)])


def _every_sample() -> NDArray[np.int64]:
    """The 65,536 sample values, each at the index that its two bytes make."""
    unsigned = np.arange(65_536)
    return np.where(unsigned < 32_768, unsigned, unsigned - 65_536)


def _bit_length(magnitudes: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.frexp(magnitudes)[1].astype(np.int64)  # the exponent of x = mantissa * 2**exponent, mantissa < 1


def _mulaw_codes() -> NDArray[np.uint8]:
    samples = _every_sample() >> 2
    # 33 is the bias that lets each of the 8 segments start at a power of two; 8158 fills the last one.
    magnitudes = np.minimum(np.abs(samples), 8158) + 33
    segments = _bit_length(magnitudes) - 6
    codes: NDArray[np.int64] = segments << 4 | (magnitudes >> segments + 1) & 0x0F
    return (codes ^ np.where(samples < 0, 0x7F, 0xFF)).astype(np.uint8)


def _mulaw_samples() -> NDArray[np.int16]:
    codes = np.arange(256) ^ 0xFF
    magnitudes: NDArray[np.int64] = (((codes & 0x0F) << 1 | 0x21) << (codes >> 4 & 7)) - 33
    return (np.where(codes & 0x80, -4, 4) * magnitudes).astype(_SAMPLE)


def _alaw_codes() -> NDArray[np.uint8]:
    samples = _every_sample() >> 3
    magnitudes = np.where(samples < 0, ~samples, samples)
    segments = np.maximum(_bit_length(magnitudes) - 5, 0)
    codes = segments << 4 | magnitudes >> np.maximum(segments, 1) & 0x0F
    return (codes ^ np.where(samples < 0, 0x55, 0xD5)).astype(np.uint8)


def _alaw_samples() -> NDArray[np.int16]:
    codes = np.arange(256) ^ 0x55
    segments = codes >> 4 & 7
    steps = (codes & 0x0F) << 1 | np.where(segments, 0x21, 0x01)
    magnitudes: NDArray[np.int64] = steps << np.maximum(segments, 1) - 1
    return (np.where(codes & 0x80, 8, -8) * magnitudes).astype(_SAMPLE)


_MULAW_CODES: Final = _mulaw_codes()
_MULAW_SAMPLES: Final = _mulaw_samples()
_ALAW_CODES: Final = _alaw_codes()
_ALAW_SAMPLES: Final = _alaw_samples()
