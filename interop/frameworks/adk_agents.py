"""Google's Agent Development Kit, live: an agent hands the conversation over to another one."""

from __future__ import annotations

import asyncio
import os
import sys

from google.adk.agents import Agent, LiveRequestQueue
from google.adk.agents.run_config import RunConfig, StreamingMode
from google.adk.events import Event
from google.adk.runners import InMemoryRunner
from google.genai import types

from interop.waiting import until

MODEL = sys.argv[sys.argv.index("--model") + 1] if "--model" in sys.argv else "gemini-3.8-live"
if "--vertex" in sys.argv:
    os.environ["GOOGLE_GENAI_USE_VERTEXAI"] = "1"
THINKING = types.ThinkingConfig(thinking_level=types.ThinkingLevel.LOW) if "extended-thinking" in MODEL else None
CONFIG = types.GenerateContentConfig(thinking_config=THINKING)
poet = Agent(
    name="poet",
    model=MODEL,
    description="Writes poems.",
    instruction="Your name is Zoe.",
    generate_content_config=CONFIG,
)
host = Agent(
    name="host",
    model=MODEL,
    instruction="Your name is Max. Who asks for the poet is transferred to the poet.",
    sub_agents=[poet],
    generate_content_config=CONFIG,
)
config = RunConfig(
    streaming_mode=StreamingMode.BIDI,
    response_modalities=[types.Modality.AUDIO],
    output_audio_transcription=types.AudioTranscriptionConfig(),
)


class Heard:
    """What each agent said, and how long the sound of it is."""

    def __init__(self) -> None:
        self.said = {"host": "", "poet": ""}
        self.audio_bytes = {"host": 0, "poet": 0}

    def take(self, event: Event) -> None:
        if event.output_transcription and not event.partial:
            self.said[event.author] += event.output_transcription.text or ""
        for part in (event.content and event.content.parts) or []:
            if part.inline_data:
                self.audio_bytes[event.author] += len(part.inline_data.data or b"")


async def main() -> None:
    runner = InMemoryRunner(agent=host, app_name="interop")
    session = await runner.session_service.create_session(app_name="interop", user_id="ada")
    queue = LiveRequestQueue()
    heard = Heard()

    async def listen() -> None:
        async for event in runner.run_live(
            user_id="ada", session_id=session.id, live_request_queue=queue, run_config=config
        ):
            heard.take(event)

    listening = asyncio.create_task(listen())
    queue.send_content(written("What is your name?"))
    await until(lambda: "I am Max" in heard.said["host"], "the name of the first")
    await asyncio.sleep(2)
    queue.send_content(written("Transfer me to the poet."))
    await until(lambda: "help you" in heard.said["poet"], "the greeting of the second")
    await asyncio.sleep(2)
    queue.send_content(written("What is your name?"))
    await until(lambda: "I am Zoe" in heard.said["poet"], "the name of the second")
    listening.cancel()
    print(f"{heard.said=} {heard.audio_bytes=}")
    assert all(size > 48_000 for size in heard.audio_bytes.values()), "less than a second of speech"


def written(text: str) -> types.Content:
    return types.Content(role="user", parts=[types.Part(text=text)])


asyncio.run(main())
