"""A spoken question, an answer aloud, both in writing as well; then one that ends with the stream, not with silence."""

from __future__ import annotations

import asyncio

from google.genai import types

from interop.google_genai.session import connect, hear, pcm, speaking
from interop.microphone import recorded


async def main() -> None:
    async with connect(input_audio_transcription=types.AudioTranscriptionConfig()) as session:
        async with speaking(session, "calculate"):
            turn = await hear(session)
        turn.expect("eighty four")
        assert "twelve times seven" in turn.heard.lower(), f"heard {turn.heard!r}"

        await session.send_realtime_input(audio=pcm(recorded("weather")))
        await session.send_realtime_input(audio_stream_end=True)
        turn = await hear(session)
        turn.expect()
        assert "weather in london" in turn.heard.lower(), f"heard {turn.heard!r}"


asyncio.run(main())
