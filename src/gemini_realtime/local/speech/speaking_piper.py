"""Speaking with Piper: a natural voice, for a model that is not part of any package.

piper-tts is licensed under GPL-3.0 and loaded at run time only.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncGenerator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Any, Final

from gemini_realtime.audio.format import OUTPUT_FORMAT
from gemini_realtime.errors import ConfigError, MissingDependencyError
from gemini_realtime.local.speech.phrases import Phrases
from gemini_realtime.local.speech.processes import NO_TELEMETRY
from gemini_realtime.local.speech.speaking import SENTENCE_CHARS_MAX, ChunkCutter, SpokenChunk, WordBegin
from gemini_realtime.local.speech.spoken_text import sentences

_WORD: Final = re.compile(r"\S+")


class PiperSpeaking:
    """The voice of a Piper model, for all sessions, a sentence at a time.

    Args:
        model: the `.onnx` file, beside which its `.onnx.json` is.

    Raises:
        MissingDependencyError: the extra `[piper]` is not installed.
        ConfigError: the files of the model are not there.
    """

    def __init__(self, model: Path) -> None:
        os.environ.update(NO_TELEMETRY)  # before its onnxruntime is loaded
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
        cutter = ChunkCutter(text)
        loop = asyncio.get_running_loop()
        for start, end in sentences(text, SENTENCE_CHARS_MAX):
            sound = await loop.run_in_executor(self._thread, self._render, text[start:end])
            for chunk in cutter.push(sound, _word_begins(text, start, end, cutter.samples, len(sound) // 2)):
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

    def _render(self, sentence: str) -> bytes:
        from gemini_realtime.audio.resample import resample

        sounds = list(self._load().synthesize(sentence))
        pcm = b"".join(sound.audio_int16_bytes for sound in sounds)
        return resample(pcm, sounds[0].sample_rate, OUTPUT_FORMAT.rate_hz) if pcm else b""


def _word_begins(text: str, start: int, end: int, sample: int, samples: int) -> Iterator[WordBegin]:
    """Where the words of a sentence probably begin: each as far into the sound as it is into the text."""
    for word in _WORD.finditer(text, start, end):
        yield WordBegin(sample + samples * (word.start() - start) // (end - start), word.start())
