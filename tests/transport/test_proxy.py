"""Which proxy a connection goes through, and that it does."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_realtime.errors import ConfigError, HandshakeError, Secret
from gemini_realtime.transport.proxy import DIRECT, proxy_of_environment, read_proxy
from gemini_realtime.transport.websocket import dial
from tests.transport.test_websocket import WAIT_S, Client, Server, serving

VARIABLES = [name for word in ("HTTP", "HTTPS", "ALL", "NO", "WS", "WSS", "SOCKS")
             for name in (f"{word}_PROXY", f"{word.lower()}_proxy")]  # fmt: skip


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """No proxies but those that a test names."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


# --- what is configured


@pytest.mark.parametrize("value", [None, True, ""])
def test_the_environment_is_the_default(value: Any) -> None:
    assert read_proxy(value) is None


def test_false_is_no_proxy_whatever_the_environment_says() -> None:
    assert read_proxy(False) == DIRECT


@pytest.mark.parametrize(
    "url",
    [
        "http://proxy:3128",
        "https://proxy",
        "socks4://proxy:1080",
        "socks5://user:pass@proxy:1080/",
        "http://[::1]:3128",
    ],
)
def test_the_url_of_a_proxy_is_kept_as_a_secret(url: str) -> None:
    assert read_proxy(url) == url
    assert type(read_proxy(url)) is Secret


def test_socks5h_is_socks5_since_names_are_the_proxys_business_anyway() -> None:
    assert read_proxy("socks5h://proxy:1080") == "socks5://proxy:1080"


@pytest.mark.parametrize(
    "url",
    [
        "user:CANARY@127.0.0.1:3128",
        "//user:CANARY@127.0.0.1:3128",
        "htp://user:CANARY@127.0.0.1:1",
        "http://user:CANARY@127.0.0.1:99999",
        "http://user:CANARY@127.0.0.1:0",
        "http://user:CANARY@",
        "http:///user:CANARY@127.0.0.1:3128",
        "http://user:CANARY",
        "http://user:CANARY@[::1",
        "http://user:CANARY@proxy:3128?x=1",
        "http://user:CANARÝ@proxy:3128 ",
        "http://user:CANARY@proxy\r\nX: y",
    ],
)
def test_what_is_no_proxy_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ConfigError, match="`proxy`") as raised:
        read_proxy(url)
    assert "CANAR" not in "".join(traceback.format_exception(raised.value))
    assert raised.value.__context__ is None
    assert "http://user:password@" in raised.value.remedy


@given(st.one_of(st.text(), st.integers(), st.binary(), st.lists(st.text()), st.floats()))
def test_whatever_is_passed_is_a_proxy_or_a_config_error(value: Any) -> None:
    with suppress(ConfigError):
        assert read_proxy(value) in (None, DIRECT, value)


# --- what the environment says


@pytest.mark.parametrize(
    ("variables", "url", "proxy"),
    [
        ({}, "wss://host/", None),
        ({"HTTPS_PROXY": "http://a:1"}, "wss://host/", "http://a:1"),
        ({"https_proxy": "http://a:1", "HTTPS_PROXY": "http://b:1"}, "wss://host/", "http://a:1"),
        ({"HTTP_PROXY": "http://a:1"}, "wss://host/", None),
        ({"HTTP_PROXY": "http://a:1"}, "ws://host/", "http://a:1"),
        ({"HTTP_PROXY": "http://a:1", "HTTPS_PROXY": "http://b:1"}, "ws://host/", "http://b:1"),
        ({"ALL_PROXY": "socks5h://a:1"}, "wss://host/", "socks5://a:1"),
        ({"ALL_PROXY": "http://a:1", "HTTPS_PROXY": "http://b:1"}, "wss://host/", "http://b:1"),
        ({"HTTPS_PROXY": "a.example:1"}, "wss://host/", "http://a.example:1"),
        ({"HTTPS_PROXY": ""}, "wss://host/", None),
        ({"HTTPS_PROXY": "http://a:1", "NO_PROXY": "host"}, "wss://host/", None),
        ({"HTTPS_PROXY": "http://a:1", "NO_PROXY": ".example"}, "wss://live.example:8443/", None),
        ({"HTTPS_PROXY": "http://a:1", "NO_PROXY": "*"}, "wss://host/", None),
        ({"HTTPS_PROXY": "http://a:1", "NO_PROXY": "other"}, "wss://host/", "http://a:1"),
    ],
)
def test_the_environment_is_read_as_other_clients_read_it(
    environment: pytest.MonkeyPatch, variables: dict[str, str], url: str, proxy: str | None
) -> None:
    for name, value in variables.items():
        environment.setenv(name, value)
    assert proxy_of_environment(url) == proxy


def test_a_variable_that_names_no_proxy_is_an_error_that_names_the_variable(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("HTTPS_PROXY", "htp://user:CANARY@proxy")
    with pytest.raises(ConfigError, match="HTTPS_PROXY") as raised:
        proxy_of_environment("wss://host/")
    assert "CANARY" not in "".join(traceback.format_exception(raised.value))


# --- the connection


@asynccontextmanager
async def proxy(answer: bytes = b"HTTP/1.1 200 OK\r\n\r\n") -> AsyncIterator[tuple[str, list[bytes]]]:
    """An HTTP proxy; yields its address and what it was asked for."""
    asked: list[bytes] = []
    pipes: set[asyncio.Task[None]] = set()

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer)
        if b" 200 " not in answer:
            writer.close()
            return
        host, _, port = asked[-1].split()[1].decode().rpartition(":")
        there, back = await asyncio.open_connection(host, int(port))
        for task in (asyncio.create_task(pipe(reader, back)), asyncio.create_task(pipe(there, writer))):
            pipes.add(task)

    async with asyncio.timeout(WAIT_S), await asyncio.start_server(handle, "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}", asked
        for task in pipes:
            task.cancel()
        await asyncio.gather(*pipes, return_exceptions=True)


@pytest.mark.parametrize("how", ["given", "environment", "direct"])
async def test_a_connection_goes_where_it_is_told(environment: pytest.MonkeyPatch, how: str) -> None:
    server = Server()
    async with proxy() as (address, asked), serving(lambda request: server) as url:
        if how != "given":
            environment.setenv("ALL_PROXY", f"http://{address}")
        given = {"given": f"http://user:p%40ss@{address}", "environment": None, "direct": DIRECT}[how]
        transport = await dial(url, {}, Client(), proxy=given)
        transport.send(b"{}")
        assert (await server.received.get())[1] == b"{}"
        await transport.close()
        assert len(asked) == (how != "direct")
        if how == "given":
            assert b"Proxy-Authorization: Basic dXNlcjpwQHNz\r\n" in asked[0]


@pytest.mark.parametrize("answer", [b"HTTP/1.1 407 No", b"HTTP/1.1 502 user:CANARYPASSWORD", b"nonsense"])
async def test_what_a_proxy_refuses_is_an_error_without_its_password(answer: bytes) -> None:
    async with proxy(answer + b"\r\n\r\n") as (address, _):
        through = f"http://user:CANARYPASSWORD@{address}"
        with pytest.raises(HandshakeError, match="through the proxy") as raised:
            await dial("ws://127.0.0.1:1/", {}, Client(), proxy=through)
    assert raised.value.retryable is (b"407" not in answer)
    assert "CANARYPASSWORD" not in "".join(traceback.format_exception(raised.value))
    assert raised.value.__cause__ is raised.value.__context__ is None


@pytest.mark.parametrize("scheme", ["http", "socks5", "socks4"])
async def test_a_dial_through_a_proxy_that_is_cancelled_ends_at_once(scheme: str) -> None:
    asked, left = asyncio.Event(), asyncio.Event()

    async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read(-1)
        left.set()
        writer.close()

    async with asyncio.timeout(WAIT_S), await asyncio.start_server(silence, "127.0.0.1", 0) as server:
        through = f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        dialling = asyncio.create_task(dial("ws://127.0.0.1:1/", {}, Client(), proxy=through, timeout_s=600))
        await asked.wait()
        dialling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await dialling
        await left.wait()
