"""LiveKit's plugin, without a room: a context that is answered, a spoken question that needs a function, new
instructions and tools, another question, an interruption, and a connection that is cut."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

from google.genai import types
from google.oauth2.credentials import Credentials
from livekit import rtc
from livekit.agents import llm
from livekit.plugins.google.realtime import RealtimeModel

from interop.microphone import CHUNK_BYTES, recorded
from interop.trouble import cut
from interop.waiting import until

MODEL = sys.argv[sys.argv.index("--model") + 1] if "--model" in sys.argv else "gemini-3.8-live"


@llm.function_tool
async def get_weather(city: str) -> str:
    """Get the weather in a city.

    Args:
        city: the city
    """
    return "foggy"


@llm.function_tool
async def refund(amount: int) -> str:
    """Refund money.

    Args:
        amount: how much
    """
    return "done"


class Heard:
    """What the session said and asked for."""

    def __init__(self, session: Any) -> None:
        self.said = ""
        self.user = ""
        self.samples = self.interruptions = 0
        self.calls: list[Any] = []
        self.errors: list[str] = []
        self._tasks: list[asyncio.Task[None]] = []
        session.on("generation_created", lambda event: self._tasks.append(asyncio.create_task(self._take(event))))
        session.on("input_audio_transcription_completed", self._transcript)
        session.on("input_speech_started", self._interrupted)
        session.on("error", lambda event: self.errors.append(str(event.error)))

    def _interrupted(self, _event: Any) -> None:
        self.interruptions += 1

    def _transcript(self, event: Any) -> None:
        if event.is_final:
            self.user += event.transcript.lower()

    async def _take(self, event: Any) -> None:
        await asyncio.gather(self._functions(event), self._messages(event))

    async def _functions(self, event: Any) -> None:
        async for call in event.function_stream:
            self.calls.append(call)

    async def _messages(self, event: Any) -> None:
        async for message in event.message_stream:
            await asyncio.gather(self._text(message), self._sound(message))

    async def _text(self, message: Any) -> None:
        async for text in message.text_stream:
            self.said += str(text)

    async def _sound(self, message: Any) -> None:
        async for frame in message.audio_stream:
            self.samples += frame.samples_per_channel


async def main() -> None:
    options: dict[str, Any] = (
        {"thinking_config": types.ThinkingConfig(thinking_level=types.ThinkingLevel.LOW)}
        if "extended-thinking" in MODEL
        else {}
    )
    if "--vertex" in sys.argv:
        credentials = Credentials("a-token")  # type: ignore[no-untyped-call]
        options |= {"vertexai": True, "project": "offline", "location": "us-central1", "credentials": credentials}
    session = RealtimeModel(model=MODEL, **options).session()
    heard = Heard(session)

    async def speak(sample: str) -> None:
        pcm = recorded(sample) + bytes(2 * 16000 * 2)
        for start in range(0, len(pcm), CHUNK_BYTES):
            chunk = pcm[start : start + CHUNK_BYTES]
            session.push_audio(rtc.AudioFrame(chunk, 16000, 1, len(chunk) // 2))
            await asyncio.sleep(0.02)

    async def ask(question: str) -> None:
        context = session.chat_ctx.copy()
        context.add_message(role="user", content=question)
        await session.update_chat_ctx(context)
        await asyncio.wait_for(session.generate_reply(), 45)

    await session.update_instructions("Your name is Zoe.")
    await session.update_tools([get_weather])
    context = llm.ChatContext.empty()
    context.add_message(role="user", content="What is two plus three?")
    await session.update_chat_ctx(context)
    await asyncio.sleep(1)
    await asyncio.wait_for(session.generate_reply(), 45)
    await until(lambda: "five" in heard.said, "the reply to the context")
    await asyncio.sleep(2)
    await speak("weather")
    await until(lambda: bool(heard.calls), "the call")
    call = heard.calls[0]
    context = session.chat_ctx.copy()
    context.items.append(llm.FunctionCall(call_id=call.call_id, name=call.name, arguments=call.arguments))
    context.items.append(llm.FunctionCallOutput(call_id=call.call_id, name=call.name, output="foggy", is_error=False))
    await session.update_chat_ctx(context)
    await until(lambda: "foggy" in heard.said, "the weather")
    await asyncio.sleep(2)
    await session.update_instructions("Your name is Grace.")
    await session.update_tools([refund])
    await asyncio.sleep(1.5)
    await speak("calculate")
    await until(lambda: "eighty" in heard.said, "the second question")
    await until(lambda: "twelve" in heard.user, "the transcript of it")
    await asyncio.sleep(2)
    await ask("What is your name?")
    await until(lambda: "I am Grace" in heard.said, "the name in the new instructions")
    await asyncio.sleep(2)
    await ask("Tell me a long story.")
    before, interruptions = heard.samples, heard.interruptions
    await until(lambda: heard.samples > before + 24_000, "the story")
    await speak("calculate")
    await until(lambda: heard.said.count("eighty") == 2, "the answer to the interruption")
    await asyncio.sleep(2)
    await ask("My name is Ada.")
    await until(lambda: "meet you, Ada" in heard.said, "the words for the name")
    await asyncio.sleep(4)  # for the end of the turn, and the handle that comes after it
    assert not heard.errors, heard.errors
    cut()
    await until(lambda: bool(heard.errors), "the end of the connection")
    await asyncio.sleep(2)
    await ask("What is my name?")
    await until(lambda: "Your name is Ada" in heard.said, "the name after the cut")
    print(f"{heard.said=} {heard.user=} {heard.samples=} {[(c.name, c.arguments) for c in heard.calls]}")
    assert call.arguments == '{"city": "London"}', call.arguments
    assert len(heard.errors) == 1, heard.errors
    assert heard.interruptions > interruptions, "the story was not interrupted"
    assert heard.samples > 3 * 24_000, "less than three seconds of speech"
    await asyncio.wait_for(session.aclose(), 10)


asyncio.run(main())
sys.stdout.flush()
os._exit(0)  # the plugin leaves threads behind that keep the process
