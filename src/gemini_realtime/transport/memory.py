"""Frames inside one process, without sockets: for tests of anything built on a client.

service = MemoryService()
client = GeminiRealtimeClient(llm_config=..., dial=service.dial)
...
service.sent            every frame the client sent, parsed
service.say({...})      the service says this
service.end(1011, "")   the service ends the connection
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from gemini_realtime.protocol.codec import encode, parse_object
from gemini_realtime.protocol.messages import CloseCode
from gemini_realtime.transport.base import Receiver


class MemoryService:
    """The far end of a `MemoryTransport`, played by a test.

    Attributes:
        url: where the client connected to last.
        headers: what it sent along.
        sent: the frames it sent on the present connection, parsed.
        connections: how often it connected.
        reading: whether the client takes frames right now.
        pongs: whether pings are answered.
        on_frame: called with every frame the client sends; by default setup is confirmed and that is all.
    """

    def __init__(self, on_frame: Callable[[MemoryService, dict[str, Any]], None] | None = None) -> None:
        self.url = ""
        self.headers: dict[str, str] = {}
        self.sent: list[dict[str, Any]] = []
        self.connections = 0
        self.reading = True
        self.pongs = True
        self.on_frame = on_frame or confirm_setup
        self._held: list[bytes] = []
        self._transport: MemoryTransport | None = None

    async def dial(self, url: str, headers: Mapping[str, str], receiver: Receiver) -> MemoryTransport:
        """Connect a client; pass this as its `dial`."""
        self.url, self.headers, self.sent, self.reading = url, dict(headers), [], True
        self._held.clear()  # lost with the connection before
        self.connections += 1
        self._transport = MemoryTransport(self, receiver)
        return self._transport

    def say(self, message: dict[str, Any] | bytes) -> None:
        """Send a frame to the client; held back while the client does not read."""
        frame = message if isinstance(message, bytes) else encode(message)
        if not self.reading:
            self._held.append(frame)
        elif self._transport is not None:
            self._transport.receiver.frame_received(frame)

    def end(self, code: int = CloseCode.NORMAL, reason: str = "") -> None:
        """End the connection with a close code; 1006 stands for a connection that just breaks."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.taking.set()
            transport.receiver.connection_lost(code, reason)

    def _received(self, frame: bytes) -> None:
        message = parse_object(frame)
        self.sent.append(message)
        self.on_frame(self, message)

    def _pinged(self) -> None:
        if self.pongs and self._transport is not None:
            self._transport.receiver.pong_received()

    def _resumed(self) -> None:
        self.reading = True
        while self._held and self.reading:
            self.say(self._held.pop(0))


class MemoryTransport:
    """The client's end; see `Transport` for its methods. While `taking` is cleared, nothing is taken from it."""

    def __init__(self, service: MemoryService, receiver: Receiver) -> None:
        self.receiver = receiver
        self.taking = asyncio.Event()
        self.taking.set()
        self._service = service

    def send(self, frame: bytes) -> None:
        # As over a real network, nothing comes back from inside the call.
        asyncio.get_running_loop().call_soon(self._service._received, frame)

    def ping(self) -> None:
        asyncio.get_running_loop().call_soon(self._service._pinged)

    @property
    def writable(self) -> bool:
        return self.taking.is_set()

    async def drain(self) -> None:
        await self.taking.wait()

    def pause_reading(self) -> None:
        self._service.reading = False

    def resume_reading(self) -> None:
        self._service._resumed()

    async def close(self) -> None:
        self._service.end()


def confirm_setup(service: MemoryService, message: dict[str, Any]) -> None:
    """Answer `setup` with `setupComplete`, and nothing else."""
    if "setup" in message:
        service.say({"setupComplete": {}})
