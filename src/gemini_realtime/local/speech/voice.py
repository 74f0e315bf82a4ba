"""What a server speaks with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from typing import Protocol

from gemini_realtime.local.speech.phrases import Phrases
from gemini_realtime.local.speech.speaking import VOICES, SpokenChunk, Synthesizer


class Speaking(Protocol):
    """Text to speech; shared by the connections of a server."""

    async def start(self) -> None:
        """Make ready ahead of the first sentence."""
        ...

    def speak(self, text: str, *, voice: str | None, language: str | None) -> AsyncGenerator[SpokenChunk, None]:
        """Speak a text piece by piece, as it is made, in the voice and language asked for or the like."""
        ...


class EspeakSpeaking:
    """The voice of the extra `[local]`, which is needed when something is spoken; it remembers what it said."""

    def __init__(self) -> None:
        self._synthesizer: Synthesizer | None = None
        self._phrases = Phrases()

    async def start(self) -> None:
        """Load espeak-ng, which happens with the first word.

        Raises:
            MissingDependencyError: the extra is not installed.
        """
        self._synthesizer = await asyncio.to_thread(Synthesizer)  # importing numpy takes a tenth of a second
        async with aclosing(self.speak("a", voice=None, language=None)) as chunks:
            await anext(chunks)

    def speak(self, text: str, *, voice: str | None, language: str | None) -> AsyncGenerator[SpokenChunk, None]:
        """Speak a text; voices that are not the service's sound like the default one.

        Raises:
            MissingDependencyError: the extra is not installed.
        """
        if self._synthesizer is None:
            self._synthesizer = Synthesizer()
        wanted = {"voice": voice if voice and voice.lower() in VOICES else None, "language": language}
        make = partial(self._synthesizer.speak, text, **{name: value for name, value in wanted.items() if value})
        return self._phrases.speak((text, *wanted.values()), make)
