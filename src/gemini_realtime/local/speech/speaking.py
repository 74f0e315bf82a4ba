"""Speaking: text to speech, in the pieces in which the service speaks."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

from gemini_realtime.audio.format import OUTPUT_FORMAT
from gemini_realtime.errors import GeminiRealtimeError

# Source: recorded sessions of the service; 200 ms, then 240 ms at 24 kHz.
_FIRST_CHUNK_BYTES: Final = OUTPUT_FORMAT.bytes_for_ms(200)
_CHUNK_BYTES: Final = OUTPUT_FORMAT.bytes_for_ms(240)

SENTENCE_CHARS_MAX: Final = 240  # about 15 s

_WORD: Final = re.compile(r"\S*\s*")


@dataclass(frozen=True, slots=True)
class SpokenChunk:
    """Sound of 24 kHz mono s16le, and the part of the text whose words begin in it."""

    audio: bytes = field(repr=False)
    text: str


class Speaking(Protocol):
    """Text to speech; shared by the connections of a server."""

    async def start(self) -> None:
        """Make ready ahead of the first sentence."""
        ...

    def speak(self, text: str, *, voice: str | None, language: str | None) -> AsyncGenerator[SpokenChunk, None]:
        """Speak a text piece by piece, as it is made, in the voice and language asked for or the like."""
        ...


class SpeakingError(GeminiRealtimeError):
    """A voice is installed and does not work here."""


class WordBegin(NamedTuple):
    """Where a word begins: sample of the speech, and character of the text."""

    sample: int
    char: int


class ChunkCutter:
    """Cuts one speech into chunks and gives each chunk the words that begin in it.

    The texts of the chunks join to the text exactly.

    Args:
        text: of the speech.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._said = 0  # characters
        self._audio = bytearray()
        self._begun: deque[tuple[int, int]] = deque()  # words not said yet: byte of the sound, end in the text
        self._cut_bytes = 0

    @property
    def samples(self) -> int:
        """How many were pushed."""
        return (self._cut_bytes + len(self._audio)) // OUTPUT_FORMAT.frame_bytes

    def push(self, pcm24k: bytes, words: Iterable[WordBegin]) -> list[SpokenChunk]:
        """Take the next sound and the words that begin in it; returns the chunks that are complete."""
        # A voice may count parts of numbers and of compounds as words; here a word ends where white space does.
        for word in words:
            end = _WORD.match(self._text, word.char)
            self._begun.append((word.sample * OUTPUT_FORMAT.frame_bytes, end.end() if end else len(self._text)))
        self._audio += pcm24k
        return list(self._whole_chunks())

    def finish(self) -> list[SpokenChunk]:
        """What is left, at the end of the speech."""
        rest, self._said = self._text[self._said :], len(self._text)
        return [SpokenChunk(bytes(self._audio), rest)] if self._audio or rest else []

    def _whole_chunks(self) -> Iterator[SpokenChunk]:
        while len(self._audio) >= (size := _CHUNK_BYTES if self._cut_bytes else _FIRST_CHUNK_BYTES):
            audio = bytes(self._audio[:size])
            del self._audio[:size]
            self._cut_bytes += size
            yield SpokenChunk(audio, self._next_words())

    def _next_words(self) -> str:
        end = start = self._said
        while self._begun and self._begun[0][0] < self._cut_bytes:
            end = max(end, self._begun.popleft()[1])
        self._said = end
        return self._text[start:end]
