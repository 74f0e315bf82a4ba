"""From the sound of one client to its words, which the peer is told."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from logging import getLogger
from typing import Final, NamedTuple

from gemini_realtime.audio.format import INPUT_FORMAT
from gemini_realtime.errors import AudioFormatError, ConfigError, MissingDependencyError
from gemini_realtime.local.server.answering import Backends
from gemini_realtime.local.server.connection import Connection
from gemini_realtime.local.server.tasks import Tasks
from gemini_realtime.local.session.actions import EndAudio, EndUtterance, Hear, StartUtterance
from gemini_realtime.local.session.content import SpokenTurn
from gemini_realtime.local.session.peer import Peer
from gemini_realtime.local.speech.dictation import Dictation
from gemini_realtime.local.speech.hearing import (
    MAX_UTTERANCE_MS,
    DetectingHearing,
    SessionHearing,
    SpeechEnded,
    SpeechEvent,
    SpeechPaused,
    SpeechStarted,
    detection_is_loaded,
    load_detection,
)
from gemini_realtime.local.speech.utterances import UtteranceFinder
from gemini_realtime.local.speech.vocabulary import likely_words
from gemini_realtime.local.wire.refusals import INVALID_ARGUMENT

Sound = Hear | StartUtterance | EndUtterance | EndAudio

_PIECE_BYTES: Final = 8 * 1024  # of audio at a time: a quarter of a second of 16 kHz
_UTTERANCES_AHEAD: Final = 4  # utterances that wait to be understood before the client has to wait

_log = getLogger(__name__)


class _Ears(NamedTuple):
    """What hears one client.

    Attributes:
        utterances: finds them.
        dictation: takes them down.
        sketches: whether the words so far of an utterance under way are wanted.
    """

    utterances: UtteranceFinder
    dictation: Dictation
    sketches: bool


class Listening:
    """Hears one client.

    Args:
        peer: is told what is heard.
        act: carries out what the peer then asks for.
        connection: is held while there is more to hear than can be heard at once.
        backends: hear.
        tasks: of the client.
        fail: is told what goes wrong outside of them.
    """

    def __init__(
        self,
        peer: Peer,
        act: Callable[[], None],
        connection: Connection,
        backends: Backends,
        tasks: Tasks,
        fail: Callable[[Exception], None],
    ) -> None:
        self._peer = peer
        self._act = act
        self._connection = connection
        self._backends = backends
        self._tasks = tasks
        self._fail = fail
        self._unheard: deque[Sound] | None = None  # while there is too much to hear at once
        self._ears: _Ears | None = None  # from the first sound on

    def take(self, sound: Sound) -> None:
        """Listen at once, and to what is long piece by piece, so that the other clients have their turn in between."""
        long = isinstance(sound, Hear) and len(sound.pcm) > _PIECE_BYTES
        if not long and not self._unheard and (self._ears is not None or not self._has_to_load):
            self._listen_to(sound)
            return
        if not self._unheard:
            self._connection.hold()
            self._unheard = deque()
            self._tasks.start(partial(self._catch_up, self._unheard))
        self._unheard.append(sound)

    def stop(self) -> None:
        """Nobody speaks any more; what finds speech is left to others."""
        self._unheard = self._ears = None

    async def recall(self, turn: SpokenTurn) -> None:
        """Find out what was said earlier, in pieces that can be heard at once."""
        pcm, size = turn.pcm16k, INPUT_FORMAT.bytes_for_ms(MAX_UTTERANCE_MS)
        whole = len(pcm) - len(pcm) % INPUT_FORMAT.frame_bytes
        words = [await self._transcribe(pcm[at : min(at + size, whole)]) for at in range(0, whole, size)]
        self._peer.recalled(turn, " ".join(filter(None, words)))
        self._act()

    async def pretend(self, speech: str | bytes, lasting_s: float) -> None:
        """Hear after so long what is not in the sound: words, or 16 kHz PCM whose words are recognised."""
        await asyncio.sleep(lasting_s)
        words = speech if isinstance(speech, str) else await self._transcribe(speech)
        audio_s = lasting_s if isinstance(speech, str) else INPUT_FORMAT.duration_ms(len(speech)) / 1000
        self._peer.heard(words, audio_s=audio_s)
        self._act()

    @property
    def _has_to_load(self) -> bool:
        """Whether what finds speech is not there yet; to load it takes longer than the others may be held up."""
        detects = not self._peer.options.manual_activity and isinstance(self._backends.hearing, DetectingHearing)
        return detects and not detection_is_loaded()

    async def _catch_up(self, unheard: deque[Sound]) -> None:
        try:
            if self._has_to_load:
                await asyncio.to_thread(load_detection)
            while unheard:
                for piece in _pieces(unheard[0]):
                    self._listen_to(piece)
                    self._act()
                    await asyncio.sleep(0)
                unheard.popleft()
        finally:
            self._connection.release()

    def _begin(self) -> _Ears:
        options = self._peer.options
        detector = partial(self._backends.hearing.detector, options.detection)
        dictation = Dictation(self._transcribe, hears=self._hears, unfinished_wait_s=self._backends.unfinished_wait_s)
        self._tasks.start(partial(self._understand, dictation))
        utterances = UtteranceFinder(None if options.manual_activity else detector)
        return _Ears(utterances, dictation, options.family.task == "transcribe")

    def _listen_to(self, sound: Sound) -> None:
        ears = self._ears = self._ears or self._begin()
        try:
            events = ears.utterances.take(sound)
        except Exception as error:
            self._stumble(error)
            return
        for event in events:
            self._dictate(event, ears.dictation)
        if ears.sketches and ears.dictation.wants(ears.utterances.under_way_bytes):
            ears.dictation.sketch(ears.utterances.under_way)
        if events and ears.dictation.waiting > _UTTERANCES_AHEAD:
            self._connection.pause_reading("hearing")

    def _stumble(self, error: Exception) -> None:
        """End the session: its sound or its settings cannot be, or the hearing has a fault, which may be anybody's."""
        if isinstance(error, (AudioFormatError, ConfigError)) and not isinstance(error, MissingDependencyError):
            _log.warning("%s", error)
            self._peer.close(INVALID_ARGUMENT.code, INVALID_ARGUMENT.reason)
        else:
            self._fail(error)

    def _dictate(self, event: SpeechEvent, dictation: Dictation) -> None:
        match event:
            case SpeechStarted():
                dictation.begin()
                self._peer.speech_started()
            case SpeechPaused(_, audio):
                dictation.expect(audio)
            case SpeechEnded(_, audio):
                dictation.add(audio)

    async def _understand(self, dictation: Dictation) -> None:
        """Tell the peer the words of each utterance."""
        try:
            while True:
                pcm16k, words = await dictation.next()
                self._connection.resume_reading("hearing")
                self._peer.heard(words, audio_s=INPUT_FORMAT.duration_ms(len(pcm16k)) / 1000)
                self._act()
        finally:
            await dictation.close()

    async def _transcribe(self, pcm16k: bytes) -> str:
        options = self._peer.options
        phrases = self._backends.responder.grammar(options.tools) if options.family.task == "converse" else None
        hearing = self._backends.hearing
        if not isinstance(hearing, SessionHearing):
            return await hearing.transcribe(pcm16k, phrases=phrases)
        vocabulary = likely_words(options.vocabulary, options.tools, options.instructions)
        return await hearing.transcribe_for(self, pcm16k, phrases=phrases, vocabulary=vocabulary)

    def _hears(self, words: str) -> None:
        self._peer.hears(words)
        self._act()


def _pieces(sound: Sound) -> Iterator[Sound]:
    if not isinstance(sound, Hear):
        yield sound
        return
    for at in range(0, len(sound.pcm), _PIECE_BYTES):
        yield Hear(sound.pcm[at : at + _PIECE_BYTES], sound.rate_hz)
