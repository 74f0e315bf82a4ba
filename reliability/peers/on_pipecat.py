"""The agent on Pipecat."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from pipecat.adapters.llm.schemas.function_schema import FunctionSchema
from pipecat.adapters.llm.schemas.tools_schema import ToolsSchema
from pipecat.frames.frames import InputTextRawFrame, LLMRunFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.services.google.gemini_live.llm import GeminiLiveLLMService
from pipecat.workers.runner import WorkerRunner

from reliability.peers.till import INSTRUCTIONS, SCENE, ask_for_everything, pay_for

PAY = FunctionSchema(
    name="pay", description="Pay for an item.", properties={"item": {"type": "string"}}, required=["item"]
)


async def pay(params: Any) -> None:
    await params.result_callback({"result": await pay_for(params.arguments["item"])})


async def main() -> None:
    llm = GeminiLiveLLMService(
        api_key="offline",
        settings=GeminiLiveLLMService.Settings(model="models/gemini-3.8-live"),
        system_instruction=INSTRUCTIONS,
        tools=ToolsSchema(standard_tools=[PAY]),
    )
    llm.register_function("pay", pay, timeout_secs=5.0 if SCENE == "timeout" else None)
    context = LLMContext([{"role": "user", "content": "Hello."}])
    pair = LLMContextAggregatorPair(context)
    params = PipelineParams(audio_in_sample_rate=16000, audio_out_sample_rate=24000)
    worker = PipelineWorker(Pipeline([pair.user(), llm, pair.assistant()]), params=params)
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    running = asyncio.create_task(runner.run())
    await worker.queue_frame(LLMRunFrame())
    await asyncio.sleep(3)
    await ask_for_everything(lambda words: worker.queue_frame(InputTextRawFrame(text=words)))
    running.cancel()
    os._exit(0)  # its runner does not end by that


asyncio.run(main())
