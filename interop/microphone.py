"""A recorded question as a microphone gives it."""

from __future__ import annotations

import asyncio
import itertools
import wave
from collections.abc import AsyncIterator
from pathlib import Path

SAMPLES = Path(__file__).parents[1] / "src/gemini_realtime/local/samples"
CHUNK_BYTES = 640
"""20 ms of 16 kHz, mono, 16 bits."""


def recorded(sample: str) -> bytes:
    """The samples of a question: 16 kHz, mono, 16 bits."""
    with wave.open(str(SAMPLES / f"{sample}.wav")) as file:
        return bytes(file.readframes(file.getnframes()))


async def microphone(sample: str) -> AsyncIterator[bytes]:
    """The question in real time, 20 ms at a time, and then silence without an end."""
    pcm = recorded(sample)
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    for number in itertools.count():
        yield pcm[CHUNK_BYTES * number :][:CHUNK_BYTES].ljust(CHUNK_BYTES, b"\0")
        await asyncio.sleep(began_s + 0.02 * (number + 1) - loop.time())
