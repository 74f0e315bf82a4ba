"""google-genai, Google's SDK. It dials `wss` only, so two of its private members are replaced for plain `ws`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from google import genai
from google.genai import types

from bench.contestants import CHUNK, Contestant


class GoogleGenai(Contestant):
    """Audio is bytes on both ways. One client for all sessions, as its documentation has it."""

    def __init__(self) -> None:
        self._client: Any = genai.Client(api_key="none")
        self._client._api_client._websocket_ssl_ctx = {}

    @asynccontextmanager
    async def connected(self, url: str) -> AsyncIterator[None]:
        self._client._api_client._websocket_base_url = lambda http_options=None: url
        config = {"response_modalities": ["AUDIO"]}
        async with self._client.aio.live.connect(model="gemini-3.8-live", config=config) as session:
            self._session = session
            reader = asyncio.create_task(self._read(session))
            yield
        await asyncio.wait([reader])

    async def send_chunk(self) -> None:
        await self._session.send_realtime_input(audio=types.Blob(data=CHUNK, mime_type="audio/pcm;rate=16000"))

    async def send_text(self, text: str) -> None:
        await self._session.send_realtime_input(text=text)

    async def _read(self, session: Any) -> None:
        async for message in session.receive():
            content = message.server_content
            if content and content.model_turn:
                for part in content.model_turn.parts:
                    part.inline_data.data  # noqa: B018
                if self.meter is not None:
                    self.meter.tick()
                elif self.awake is not None:
                    await self.awake.wait()
