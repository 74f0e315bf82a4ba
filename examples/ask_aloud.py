"""Stream a spoken question as a microphone would, and keep the spoken answer.

python examples/ask_aloud.py question.wav answer.wav
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from gemini_realtime import (
    AudioDelta,
    GeminiRealtimeClient,
    InputTranscript,
    LiveServer,
    OutputTranscript,
    TurnComplete,
)
from gemini_realtime.adapters.files import read_wav, write_wav
from gemini_realtime.audio.chunks import Chunker
from gemini_realtime.audio.format import AudioFormat


async def speak(client: GeminiRealtimeClient, pcm: bytes, rate_hz: int) -> None:
    """Send in real time; the silence after the words tells the service that the question is over."""
    chunker = Chunker(AudioFormat(rate_hz=rate_hz), chunk_ms=20)
    second_of_silence = bytes(2 * rate_hz)
    for chunk in chunker.push(pcm + second_of_silence):
        await client.send_audio(chunk, rate_hz=rate_hz)
        await asyncio.sleep(0.02)


async def main(question: Path, answer: Path) -> None:
    pcm, rate_hz = read_wav(question)
    async with LiveServer() as server:
        client = GeminiRealtimeClient(llm_config=server.llm_config())
        spoken = bytearray()
        async with client.connect(), asyncio.TaskGroup() as tasks:
            tasks.create_task(speak(client, pcm, rate_hz))
            async for event in client.read_events():
                if isinstance(event, InputTranscript):
                    print("You:   ", event.text)
                elif isinstance(event, OutputTranscript):
                    print("Gemini:", event.text)
                elif isinstance(event, AudioDelta):
                    spoken += event.audio
                elif isinstance(event, TurnComplete):
                    break
    write_wav(answer, bytes(spoken), 24_000)


asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
