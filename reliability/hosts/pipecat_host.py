"""A host on Pipecat."""

from __future__ import annotations

import asyncio
from typing import Any

from loguru import logger
from pipecat.adapters.llm.schemas.function_schema import FunctionSchema
from pipecat.adapters.llm.schemas.tools_schema import ToolsSchema
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.services.google.gemini_live.llm import GeminiLiveLLMService
from pipecat.workers.runner import WorkerRunner

from reliability.hosts.functions import BOOK, result_of


def declared(name: str, /, **parameters: str) -> FunctionSchema:
    """A function for the model."""
    properties = {parameter: {"type": kind} for parameter, kind in parameters.items()}
    return FunctionSchema(name=name, description=name, properties=properties, required=list(properties))


async def call(params: Any) -> None:
    """Tell the model what a function gives."""
    await params.result_callback(await result_of(params.function_name, params.arguments))


async def main() -> None:
    logger.remove()
    tools = [declared(BOOK, guests="integer", hour="integer", name="string"), declared("price", dish="string")]
    settings = GeminiLiveLLMService.Settings(model="models/gemini-3.8-live")
    llm = GeminiLiveLLMService(
        api_key="offline",
        settings=settings,
        system_instruction="You take bookings.",
        tools=ToolsSchema(standard_tools=tools),
    )
    for tool in tools:
        llm.register_function(tool.name, call)
    pair = LLMContextAggregatorPair(LLMContext([]))
    params = PipelineParams(audio_in_sample_rate=16000, audio_out_sample_rate=24000)
    worker = PipelineWorker(Pipeline([pair.user(), llm, pair.assistant()]), params=params)
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    await runner.run()


asyncio.run(main())
