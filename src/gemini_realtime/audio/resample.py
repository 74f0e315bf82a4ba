"""Sampling rates, converted while the audio streams.

A polyphase windowed-sinc filter: an output sample is the weighted sum of the input samples around it, and
each of the `up` positions it can have between two input samples has its own row of weights. Measured in
tests/audio/test_resample.py for all pairs of 8, 16, 22.05, 24, 44.1 and 48 kHz: half-scale sines up to 85 % of
the band come out at 85 dB or better against the ideal sine, tones above 105 % of it are 87 dB down.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from math import ceil
from typing import Final

from gemini_realtime.audio.format import AudioFormat
from gemini_realtime.errors import AudioFormatError, MissingDependencyError

try:
    import numpy as np
    from numpy.lib.stride_tricks import sliding_window_view
    from numpy.typing import NDArray
except ImportError as error:
    raise MissingDependencyError("resampling", "audio") from error

# Zero crossings of the sinc on either side, counted at the lower rate: 2 ms of delay at 16 kHz. They buy a
# transition from 86 % to 103 % of the lower Nyquist frequency, so the telephone band (3.4 of 4 kHz) stays flat.
_ZERO_CROSSINGS: Final = 32
_CUTOFF: Final = 0.945
_KAISER_BETA: Final = 0.1102 * (90 - 8.7)  # Kaiser's formula for a stop band of 90 dB

# Weights are multiples of 2**-24. With 16-bit samples every product and every sum then fits float64's 53 bits
# exactly, so the order of additions cannot matter: any way to cut the stream gives the same bits.
_WEIGHT_STEP: Final = 2.0**-24

# 32 MB. Rates come from outside too, and two large primes would ask for gigabytes.
_MAX_WEIGHTS: Final = 4_194_304

# Outputs are made in batches of this many products: 256 kB of gathered input, which caches and allocator keep
# at hand. Larger batches measured three times slower.
_BATCH_PRODUCTS: Final = 32_768

_SAMPLE: Final[np.dtype[np.int16]] = np.dtype("<i2")


class Resampler:
    """Convert the rate of one stream of 16-bit PCM, pushed in pieces of any length.

    How the stream is cut does not change a bit of the result. The output lags by the filter's half width only,
    32 samples at the lower rate; nothing waits for a block to fill.

    Args:
        from_rate_hz: the rate of what is pushed.
        to_rate_hz: the rate of what is returned.
        channels: interleaved channels, converted independently.

    Raises:
        AudioFormatError: a rate or channel count that cannot be, or rates with almost no common divisor.
    """

    def __init__(self, from_rate_hz: int, to_rate_hz: int, channels: int = 1) -> None:
        self.source = AudioFormat("pcm16", from_rate_hz, channels)
        self.target = AudioFormat("pcm16", to_rate_hz, channels)
        self._ratio = Fraction(to_rate_hz, from_rate_hz)
        self._weights = _polyphase_weights(self._ratio.numerator, self._ratio.denominator)
        self._restart()

    def _restart(self) -> None:
        lead = self._weights.shape[1] // 2 - 1
        self._window = np.zeros((lead, self.source.channels), _SAMPLE)  # input that later output needs
        self._position = 0  # of the next output, from the start of the window; `up` is one input frame
        self._frames_in = 0
        self._frames_out = 0

    def push(self, pcm: bytes) -> bytes:
        """Take the next input and return the output it completes, which may be empty.

        Raises:
            AudioFormatError: `pcm` ends inside a frame.
        """
        self.source.check(pcm)
        if self._ratio == 1:
            return bytes(pcm)
        frames = np.frombuffer(pcm, _SAMPLE).reshape(-1, self.source.channels)
        self._window = np.concatenate([self._window, frames])
        self._frames_in += len(frames)
        up, down = self._ratio.numerator, self._ratio.denominator
        taps = self._weights.shape[1]
        ready = range(self._position, (len(self._window) - taps + 1) * up, down)
        batch = max(1, _BATCH_PRODUCTS // taps)
        output = b"".join(self._convert(ready[at : at + batch]) for at in range(0, len(ready), batch))
        self._frames_out += len(ready)
        self._leave_behind(self._position + len(ready) * down)
        return output

    def flush(self) -> bytes:
        """Return the end of the stream and start afresh.

        The whole stream then has `round(n * to_rate_hz / from_rate_hz)` frames for the `n` pushed.
        """
        missing = round(self._frames_in * self._ratio) - self._frames_out
        lag = self._weights.shape[1] // 2
        end = self.push(bytes(lag * self.source.frame_bytes))[: missing * self.target.frame_bytes]
        self._restart()
        return end

    def _convert(self, outputs: range) -> bytes:
        taps = self._weights.shape[1]
        positions = np.arange(outputs.start, outputs.stop, outputs.step)
        first, phases = np.divmod(positions, self._ratio.numerator)
        surroundings = sliding_window_view(self._window, taps, axis=0)[first].astype(np.float64)
        sums: NDArray[np.float64] = np.einsum("fct,ft->fc", surroundings, self._weights[phases])
        return np.rint(sums).clip(-32_768, 32_767).astype(_SAMPLE).tobytes()

    def _leave_behind(self, next_position: int) -> None:
        """Drop the input before the next output's window; `next_position` may lie beyond what there is."""
        passed = min(next_position // self._ratio.numerator, len(self._window))
        self._window = self._window[passed:]
        self._position = next_position - passed * self._ratio.numerator


def resample(pcm: bytes, from_rate_hz: int, to_rate_hz: int, channels: int = 1) -> bytes:
    """Convert a whole recording of 16-bit PCM; see `Resampler`."""
    resampler = Resampler(from_rate_hz, to_rate_hz, channels)
    return resampler.push(pcm) + resampler.flush()


@lru_cache(maxsize=8)
def _polyphase_weights(up: int, down: int) -> NDArray[np.float64]:
    """Weights by phase and tap: row `p` makes the output that lies `p / up` after an input sample.

    Tap `t` weighs the input sample `t - (taps // 2 - 1)` after that one.
    """
    band = min(1.0, up / down)  # the lower rate's share of the input band
    taps = 2 * ceil(_ZERO_CROSSINGS / band)
    if up * taps > _MAX_WEIGHTS:
        raise AudioFormatError(
            f"the rates are {down} to {up} in lowest terms, which takes a filter of {up * taps} weights",
            remedy="convert between rates with a large common divisor, such as 48000 and 16000",
        )
    distances = np.arange(taps) - (taps // 2 - 1) - np.arange(up)[:, None] / up
    kaiser = np.i0(_KAISER_BETA * np.sqrt(np.maximum(0, 1 - (2 * distances / taps) ** 2)))
    weights = np.sinc(_CUTOFF * band * distances) * kaiser
    weights /= weights.sum(axis=1, keepdims=True)  # each phase passes a constant unchanged: no hum at DC
    steps: NDArray[np.float64] = np.rint(weights / _WEIGHT_STEP)
    return steps * _WEIGHT_STEP
