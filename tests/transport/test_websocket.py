"""The WebSocket transport against a bare picows server on loopback."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import picows
import pytest

from gemini_realtime.errors import HandshakeError
from gemini_realtime.transport.websocket import dial
from tests.loop import settle

WAIT_S = 10.0


class Server(picows.WSListener):
    """One connection of a service that does as told."""

    def __init__(self) -> None:
        self.transport: picows.WSTransport | None = None
        self.request: picows.WSUpgradeRequest | None = None
        self.connected = asyncio.Event()
        self.received: asyncio.Queue[tuple[picows.WSMsgType, bytes]] = asyncio.Queue()
        self.answer_close = True

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        self.transport = transport
        self.connected.set()

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        self.received.put_nowait((frame.msg_type, frame.get_payload_as_bytes()))
        if frame.msg_type is picows.WSMsgType.CLOSE and self.answer_close:
            transport.send_close(frame.get_close_code())
            transport.disconnect()

    def send(self, data: bytes, kind: picows.WSMsgType = picows.WSMsgType.BINARY, *, fin: bool = True) -> None:
        assert self.transport is not None
        self.transport.send(kind, data, fin)


class Client:
    """A receiver that remembers."""

    def __init__(self) -> None:
        self.frames: asyncio.Queue[bytes] = asyncio.Queue()
        self.lost: asyncio.Queue[tuple[int, str]] = asyncio.Queue()

    def frame_received(self, frame: bytes) -> None:
        self.frames.put_nowait(frame)

    def connection_lost(self, code: int, reason: str) -> None:
        self.lost.put_nowait((code, reason))


@asynccontextmanager
async def serving(answer: Callable[[picows.WSUpgradeRequest], object]) -> AsyncIterator[str]:
    server = await picows.ws_create_server(answer, "127.0.0.1", 0)  # type: ignore[arg-type]
    try:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ws"
    finally:
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[Server, Client, object]]:
    server, client = Server(), Client()

    def answer(request: picows.WSUpgradeRequest) -> Server:
        server.request = request
        return server

    async with asyncio.timeout(WAIT_S), serving(answer) as url:
        transport = await dial(url, {"x-goog-api-key": "secret"}, client)
        await server.connected.wait()
        try:
            yield server, client, transport
        finally:
            await transport.close()


async def test_headers_travel_with_the_upgrade_and_frames_as_text() -> None:
    async with connected() as (server, _, transport):
        assert server.request is not None
        assert server.request.headers["x-goog-api-key"] == "secret"
        transport.send(b'{"setup":{}}')  # type: ignore[attr-defined]
        assert await server.received.get() == (picows.WSMsgType.TEXT, b'{"setup":{}}')


async def test_text_and_binary_frames_arrive_whole_and_stay_valid() -> None:
    async with connected() as (server, client, _):
        server.send(b"one")
        server.send("zwei ü".encode(), picows.WSMsgType.TEXT)
        first, second = await client.frames.get(), await client.frames.get()
        server.send(b"x" * 200_000)
        assert len(await client.frames.get()) == 200_000
        assert (first, second) == (b"one", "zwei ü".encode())


async def test_fragments_are_joined_around_control_frames() -> None:
    async with connected() as (server, client, _):
        server.send(b"a", fin=False)
        server.send(b"", picows.WSMsgType.PING)
        server.send(b"b", picows.WSMsgType.CONTINUATION, fin=False)
        server.send(b"c", picows.WSMsgType.CONTINUATION)
        server.send(b"next")
        assert [await client.frames.get(), await client.frames.get()] == [b"abc", b"next"]


@pytest.mark.parametrize(
    ("code", "reason"), [(1000, ""), (1007, "Request contains an invalid argument."), (1011, "é" * 40)]
)
async def test_the_services_close_code_and_reason_are_told_once(code: int, reason: str) -> None:
    async with connected() as (server, client, _):
        assert server.transport is not None
        server.answer_close = False
        server.transport.send_close(picows.WSCloseCode(code), reason)
        assert await client.lost.get() == (code, reason)
        await settle()
        assert client.lost.empty()


async def test_a_close_without_a_code_is_1005_and_answered_with_one_that_may_be_sent() -> None:
    async with connected() as (server, client, _):
        assert server.transport is not None
        raw = server.transport.underlying_transport
        server.answer_close = False
        raw.write(b"\x88\x00")
        assert await client.lost.get() == (1005, "")
        kind, payload = await server.received.get()
        assert (kind, payload) == (picows.WSMsgType.CLOSE, (1000).to_bytes(2, "big"))


async def test_a_connection_that_breaks_is_1006() -> None:
    async with connected() as (server, client, _):
        assert server.transport is not None
        server.transport.underlying_transport.abort()
        assert await client.lost.get() == (1006, "")


async def test_close_says_1000_and_has_ended_when_it_returns() -> None:
    async with connected() as (server, client, transport):
        await transport.close()  # type: ignore[attr-defined]
        kind, payload = await server.received.get()
        assert (kind, payload[:2]) == (picows.WSMsgType.CLOSE, (1000).to_bytes(2, "big"))
        assert client.lost.qsize() == 1


async def test_while_reading_is_paused_nothing_arrives_and_nothing_is_lost() -> None:
    async with connected() as (server, client, transport):
        transport.pause_reading()  # type: ignore[attr-defined]
        for number in range(50):
            server.send(b"%d" % number)
        await settle()
        assert client.frames.empty()
        transport.resume_reading()  # type: ignore[attr-defined]
        assert [await client.frames.get() for _ in range(50)] == [b"%d" % number for number in range(50)]


async def test_drain_waits_while_the_peer_does_not_read() -> None:
    async with connected() as (server, _, transport):
        assert server.transport is not None
        server.transport.underlying_transport.pause_reading()
        for _ in range(200):
            transport.send(b"x" * 100_000)  # type: ignore[attr-defined]
        draining = asyncio.create_task(transport.drain())  # type: ignore[attr-defined]
        await settle()
        assert not draining.done()
        server.transport.underlying_transport.resume_reading()
        await draining


@pytest.mark.parametrize(("status", "retryable"), [(401, False), (403, False), (404, False), (429, True), (503, True)])
async def test_a_refusal_tells_status_body_and_whether_to_retry(status: int, retryable: bool) -> None:
    def refuse(request: picows.WSUpgradeRequest) -> object:
        response = picows.WSUpgradeResponse.create_error_response(status, b"no, thanks", {"Retry-After": "7"})
        return picows.WSUpgradeResponseWithListener(response, None)

    async with asyncio.timeout(WAIT_S), serving(refuse) as url:
        with pytest.raises(HandshakeError) as caught:
            await dial(url, {"x-goog-api-key": "secret"}, Client())
    error = caught.value
    assert (error.status, error.body, error.retry_after_s, error.retryable) == (status, "no, thanks", 7.0, retryable)
    assert "no, thanks" in str(error)
    assert "secret" not in str(error)


async def test_a_redirect_is_a_refusal_so_that_the_key_stays_with_the_host() -> None:
    def redirect(request: picows.WSUpgradeRequest) -> object:
        response = picows.WSUpgradeResponse.create_redirect_response(302, "ws://127.0.0.1:1/elsewhere")
        return picows.WSUpgradeResponseWithListener(response, None)

    async with asyncio.timeout(WAIT_S), serving(redirect) as url:
        with pytest.raises(HandshakeError, match="302"):
            await dial(url, {}, Client())


async def test_a_host_that_never_answers_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(HandshakeError, match="did not answer") as caught:
            await dial(f"ws://127.0.0.1:{port}/", {}, Client(), timeout_s=0.05)
    assert caught.value.retryable


async def test_a_port_without_a_server_is_an_error_that_names_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(HandshakeError, match=f"127.0.0.1:{port}"):
        await dial(f"ws://127.0.0.1:{port}/?key=secret", {}, Client())
