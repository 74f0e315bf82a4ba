"""google-genai, Google's SDK. For plain `ws`, which it does not dial, two private members are replaced."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

from google import genai
from google.genai import types

from bench.contestants import CHUNK, Contestant

POLLED_S, CONNECTED_S = 0.005, 30.0


class GoogleGenai(Contestant):
    """Audio is bytes on both ways. One client for all sessions, as its documentation has it."""

    @asynccontextmanager
    async def connected(self, url: str) -> AsyncIterator[None]:
        config = {"response_modalities": ["AUDIO"]}
        async with client(url).aio.live.connect(model="gemini-3.8-live", config=config) as session:
            self._session = session
            reader = asyncio.create_task(self._read(session))
            yield
        await asyncio.wait([reader])

    async def send_chunk(self) -> None:
        await self._session.send_realtime_input(audio=types.Blob(data=CHUNK, mime_type="audio/pcm;rate=16000"))

    async def send_text(self, text: str) -> None:
        await self._session.send_realtime_input(text=text)

    async def _read(self, session: Any) -> None:
        while True:
            async for message in session.receive():  # until the end of a turn
                content = message.server_content
                if content and content.model_turn:
                    audio = b"".join([part.inline_data.data for part in content.model_turn.parts])
                    if self.meter is not None:
                        self.meter.tick()
                    elif self.hear is not None:
                        self.hear(audio)
                    elif self.awake is not None:
                        await self.awake.wait()


@cache
def client(url: str) -> Any:
    """One for all sessions at this place."""
    made = genai.Client(api_key="none")
    redirect(made, url)
    return made


def redirect(made: Any, url: str) -> None:
    """Let a client dial this place instead of Google's."""
    made._api_client._websocket_base_url = lambda http_options=None: url
    # What it makes for itself trusts certifi's list alone.
    secure = {"ssl": ssl.create_default_context()} if url.startswith("wss:") else {}
    made._api_client._websocket_ssl_ctx = secure


async def until(ready: Callable[[], object]) -> None:
    """Wait for something that is built on it and does not say when it is connected, or that it is not."""
    async with asyncio.timeout(CONNECTED_S):
        while not ready():  # noqa: ASYNC110
            await asyncio.sleep(POLLED_S)
