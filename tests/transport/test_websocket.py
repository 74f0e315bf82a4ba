"""The WebSocket transport against a bare picows server on loopback."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gc
import hashlib
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import picows
import pytest

from gemini_realtime.errors import HandshakeError, Secret
from gemini_realtime.transport import websocket
from gemini_realtime.transport.websocket import MAX_UNSENT_BYTES, WebSocketTransport, dial
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
        self.taking = True

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        self.transport = transport
        self.connected.set()

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        self.received.put_nowait((frame.msg_type, frame.get_payload_as_bytes()))
        if frame.msg_type is picows.WSMsgType.CLOSE and self.answer_close:
            transport.send_close(frame.get_close_code())
            transport.disconnect()

    def pause_writing(self) -> None:
        self.taking = False

    def stop_reading(self) -> None:
        assert self.transport is not None
        self.transport.underlying_transport.pause_reading()

    def read_again(self) -> None:
        assert self.transport is not None
        self.transport.underlying_transport.resume_reading()

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

    def pong_received(self) -> None:
        pass


@asynccontextmanager
async def serving(
    answer: Callable[[picows.WSUpgradeRequest], object], *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[str]:
    server = await picows.ws_create_server(answer, "127.0.0.1", 0, ssl=tls)  # type: ignore[arg-type]
    try:
        yield f"{'wss' if tls else 'ws'}://127.0.0.1:{server.sockets[0].getsockname()[1]}/ws"
    finally:
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[Server, Client, WebSocketTransport]]:
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
            assert server.transport is not None
            server.transport.disconnect(graceful=False)
            await settle()


async def test_headers_travel_with_the_upgrade_and_frames_as_text() -> None:
    async with connected() as (server, _, transport):
        assert server.request is not None
        assert server.request.headers["x-goog-api-key"] == "secret"
        transport.send(b'{"setup":{}}')
        assert await server.received.get() == (picows.WSMsgType.TEXT, b'{"setup":{}}')


async def test_what_was_sent_with_the_upgrade_is_not_kept() -> None:
    async with connected() as (_, _, transport):
        assert transport._socket is not None
        assert not transport._socket.request.headers
        assert not transport._socket.response.headers


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
        await transport.close()
        kind, payload = await server.received.get()
        assert (kind, payload[:2]) == (picows.WSMsgType.CLOSE, (1000).to_bytes(2, "big"))
        assert client.lost.qsize() == 1


async def test_while_reading_is_paused_nothing_arrives_and_nothing_is_lost() -> None:
    async with connected() as (server, client, transport):
        transport.pause_reading()
        for number in range(50):
            server.send(b"%d" % number)
        await settle()
        assert client.frames.empty()
        transport.resume_reading()
        assert [await client.frames.get() for _ in range(50)] == [b"%d" % number for number in range(50)]


async def test_drain_waits_while_the_peer_does_not_read() -> None:
    async with connected() as (server, _, transport):
        server.stop_reading()
        for _ in range(200):
            transport.send(b"x" * 100_000)
        draining = asyncio.create_task(transport.drain())
        await settle()
        assert not draining.done()
        server.read_again()
        await draining


SPEECH = b"x" * 937
"""The frame of 20 ms of 16 kHz speech."""


async def fill(transport: WebSocketTransport) -> int:
    """Send speech until the network takes no more, not even later; returns how many frames."""
    sent = 0
    while True:
        while transport.writable:
            transport.send(SPEECH)
            sent += 1
        try:
            async with asyncio.timeout(0.1):
                await transport.drain()
        except TimeoutError:
            return sent


@pytest.mark.skipif(not hasattr(socket, "TCP_NOTSENT_LOWAT"), reason="this system cannot be told to keep little")
async def test_a_network_that_takes_nothing_says_so_before_five_seconds_of_speech_are_lost_in_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(websocket, "CLOSE_TIMEOUT_S", 0.01)
    async with connected() as (server, _, transport):
        server.stop_reading()
        assert server.transport is not None
        # What the peer's kernel takes has arrived, and is not what is measured here.
        peer = server.transport.underlying_transport.get_extra_info("socket")
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        assert await fill(transport) * 0.020 < 5


async def test_what_the_network_does_not_take_is_bounded_and_arrives_whole() -> None:
    async with connected() as (server, _, transport):
        server.stop_reading()
        sent = await fill(transport)
        assert transport._socket is not None
        assert transport._socket.underlying_transport.get_write_buffer_size() <= MAX_UNSENT_BYTES + 2 * len(SPEECH)
        server.read_again()
        await transport.drain()
        assert transport.writable
        for _ in range(sent):
            assert (await server.received.get())[1] == SPEECH


async def test_a_peer_that_floods_is_held_up_while_reading_is_paused_and_nothing_is_lost() -> None:
    async with connected() as (server, client, transport):
        transport.pause_reading()
        sent = 0
        while server.taking:
            server.send(b"x" * 100_000)
            sent += 1
            await asyncio.sleep(0)
        await settle()
        assert client.frames.empty()
        transport.resume_reading()
        assert [len(await client.frames.get()) for _ in range(sent)] == [100_000] * sent


async def test_answers_to_pings_do_not_pile_up_and_the_last_is_answered_when_they_are_taken() -> None:
    async with connected() as (server, _, transport):
        server.stop_reading()
        speech = await fill(transport)
        assert transport._socket is not None
        unsent_bytes = transport._socket.underlying_transport.get_write_buffer_size
        before = unsent_bytes()
        for number in range(1000):
            server.send(b"%d" % number, picows.WSMsgType.PING)
        server.send(b"over")
        await settle()
        assert unsent_bytes() == before
        server.read_again()
        for _ in range(speech):
            await server.received.get()
        assert await server.received.get() == (picows.WSMsgType.PONG, b"999")


async def test_a_message_of_endless_fragments_ends_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "MAX_FRAME_BYTES", 1000)
    async with connected() as (server, client, _):
        server.send(b"x" * 600, fin=False)
        server.send(b"x" * 600, picows.WSMsgType.CONTINUATION, fin=False)
        kind, payload = await server.received.get()
        assert (kind, payload[:2]) == (picows.WSMsgType.CLOSE, (1009).to_bytes(2, "big"))
        assert (await client.lost.get())[0] == 1006
        assert client.frames.empty()


@pytest.mark.parametrize(
    "violation",
    [b"\x83\x00", b"\x82\x7f" + b"\xff" * 8, b"\x88\x02\x03\xed", b"\x88\x04\x03\xe8\xff\xff", b"\x09\x00"],
    ids=["unknown kind", "endless frame", "forbidden code", "reason that is no text", "fragmented ping"],
)
async def test_a_peer_that_breaks_the_protocol_breaks_the_connection_and_nothing_else(violation: bytes) -> None:
    complaints: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    async with connected() as (server, client, _):
        assert server.transport is not None
        server.transport.underlying_transport.write(violation)
        assert await client.lost.get() == (1006, "")
    gc.collect()
    await settle()
    assert not complaints


async def test_a_peer_that_closes_and_reads_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "CLOSE_TIMEOUT_S", 0.01)
    async with connected() as (server, client, transport):
        server.stop_reading()
        await fill(transport)
        assert server.transport is not None
        server.transport.send_close(picows.WSCloseCode.GOING_AWAY, "restart")
        assert await client.lost.get() == (1001, "restart")


async def test_closing_a_connection_that_is_stalled_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "CLOSE_TIMEOUT_S", 0.01)
    async with connected() as (server, client, transport):
        server.stop_reading()
        await fill(transport)
        draining = asyncio.create_task(transport.drain())
        await transport.close()
        assert client.lost.qsize() == 1
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


async def test_what_follows_an_upgrade_that_failed_is_not_shown() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
        writer.write(b"Sec-WebSocket-Accept: nonsense\r\n\r\n\x82\x05voice")
        writer.close()

    async with asyncio.timeout(WAIT_S), await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        with pytest.raises(HandshakeError, match="as it should") as caught:
            await dial(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/", {}, Client())
    assert "voice" not in f"{caught.value} {caught.value.body}"
    assert caught.value.retryable


async def test_what_comes_with_the_answer_to_the_upgrade_is_received_once_the_dial_is_over() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        key = (await reader.readuntil(b"\r\n\r\n")).partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0]
        accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
        writer.write(b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n\x82\x05first\x82\x06second\x88\x02\x03\xe9")
        await reader.read(-1)
        writer.close()

    client = Client()
    async with asyncio.timeout(WAIT_S), await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        await dial(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/", {}, client)
        assert client.frames.empty()
        assert [await client.frames.get(), await client.frames.get()] == [b"first", b"second"]
        assert await client.lost.get() == (1001, "")


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("7", 7.0), (" 7 ", 7.0), ("Sun, 06 Nov 1994 08:49:37 GMT", 0.0), ("9" * 5000, 999_999_999.0), ("²", None),
     ("-1", None), ("1.5", None), ("soon", None), ("", None), ("Sun, 06 Nov 99999 08:49:37 GMT", None)],
)  # fmt: skip
async def test_what_retry_after_says_is_seconds_a_date_or_nothing(said: str, seconds: float | None) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nRetry-After: " + said.encode() + b"\r\n\r\n")
        writer.close()

    async with asyncio.timeout(WAIT_S), await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        with pytest.raises(HandshakeError) as caught:
            await dial(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/", {}, Client())
    assert (caught.value.status, caught.value.retry_after_s) == (503, seconds)


@pytest.mark.parametrize("url", ["ws://host:99999/", "ws://host:port/", "ws://[::1/", "http://host/", "ws:///path"])
async def test_what_is_no_address_is_an_error_that_will_not_pass(url: str) -> None:
    with pytest.raises(HandshakeError, match="not a WebSocket address") as caught:
        await dial(url, {}, Client())
    assert not caught.value.retryable


async def test_a_refusal_carries_nothing_along_that_may_hold_a_secret() -> None:
    def refuse(request: picows.WSUpgradeRequest) -> object:
        response = picows.WSUpgradeResponse.create_error_response(403, b"api_key:AIza-CANARY is suspended")
        return picows.WSUpgradeResponseWithListener(response, None)

    key = Secret("AIza-CANARY")
    async with asyncio.timeout(WAIT_S), serving(refuse) as url:
        with pytest.raises(HandshakeError, match="is suspended") as caught:
            await dial(url, {"x-goog-api-key": key}, Client())
    assert caught.value.__cause__ is caught.value.__context__ is None
    assert key not in f"{caught.value} {vars(caught.value)}"


async def test_a_peer_that_hangs_up_during_the_handshake_is_no_connection() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async with asyncio.timeout(WAIT_S), await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        with pytest.raises(HandshakeError) as caught:
            await dial(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/", {}, Client())
    assert caught.value.retryable


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


async def test_a_connection_that_was_given_up_is_closed_also_where_nobody_answers() -> None:
    left = asyncio.Event()

    async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)
        left.set()
        writer.close()

    async with asyncio.timeout(WAIT_S), await asyncio.start_server(silence, "127.0.0.1", 0) as server:
        with pytest.raises(HandshakeError, match="did not answer"):
            await dial(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/", {}, Client(), timeout_s=0.05)
        await left.wait()


async def test_a_dial_that_is_cancelled_ends_its_connection_at_once() -> None:
    asked, left = asyncio.Event(), asyncio.Event()

    async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await reader.read(-1)
        left.set()
        writer.close()

    async with asyncio.timeout(WAIT_S), await asyncio.start_server(silence, "127.0.0.1", 0) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        dialling = asyncio.create_task(dial(url, {}, Client(), timeout_s=600))
        await asked.wait()
        dialling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await dialling
        await left.wait()


@pytest.mark.parametrize("cancelled", [False, True], ids=["given up", "cancelled"])
async def test_an_answer_that_comes_too_late_is_nobodys(cancelled: bool) -> None:
    asked, late, left = asyncio.Event(), asyncio.Event(), asyncio.Event()
    client = Client()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await late.wait()
        key = request.partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0]
        accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
        writer.write(b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n\x82\x05voice")
        with contextlib.suppress(ConnectionError):
            await reader.read(-1)
        left.set()
        writer.close()

    async with asyncio.timeout(WAIT_S), await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        dialling = asyncio.create_task(dial(url, {}, client, timeout_s=WAIT_S if cancelled else 0.1))
        await asked.wait()
        if cancelled:
            dialling.cancel()
        with pytest.raises(asyncio.CancelledError if cancelled else HandshakeError):
            await dialling
        late.set()
        await left.wait()
    assert client.frames.empty()
    assert client.lost.empty()


async def test_a_port_without_a_server_is_an_error_that_names_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(HandshakeError, match=f"127.0.0.1:{port}"):
        await dial(f"ws://127.0.0.1:{port}/?key=secret", {}, Client())
