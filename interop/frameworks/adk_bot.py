"""Google's Agent Development Kit, live: a spoken question that needs a function."""

from __future__ import annotations

import asyncio
import sys

from google.adk.agents import Agent, LiveRequestQueue
from google.adk.agents.run_config import RunConfig, StreamingMode
from google.adk.runners import InMemoryRunner
from google.genai import types

from interop.microphone import microphone

cities: list[str] = []


def get_weather(city: str) -> dict[str, str]:
    """Get the weather in a city."""
    cities.append(city)
    return {"weather": f"It is foggy and 12 degrees in {city}."}


MODEL = sys.argv[sys.argv.index("--model") + 1] if "--model" in sys.argv else "gemini-3.8-live"
THINKING = types.ThinkingConfig(thinking_level=types.ThinkingLevel.LOW) if "extended-thinking" in MODEL else None
agent = Agent(
    name="weather_agent",
    model=MODEL,
    instruction="Answer questions.",
    tools=[get_weather],
    generate_content_config=types.GenerateContentConfig(thinking_config=THINKING),
)
config = RunConfig(
    streaming_mode=StreamingMode.BIDI,
    response_modalities=[types.Modality.AUDIO],
    input_audio_transcription=types.AudioTranscriptionConfig(),
    output_audio_transcription=types.AudioTranscriptionConfig(),
)


async def main() -> None:
    runner = InMemoryRunner(agent=agent, app_name="interop")
    session = await runner.session_service.create_session(app_name="interop", user_id="ada")
    queue = LiveRequestQueue()
    speaking = asyncio.create_task(speak(queue))
    heard, said, audio_bytes = "", "", 0
    async for event in runner.run_live(
        user_id="ada", session_id=session.id, live_request_queue=queue, run_config=config
    ):
        if event.input_transcription and not event.partial:
            heard += event.input_transcription.text or ""
        if event.output_transcription and not event.partial:
            said += event.output_transcription.text or ""
        for part in (event.content and event.content.parts) or []:
            if part.inline_data:
                audio_bytes += len(part.inline_data.data or b"")
        if event.turn_complete and "foggy" in said:  # a turn may end before, with a filler or while the function runs
            break
    speaking.cancel()
    print(f"{heard=} {said=} {audio_bytes=} {cities=}")
    assert "weather in london" in heard, f"heard {heard!r}"
    assert cities == ["London"], cities
    assert "foggy and 12 degrees in London" in said, f"said {said!r}"
    assert audio_bytes > 48_000, "less than a second of speech"


async def speak(queue: LiveRequestQueue) -> None:
    async for chunk in microphone("weather"):
        queue.send_realtime(types.Blob(data=chunk, mime_type="audio/pcm;rate=16000"))


asyncio.run(main())
