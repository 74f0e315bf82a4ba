"""AG2 1.2's live agent, on google-genai."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ag2.context import ConversationContext  # type: ignore[import-not-found,unused-ignore]
from ag2.events import (  # type: ignore[import-not-found,unused-ignore]
    RecordedAudioEvent,
    SynthesizedAudioEvent,
)
from ag2.live import GeminiRealTimeConfig, LiveAgent  # type: ignore[import-not-found,unused-ignore]

from bench.contestants import CHUNK, Contestant
from bench.contestants.google_genai import client


class Ag2Live(Contestant):
    """An agent without functions. Its stream has every event, audio too, in its history."""

    @asynccontextmanager
    async def connected(self, url: str) -> AsyncIterator[None]:
        agent = LiveAgent("host", config=GeminiRealTimeConfig("gemini-3.8-live", client=client(url)))
        async with agent.run() as context:
            self._context: ConversationContext = context
            with context.stream.where(SynthesizedAudioEvent).sub_scope(self._heard):
                yield

    async def send_chunk(self) -> None:
        await self._context.send(RecordedAudioEvent(CHUNK))

    async def _heard(self, event: SynthesizedAudioEvent) -> None:
        if self.hear is not None:
            self.hear(event.content)
