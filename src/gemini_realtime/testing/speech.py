"""Speech for tests, from text."""

from __future__ import annotations

import asyncio
import functools
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing

from gemini_realtime.audio.resample import resample


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
    from gemini_realtime.local.speech.speaking import RATE_HZ, Synthesizer

    synthesizer = Synthesizer()
    pcm = bytearray()

    async def speak() -> None:
        async with aclosing(synthesizer.speak(text, voice=voice)) as chunks:
            async for chunk in chunks:
                pcm.extend(chunk.audio)

    with ThreadPoolExecutor(1) as thread:  # it works inside a running event loop too
        thread.submit(asyncio.run, speak()).result()
    return resample(bytes(pcm), RATE_HZ, rate_hz)
