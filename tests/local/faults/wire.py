"""A client that reads bytes, with and without TLS, and a server on which faults happen."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from gemini_realtime.local.faults import Fault
from gemini_realtime.local.responders.replay import Replay
from gemini_realtime.local.serve import LiveServer
from gemini_realtime.local.session.conversation import Pace
from gemini_realtime.local.thinking import Item, Request, Say
from tests.local.fakes import FakeHearing, FakeResponder, FakeSpeaking
from tests.local.line import HALF_CASCADE, NATIVE_2_5

WAIT_S = 20.0
LIVE = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10

IN_TEXT: dict[str, Any] = {"model": HALF_CASCADE, "generationConfig": {"responseModalities": ["TEXT"]}}
IN_SPEECH: dict[str, Any] = {
    "model": NATIVE_2_5,
    "generationConfig": {"thinkingConfig": {"includeThoughts": False}},
    "outputAudioTranscription": {},
}

Answer = Callable[[Request], Iterable[Item]]


class Tls(NamedTuple):
    """What a server shows, and what a client needs to believe it."""

    server: ssl.SSLContext
    client: ssl.SSLContext


class Frame(NamedTuple):
    """A WebSocket frame: RFC 6455 5.2."""

    head: int
    payload: bytes

    @property
    def opcode(self) -> int:
        return self.head & 0x0F

    @property
    def final(self) -> bool:
        return bool(self.head & 0x80)

    @property
    def message(self) -> Any:
        return json.loads(self.payload)

    @property
    def content(self) -> Any:
        content = self.message.get("serverContent", {}) if self.opcode == BINARY else {}
        return content if isinstance(content, dict) else {}

    @property
    def kind(self) -> str:
        if self.opcode == BINARY:
            return "+".join(self.content or self.message)
        return {CLOSE: "close", PONG: "pong"}.get(self.opcode, f"opcode {self.opcode}")

    @property
    def closes_with(self) -> tuple[int, str]:
        assert self.opcode == CLOSE
        return int.from_bytes(self.payload[:2], "big"), self.payload[2:].decode()


class Wire:
    """The client's end of a connection, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def shake_hands(self, port: int) -> bytes:
        """The answer to the handshake, without a body; empty when there is none."""
        self.writer.write(
            f"GET {LIVE} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
        )
        try:
            return await self.reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return b""

    def send(self, *messages: Any) -> None:
        """Send messages in one piece: a dict as text, bytes as a ping."""
        self.writer.write(
            b"".join(
                masked(PING, message) if isinstance(message, bytes) else masked(TEXT, json.dumps(message).encode())
                for message in messages
            )
        )

    def types(self, text: str) -> None:
        self.send({"realtimeInput": {"text": text}})

    async def next(self) -> Frame | None:
        """The next frame; None when the connection has ended."""
        try:
            head, size = await self.reader.readexactly(2)
            if size >= 126:
                size = int.from_bytes(await self.reader.readexactly(2 if size == 126 else 8), "big")
            return Frame(head, await self.reader.readexactly(size))
        except (asyncio.IncompleteReadError, ConnectionError):
            return None

    async def until(self, kind: str) -> list[Frame]:
        """The frames up to the first of this kind."""
        frames = []
        while frame := await self.next():
            frames.append(frame)
            if kind in frame.kind.split("+"):
                return frames
        raise AssertionError(f"it ended before {kind}")

    async def rest(self) -> list[Frame]:
        """All frames up to the end of the connection."""
        frames = []
        while frame := await self.next():
            frames.append(frame)
        return frames


def masked(opcode: int, payload: bytes) -> bytes:
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else bytes([0xFE]) + size.to_bytes(2, "big")
    return bytes([0x80 | opcode]) + length + bytes(4) + payload


def echo(request: Request) -> Iterable[Item]:
    yield Say(f"You said {request.heard}.")


class Served:
    """A server on which these faults happen."""

    def __init__(
        self,
        *faults: Fault | str,
        seed: int = 0,
        answer: Answer = echo,
        pace: Pace = "instant",
        clock: Callable[[], float] = time.monotonic,
        recording: Replay | None = None,
        tls: Tls | None = None,
    ) -> None:
        self.responder = FakeResponder(answer)
        self.tls = tls
        self.server = LiveServer(
            hearing=FakeHearing(),
            responder=recording or self.responder,
            speaking=FakeSpeaking(),
            pace=pace,
            faults=faults,
            seed=seed,
            clock=clock,
            tls=tls.server if tls else False,
        )

    async def __aenter__(self) -> Served:
        await self.server.__aenter__()
        return self

    async def __aexit__(self, *failure: Any) -> None:
        await self.server.__aexit__(*failure)

    @property
    def port(self) -> int:
        """Where clients connect."""
        return int(self.server.tls_url.rpartition(":")[2]) if self.tls else self.server.port

    async def reach(self) -> Wire:
        """A connection without a handshake."""
        context = self.tls.client if self.tls else None
        return Wire(*await asyncio.open_connection("127.0.0.1", self.port, limit=2**26, ssl=context))

    @asynccontextmanager
    async def knock(self) -> AsyncIterator[tuple[Wire, bytes]]:
        """A connection, and the answer to its handshake."""
        wire = await self.reach()
        async with asyncio.timeout(WAIT_S):
            try:
                yield wire, await wire.shake_hands(self.port)
            finally:
                wire.writer.transport.abort()

    @asynccontextmanager
    async def dialled(self, **setup: Any) -> AsyncIterator[Wire]:
        """A connection, on which the setup was sent if there is one."""
        async with self.knock() as (wire, answer):
            assert answer.startswith(b"HTTP/1.1 101 ")
            if setup:
                wire.send({"setup": setup})
            yield wire

    async def is_healthy(self) -> None:
        """Hold a conversation on a new connection."""
        async with self.dialled(**IN_TEXT) as wire:
            wire.types("hello")
            assert said(await wire.until("turnComplete")) == "You said hello."


def kinds(frames: list[Frame]) -> list[str]:
    return [frame.kind for frame in frames]


def parts(frames: list[Frame]) -> list[Any]:
    return [part for frame in frames for part in frame.content.get("modelTurn", {}).get("parts", [])]


def said(frames: list[Frame]) -> str:
    return "".join(part.get("text", "") for part in parts(frames))


def transcript(frames: list[Frame]) -> str:
    return "".join(frame.content.get("outputTranscription", {}).get("text", "") for frame in frames)


def sound(frames: list[Frame]) -> bytes:
    return b"".join(base64.b64decode(part["inlineData"]["data"]) for part in parts(frames) if "inlineData" in part)
