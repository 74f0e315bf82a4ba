"""LiveKit's plugin, on google-genai, without a room."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

from livekit import rtc  # type: ignore[import-not-found,unused-ignore]
from livekit.plugins.google.realtime import RealtimeModel  # type: ignore[import-not-found,unused-ignore]

from bench.contestants import CHUNK, Contestant
from bench.contestants.google_genai import redirect, until


class LiveKit(Contestant):
    """It gathers what the microphone says in chunks of 50 ms, so that it sends 20 a second where others send 50."""

    @asynccontextmanager
    async def connected(self, url: str) -> AsyncIterator[None]:
        session = _model().session()
        redirect(session._client, url)  # before the task that dials has run
        self._session = session
        self._generations: set[asyncio.Task[None]] = set()
        session.on("generation_created", self._generation_created)
        await until(lambda: session._active_session)
        yield
        await session.aclose()

    async def send_chunk(self) -> None:
        self._session.push_audio(rtc.AudioFrame(CHUNK, 16_000, 1, len(CHUNK) // 2))

    def _generation_created(self, event: Any) -> None:
        generation = asyncio.create_task(self._take(event))
        self._generations.add(generation)
        generation.add_done_callback(self._generations.discard)

    async def _take(self, event: Any) -> None:
        async for message in event.message_stream:
            await asyncio.gather(self._text(message), self._sound(message))

    async def _text(self, message: Any) -> None:
        async for _ in message.text_stream:
            pass

    async def _sound(self, message: Any) -> None:
        async for frame in message.audio_stream:
            if self.hear is not None:
                self.hear(bytes(frame.data))


@cache
def _model() -> Any:
    return RealtimeModel(model="gemini-3.8-live", api_key="none")
