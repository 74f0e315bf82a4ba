"""pydantic-ai: a greeting and a question that needs a function, in writing, a spoken question, an interruption, new
instructions, and a connection that is cut."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator

from pydantic_ai import Agent
from pydantic_ai.messages import (
    InstructionDeltaPart,
    ModelResponse,
    PartDeltaEvent,
    PartEndEvent,
    SpeechPart,
    SpeechPartDelta,
)
from pydantic_ai.realtime import RealtimeEvent, RealtimeSessionReconnectEvent, RealtimeTurnCompleteEvent
from pydantic_ai.realtime.google import GoogleRealtimeModelSettings

from interop.microphone import microphone
from interop.trouble import cut

MODEL = sys.argv[sys.argv.index("--model") + 1] if "--model" in sys.argv else "gemini-3.8-live"
PROVIDER = "google-cloud" if "--vertex" in sys.argv else "google"
agent = Agent(instructions="You are a helpful voice assistant.")
manners = ["Be brief."]
cities: list[str] = []


@agent.instructions(name="manners", on_change="append")
def last_manners() -> str:
    return manners[-1]


@agent.tool_plain
def get_weather(city: str) -> str:
    """Get the weather in a city."""
    cities.append(city)
    return f"It is foggy and 12 degrees in {city}."


async def main() -> None:
    settings = GoogleRealtimeModelSettings(reconnect={})
    async with agent.realtime(f"{PROVIDER}:{MODEL}", model_settings=settings).session() as session:
        events = aiter(session)
        await session.send("Hello!")
        await expect(events, assistant="help you")

        await session.send("What is the weather in London?")
        await expect(events, assistant="foggy and 12 degrees in London")
        assert cities == ["London"], cities

        speaking = asyncio.create_task(session.send_audio(microphone("calculate")))
        await expect(events, user="twelve times seven", assistant="eighty four")
        speaking.cancel()

        await session.send("Tell me a long story.")
        async for event in events:
            if isinstance(event, PartDeltaEvent) and isinstance(event.delta, SpeechPartDelta):
                break
        speaking = asyncio.create_task(session.send_audio(microphone("calculate")))
        await expect(events, assistant="lighthouse")
        manners.append("Be kind.")  # is sent after the answer
        await expect(events, assistant="eighty four")
        speaking.cancel()

        await session.send("My name is Ada.")
        await expect(events, assistant="Ada")
        await asyncio.sleep(1)  # for the handle that comes after the turn
        cut()
        async for event in events:
            if isinstance(event, RealtimeSessionReconnectEvent):
                assert event.state_restored, "the session was not resumed"
                break
        await session.send("What is my name?")
        await expect(events, assistant="Ada")
        sent = [part for message in session.all_messages() for part in message.parts]
        assert any(isinstance(part, InstructionDeltaPart) for part in sent), "the new instructions were not sent"
        states = [message.state for message in session.all_messages() if isinstance(message, ModelResponse)]
        assert "interrupted" in states, states
        print(len(session.all_messages()), "messages in the history")


async def expect(events: AsyncIterator[RealtimeEvent], **words: str) -> None:
    """Receive until something was said and its turn is complete; fail unless it has these words, and is spoken."""
    said = {"user": "", "assistant": ""}
    audio_bytes = 0
    async for event in events:
        if isinstance(event, PartDeltaEvent) and isinstance(event.delta, SpeechPartDelta):
            audio_bytes += len(event.delta.audio_chunk or b"")
        elif isinstance(event, PartEndEvent) and isinstance(event.part, SpeechPart):
            said[event.part.speaker] += event.part.transcript or ""
        elif isinstance(event, RealtimeTurnCompleteEvent) and said["assistant"]:
            break  # on Vertex AI a turn ends at its calls, and what is said of the result is another
    print(said, audio_bytes, "bytes of speech")
    assert audio_bytes > 24_000, "less than half a second of speech"
    for speaker, expected in words.items():
        assert expected in said[speaker], f"{expected!r} is not in {said[speaker]!r}"


asyncio.run(main())
