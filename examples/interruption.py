"""Interrupt a long answer; what was not heard yet is thrown away."""

from __future__ import annotations

import asyncio

from gemini_realtime import (
    AudioDelta,
    GeminiRealtimeClient,
    Interrupted,
    LiveServer,
    OutputTranscript,
    TurnComplete,
)
from gemini_realtime.audio.format import OUTPUT_FORMAT
from gemini_realtime.audio.playback import Playback


async def main() -> None:
    playback = Playback(OUTPUT_FORMAT)  # a sound device would take() from it
    async with LiveServer() as server:
        client = GeminiRealtimeClient(llm_config=server.llm_config())
        async with client.connect():
            await client.send_text(role="user", text="Tell me a long story.")
            interrupted = False
            async for event in client.read_events():
                if isinstance(event, AudioDelta) and not event.stale:
                    playback.push(event.audio)
                    if playback.queued_ms > 3000 and not interrupted:
                        interrupted = True
                        await client.send_text(role="user", text="Stop. What is two plus two?")
                elif isinstance(event, Interrupted):
                    print(f"\n-- interrupted, {playback.flush() / 1000:.1f} s unheard --")
                elif isinstance(event, OutputTranscript):
                    print(event.text, end="", flush=True)
                elif isinstance(event, TurnComplete) and not event.interrupted:
                    print()
                    break


asyncio.run(main())
