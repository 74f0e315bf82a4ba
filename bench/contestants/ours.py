"""This package, with audio as bytes and as base64 text."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from bench.contestants import CHUNK, Contestant
from gemini_realtime import AudioDelta, GeminiRealtimeClient, RealtimeEvent, SessionCreated


class Bytes(Contestant):
    """The application works with PCM."""

    chunk: bytes | str = CHUNK
    echoes = True

    @asynccontextmanager
    async def connected(self, url: str) -> AsyncIterator[None]:
        entry = {"model": "gemini-3.8-live", "api_key": "none", "base_url": url}
        client = GeminiRealtimeClient(llm_config={"config_list": [entry]})
        self.send_chunk = partial(client.send_audio, self.chunk)
        self.send_text = lambda text: client.send_text(role="user", text=text)
        ready = asyncio.Event()
        async with client.connect():
            reader = asyncio.create_task(self._read(client, ready))
            await ready.wait()
            yield
        await reader

    async def _read(self, client: GeminiRealtimeClient, ready: asyncio.Event) -> None:
        async for event in client.read_events(echoes=self.echoes):
            if isinstance(event, AudioDelta):
                audio = self.take(event)
                if self.meter is not None:
                    self.meter.tick()
                elif self.hear is not None:
                    self.hear(audio)
                elif self.awake is not None:
                    await self.awake.wait()
            elif isinstance(event, SessionCreated):
                ready.set()

    @staticmethod
    def take(event: AudioDelta) -> bytes | str:
        """Get hold of the audio."""
        return event.audio


class Base64(Bytes):
    """The application works with base64 text, as a browser or a telephone line delivers it."""

    chunk = base64.b64encode(CHUNK).decode()

    @staticmethod
    def take(event: AudioDelta) -> bytes | str:
        return event.delta


class NoEchoes(Bytes):
    """The application does not want to hear what it has sent."""

    echoes = False


class Dispatch(NoEchoes):
    """A plain function is called with each event."""

    async def _read(self, client: GeminiRealtimeClient, ready: asyncio.Event) -> None:
        def handle(event: RealtimeEvent) -> None:
            if isinstance(event, AudioDelta):
                if self.hear is not None:
                    self.hear(event.audio)
            elif isinstance(event, SessionCreated):
                ready.set()

        await client.dispatch_events(handle, echoes=False)
