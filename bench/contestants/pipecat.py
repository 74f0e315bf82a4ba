"""Pipecat's service, on google-genai, in a pipeline without a transport."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from loguru import logger
from pipecat.frames.frames import (  # type: ignore[import-not-found,unused-ignore]
    InputAudioRawFrame,
    LLMContextFrame,
    TTSAudioRawFrame,
)
from pipecat.pipeline.pipeline import Pipeline  # type: ignore[import-not-found,unused-ignore]
from pipecat.pipeline.worker import (  # type: ignore[import-not-found,unused-ignore]
    PipelineParams,
    PipelineWorker,
)
from pipecat.processors.aggregators.llm_context import LLMContext  # type: ignore[import-not-found,unused-ignore]
from pipecat.processors.frame_processor import FrameProcessor  # type: ignore[import-not-found,unused-ignore]
from pipecat.services.google.gemini_live.llm import (  # type: ignore[import-not-found,unused-ignore]
    GeminiLiveLLMService,
)
from pipecat.workers.runner import WorkerRunner  # type: ignore[import-not-found,unused-ignore]

from bench.contestants import CHUNK, Contestant
from bench.contestants.google_genai import redirect, until

RATES = PipelineParams(audio_in_sample_rate=16_000, audio_out_sample_rate=24_000)

logger.remove()


class Pipecat(Contestant):
    """The shortest pipeline: the service, and behind it who hears."""

    @asynccontextmanager
    async def connected(self, url: str) -> AsyncIterator[None]:
        service = GeminiLiveLLMService(
            api_key="none", settings=GeminiLiveLLMService.Settings(model="models/gemini-3.8-live")
        )
        redirect(service._client, url)
        self._worker = PipelineWorker(Pipeline([service, _Ear(self)]), params=RATES)
        runner = WorkerRunner(handle_sigint=False)
        await runner.add_workers(self._worker)
        running = asyncio.create_task(runner.run())
        await self._worker.queue_frame(LLMContextFrame(LLMContext()))
        await until(lambda: service._ready_for_realtime_input)
        yield
        await self._worker.cancel()
        await asyncio.wait([running])

    async def send_chunk(self) -> None:
        await self._worker.queue_frame(InputAudioRawFrame(audio=CHUNK, sample_rate=16_000, num_channels=1))


class _Ear(FrameProcessor):  # type: ignore[misc,unused-ignore]
    def __init__(self, contestant: Contestant) -> None:
        super().__init__()
        self._contestant = contestant

    async def process_frame(self, frame: Any, direction: Any) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, TTSAudioRawFrame) and self._contestant.hear is not None:
            self._contestant.hear(frame.audio)
        await self.push_frame(frame, direction)
