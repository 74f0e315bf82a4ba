"""Speaking with Piper: a natural voice, for a model that is not part of any package.

piper-tts is licensed under GPL-3.0 and loaded at run time only.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import AsyncGenerator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gemini_realtime.audio.format import OUTPUT_FORMAT
from gemini_realtime.errors import ConfigError, MissingDependencyError
from gemini_realtime.local.speech.phrases import Phrases
from gemini_realtime.local.speech.speaking import SpokenChunk

if TYPE_CHECKING:
    from gemini_realtime.audio.resample import Resampler

# As the service cuts its speech; see `speaking`.
_FIRST_CHUNK_BYTES: Final = OUTPUT_FORMAT.bytes_for_ms(200)
_CHUNK_BYTES: Final = OUTPUT_FORMAT.bytes_for_ms(240)

_SENTENCE: Final = re.compile(r".+?(?:[.!?…]+[\"')\]]*\s+|[。！？]\s*|\n\s*|\Z)", re.DOTALL)
_WORD: Final = re.compile(r"\s*\S+\s*|\s+")


class PiperSpeaking:
    """The voice of a Piper model, for all sessions, a sentence at a time.

    Args:
        model: the `.onnx` file, beside which its `.onnx.json` is.

    Raises:
        MissingDependencyError: the extra `[piper]` is not installed.
        ConfigError: the files of the model are not there.
    """

    def __init__(self, model: Path) -> None:
        try:
            import numpy  # noqa: F401
            import piper
        except ImportError as error:
            raise MissingDependencyError("speaking with Piper", "piper") from error
        for file in (model, Path(f"{model}.json")):
            if not file.is_file():
                raise ConfigError(
                    f"{file} is not there",
                    remedy=f"download the voice once: python -m piper.download_voices {model.stem}",
                )
        self._library: Any = piper
        self._path = model
        self._model: Any = None
        self._phrases = Phrases()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="piper")

    async def start(self) -> None:
        """Load the model, which otherwise the first sentence waits for."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._load)

    async def speak(self, text: str, *, voice: str | None, language: str | None) -> AsyncGenerator[SpokenChunk, None]:
        """Speak a text; the voice and the language are those of the model.

        The texts of the chunks join to `text`. When within a sentence a word begins is estimated from its place in
        the text: Piper does not tell.
        """
        async with aclosing(self._phrases.speak(text, partial(self._speak, text))) as chunks:
            async for chunk in chunks:
                yield chunk

    async def _speak(self, text: str) -> AsyncGenerator[SpokenChunk, None]:
        cutter = _Cutter()
        loop = asyncio.get_running_loop()
        for sentence in _SENTENCE.findall(text):
            sound = await loop.run_in_executor(self._thread, self._render, sentence, cutter)
            for chunk in cutter.push(sound, sentence):
                yield chunk
        for chunk in cutter.finish():
            yield chunk

    async def close(self) -> None:
        """Free the model once it is done with the sentence it is at."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._model = None

    def _load(self) -> Any:
        if self._model is None:
            self._model = self._library.PiperVoice.load(self._path)
        return self._model

    def _render(self, sentence: str, cutter: _Cutter) -> bytes:
        sounds = self._load().synthesize(sentence)
        return b"".join(cutter.converted(sound.audio_int16_bytes, sound.sample_rate) for sound in sounds)


class _Cutter:
    """Converts the rate of one speech, cuts it into chunks and gives each chunk its words."""

    def __init__(self) -> None:
        self._resampler: Resampler | None = None
        self._audio = bytearray()
        self._cut_bytes = 0
        self._words: deque[tuple[int, str]] = deque()  # the byte of the sound where each begins

    def converted(self, pcm: bytes, rate_hz: int) -> bytes:
        """The sound of a model at the rate of the service."""
        if self._resampler is None:
            from gemini_realtime.audio.resample import Resampler

            self._resampler = Resampler(rate_hz, OUTPUT_FORMAT.rate_hz)
        return self._resampler.push(pcm)

    def push(self, sound: bytes, sentence: str) -> Iterator[SpokenChunk]:
        """Take a sentence; gives the chunks that are complete."""
        begin = self._cut_bytes + len(self._audio)
        for word in _WORD.finditer(sentence):
            self._words.append((begin + len(sound) * word.start() // len(sentence), word[0]))
        self._audio += sound
        while len(self._audio) >= (size := _CHUNK_BYTES if self._cut_bytes else _FIRST_CHUNK_BYTES):
            yield self._cut(size)

    def finish(self) -> Iterator[SpokenChunk]:
        """What is left, at the end of the speech."""
        self._audio += self._resampler.flush() if self._resampler is not None else b""
        rest = self._cut(len(self._audio))
        unsaid = rest.text + "".join(word for _, word in self._words)
        if rest.audio or unsaid:
            yield SpokenChunk(rest.audio, unsaid)

    def _cut(self, size_bytes: int) -> SpokenChunk:
        audio = bytes(self._audio[:size_bytes])
        del self._audio[:size_bytes]
        self._cut_bytes += size_bytes
        words = []
        while self._words and self._words[0][0] < self._cut_bytes:
            words.append(self._words.popleft()[1])
        return SpokenChunk(audio, "".join(words))
