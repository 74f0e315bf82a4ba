"""From the microphone audio of one client to its utterances."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from gemini_realtime.audio.format import INPUT_FORMAT
from gemini_realtime.local.session.actions import EndAudio, EndUtterance, Hear, StartUtterance
from gemini_realtime.local.speech.hearing import (
    MAX_UTTERANCE_MS,
    Detector,
    SpeechEnded,
    SpeechEvent,
    VoiceActivityDetector,
)

if TYPE_CHECKING:
    from gemini_realtime.audio.resample import Resampler

_SAMPLE_BYTES: Final = INPUT_FORMAT.frame_bytes
_MAX_UTTERANCE_BYTES: Final = INPUT_FORMAT.bytes_for_ms(MAX_UTTERANCE_MS)


class UtteranceFinder:
    """Find the utterances in what a client sends.

    Args:
        detector: makes what finds speech; None when the client marks its utterances itself.
    """

    def __init__(self, detector: Callable[[], Detector] | None) -> None:
        self._new_detector = detector
        self._detector: Detector | None = None
        self._marked: bytearray | None = None
        self._rate_hz = INPUT_FORMAT.rate_hz
        self._converter: Resampler | None = None
        self._half_sample = b""

    def take(self, action: Hear | StartUtterance | EndUtterance | EndAudio) -> Sequence[SpeechEvent]:
        """Take what the client sent; returns what is found in it.

        Raises:
            AudioFormatError: a rate that cannot be converted.
            ConfigError: settings that cannot be.
            MissingDependencyError: what is needed to hear is not installed.
        """
        match action:
            case Hear(pcm, rate_hz):
                return self._hear(pcm, rate_hz)
            case StartUtterance():
                self._marked = bytearray()
                return []
            case EndUtterance():
                marked, self._marked = self._marked, None
                return [SpeechEnded(0, bytes(marked or b""))]
            case EndAudio():
                return self._detector.end() if self._detector is not None else []

    @property
    def under_way_bytes(self) -> int:
        """How much was heard of the utterance under way, as far as that can be told."""
        if self._marked is not None:
            return len(self._marked)
        return self._detector.utterance_bytes if isinstance(self._detector, VoiceActivityDetector) else 0

    @property
    def under_way(self) -> bytes:
        """The utterance under way: 16 kHz mono s16le."""
        if self._marked is not None:
            return bytes(self._marked)
        return self._detector.utterance if isinstance(self._detector, VoiceActivityDetector) else b""

    def _hear(self, pcm: bytes, rate_hz: int) -> Sequence[SpeechEvent]:
        if self._half_sample or len(pcm) % _SAMPLE_BYTES:
            pcm = self._half_sample + pcm
            whole = len(pcm) - len(pcm) % _SAMPLE_BYTES
            pcm, self._half_sample = pcm[:whole], pcm[whole:]
        if rate_hz != self._rate_hz:
            self._rate_hz = rate_hz
            self._converter = _converter(rate_hz)
        if self._converter is not None:
            pcm = self._converter.push(pcm)
        if self._new_detector is None:
            self._collect(pcm)
            return ()
        if self._detector is None:
            self._detector = self._new_detector()
        return self._detector.feed(pcm)

    def _collect(self, pcm: bytes) -> None:
        if self._marked is not None:
            self._marked += pcm[: _MAX_UTTERANCE_BYTES - len(self._marked)]


def _converter(rate_hz: int) -> Resampler | None:
    rate_hz = _usual(rate_hz)
    if rate_hz == INPUT_FORMAT.rate_hz:
        return None
    from gemini_realtime.audio.resample import Resampler  # needs numpy, which is not needed at 16 kHz

    return Resampler(rate_hz, INPUT_FORMAT.rate_hz)


def _usual(rate_hz: int) -> int:
    """A rate next to this one with a small filter: 0.2 % are not heard, and 47,999 Hz takes a second to make one.

    The rates in use are multiples already: 11,025 and 22,050 of 25, 44,100 of 100, 176,400 of 400.
    """
    step = 25 if rate_hz < 32_000 else 100 if rate_hz < 96_000 else 400
    return round(rate_hz / step) * step
