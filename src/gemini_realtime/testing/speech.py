"""Speech for tests, from text."""

from __future__ import annotations

import asyncio
import functools
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from typing import TYPE_CHECKING

from gemini_realtime.audio.format import OUTPUT_FORMAT
from gemini_realtime.errors import MissingDependencyError

if TYPE_CHECKING:
    from gemini_realtime.local.speech.speaking_hibari import SpeakingNow


@functools.lru_cache(maxsize=64)
def speech_from_text(text: str, *, rate_hz: int = 16000, voice: str = "charon") -> bytes:
    """A text, spoken by a synthetic voice, which the embedded server understands; it needs the extra `[local]`.

    Args:
        text: English words.
        rate_hz: of the result.
        voice: one of Gemini's names: each has an imitation.

    Returns:
        Mono signed 16-bit little-endian samples. The words are the same each time; single samples may differ a little.

    Raises:
        MissingDependencyError: the extra is not installed.
        ConfigError: there is no such voice.
    """
    from gemini_realtime.local.speech.speaking_hibari import timbre_of

    timbre_of(voice)
    try:
        from gemini_realtime.audio.resample import resample
    except MissingDependencyError:
        raise MissingDependencyError("speech from text", "local") from None
    try:
        pcm = _by_hibari(text, voice)
    except MissingDependencyError:
        pcm = _by_espeak(text, voice)
    return resample(pcm, OUTPUT_FORMAT.rate_hz, rate_hz)


def _by_hibari(text: str, voice: str) -> bytes:
    return _hibari().speak(text, voice)


@functools.lru_cache(maxsize=1)
def _hibari() -> SpeakingNow:
    from gemini_realtime.local.speech.speaking_hibari import SpeakingNow

    return SpeakingNow()


def _by_espeak(text: str, voice: str) -> bytes:
    from gemini_realtime.local.speech.speaking_espeak import EspeakSpeaking

    speaking = EspeakSpeaking()
    pcm = bytearray()

    async def speak() -> None:
        async with aclosing(speaking.speak(text, voice=voice, language=None)) as chunks:
            async for chunk in chunks:
                pcm.extend(chunk.audio)

    with ThreadPoolExecutor(1) as thread:  # it works inside a running event loop too
        thread.submit(asyncio.run, speak()).result()
    return bytes(pcm)
