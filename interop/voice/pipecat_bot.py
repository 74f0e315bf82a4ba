"""Pipecat: a greeting from the context, a spoken question that needs a function, another one, an interruption, and a
connection that is cut."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from loguru import logger
from pipecat.adapters.llm.schemas.function_schema import FunctionSchema
from pipecat.adapters.llm.schemas.tools_schema import ToolsSchema
from pipecat.frames.frames import (
    EndFrame,
    InputAudioRawFrame,
    InputTextRawFrame,
    InterruptionFrame,
    LLMRunFrame,
    TTSAudioRawFrame,
    TTSTextFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.processors.frame_processor import FrameProcessor
from pipecat.services.google.gemini_live.llm import GeminiLiveLLMService
from pipecat.services.google.gemini_live.vertex.llm import GeminiLiveVertexLLMService
from pipecat.workers.runner import WorkerRunner

from interop.microphone import CHUNK_BYTES, recorded
from interop.trouble import cut
from interop.voice.service_account import service_account
from interop.waiting import until

MODEL = sys.argv[sys.argv.index("--model") + 1] if "--model" in sys.argv else "gemini-3.8-live"
WEATHER = FunctionSchema(
    name="get_weather",
    description="Get the weather in a city",
    properties={"city": {"type": "string", "description": "the city"}},
    required=["city"],
)


class Mouth(FrameProcessor):
    """Behind the model: what it says."""

    def __init__(self) -> None:
        super().__init__()
        self.said = ""
        self.audio_bytes = self.interruptions = 0

    async def process_frame(self, frame: Any, direction: Any) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, TTSTextFrame):
            self.said += frame.text
        elif isinstance(frame, TTSAudioRawFrame):
            self.audio_bytes += len(frame.audio)
        elif isinstance(frame, InterruptionFrame):
            self.interruptions += 1
        await self.push_frame(frame, direction)


async def main() -> None:
    logger.remove()
    cities: list[str] = []

    async def get_weather(params: Any) -> None:
        cities.append(params.arguments["city"])
        await params.result_callback({"weather": "foggy"})

    mouth = Mouth()
    llm = service(system_instruction="Be brief.", tools=ToolsSchema(standard_tools=[WEATHER]))
    llm.register_function("get_weather", get_weather)
    context = LLMContext([{"role": "user", "content": "What is two plus three?"}])
    pair = LLMContextAggregatorPair(context)
    params = PipelineParams(audio_in_sample_rate=16000, audio_out_sample_rate=24000)
    worker = PipelineWorker(Pipeline([pair.user(), llm, mouth, pair.assistant()]), params=params)
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    running = asyncio.create_task(runner.run())

    async def speak(sample: str) -> None:
        pcm = recorded(sample) + bytes(2 * 16000 * 2)
        for start in range(0, len(pcm), CHUNK_BYTES):
            chunk = pcm[start : start + CHUNK_BYTES]
            await worker.queue_frame(InputAudioRawFrame(audio=chunk, sample_rate=16000, num_channels=1))
            await asyncio.sleep(0.02)

    await worker.queue_frame(LLMRunFrame())
    await until(lambda: "five" in mouth.said.lower(), "the greeting")
    await asyncio.sleep(2)
    await speak("weather")
    await until(lambda: bool(cities) and "foggy" in mouth.said, "the weather")
    await asyncio.sleep(2)
    await speak("calculate")
    await until(lambda: "eighty" in mouth.said, "the second question")
    await asyncio.sleep(2)
    await worker.queue_frame(InputTextRawFrame(text="Tell me a long story."))
    before, interruptions = mouth.audio_bytes, mouth.interruptions
    await until(lambda: mouth.audio_bytes > before + 48_000, "the story")
    await speak("calculate")
    await until(lambda: mouth.said.count("eighty") == 2, "the answer to the interruption")
    await asyncio.sleep(2)
    await worker.queue_frame(InputTextRawFrame(text="My name is Ada."))
    await until(lambda: "meet you, Ada" in mouth.said, "the words for the name")
    await asyncio.sleep(4)  # for the end of the turn, and the handle that comes after it
    cut()
    await asyncio.sleep(2)
    await worker.queue_frame(InputTextRawFrame(text="What is my name?"))
    await until(lambda: "Your name is Ada" in mouth.said, "the name after the cut")
    await worker.queue_frame(EndFrame())
    await asyncio.wait_for(running, 20)
    print(f"{mouth.said=} {cities=} {mouth.audio_bytes=}")
    assert cities == ["London"], cities
    assert mouth.interruptions > interruptions, "the story was not interrupted"
    assert mouth.audio_bytes > 3 * 48_000, "less than three seconds of speech"


def service(**options: Any) -> GeminiLiveLLMService:
    """The model, on the Gemini API or on Vertex AI."""
    if "--vertex" not in sys.argv:
        settings = GeminiLiveLLMService.Settings(model=f"models/{MODEL}")
        return GeminiLiveLLMService(api_key="offline", settings=settings, **options)
    vertex = GeminiLiveVertexLLMService.Settings(model=f"google/{MODEL}")
    with service_account() as credentials:
        return GeminiLiveVertexLLMService(
            credentials=credentials, project_id="offline", location="us-central1", settings=vertex, **options
        )


asyncio.run(main())
