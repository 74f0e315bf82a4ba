"""No client, or next to none: what the kernel, the event loop and the WebSocket take from everybody."""

from __future__ import annotations

import asyncio
import base64
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import picows
import pybase64

from bench.contestants import CHUNK, Contestant

SETUP = b'{"setup":{"model":"models/gemini-3.8-live"}}'
AUDIO_FRAME = b'{"realtimeInput":{"audio":{"mimeType":"audio/pcm;rate=16000","data":"%s"}}}'
FRAME = AUDIO_FRAME % base64.b64encode(CHUNK)
AUDIO = b'"data": "'


class Floor(Contestant):
    """Frames come and go, nobody looks into them."""

    @asynccontextmanager
    async def connected(self, url: str) -> AsyncIterator[None]:
        self._listener = self.listener()
        self._transport, _ = await picows.ws_connect(lambda: self._listener, url)
        self._transport.send(picows.WSMsgType.TEXT, SETUP)
        await self._listener.ready.wait()
        yield
        self._transport.disconnect()
        await self._transport.wait_disconnected()

    def listener(self) -> _Listener:
        """What takes the frames."""
        return _Listener(self)

    async def send_chunk(self) -> None:
        self._transport.send(picows.WSMsgType.TEXT, FRAME)
        await self._listener.writable.wait()


class Sleep(Floor):
    """Sends nothing: what the sleeping between two chunks costs."""

    async def send_chunk(self) -> None:
        pass


class Generator(Contestant):
    """No connection at all: what it takes to have something to say every 20 ms."""

    @asynccontextmanager
    async def connected(self, url: str) -> AsyncIterator[None]:
        yield

    async def send_chunk(self) -> None:
        pass


class Least(Floor):
    """As little as a client can do: base64 both ways. It trusts every message and remembers nothing."""

    def listener(self) -> _Listener:
        return _Decoder(self)

    async def send_chunk(self) -> None:
        self._transport.send(picows.WSMsgType.TEXT, AUDIO_FRAME % pybase64.b64encode(CHUNK))


class Asyncio(Contestant):
    """The same on the sockets of asyncio, with as much of RFC 6455 as that takes."""

    @asynccontextmanager
    async def connected(self, url: str) -> AsyncIterator[None]:
        target = urlsplit(url)
        ready = asyncio.Event()
        transport, _ = await asyncio.get_running_loop().create_connection(
            lambda: _Protocol(self, ready),
            target.hostname or "",
            target.port or 0,
            ssl=ssl.create_default_context() if target.scheme == "wss" else None,
        )
        key = base64.b64encode(bytes(16)).decode()
        transport.write(
            f"GET {target.path} HTTP/1.1\r\nHost: {target.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        await ready.wait()  # for the upgrade
        ready.clear()
        transport.write(_masked(SETUP))
        await ready.wait()
        self._transport = transport
        yield
        transport.write(b"\x88\x82" + bytes(4) + b"\x03\xe8")
        transport.close()

    async def send_chunk(self) -> None:
        self._transport.write(_masked(FRAME))


def _masked(payload: bytes) -> bytes:
    """A text frame; a mask of zeros leaves the payload as it is, which costs nothing."""
    size = len(payload)
    header = struct.pack("!BB", 0x81, 0x80 | size) if size < 126 else struct.pack("!BBH", 0x81, 0x80 | 126, size)
    return header + bytes(4) + payload


class _Protocol(asyncio.Protocol):
    def __init__(self, contestant: Contestant, ready: asyncio.Event) -> None:
        self._contestant, self._ready = contestant, ready
        self._unread = b""
        self._upgraded = False

    def data_received(self, data: bytes) -> None:
        data = self._unread + data
        if not self._upgraded:
            _, end, data = data.partition(b"\r\n\r\n")
            self._upgraded = bool(end)
            self._ready.set()
        while len(data) > 1:
            size, start = data[1], 2
            if size == 126:
                size, start = int.from_bytes(data[2:4]), 4
            if len(data) < start + size:
                break
            self._frame(data[start : start + size])
            data = data[start + size :]
        self._unread = data

    def _frame(self, payload: bytes) -> None:
        self._ready.set()
        if self._contestant.hear is not None and (at := payload.find(AUDIO, 0, 200)) > 0:
            self._contestant.hear(payload[at + len(AUDIO) : at + len(AUDIO) + 12])


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
        elif self._contestant.hear is not None:
            payload = frame.get_payload_as_bytes()
            if (at := payload.find(AUDIO, 0, 200)) > 0:
                self._contestant.hear(payload[at + len(AUDIO) : at + len(AUDIO) + 12])
        else:
            self.ready.set()

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()


class _Decoder(_Listener):
    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        payload = frame.get_payload_as_bytes()
        if (at := payload.find(AUDIO, 0, 200)) < 0:
            self.ready.set()
            return
        begin = at + len(AUDIO)
        audio = pybase64.b64decode(payload[begin : payload.index(b'"', begin)])
        if self._contestant.meter is not None:
            self._contestant.meter.tick()
        elif self._contestant.hear is not None:
            self._contestant.hear(audio)
