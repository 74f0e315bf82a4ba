"""Pieces of a stream that may come at any rate, at one rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gemini_realtime.audio.resample import Resampler


class SteadyRate:
    """Gives a stream of mono 16-bit PCM on at one rate, whatever the rate of each piece; most have it already.

    Args:
        rate_hz: of what is returned.
    """

    def __init__(self, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self._resampler: Resampler | None = None

    def push(self, pcm: bytes, rate_hz: int) -> bytes:
        """Take the next piece.

        Raises:
            AudioFormatError: `pcm` ends inside a sample, or the rate cannot be.
            MissingDependencyError: it has another rate, and numpy is not installed.
        """
        if rate_hz == self.rate_hz:
            return self._end() + pcm if self._resampler is not None else pcm
        from gemini_realtime.audio.resample import Resampler

        end = b""
        if self._resampler is None or self._resampler.source.rate_hz != rate_hz:
            end, self._resampler = self._end(), Resampler(rate_hz, self.rate_hz)
        return end + self._resampler.push(pcm)

    def _end(self) -> bytes:
        """The end of what came at another rate."""
        resampler, self._resampler = self._resampler, None
        return b"" if resampler is None else resampler.flush()
