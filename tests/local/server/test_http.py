"""Plain HTTP at the port where WebSockets are served, byte by byte."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import picows
import pytest

from gemini_realtime.local.serve import LiveServer
from gemini_realtime.local.server.exchange import MAX_BODY_BYTES, MAX_HEAD_BYTES
from gemini_realtime.local.server.limits import Limits
from gemini_realtime.local.server.tokens import TOKEN_USED_UP
from tests.local.fakes import FakeHearing, FakeResponder, FakeSpeaking
from tests.local.line import NATIVE_2_5
from tests.local.test_serve import LIVE, TEXT, WAIT_S, dialled, echo, text_of

CONSTRAINED = LIVE + "Constrained"
HANDSHAKE = (
    f"GET {LIVE} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
).encode()


def served(**options: Any) -> LiveServer:
    parts = {"hearing": FakeHearing(), "responder": FakeResponder(echo), "speaking": FakeSpeaking(), "pace": "instant"}
    return LiveServer(**{**parts, **options})


async def asked(server: LiveServer, *pieces: bytes) -> tuple[int, Any]:
    """Send a request in pieces, and read until the server closes; gives status and content, (0, None) for nothing."""
    async with asyncio.timeout(WAIT_S):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        try:
            answer = await reader.read()
        except ConnectionError:
            answer = b""
        writer.close()
    head, _, body = answer.rpartition(b"\r\n\r\n")
    return (int(head.split(b" ")[1]) if head else 0), (json.loads(body) if body else None)


def post(path: str, body: Any = None, **headers: str) -> bytes:
    content = b"" if body is None else json.dumps(body).encode()
    lines = {"Host": "x", "Content-Length": str(len(content)), **headers}
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in lines.items())
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + content


async def token(server: LiveServer, **body: Any) -> str:
    status, content = await asked(server, post("/v1beta/auth_tokens", body))
    assert status == 200
    return str(content["name"])


# --- what is asked for ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/v1beta/auth_tokens", "/v1alpha/auth_tokens", "//v1beta/auth_tokens?key=any"])
async def test_a_token_is_made(path: str) -> None:
    async with served() as server:
        status, content = await asked(server, post(path, {"uses": 3}))
    assert status == 200
    assert content["name"].startswith("auth_tokens/")
    assert content["uses"] == 3


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (post("/v1/auth_tokens", {}), 404),
        (post("/v1beta/auth_tokens", {"no": "such"}), 400),
        (post("/v1beta/auth_tokens", {}, Origin="https://example.org"), 403),
        (b"GET /v1beta/auth_tokens HTTP/1.1\r\nHost: x\r\n\r\n", 405),
        (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 200),
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 200),
        (f"GET {LIVE} HTTP/1.1\r\nHost: x\r\n\r\n".encode(), 400),
        (post(LIVE, {}), 400),
        (HANDSHAKE.replace(b"Version: 13", b"Version: 13\xff"), 400),
        (HANDSHAKE.replace(b"Sec-", b"Sec-WebSocket-Version: 1\xff\r\nSec-", 1), 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nOrigin: https://example.org\r\n\r\n", 403),
        (b"POST / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (HANDSHAKE.replace(b"Host: x\r\n", b""), 400),
        (HANDSHAKE.replace(b"Host: x", b"Host: x\r\nHost: x"), 400),
        (HANDSHAKE.replace(b"Host: x", b"Host: me@x"), 400),
        (b"\x16\x03\x01\x02\x00 hello, TLS?\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nX: " + b"y" * MAX_HEAD_BYTES, 431),
        (post("/v1beta/auth_tokens", "y" * MAX_BODY_BYTES), 413),
    ],
)
async def test_everything_is_answered_in_json(request_: bytes, status: int) -> None:
    async with served() as server:
        answered, content = await asked(server, request_)
    assert answered == status
    assert ("error" in content) == (status != 200)


async def test_the_status_tells_how_many_are_served() -> None:
    async with served() as server, dialled(server, **TEXT):
        assert await asked(server, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n") == (200, {"status": "ready", "sessions": 1})


async def test_head_has_no_body() -> None:
    async with served() as server:
        assert await asked(server, b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n") == (200, None)


async def test_a_body_is_waited_for_when_the_client_asks_first() -> None:
    async with served() as server:
        request = post("/v1beta/auth_tokens", {"uses": 2}, Expect="100-continue")
        head, body = request[:-11], request[-11:]
        status, content = await asked(server, head, body)
    assert (status, content["uses"]) == (100, 2)


@pytest.mark.parametrize("request_", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", post("/v1beta/auth_tokens", {})])
async def test_requests_may_come_byte_by_byte(request_: bytes) -> None:
    async with served() as server:
        status, _ = await asked(server, *(request_[at : at + 1] for at in range(len(request_))))
    assert status == 200


async def test_frames_that_follow_the_handshake_at_once_are_read() -> None:
    """A long first message in one write, so that the handshake and its frame are handed on together."""
    setup = json.dumps({"setup": {"model": NATIVE_2_5, "systemInstruction": {"parts": [{"text": "y" * 50_000}]}}})
    frame = b"\x81\xfe" + len(setup).to_bytes(2, "big") + bytes(4) + setup.encode()
    async with served() as server, asyncio.timeout(WAIT_S):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(HANDSHAKE + frame)
        assert (await reader.readuntil(b"\r\n\r\n")).split()[1] == b"101"
        assert b"setupComplete" in await reader.readuntil(b"}\n}\n")
        writer.close()
        await writer.wait_closed()


async def test_without_h11_other_requests_are_refused_and_sessions_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gemini_realtime.local.server.exchange", None)
    async with served() as server, dialled(server, **TEXT) as client:
        client.types("hi")
        assert text_of(await client.until("turnComplete")) == "You said hi."
        async with asyncio.timeout(WAIT_S):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(post("/v1beta/auth_tokens", {}))
            assert (await reader.readline()).split()[1] == b"400"
            writer.close()


# --- tokens, on the wire --------------------------------------------------------------------------------------------


async def test_a_token_opens_one_session_with_what_it_locks() -> None:
    async with served() as server:
        name = await token(server, bidiGenerateContentSetup=TEXT, fieldMask="model,generationConfig.responseModalities")
        async with dialled(server, f"{CONSTRAINED}?access_token={name}", model="models/x") as client:
            client.types("hi")
            assert text_of(await client.until("turnComplete")) == "You said hi."
        async with dialled(server, f"{CONSTRAINED}?access_token={name}") as client:
            client.send({"setup": TEXT})
            assert await client.frames.get() == (TOKEN_USED_UP.code, TOKEN_USED_UP.reason)


async def test_a_token_ends_the_session_when_it_expires() -> None:
    now = 100.0
    async with served(clock=lambda: now) as server:
        name = await token(server)
        async with dialled(server, f"{CONSTRAINED}?access_token={name}", **TEXT) as client:
            now += 1800.0
            client.types("still there?")
            assert (await client.frames.get())[0] == 1011


@pytest.mark.parametrize("first", [b"{", b"[]", b'{"setup": 1}', b'{"realtimeInput": {"text": "hi"}}'])
async def test_a_first_message_that_is_no_setup_is_refused_as_ever(first: bytes) -> None:
    async with served() as server:
        name = await token(server)
        async with dialled(server, f"{CONSTRAINED}?access_token={name}") as client:
            client.socket.send(picows.WSMsgType.TEXT, first)
            assert (await client.frames.get())[0] == 1007
        async with dialled(server, f"{CONSTRAINED}?access_token={name}", **TEXT):
            pass  # it was not a use


async def test_a_token_that_there_is_not_opens_nothing() -> None:
    async with served() as server, dialled(server, CONSTRAINED + "?access_token=auth_tokens/x") as client:
        code, reason = await client.frames.get()
    assert code == 1008
    assert reason.startswith("Method doesn't allow unregistered callers")


# --- keys and origins, on the wire ----------------------------------------------------------------------------------


async def test_a_wrong_key_closes_the_connection_and_the_right_one_does_not() -> None:
    async with served(api_key="sesame") as server:
        async with dialled(server, LIVE + "?key=wrong") as client:
            client.send({"setup": TEXT})
            assert await client.frames.get() == (1007, "API key not valid. Please pass a valid API key.")
        async with dialled(server, LIVE + "?key=sesame", **TEXT):
            pass
        assert server.llm_config()["config_list"][0]["api_key"] == "sesame"


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        (LIVE, {"Origin": "https://example.org"}, 403),
        ("/ws/google.cloud.aiplatform.v1.LlmBidiService/BidiGenerateContent", {"Authorization": "Bearer no"}, 401),
    ],
)
async def test_a_handshake_is_refused(path: str, headers: dict[str, str], status: int) -> None:
    async with served(api_key="sesame") as server:
        with pytest.raises(picows.WSHandshakeError) as refusal:
            await picows.ws_connect(picows.WSListener, server.url + path, extra_headers=headers)
    assert refusal.value.response is not None
    assert refusal.value.response.status == status


# --- limits ---------------------------------------------------------------------------------------------------------


async def test_one_session_too_many_is_refused() -> None:
    async with served(limits=Limits(sessions=1)) as server:
        async with dialled(server, **TEXT):
            with pytest.raises(picows.WSHandshakeError) as refusal:
                await picows.ws_connect(picows.WSListener, server.url + LIVE)
            assert refusal.value.response is not None
            assert refusal.value.response.status == 429
        async with dialled(server, **TEXT):
            pass


@pytest.mark.parametrize("fin", [True, False])
async def test_a_message_that_is_too_long_ends_the_session(fin: bool) -> None:
    async with served(limits=Limits(message_bytes=2000)) as server, dialled(server, **TEXT) as client:
        client.socket.send(picows.WSMsgType.TEXT, b"x" * (2001 if fin else 1500), fin=fin)
        if not fin:
            client.socket.send(picows.WSMsgType.CONTINUATION, b"x" * 1500)
        assert (await client.frames.get())[0] == 1009


@pytest.mark.parametrize("begun", [b"", b"GE", b"GET / HTTP/1.1\r\n", b"POST / HTTP/1.1\r\n"])
async def test_who_does_not_ask_is_cut_off(begun: bytes) -> None:
    async with served(limits=Limits(handshake_s=0.05)) as server:
        assert await asked(server, begun) == (0, None)


async def test_who_is_silent_is_cut_off() -> None:
    async with served(limits=Limits(idle_s=0.05)) as server, dialled(server, **TEXT) as client:
        assert await client.frames.get() == (1008, "nothing came from the client for 0.05 seconds")


async def test_a_ping_is_answered() -> None:
    async with served() as server, dialled(server, **TEXT) as client, asyncio.timeout(WAIT_S):
        assert len(await client.socket.measure_roundtrip_time(1)) == 1
