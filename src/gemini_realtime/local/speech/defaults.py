"""What a server hears and speaks with when nobody says: the best that is installed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Generic, Protocol, TypeVar

from gemini_realtime.errors import GeminiRealtimeError, MissingDependencyError, NotConnectedError
from gemini_realtime.local.speech.hearing import DetectingHearing
from gemini_realtime.local.speech.hearing_pocketsphinx import PocketsphinxHearing
from gemini_realtime.local.speech.hearing_whisper import WhisperHearing
from gemini_realtime.local.speech.speaking import Speaking, SpokenChunk
from gemini_realtime.local.speech.speaking_espeak import EspeakSpeaking
from gemini_realtime.local.speech.speaking_hibari import HibariSpeaking

_log = logging.getLogger(__name__)


class _Startable(Protocol):
    async def start(self) -> None: ...


_Made = TypeVar("_Made", bound=_Startable)


class _Best(Generic[_Made]):
    """The first of several back ends that works here.

    Attributes:
        chosen: which that is, once it is known.
    """

    def __init__(self, makers: Sequence[Callable[[], _Made]]) -> None:
        self.chosen: _Made | None = None
        self._makers = makers
        self._choosing = asyncio.Lock()

    async def get(self) -> _Made:
        """Return it; what is wrong with the first one is raised when none works."""
        if self.chosen is None:
            async with self._choosing:
                self.chosen = self.chosen or await self._choose()
        return self.chosen

    async def _choose(self) -> _Made:
        problem: GeminiRealtimeError | None = None
        for make in self._makers:
            try:
                made = make()
                await _started_or_closed(made)
            except NotConnectedError:  # closed meanwhile
                raise
            except GeminiRealtimeError as error:
                problem = problem or error
            else:
                if problem is not None:
                    _log.warning("falling back to %s: %s", type(made).__name__, problem)
                return made
        assert problem is not None
        raise problem


async def _started_or_closed(made: _Startable) -> None:
    """Start it; when the server stops meanwhile, nobody else knows of it and of the process it may have."""
    try:
        await made.start()
    except asyncio.CancelledError:
        if (close := getattr(made, "close", None)) is not None:
            await close()
        raise


class DefaultHearing(DetectingHearing):
    """Whisper, or pocketsphinx where that does not work; a detector of voice activity for each session."""

    def __init__(self) -> None:
        self._best: _Best[WhisperHearing | PocketsphinxHearing] = _Best([WhisperHearing, PocketsphinxHearing])

    async def start(self) -> None:
        """Load what there is, which otherwise the first utterance waits for.

        Raises:
            MissingDependencyError: nothing is installed to hear with.
            WorkerError: nothing of it works.
        """
        await self._best.get()

    async def transcribe(self, pcm16k: bytes, *, phrases: str | None = None) -> str:
        """The words of an utterance; raises as `start` does."""
        return await self.transcribe_for(None, pcm16k, phrases=phrases, vocabulary=())

    async def transcribe_for(
        self, session: object, pcm16k: bytes, *, phrases: str | None, vocabulary: Sequence[str]
    ) -> str:
        """The same in the turn of a session, whose vocabulary is likely."""
        hearing = await self._best.get()
        return await hearing.transcribe_for(session, pcm16k, phrases=phrases, vocabulary=vocabulary)

    async def close(self) -> None:
        """End the process, if there is one."""
        if self._best.chosen is not None:
            await self._best.chosen.close()


class DefaultSpeaking:
    """hibari for English and espeak-ng for other languages; each for the other where only one is installed."""

    def __init__(self) -> None:
        self._best: _Best[HibariSpeaking | EspeakSpeaking] = _Best([HibariSpeaking, EspeakSpeaking])
        self._espeak: EspeakSpeaking | None = None
        self._not_spoken: set[str] = set()

    async def start(self) -> None:
        """Load what there is, which otherwise the first sentence waits for.

        Raises:
            MissingDependencyError: nothing is installed to speak with.
            WorkerError, SpeakingError: nothing of it works.
        """
        await self._best.get()

    async def speak(self, text: str, *, voice: str | None, language: str | None) -> AsyncGenerator[SpokenChunk, None]:
        """Speak a text in the voice asked for or one like it; raises as `start` does."""
        speaking: Speaking = await self._best.get()
        if language and not _is_english(language) and not isinstance(speaking, EspeakSpeaking):
            speaking = self._of_language(language) or speaking
        async with aclosing(speaking.speak(text, voice=voice, language=language)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def close(self) -> None:
        """End the process, if there is one."""
        if isinstance(self._best.chosen, HibariSpeaking):
            await self._best.chosen.close()

    def _of_language(self, language: str) -> EspeakSpeaking | None:
        """What speaks a language other than English, if it is installed."""
        if self._espeak is None and language not in self._not_spoken:
            try:
                self._espeak = EspeakSpeaking()
            except MissingDependencyError as error:
                self._not_spoken.add(language)
                _log.warning("%s is spoken as if it were English: %s", language, error)
        return self._espeak


def _is_english(language: str) -> bool:
    return language.lower().partition("-")[0] == "en"
