"""A host on Pipecat."""

from __future__ import annotations

import asyncio
from typing import Any

from google.genai.types import ActivityHandling, LiveConnectConfig, RealtimeInputConfig
from loguru import logger
from pipecat.adapters.llm.schemas.function_schema import FunctionSchema
from pipecat.adapters.llm.schemas.tools_schema import ToolsSchema
from pipecat.frames.frames import LLMRunFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.services.google.gemini_live.llm import GeminiLiveLLMService
from pipecat.workers.runner import WorkerRunner

from reliability.hosts.functions import BOOK, DEFECT, result_of


def declared(name: str, /, **parameters: str) -> FunctionSchema:
    """A function for the model."""
    properties = {parameter: {"type": kind} for parameter, kind in parameters.items()}
    return FunctionSchema(name=name, description=name, properties=properties, required=list(properties))


async def call(params: Any) -> None:
    """Tell the model what a function gives."""
    await params.result_callback(await result_of(params.function_name, params.arguments))


class Service(GeminiLiveLLMService):  # type: ignore[misc]
    """Pipecat's service, with the mistakes for which it has no setting."""

    async def _connection_task_handler(self, config: LiveConnectConfig) -> None:
        if DEFECT == "talks over the caller":
            config.realtime_input_config = RealtimeInputConfig(activity_handling=ActivityHandling.NO_INTERRUPTION)
        await super()._connection_task_handler(config)

    async def _handle_connection_error(self, error: Exception) -> bool:
        if DEFECT == "gives up":
            await self.push_error("the connection is lost", error)
            return False
        tried: bool = await super()._handle_connection_error(error)
        return tried

    async def _reconnect(self) -> None:
        if DEFECT == "forgets after a cut":
            self._session_resumption_handle = None
        await super()._reconnect()


async def main() -> None:
    logger.remove()
    tools = [declared(BOOK, guests="integer", hour="integer", name="string"), declared("price", dish="string")]
    settings = Service.Settings(model="models/gemini-3.8-live")
    llm = Service(
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
    # Without this, Pipecat takes the first words that are heard for a context to begin with, and asks them again.
    await worker.queue_frame(LLMRunFrame())
    await runner.run()


asyncio.run(main())
