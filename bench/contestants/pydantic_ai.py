"""pydantic-ai's realtime session, on google-genai."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from pydantic_ai import Agent  # type: ignore[import-not-found,unused-ignore]
from pydantic_ai.messages import (  # type: ignore[import-not-found,unused-ignore]
    PartDeltaEvent,
    SpeechPartDelta,
)
from pydantic_ai.providers.google import GoogleProvider  # type: ignore[import-not-found,unused-ignore]
from pydantic_ai.realtime.google import GoogleRealtimeModel  # type: ignore[import-not-found,unused-ignore]

from bench.contestants import CHUNK, Contestant
from bench.contestants.google_genai import client


class PydanticAi(Contestant):
    """An agent without functions."""

    @asynccontextmanager
    async def connected(self, url: str) -> AsyncIterator[None]:
        model = GoogleRealtimeModel("gemini-3.8-live", provider=GoogleProvider(client=client(url)))
        async with Agent().realtime(model).session() as session:
            self.send_chunk = partial(session.send_audio, CHUNK)
            reader = asyncio.create_task(self._read(session))
            yield
            reader.cancel()

    async def _read(self, session: Any) -> None:
        async for event in session:
            if isinstance(event, PartDeltaEvent) and isinstance(event.delta, SpeechPartDelta):
                audio = event.delta.audio_chunk
                if audio and self.hear is not None:
                    self.hear(audio)
