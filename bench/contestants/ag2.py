"""AG2 0.9.10, whose realtime client this package keeps the interface of. Audio is base64 text on both ways."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from autogen.agentchat.realtime.experimental.clients.gemini.client import (  # type: ignore[import-not-found,unused-ignore]
    GeminiRealtimeClient,
)
from autogen.agentchat.realtime.experimental.realtime_events import (  # type: ignore[import-not-found,unused-ignore]
    AudioDelta,
    SessionCreated,
)

from bench.contestants import CHUNK, Contestant


class Ag2(Contestant):
    """It neither sets up nor sends while no one is in `read_events`."""

    @asynccontextmanager
    async def connected(self, url: str) -> AsyncIterator[None]:
        entry = {"model": "gemini-3.8-live", "api_key": "none", "base_url": url}
        client = GeminiRealtimeClient(llm_config={"config_list": [entry]})
        self.send_chunk = partial(client.send_audio, base64.b64encode(CHUNK).decode())
        self.send_text = lambda text: client.send_text(role="user", text=text)
        ready = asyncio.Event()
        async with client.connect():
            reader = asyncio.create_task(self._read(client, ready))
            await ready.wait()
            yield
        await asyncio.wait([reader])

    async def _read(self, client: Any, ready: asyncio.Event) -> None:
        async for event in client.read_events():
            if isinstance(event, AudioDelta):
                delta = event.delta
                if self.meter is not None:
                    self.meter.tick()
                elif self.hear is not None:
                    self.hear(delta)
                elif self.awake is not None:
                    await self.awake.wait()
            elif isinstance(event, SessionCreated):
                ready.set()
