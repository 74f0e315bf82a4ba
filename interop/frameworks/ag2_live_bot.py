"""AG2 1.2's live agent: a spoken question that needs a function, and another one."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable

from ag2.context import ConversationContext
from ag2.events import (
    BaseEvent,
    ModelMessageChunk,
    ModelResponse,
    RecordedAudioEvent,
    SynthesizedAudioEvent,
    TranscriptionChunkEvent,
    UsageEvent,
)
from ag2.live import GeminiRealTimeConfig, LiveAgent
from ag2.live.gemini import InputConfig
from google import genai
from google.genai import types
from google.oauth2.credentials import Credentials

from interop.microphone import microphone
from interop.waiting import until

MODEL = sys.argv[sys.argv.index("--model") + 1] if "--model" in sys.argv else "gemini-3.1-flash-live-preview"
THINKING: types.LiveConnectConfigDict = {"thinking_config": {"thinking_level": types.ThinkingLevel.LOW}}
cities: list[str] = []


def get_weather(city: str) -> str:
    """Get the weather in a city."""
    cities.append(city)
    return f"It is foggy and 12 degrees in {city}."


class Heard:
    """What the agent heard, said and reported."""

    def __init__(self, context: ConversationContext) -> None:
        self.user = self.said = ""
        self.audio_bytes = self.turns = self.tokens = 0
        context.stream.subscribe(self.take)

    async def take(self, event: BaseEvent) -> None:
        if isinstance(event, TranscriptionChunkEvent):
            self.user += event.content
        elif isinstance(event, ModelMessageChunk):
            self.said += event.content
        elif isinstance(event, SynthesizedAudioEvent):
            self.audio_bytes += len(event.content)
        elif isinstance(event, UsageEvent):
            self.tokens += int(event.usage.total_tokens or 0)
        elif isinstance(event, ModelResponse):
            self.turns += 1


async def main() -> None:
    thinking = THINKING if "extended-thinking" in MODEL else None
    client = vertex() if "--vertex" in sys.argv else genai.Client()
    config = GeminiRealTimeConfig(MODEL, input=InputConfig(transcribe=True), config=thinking, client=client)
    agent = LiveAgent("weather_agent", "You are a helpful voice assistant.", config=config, tools=[get_weather])
    async with agent.run() as context:
        heard = Heard(context)
        await ask(context, "weather", lambda: "foggy and 12 degrees in London" in heard.said)
        turns = heard.turns
        await until(lambda: heard.turns > turns, "the end of the turn")
        await ask(context, "calculate", lambda: "eighty four" in heard.said)
    print(f"{heard.user=} {heard.said=} {heard.audio_bytes=} {heard.turns=} {heard.tokens=} {cities=}")
    assert cities == ["London"], cities
    assert "weather in london" in heard.user, heard.user
    assert "twelve times seven" in heard.user, heard.user
    assert heard.audio_bytes > 3 * 48_000, "less than three seconds of speech"
    assert heard.tokens > 0, "no usage"


def vertex() -> genai.Client:
    """A client of Vertex AI, with a token that no one has to be asked for."""
    credentials = Credentials("a-token")  # type: ignore[no-untyped-call]
    return genai.Client(vertexai=True, project="offline", location="us-central1", credentials=credentials)


async def ask(context: ConversationContext, sample: str, answered: Callable[[], bool]) -> None:
    """Speak a question, and leave the microphone on until it is answered."""

    async def speak() -> None:
        async for chunk in microphone(sample):
            await context.send(RecordedAudioEvent(chunk))

    speaking = asyncio.create_task(speak())
    try:
        await until(answered, f"the answer to {sample}")
    finally:
        speaking.cancel()


asyncio.run(main())
