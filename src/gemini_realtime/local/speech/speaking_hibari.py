"""Speaking with hibari: a natural English voice of 8 MB, and the thirty voices of the service made out of it.

The network speaks in a process of its own; see `hibari_engine`.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from functools import partial
from typing import Final

from gemini_realtime.checking import spelling_remedy
from gemini_realtime.errors import ConfigError, MissingDependencyError
from gemini_realtime.local.speech.phrases import Phrases
from gemini_realtime.local.speech.processes import NO_TELEMETRY
from gemini_realtime.local.speech.speaking import SENTENCE_CHARS_MAX, ChunkCutter, SpokenChunk, WordBegin
from gemini_realtime.local.speech.spoken_text import first_clause, sentences
from gemini_realtime.local.speech.worker import Worker

_ENGINE: Final = "gemini_realtime.local.speech.hibari_engine"
_FIRST_SENTENCE_CHARS_MAX: Final = (
    120  # 7 s, which take the network 60 ms; of a longer one the first clause comes first
)

_AS_LEARNT: Final = (1.0, 1.0, 1.0)

# Pitch, resonances of the throat, rate: each times that of the voice that hibari has learnt, which is a woman's of
# 195 Hz. Who is a man or a woman, as heard by https://cloud.google.com/text-to-speech/docs/chirp3-hd; how they speak,
# as described by https://ai.google.dev/gemini-api/docs/speech-generation ("Upbeat", "Gravelly"). What a recogniser
# mishears of each is measured by bench/speech.py.
VOICES: Final[dict[str, tuple[float, float, float]]] = {
    "zephyr": (1.12, 1.03, 1.04),
    "puck": (0.72, 0.92, 1.06),
    "charon": (0.56, 0.87, 1.0),
    "kore": _AS_LEARNT,
    "fenrir": (0.66, 0.90, 1.08),
    "leda": (1.22, 1.08, 1.03),
    "orus": (0.60, 0.88, 0.97),
    "aoede": (1.06, 1.02, 0.98),
    "callirrhoe": (0.94, 0.99, 0.97),
    "autonoe": (1.08, 1.0, 1.02),
    "enceladus": (0.54, 0.89, 0.93),
    "iapetus": (0.64, 0.89, 1.0),
    "umbriel": (0.58, 0.91, 0.95),
    "algieba": (0.52, 0.86, 0.95),
    "despina": (0.97, 1.03, 0.96),
    "erinome": (1.03, 0.97, 1.0),
    "algenib": (0.50, 0.84, 0.94),
    "rasalgethi": (0.62, 0.91, 1.02),
    "laomedeia": (1.16, 1.04, 1.07),
    "achernar": (1.02, 1.06, 0.94),
    "alnilam": (0.57, 0.86, 1.04),
    "schedar": (0.60, 0.90, 1.0),
    "gacrux": (0.84, 0.95, 0.94),
    "pulcherrima": (0.99, 0.97, 1.08),
    "achird": (0.68, 0.93, 1.02),
    "zubenelgenubi": (0.53, 0.88, 1.03),
    "vindemiatrix": (0.90, 1.0, 0.93),
    "sadachbia": (0.70, 0.90, 1.09),
    "sadaltager": (0.61, 0.86, 0.98),
    "sulafat": (0.92, 0.97, 1.0),
}


class HibariSpeaking:
    """The voice of the extra `[local]`, a sentence at a time; it remembers what it said.

    Raises:
        MissingDependencyError: the extra is not installed.
    """

    def __init__(self) -> None:
        _check_installed()
        self._worker = Worker("speaking", _ENGINE)
        self._phrases = Phrases()

    @property
    def pid(self) -> int | None:
        """The process of the voice, while there is one."""
        return self._worker.pid

    async def start(self) -> None:
        """Load the voice, which otherwise the first sentence waits for.

        Raises:
            WorkerError: it does not load.
        """
        await self._worker.start()

    async def speak(self, text: str, *, voice: str | None, language: str | None) -> AsyncGenerator[SpokenChunk, None]:
        """Speak an English text, in the timbre of one of the service's voices or as the network has learnt it.

        The texts of the chunks join to `text`; a word comes with the chunk in which it begins. A sentence is made once
        the one before has been taken. Close the iterator to stop early (`contextlib.aclosing`).

        Raises:
            WorkerError: the voice does not load.
        """
        timbre = VOICES.get((voice or "").lower(), _AS_LEARNT)
        async with aclosing(self._phrases.speak((text, timbre), partial(self._speak, text, timbre))) as chunks:
            async for chunk in chunks:
                yield chunk

    async def close(self) -> None:
        """End the process."""
        await self._worker.close()

    async def _speak(self, text: str, timbre: tuple[float, float, float]) -> AsyncGenerator[SpokenChunk, None]:
        cutter = ChunkCutter(text)
        speech = object()  # speeches take turns
        for start, end in _pieces(text):
            head = {"text": text[start:end], "timbre": timbre}
            answer = await self._worker.ask(head, session=speech)
            begin = cutter.samples
            words = [WordBegin(begin + sample, start + char) for sample, char in answer.head["words"]]
            for chunk in cutter.push(answer.body, words):
                yield chunk
        for chunk in cutter.finish():
            yield chunk


class SpeakingNow:
    """The same voice in this process, for whoever can wait: for tests and measurements, not for a server.

    Raises:
        MissingDependencyError: the extra `[local]` is not installed.
    """

    def __init__(self) -> None:
        _check_installed()
        os.environ.update(NO_TELEMETRY)  # before its onnxruntime is loaded
        from gemini_realtime.local.speech import hibari_engine

        self._engine = hibari_engine.load()

    def speak(self, text: str, voice: str) -> bytes:
        """The sound of a text: 24 kHz mono s16le.

        Raises:
            ConfigError: there is no such voice.
        """
        timbre = timbre_of(voice)
        pieces = (text[start:end] for start, end in sentences(text, SENTENCE_CHARS_MAX))
        return b"".join(self._engine.answer({"text": piece, "timbre": timbre}, b"")[1] for piece in pieces)


def timbre_of(voice: str) -> tuple[float, float, float]:
    """How one of the service's voices differs from the one that hibari has learnt.

    Raises:
        ConfigError: there is no such voice.
    """
    if (timbre := VOICES.get(voice.lower())) is None:
        raise ConfigError(f"there is no voice {voice!r}", remedy=spelling_remedy(voice, map(str.capitalize, VOICES)))
    return timbre


def _check_installed() -> None:
    if any(importlib.util.find_spec(module) is None for module in ("hibari", "onnxruntime", "numpy")):
        raise MissingDependencyError("speaking", "local")


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    """The sentences; a long first one in two, so that nobody waits for its end to hear its beginning."""
    for start, end in sentences(text, SENTENCE_CHARS_MAX):
        cut = start + first_clause(text[start:end]) if start == 0 and end > _FIRST_SENTENCE_CHARS_MAX else end
        yield start, cut
        if cut < end:
            yield cut, end
