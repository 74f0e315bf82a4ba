"""langwatch-scenario's adapter for Gemini Live: a spoken greeting, a question, an interruption and another question."""

from __future__ import annotations

import asyncio
import sys

import numpy as np
from scenario.voice.adapters.gemini_live import GeminiLiveAgentAdapter
from scenario.voice.audio_chunk import AudioChunk

from interop.microphone import recorded

MODEL = sys.argv[sys.argv.index("--model") + 1] if "--model" in sys.argv else "gemini-3.1-flash-live-preview"


def spoken(sample: str) -> AudioChunk:
    """A question as scenario has it: 24 kHz, mono, 16 bits."""
    pcm = np.frombuffer(recorded(sample), "<i2")
    at = np.arange(len(pcm) * 3 // 2) * 2 / 3
    return AudioChunk(np.interp(at, np.arange(len(pcm)), pcm).astype("<i2").tobytes())


async def answer(adapter: GeminiLiveAgentAdapter, *words: str) -> None:
    """Receive a turn; fail unless these words were said aloud."""
    audio_bytes = 0
    while chunk := (await adapter.recv_audio(20)).data:
        audio_bytes += len(chunk)
    said = (adapter.last_agent_transcript or "").lower()
    print(f"{said=} {audio_bytes=}")
    for word in words:
        assert word in said, f"{word!r} is not in {said!r}"
    assert audio_bytes > 24_000, "less than half a second of speech"


async def main() -> None:
    async with GeminiLiveAgentAdapter(model=MODEL, system_instruction="You are a helpful assistant.") as adapter:
        await adapter.send_audio(spoken("greeting"))
        await answer(adapter, "hello")
        await adapter.send_audio(spoken("calculate"))
        await answer(adapter, "eighty four")
        await adapter.send_audio(spoken("calculate"))
        assert (await adapter.recv_audio(20)).data, "no speech to be interrupted"
        await adapter.send_audio(spoken("greeting"))  # in mid-answer
        await adapter.interrupt()
        await answer(adapter, "hello")


asyncio.run(main())
