"""No client at all: what the kernel, the event loop and the WebSocket take from everybody."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import picows

from bench.contestants import CHUNK, Contestant

SETUP = b'{"setup":{"model":"models/gemini-3.8-live"}}'
FRAME = b'{"realtimeInput":{"audio":{"mimeType":"audio/pcm;rate=16000","data":"%s"}}}' % base64.b64encode(CHUNK)


class Floor(Contestant):
    """Frames come and go, nobody looks into them."""

    @asynccontextmanager
    async def connected(self, url: str) -> AsyncIterator[None]:
        self._listener = _Listener(self)
        self._transport, _ = await picows.ws_connect(lambda: self._listener, url)
        self._transport.send(picows.WSMsgType.TEXT, SETUP)
        await self._listener.ready.wait()
        yield
        self._transport.disconnect()
        await self._transport.wait_disconnected()

    async def send_chunk(self) -> None:
        self._transport.send(picows.WSMsgType.TEXT, FRAME)
        await self._listener.writable.wait()


class Sleep(Floor):
    """Sends nothing: what the sleeping between two chunks costs."""

    async def send_chunk(self) -> None:
        pass


class _Listener(picows.WSListener):
    def __init__(self, contestant: Contestant) -> None:
        self.ready = asyncio.Event()
        self.writable = asyncio.Event()
        self.writable.set()
        self._contestant = contestant

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        if self._contestant.meter is not None:
            frame.get_payload_as_bytes()
            self._contestant.meter.tick()
        else:
            self.ready.set()

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()
