"""Speech that spells its words, for virtual time: it costs nothing, and is understood to the letter.

It lasts as long as real speech, and can be cut, joined and interrupted like it. To an ear it is a hum: each word begins
with its letters, as samples.

    | mark | number of letters | letters, UTF-16 | hum ... |
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import Final, NamedTuple

from gemini_realtime.audio.format import INPUT_FORMAT, OUTPUT_FORMAT, AudioFormat
from gemini_realtime.local.speech.hearing import Detector, SpeechEnded, SpeechEvent, SpeechStarted
from gemini_realtime.local.speech.speaking import ChunkCutter, SpokenChunk, WordBegin
from gemini_realtime.protocol.messages import AutomaticActivityDetection

_MARK: Final = b"\x00\x83"
_HUM: Final = b"\xa0\x0f"
_LETTERS_MAX: Final = 120  # which fit into the shortest word at 8 kHz

# About 150 words a minute, the pace of conversations.
_WORD_MS: Final = 120.0
_LETTER_MS: Final = 65.0
_PAUSES_MS: Final = {".": 300.0, "?": 300.0, "!": 300.0, ",": 150.0, ";": 150.0, ":": 150.0}

_WORD: Final = re.compile(r"\S+")


class SpelledWord(NamedTuple):
    """A word, and where it begins: in the text, and in ms of the speech."""

    text: str
    char: int
    begin_ms: float


def spell(text: str, format: AudioFormat = INPUT_FORMAT, *, speed: float = 1.0) -> bytes:
    """A text as speech of this format; `speed` above 1 is quicker than usual."""
    return b"".join(_spoken(word, format, speed) for word in _words(text))


def spelled_words(pcm: bytes, format: AudioFormat = INPUT_FORMAT) -> list[SpelledWord]:
    """The words that begin in a piece of such speech; one whose letters are cut is none. `char` is of the words joined
    by blanks."""
    found: list[SpelledWord] = []
    at = char = 0
    while (at := pcm.find(_MARK, at)) >= 0:
        if at % 2:
            at += 1
            continue
        letters = int.from_bytes(pcm[at + 2 : at + 4], "little")
        end = at + 4 + 2 * letters
        if 0 < letters <= _LETTERS_MAX and end <= len(pcm):
            word = pcm[at + 4 : end].decode("utf-16-le", errors="replace")
            found.append(SpelledWord(word, char, format.duration_ms(at)))
            char += len(word) + 1
        at = max(end, at + 2)
    return found


def hum(duration_ms: float, format: AudioFormat = INPUT_FORMAT) -> bytes:
    """A sound without words, such as a cough."""
    return _HUM * (format.bytes_for_ms(duration_ms) // 2)


class SpelledDetector:
    """Finds utterances: zeros are silence, and everything else is a voice.

    Args:
        settings: of the session.
    """

    def __init__(self, settings: AutomaticActivityDetection) -> None:
        low = settings.end_of_speech_sensitivity == "END_SENSITIVITY_LOW"
        silence_ms = settings.silence_duration_ms
        self._silence_bytes = INPUT_FORMAT.bytes_for_ms(silence_ms if silence_ms is not None else 800 if low else 400)
        self._begin_bytes = max(2, INPUT_FORMAT.bytes_for_ms(settings.prefix_padding_ms or 0))
        self._audio = bytearray()  # of the utterance, or what may become one
        self._silent_bytes = 0
        self._heard_bytes = 0
        self._speaking = False

    def feed(self, pcm16k: bytes) -> Sequence[SpeechEvent]:
        """Take the next audio."""
        self._heard_bytes += len(pcm16k)
        loud = len(pcm16k.rstrip(b"\0"))
        if not loud:
            self._silent_bytes += len(pcm16k)
            if self._speaking and self._silent_bytes >= self._silence_bytes:
                return self.end()
            if not self._speaking:
                self._audio.clear()
            return []
        self._audio += pcm16k
        self._silent_bytes = len(pcm16k) - loud
        if self._speaking or len(self._audio) < self._begin_bytes:
            return []
        self._speaking = True
        return [SpeechStarted(self._at_ms(len(self._audio)))]

    def end(self) -> Sequence[SpeechEvent]:
        """The stream pauses."""
        audio, self._audio = bytes(self._audio), bytearray()
        spoke, self._speaking = self._speaking, False
        at_ms, self._silent_bytes = self._at_ms(self._silent_bytes), 0
        return [SpeechEnded(at_ms, audio)] if spoke else []

    def _at_ms(self, ago_bytes: int) -> int:
        return round(INPUT_FORMAT.duration_ms(self._heard_bytes - ago_bytes))


class SpelledHearing:
    """Hears what was spelled."""

    def detector(self, settings: AutomaticActivityDetection) -> Detector:
        """See `Hearing`, as for the other methods."""
        return SpelledDetector(settings)

    async def start(self) -> None:
        """Nothing to load."""

    async def transcribe(self, pcm16k: bytes, *, phrases: str | None) -> str:
        """The words of an utterance."""
        return " ".join(word.text for word in spelled_words(pcm16k))

    async def close(self) -> None:
        """Nothing to free."""


class SpelledSpeaking:
    """Spells what is to be said."""

    async def start(self) -> None:
        """Nothing to load."""

    async def speak(self, text: str, *, voice: str | None, language: str | None) -> AsyncGenerator[SpokenChunk, None]:
        """See `Speaking`."""
        cutter = ChunkCutter(text)
        for word in _words(text):
            begin = WordBegin(cutter.samples, word.char)
            for chunk in cutter.push(_spoken(word, OUTPUT_FORMAT, 1.0), [begin]):
                yield chunk
        for chunk in cutter.finish():
            yield chunk


def _words(text: str) -> Iterator[SpelledWord]:
    return (SpelledWord(found[0], found.start(), 0.0) for found in _WORD.finditer(text))


def _spoken(word: SpelledWord, format: AudioFormat, speed: float) -> bytes:
    letters = word.text[:_LETTERS_MAX].encode("utf-16-le")[: 2 * _LETTERS_MAX]
    header = _MARK + (len(letters) // 2).to_bytes(2, "little") + letters
    sounds_ms = (_WORD_MS + _LETTER_MS * len(word.text)) / speed
    pause_ms = _PAUSES_MS.get(word.text[-1], 0.0) / speed
    body = format.bytes_for_ms(sounds_ms) // 2 * 2
    return header + _HUM * max(0, (body - len(header)) // 2) + bytes(format.bytes_for_ms(pause_ms) // 2 * 2)
