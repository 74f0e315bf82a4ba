"""Hearing: when the user speaks, and what was said.

`VoiceActivityDetector` finds the utterances in one session's microphone stream. `Recognizer` turns utterances
into words for all sessions of a server, in a process of its own (recognizing.py).

    microphone -> detector.feed() -> SpeechStarted        the user began: interrupt
                                     SpeechPaused(audio)  probably over: recognise already
                                     SpeechEnded(audio)   over: the same audio, unless the user went on
"""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import os
import sys
from collections import deque
from collections.abc import Coroutine, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from math import ceil
from typing import Final, Literal, Self

from gemini_realtime.errors import (
    AudioFormatError,
    ConfigError,
    GeminiRealtimeError,
    MissingDependencyError,
    NotConnectedError,
)
from gemini_realtime.local.speech import recognizing

_log = logging.getLogger(__name__)

RATE_HZ: Final = 16_000
MAX_UTTERANCE_MS: Final = 30_000  # the recogniser takes 8 to 20 s for as much

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

    def __init__(
        self,
        start_sensitivity: Sensitivity | None = None,
        end_sensitivity: Sensitivity | None = None,
        prefix_padding_ms: int | None = None,
        silence_duration_ms: int | None = None,
    ) -> None:
        from gemini_realtime.local.speech.speech_model import NoiseFloor, SpeechModel  # needs the extra

        end_sensitivity = end_sensitivity or "high"
        self._start_min = _START_MIN[start_sensitivity or "high"]
        self._continue_min = _CONTINUE_MIN[end_sensitivity]
        self._start_chunks = _chunks(prefix_padding_ms, _PREFIX_PADDING_MS)
        self._end_chunks = _chunks(silence_duration_ms, _SILENCE_MS[end_sensitivity])
        self._model = SpeechModel()
        self._room = NoiseFloor()
        self._unheard = bytearray()  # less than a chunk
        self._waiting: deque[bytes] = deque()  # the last chunks, where the model has not heard them yet
        self._audio = bytearray()  # the utterance; between utterances, what may become its beginning
        self._heard_bytes = 0
        self._run = 0  # chunks in a row that speak for a change: of speech, or within an utterance of silence
        self.speaking = False

    def feed(self, pcm16k: bytes) -> list[SpeechEvent]:
        """Take the next audio, cut anywhere, and return what it brought about."""
        self._unheard += pcm16k
        if len(self._unheard) < _CHUNK_BYTES:
            return []
        whole = len(self._unheard) // _CHUNK_BYTES * _CHUNK_BYTES
        ready = bytes(self._unheard[:whole])
        del self._unheard[:whole]
        chunks = (ready[at : at + _CHUNK_BYTES] for at in range(0, whole, _CHUNK_BYTES))
        return [event for chunk in chunks for event in self._take(chunk)]

    def end(self) -> list[SpeechEvent]:
        """Close the stream: an open utterance ends now, and what is fed next is new sound in the same time."""
        events = list(self._catch_up()) if self.speaking else []
        rest = b"".join(self._waiting) + self._unheard[: len(self._unheard) // 2 * 2]
        self._audio += rest
        self._heard_bytes += len(rest)
        if self.speaking:
            events.append(self._ended())
        self._model.reset()
        self._waiting.clear()
        self._unheard.clear()
        self._audio.clear()
        self._run = 0
        return events

    def _take(self, chunk: bytes) -> Iterator[SpeechEvent]:
        """Hear a chunk as late as it makes no difference, or never."""
        self._room.hear(chunk)
        self._waiting.append(chunk)
        if self.speaking:
            # Several at once are cheaper: every session has a model of its own, which is not in the processor's cache.
            if len(self._waiting) >= self._until_next_event():
                yield from self._catch_up()
        elif self._run or self._room.quiet_chunks <= _AROUND_SOUND_CHUNKS:
            yield from self._catch_up()
        elif len(self._waiting) > _AROUND_SOUND_CHUNKS:
            self._hear(self._waiting.popleft(), 0.0)

    def _catch_up(self) -> Iterator[SpeechEvent]:
        while self._waiting:
            chunk = self._waiting.popleft()
            if event := self._hear(chunk, self._model.probability(chunk)):
                yield event

    def _until_next_event(self) -> int:
        """How many chunks it takes at least before anything happens in an utterance."""
        pause = _PAUSE_MS // _CHUNK_MS
        return min(pause - self._run if self._run < pause else pause, self._end_chunks - self._run)

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


class RecognizerError(GeminiRealtimeError):
    """The speech recogniser's process did not start, or ended twice while it worked on one utterance."""


class Recognizer:
    """English speech to text for any number of sessions, in one worker process.

    Utterances are served one at a time, in the order of the calls. The process starts with the first call of
    `start` or `transcribe` and ends with `close`, or with this process however that ends. All calls belong to
    one event loop.

        async with Recognizer() as recognizer:
            words = await recognizer.transcribe(utterance)
    """

    def __init__(self) -> None:
        self._worker: _Worker | None = None
        self._turn = asyncio.Lock()
        self._exchange: asyncio.Task[str] | None = None
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The worker process, while there is one."""
        return self._worker.pid if self._worker else None

    async def start(self) -> None:
        """Load the models, so that the first utterance need not wait for them.

        Raises:
            MissingDependencyError: the extra [local] is not installed.
            RecognizerError: the process does not start.
        """
        await self._in_turn(self._load())

    async def transcribe(self, pcm16k: bytes, *, phrases: str | None = None) -> str:
        """Return the words of one utterance: lower case, numbers as words, "" when there are none.

        A cancelled call leaves the queue; when its utterance is being decoded already, that is finished first.

        Args:
            pcm16k: 16 kHz mono s16le, `MAX_UTTERANCE_MS` at most.
            phrases: a JSGF grammar of what is likely to be said. Its sentences are recognised almost without
                error; others are still taken down, as dictation. Alternatives with words that are not in the
                English pronouncing dictionary are never recognised. The last few grammars stay loaded.

        Raises:
            ConfigError: `phrases` is not JSGF with a public rule.
            AudioFormatError: the audio is longer than an utterance may be, or ends inside a sample.
            RecognizerError: the process ended twice.
            NotConnectedError: the recogniser is closed.
        """
        if len(pcm16k) % 2 or len(pcm16k) > MAX_UTTERANCE_MS * _BYTES_PER_MS:
            raise AudioFormatError(
                f"{len(pcm16k)} bytes are not an utterance",
                remedy=f"pass whole 16-bit samples, {MAX_UTTERANCE_MS // 1_000} s at most",
            )
        return await self._in_turn(self._recognize(pcm16k, phrases or ""))

    async def close(self) -> None:
        """End the process; calls that are open raise NotConnectedError."""
        self._closed = True
        if self._worker:
            self._worker.kill()
        if self._exchange:
            await asyncio.wait([self._exchange])
        await self._bury()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    async def _in_turn(self, work: Coroutine[None, None, str]) -> str:
        """Await the turn, which a cancelled caller gives up, then the work, which it leaves to finish.

        The turn passes on when the work is done, so that a reply is never read by the next in the queue.
        """
        try:
            await self._turn.acquire()
        except BaseException:
            work.close()
            raise
        self._exchange = asyncio.create_task(work)
        self._exchange.add_done_callback(self._pass_on)
        return await asyncio.shield(self._exchange)

    def _pass_on(self, exchange: asyncio.Task[str]) -> None:
        self._turn.release()
        if not exchange.cancelled():
            exchange.exception()  # seen, even if the caller was cancelled and will not look

    async def _load(self) -> str:
        await self._started()
        return ""

    async def _recognize(self, pcm16k: bytes, grammar: str) -> str:
        for attempt in ("first", "second"):
            worker = await self._started()
            try:
                return await worker.transcribe(pcm16k, grammar)
            except (OSError, asyncio.IncompleteReadError):
                if not self._closed:
                    _log.warning("the speech recogniser ended during the %s attempt at an utterance", attempt)
                await self._bury()
        raise RecognizerError(
            f"the speech recogniser ended twice during an utterance of {len(pcm16k) // _BYTES_PER_MS} ms",
            remedy="see its last words on the standard error stream; later utterances start it again",
        )

    async def _started(self) -> _Worker:
        self._check_open()
        if self._worker is None:
            self._worker = await _Worker.spawn()
            try:
                await self._worker.reply()  # the first one says that the models are loaded
            except (OSError, asyncio.IncompleteReadError) as error:
                await self._bury()
                self._check_open()
                raise RecognizerError(
                    "the speech recogniser's process ended before it was ready",
                    remedy="see its last words on the standard error stream",
                ) from error
        return self._worker

    def _check_open(self) -> None:
        if self._closed:
            raise NotConnectedError("the speech recogniser is closed", remedy="make a new Recognizer")

    async def _bury(self) -> None:
        worker, self._worker = self._worker, None
        if worker:
            await worker.end()


class _Worker:
    """The process that runs recognizing.py, and the pipes to it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None  # PIPE was asked for
        assert process.stdout is not None
        self._process = process
        self._requests = process.stdin
        self._replies = process.stdout
        self._killed = False

    @classmethod
    async def spawn(cls) -> Self:
        if importlib.util.find_spec("pocketsphinx") is None:
            raise MissingDependencyError("speech recognition", "local")
        # A plain program, not multiprocessing: works from scripts without a main guard, from `python -c` and
        # under pytest, and imports nothing of the caller. -P keeps this folder off its path.
        return cls(
            await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",
                recognizing.__file__,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
        )

    async def transcribe(self, pcm16k: bytes, grammar: str) -> str:
        encoded = grammar.encode()
        self._requests.write(recognizing.REQUEST_HEADER.pack(len(encoded), len(pcm16k)) + encoded + pcm16k)
        await self._requests.drain()
        return await self.reply()

    async def reply(self) -> str:
        header = await self._replies.readexactly(recognizing.REPLY_HEADER.size)
        status, text_bytes = recognizing.REPLY_HEADER.unpack(header)
        text = (await self._replies.readexactly(text_bytes)).decode()
        if status == recognizing.REFUSED:
            raise ConfigError(f"the recogniser refuses the grammar: {text}", remedy="pass JSGF 1.0 with a public rule")
        return text

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self) -> None:
        # Once: `Popen.kill` looks first whether the process is gone, and so takes its exit status away from
        # asyncio, which then warns of an unknown child.
        if not self._killed:
            self._killed = True
            with suppress(ProcessLookupError):
                self._process.kill()

    async def end(self) -> None:
        self.kill()
        await self._process.communicate()  # closes the pipes, then waits
