"""tau2-bench's Gemini provider, tick by tick: a spoken question that needs a function, and another after a goAway."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

from loguru import logger
from tau2.environment.tool import as_tool
from tau2.voice.audio_native.gemini.events import (
    GeminiAudioDeltaEvent,
    GeminiFunctionCallDoneEvent,
    GeminiInputTranscriptionEvent,
    GeminiTextDeltaEvent,
)
from tau2.voice.audio_native.gemini.provider import GeminiLiveProvider

from interop.microphone import CHUNK_BYTES, recorded
from interop.trouble import go_away

MODEL = sys.argv[sys.argv.index("--model") + 1] if "--model" in sys.argv else "gemini-3.1-flash-live-preview"
TICK_S = 0.2
TICK_BYTES = int(TICK_S / 0.02) * CHUNK_BYTES


def get_weather(city: str) -> str:
    """Get the weather in a city.

    Args:
        city: The city.
    """
    return f"It is foggy and 12 degrees in {city}."


async def main() -> None:
    logger.remove()
    provider = GeminiLiveProvider(model=MODEL)
    await provider.connect("You are a helpful voice assistant.", [as_tool(get_weather)])
    calls: list[dict[str, Any]] = []
    go_away()  # it reconnects after the turn
    reconnections = 0
    for sample, expected in (("weather", "12 degrees in London"), ("calculate", "eighty four")):
        heard, said, audio_bytes = "", "", 0
        speech = recorded(sample)
        for _ in range(100):
            if provider.needs_reconnection:
                reconnections += await provider.perform_pending_reconnection()
            tick, speech = speech[:TICK_BYTES].ljust(TICK_BYTES, b"\0"), speech[TICK_BYTES:]
            await provider.send_audio(tick)
            for event in await provider.receive_events_for_duration(TICK_S):
                if isinstance(event, GeminiFunctionCallDoneEvent):
                    calls.append(event.arguments)
                    result = get_weather(**event.arguments)
                    await provider.send_tool_response(event.call_id, event.name, result)
                elif isinstance(event, GeminiInputTranscriptionEvent):
                    heard += event.transcript
                elif isinstance(event, GeminiTextDeltaEvent):
                    said += event.text
                elif isinstance(event, GeminiAudioDeltaEvent):
                    audio_bytes += len(event.data)
            if expected in said and audio_bytes > 48_000:
                break
        print(f"{heard=} {said=} {audio_bytes=} {calls=}")
        assert expected in said, said
        assert audio_bytes > 48_000, "less than a second of speech"
        await asyncio.sleep(1)
    assert calls == [{"city": "London"}], calls
    assert reconnections == 1, reconnections
    await provider.disconnect()


asyncio.run(main())
sys.stdout.flush()
os._exit(0)  # litellm, which tau2 imports, leaves threads behind
