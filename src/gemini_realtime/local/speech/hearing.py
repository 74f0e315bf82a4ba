"""Hearing: when the user speaks, and what was said.

`VoiceActivityDetector` finds the utterances in one session's microphone stream. A `Hearing` turns utterances into
words for all sessions of a server: `hearing_whisper`, or `hearing_pocketsphinx` where that cannot be installed.

    microphone -> detector.feed() -> SpeechStarted        the user began: interrupt
                                     SpeechPaused(audio)  probably over: recognise already
                                     SpeechEnded(audio)   over: the same audio, unless the user went on
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import ceil
from threading import Event
from typing import TYPE_CHECKING, Final, Literal, Protocol, runtime_checkable

from gemini_realtime.audio.format import INPUT_FORMAT
from gemini_realtime.errors import AudioFormatError, ConfigError
from gemini_realtime.protocol.messages import AutomaticActivityDetection

if TYPE_CHECKING:
    from gemini_realtime.local.speech.speech_model import SpeechModel

RATE_HZ: Final = 16_000
MAX_UTTERANCE_MS: Final = 30_000  # what Whisper hears at once

Sensitivity = Literal["high", "low"]

_CHUNK_BYTES: Final = 1_024  # the model's window: 512 samples
_CHUNK_MS: Final = 32
_BYTES_PER_MS: Final = 32

# Probabilities above which a chunk is speech: before an utterance, and within one. A sensitive start begins
# at less; a sensitive end takes more for the utterance to go on.
_START_MIN: Final[dict[Sensitivity, float]] = {"high": 0.5, "low": 0.75}
_CONTINUE_MIN: Final[dict[Sensitivity, float]] = {"high": 0.35, "low": 0.2}
_SILENCE_MS: Final[dict[Sensitivity, int]] = {"high": 400, "low": 800}
_PREFIX_PADDING_MS: Final = 64

_PRE_ROLL_MS: Final = 256  # before the onset: soft first sounds are speech before the model says so
_PAUSE_MS: Final = 96  # of silence after which an utterance is probably over; also what is kept of it

# Between utterances the model need not hear a quiet room, which is most of what a microphone sends. It hears this much
# of it before and after every sound: the softest sounds come first, and its answers depend on what was before.
_AROUND_SOUND_CHUNKS: Final = 4

# Recognition begun at a pause that turns out to be none is in the way of the next; of long utterances, too long.
_PAUSED_MAX_MS: Final = 10_000


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The user began to speak at this time of the stream."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class SpeechPaused:
    """The user fell silent at this time; `audio` is what `SpeechEnded` brings unless speech goes on.

    To recognise it at once hides most of the recogniser's time behind the silence that ends an utterance. Not
    every utterance has one: long ones do not, nor those that `end` or a short `silence_duration_ms` cuts.
    """

    at_ms: int
    audio: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """The user stopped speaking at this time; `audio` is the utterance with a short lead and tail."""

    at_ms: int
    audio: bytes = field(repr=False)


SpeechEvent = SpeechStarted | SpeechPaused | SpeechEnded


_detection_loaded = Event()


def detection_is_loaded() -> bool:
    """Whether `load_detection` has been here, so that a detector is made in no time."""
    return _detection_loaded.is_set()


def load_detection() -> None:
    """Load what finds speech, which otherwise the first sound waits for. May be called from any thread.

    Raises:
        MissingDependencyError: it is not installed.
    """
    from gemini_realtime.local.speech.speech_model import models  # needs the extra

    models.give_back(models.take())
    _detection_loaded.set()


class VoiceActivityDetector:
    """Find the utterances in one stream of 16 kHz mono s16le PCM.

    Cheap enough for the event loop: about 0.2 ms of CPU per 32 ms, and between utterances, in a quiet room, a
    twentieth of that. Holds one utterance at most. Where the client marks activity itself, no detector is needed:
    collect the audio between its marks, `MAX_UTTERANCE_MS` of it.

    Args:
        start_sensitivity: "high" starts an utterance more readily; the default.
        end_sensitivity: "high" ends one more readily; the default.
        prefix_padding_ms: speech that must be heard before an utterance starts.
        silence_duration_ms: silence that must be heard before one ends; 400 ms at high and 800 ms at low end
            sensitivity when None.

    Raises:
        MissingDependencyError: the extra [local] is not installed.
        ConfigError: a duration is negative.
    """

    _model: SpeechModel | None = None  # while there is something to hear

    def __init__(
        self,
        start_sensitivity: Sensitivity | None = None,
        end_sensitivity: Sensitivity | None = None,
        prefix_padding_ms: int | None = None,
        silence_duration_ms: int | None = None,
    ) -> None:
        from gemini_realtime.local.speech.speech_model import NoiseFloor, loudness, models  # needs the extra

        end_sensitivity = end_sensitivity or "high"
        self._start_min = _START_MIN[start_sensitivity or "high"]
        self._continue_min = _CONTINUE_MIN[end_sensitivity]
        self._start_chunks = _chunks(prefix_padding_ms, _PREFIX_PADDING_MS)
        self._end_chunks = _chunks(silence_duration_ms, _SILENCE_MS[end_sensitivity])
        self._models = models
        self._room = NoiseFloor()
        self._loudness = loudness
        self._unheard = bytearray()
        self._waiting: deque[bytes] = deque()  # the last chunks, where the model has not heard them yet
        self._audio = bytearray()  # the utterance; between utterances, what may become its beginning
        self._heard_bytes = 0
        self._run = 0  # chunks in a row that speak for a change: of speech, or within an utterance of silence
        self.speaking = False
        self._worth_hearing = self._until_next_event()

    def __del__(self) -> None:
        self._give_back()  # a stream may end, or be dropped, in the middle of a word

    def feed(self, pcm16k: bytes) -> Sequence[SpeechEvent]:
        """Take the next audio, cut anywhere, and return what it brought about."""
        self._unheard += pcm16k
        if len(self._unheard) < self._worth_hearing:
            return ()
        events: list[SpeechEvent] = []
        while len(self._unheard) >= self._worth_hearing:
            events += self._take(self._worth_hearing)
            self._worth_hearing = self._until_next_event()
        return events

    @property
    def utterance(self) -> bytes:
        """What was heard so far of the utterance under way; empty between utterances."""
        return bytes(self._audio) if self.speaking else b""

    @property
    def utterance_bytes(self) -> int:
        """How long that is."""
        return len(self._audio) if self.speaking else 0

    def end(self) -> list[SpeechEvent]:
        """Close the stream: an open utterance ends now, and what is fed next is new sound in the same time."""
        events = list(self._take(len(self._unheard) // _CHUNK_BYTES * _CHUNK_BYTES))
        rest = b"".join(self._waiting) + self._unheard[: len(self._unheard) // 2 * 2]
        self._audio += rest
        self._heard_bytes += len(rest)
        if self.speaking:
            events.append(self._ended())
        self._give_back()
        self._waiting.clear()
        self._unheard.clear()
        self._audio.clear()
        self._run = 0
        self._worth_hearing = self._until_next_event()
        return events

    def _take(self, size: int) -> Iterator[SpeechEvent]:
        """Hear so many bytes: each chunk as late as it makes no difference, or never."""
        ready = bytes(self._unheard[:size])
        del self._unheard[:size]
        for at, loudness in zip(range(0, size, _CHUNK_BYTES), self._loudness(ready), strict=True):
            self._room.hear(loudness)
            self._waiting.append(ready[at : at + _CHUNK_BYTES])
            if self.speaking or self._run or self._room.quiet_chunks <= _AROUND_SOUND_CHUNKS:
                yield from self._catch_up()
            elif len(self._waiting) > _AROUND_SOUND_CHUNKS:
                self._hear(self._waiting.popleft(), 0.0)
                self._give_back()

    def _catch_up(self) -> Iterator[SpeechEvent]:
        model = self._model = self._model or self._models.take()
        while self._waiting:
            chunk = self._waiting.popleft()
            if event := self._hear(chunk, model.probability(chunk)):
                yield event

    def _give_back(self) -> None:
        if self._model is not None:
            self._models.give_back(self._model)
            self._model = None

    def _until_next_event(self) -> int:
        """How many bytes it takes at least before anything happens.

        To hear several chunks at once is cheaper: between two sounds of one session the processor's cache has forgotten
        how that is done, and in an utterance every session has a model of its own.
        """
        pause = _PAUSE_MS // _CHUNK_MS
        change = self._end_chunks if self.speaking else self._start_chunks
        return min(pause - self._run if self._run < pause else pause, change - self._run) * _CHUNK_BYTES

    def _hear(self, chunk: bytes, probability: float) -> SpeechEvent | None:
        self._audio += chunk
        self._heard_bytes += _CHUNK_BYTES
        return self._within(probability) if self.speaking else self._between(probability)

    def _between(self, probability: float) -> SpeechEvent | None:
        self._run = self._run + 1 if probability >= self._start_min else 0
        if self._run >= self._start_chunks:
            started = SpeechStarted(self._ago_ms(self._run))
            self.speaking, self._run = True, 0
            return started
        del self._audio[: -_PRE_ROLL_MS * _BYTES_PER_MS - self._run * _CHUNK_BYTES]
        return None

    def _within(self, probability: float) -> SpeechEvent | None:
        self._run = self._run + 1 if probability < self._continue_min else 0
        if self._run >= self._end_chunks or len(self._audio) >= MAX_UTTERANCE_MS * _BYTES_PER_MS:
            return self._ended()
        if self._run * _CHUNK_MS == _PAUSE_MS and len(self._audio) <= _PAUSED_MAX_MS * _BYTES_PER_MS:
            return SpeechPaused(self._ago_ms(self._run), bytes(self._audio))
        return None

    def _ended(self) -> SpeechEnded:
        beyond_pause = max(0, self._run * _CHUNK_MS - _PAUSE_MS) * _BYTES_PER_MS
        kept = min(len(self._audio) - beyond_pause, MAX_UTTERANCE_MS * _BYTES_PER_MS)
        ended = SpeechEnded(self._ago_ms(self._run), bytes(self._audio[:kept]))
        self.speaking, self._run = False, 0
        return ended

    def _ago_ms(self, chunks: int) -> int:
        return self._heard_bytes // _BYTES_PER_MS - chunks * _CHUNK_MS


def _chunks(duration_ms: int | None, default_ms: int) -> int:
    duration_ms = default_ms if duration_ms is None else duration_ms
    if duration_ms < 0:
        raise ConfigError(f"a duration of {duration_ms} ms cannot be", remedy="pass 0 ms or more")
    return max(1, ceil(min(duration_ms, MAX_UTTERANCE_MS) / _CHUNK_MS))


class Detector(Protocol):
    """Finds speech in one stream of 16 kHz 16-bit PCM; see `VoiceActivityDetector`."""

    def feed(self, pcm16k: bytes) -> Sequence[SpeechEvent]:
        """Take the next audio, in pieces of any length; each `SpeechStarted` is followed by a `SpeechEnded`."""
        ...

    def end(self) -> Sequence[SpeechEvent]:
        """The stream pauses: complete what was begun."""
        ...


class Hearing(Protocol):
    """What a server hears with; shared by its connections."""

    def detector(self, settings: AutomaticActivityDetection) -> Detector:
        """A detector for one connection."""
        ...

    async def start(self) -> None:
        """Make ready ahead of the first utterance."""
        ...

    async def transcribe(self, pcm16k: bytes, *, phrases: str | None) -> str:
        """The words of an utterance; `phrases` (JSGF) names what is expected."""
        ...

    async def close(self) -> None:
        """Free everything."""
        ...


@runtime_checkable
class SessionHearing(Protocol):
    """A hearing that does better when it knows whose utterances it hears, and what they are about."""

    async def transcribe_for(
        self, session: object, pcm16k: bytes, *, phrases: str | None, vocabulary: Sequence[str]
    ) -> str:
        """The words of an utterance.

        Args:
            session: whose; sessions take turns.
            pcm16k: 16 kHz mono s16le.
            phrases: what is expected, as JSGF.
            vocabulary: words and names that are likely.
        """
        ...


_SENSITIVITIES: Final[dict[str | None, Sensitivity]] = {
    "START_SENSITIVITY_HIGH": "high",
    "START_SENSITIVITY_LOW": "low",
    "END_SENSITIVITY_HIGH": "high",
    "END_SENSITIVITY_LOW": "low",
}


def detector_for(settings: AutomaticActivityDetection) -> VoiceActivityDetector:
    """The detector of the extra `[local]` with the settings of a session.

    Raises:
        MissingDependencyError: the extra is not installed.
        ConfigError: a duration is negative.
    """
    return VoiceActivityDetector(
        _SENSITIVITIES.get(settings.start_of_speech_sensitivity),
        _SENSITIVITIES.get(settings.end_of_speech_sensitivity),
        settings.prefix_padding_ms,
        settings.silence_duration_ms,
    )


class DetectingHearing:
    """A hearing that finds speech by `VoiceActivityDetector`: before the first sound, `load_detection`."""

    def detector(self, settings: AutomaticActivityDetection) -> VoiceActivityDetector:
        """A detector with the settings of a session."""
        return detector_for(settings)


def check_utterance(pcm16k: bytes) -> None:
    """Refuse what is not 16-bit PCM of `MAX_UTTERANCE_MS` at most.

    Raises:
        AudioFormatError: it is longer, or ends inside a sample.
    """
    if len(pcm16k) % INPUT_FORMAT.frame_bytes or len(pcm16k) > INPUT_FORMAT.bytes_for_ms(MAX_UTTERANCE_MS):
        raise AudioFormatError(
            f"{len(pcm16k)} bytes are not an utterance",
            remedy=f"pass whole 16-bit samples, {MAX_UTTERANCE_MS // 1_000} s at most",
        )
