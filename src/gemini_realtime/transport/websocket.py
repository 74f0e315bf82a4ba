"""Frames over a WebSocket: TLS, proxies and the HTTP upgrade are picows' business.

picows hands out a view of its own read buffer, valid inside the callback only, so every payload is copied exactly
once, here. It neither joins fragments nor answers a close frame, its answers to pings pile up when nobody takes them,
and a dial that is given up it holds open until its own timeout; all four are done here too.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import socket
import ssl as tls
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import picows
from python_socks import ProxyError

from gemini_realtime.errors import ConfigError, GeminiRealtimeError, HandshakeError
from gemini_realtime.protocol.messages import CloseCode
from gemini_realtime.transport.base import Receiver
from gemini_realtime.transport.proxy import password_of, proxy_of_environment
from gemini_realtime.transport.tls import client_context

SWITCHING_PROTOCOLS = 101
"""RFC 9110 15.2.2: the answer to an upgrade that is granted."""

PROXY_AUTHENTICATION_REQUIRED = 407
"""RFC 9110 15.5.8; picows tells of it in words only."""

MAX_FRAME_BYTES = 64 * 1024 * 1024
"""Bound on one message. Audio comes in frames of some 16 kB; grounding and avatar video are larger."""

READ_BUFFER_BYTES = 2 * 1024
"""With what the read buffer begins; it grows with the frames that come, and many sessions are silent for long."""

MAX_UNSENT_BYTES = 32 * 1024
"""What is kept here of what the network does not take, before `writable` says so: 0.7 s of 16 kHz speech."""

MAX_UNSENT_IN_KERNEL_BYTES = 16 * 1024
"""What the kernel keeps beyond what is on its way: 0.35 s more. By itself it has been seen to take 4 MB on Linux, a
minute and a half of speech that arrives long after it was said. What is on its way is not limited by this, and so
throughput is not either, as long as the event loop comes round to fill up: on loopback it stays the same."""

CLOSE_TIMEOUT_S = 2.0
"""How long `close` waits for the peer to answer; it has nothing more to say that anyone would hear."""

MAX_RETRY_AFTER_DIGITS = 9
"""Thirty years; Python refuses to read numbers of thousands of digits."""

# Looking a member up in its enum costs more than comparing it.
_BINARY, _TEXT, _CONTINUATION = picows.WSMsgType.BINARY, picows.WSMsgType.TEXT, picows.WSMsgType.CONTINUATION
_CLOSE, _PING, _PONG = picows.WSMsgType.CLOSE, picows.WSMsgType.PING, picows.WSMsgType.PONG

# picows writes whole handshakes, key header included, to its log at level 9.
_picows_log = logging.getLogger("gemini_realtime.picows")
_picows_log.setLevel(logging.WARNING)


async def dial(
    url: str,
    headers: Mapping[str, str],
    receiver: Receiver,
    *,
    ssl: tls.SSLContext | None = None,
    proxy: str | None = None,
    timeout_s: float = 15.0,
) -> WebSocketTransport:
    """Open a WebSocket.

    Args:
        url: `ws://` or `wss://`.
        headers: sent with the upgrade request.
        receiver: gets the frames, the first of them after this has returned.
        ssl: for `wss`; the system's certificate store by default.
        proxy: URL of a proxy, `DIRECT` for none, None for that of the environment; see `transport.proxy`.
        timeout_s: for everything from name resolution to the answered upgrade.

    Raises:
        HandshakeError: no connection could be made. It has no cause: what picows raises quotes URLs and bodies.
        ConfigError: the environment names a proxy that is none.
    """
    early, line = _Early(), _Line()
    listener = WebSocketTransport(early)
    try:
        refused = await _connect(listener, line, url, headers, ssl, proxy, timeout_s)
        if refused is not None:
            raise refused
    except BaseException:
        listener.abandon()
        line.give_up()
        raise
    asyncio.get_running_loop().call_soon(listener.deliver_to, receiver, early)
    return listener


async def _connect(
    listener: WebSocketTransport,
    line: _Line,
    url: str,
    headers: Mapping[str, str],
    ssl: tls.SSLContext | None,
    proxy: str | None,
    timeout_s: float,
) -> GeminiRealtimeError | None:
    """Connect, and say why not. That is returned: an error that is raised here would carry that of picows along."""
    try:
        proxy = proxy_of_environment(url) if proxy is None else proxy
        password = password_of(proxy or "")  # kept for as long as an error may quote it
        async with asyncio.timeout(timeout_s):
            await picows.ws_connect(
                lambda: listener,
                url,
                ssl_context=client_context(ssl) if url.lower().startswith("wss:") else None,
                proxy=proxy or None,
                proxy_ssl_context=client_context() if (proxy or "").lower().startswith("https:") else None,
                extra_headers=dict(headers),
                # A redirect would carry the key to another host.
                max_redirects=0,
                websocket_handshake_timeout=timeout_s,
                enable_auto_pong=False,
                max_frame_size=MAX_FRAME_BYTES,
                read_buffer_init_size=READ_BUFFER_BYTES,
                logger_name=_picows_log,
                socket_factory=line.connect,
            )
        del password
    except ConfigError as error:
        return error
    except (OSError, picows.WSError, ProxyError, ValueError) as error:
        return _handshake_error(error, url, timeout_s, proxy)
    if listener.connected:
        return None
    # picows says nothing of a peer that hangs up in place of an answer.
    return HandshakeError(f"{_host(url)} hung up during the handshake", remedy="try again later")


class _Line:
    """The socket of a connection that is being made, to be ended by whoever gives it up."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None

    async def connect(self, target: picows.WSParsedURL) -> socket.socket:
        """A socket that is connected: to the first address of the host, or of the proxy, that answers."""
        loop = asyncio.get_running_loop()
        failure: OSError | None = None
        for family, kind, protocol, _, address in await _addresses(target.host, target.port):
            candidate = socket.socket(family, kind, protocol)
            try:
                candidate.setblocking(False)
                await loop.sock_connect(candidate, address)
            except OSError as error:
                candidate.close()
                failure = error
            except BaseException:
                candidate.close()
                raise
            else:
                self._socket = candidate
                return candidate
        raise failure or OSError(f"{target.host} has no address")

    def give_up(self) -> None:
        """End the connection now. What picows is about to do with it, it does with one that has ended."""
        if self._socket is not None:
            with suppress(OSError):  # it has ended already
                self._socket.shutdown(socket.SHUT_RDWR)


async def _addresses(host: str, port: int) -> list[Any]:
    """As `getaddrinfo` has them; what is an address already needs no thread to be looked up in."""
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        return await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)


class _Early:
    """Keeps what comes with the answer to the upgrade, before anybody has the transport."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.lost: tuple[int, str] | None = None

    def frame_received(self, frame: bytes) -> None:
        self.frames.append(frame)

    def connection_lost(self, code: int, reason: str) -> None:
        self.lost = code, reason

    def pong_received(self) -> None:
        pass


class WebSocketTransport(picows.WSListener):
    """One WebSocket connection; see `Transport` for its methods."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._socket: picows.WSTransport | None = None
        self._fragments: bytearray | None = None
        self._owed_pong: bytes | None = None
        self.writable = True
        self._drained: asyncio.Event | None = None  # while the network is stalled
        self._lost = False
        self._closed: asyncio.Event | None = None  # while somebody waits for it
        self._ending: asyncio.Task[None] | None = None
        self._abandoned = False

    @property
    def connected(self) -> bool:
        """Whether it has ever been open."""
        return self._socket is not None

    def send(self, frame: bytes) -> None:
        # The service expects text frames; it answers in binary ones.
        if self._socket is not None:
            self._socket.send(_TEXT, frame)

    def ping(self) -> None:
        if self._socket is not None:
            self._socket.send_ping()

    async def drain(self) -> None:
        if self._drained is not None:
            await self._drained.wait()

    def pause_reading(self) -> None:
        if self._socket is not None and not self._lost:
            self._socket.underlying_transport.pause_reading()

    def resume_reading(self) -> None:
        if self._socket is not None and not self._lost:
            self._socket.underlying_transport.resume_reading()

    async def close(self) -> None:
        if self._socket is None or self._lost:
            return
        self._closed = self._closed or asyncio.Event()
        self._socket.send_close(picows.WSCloseCode.OK)
        self.resume_reading()  # the peer's answer must get through
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._closed.wait()
        except TimeoutError:
            pass
        finally:
            # Also when cancelled: no socket outlives its `close`.
            self._socket.disconnect(graceful=False)
        await self._closed.wait()

    def abandon(self) -> None:
        """Nobody waits for the connection any more: should it still come to be, it ends at once."""
        self._abandoned = True
        self._receiver = _Nobody()
        if self._socket is not None:
            self._socket.disconnect(graceful=False)

    def deliver_to(self, receiver: Receiver, early: _Early) -> None:
        """Hand over what came already, and from now on what comes."""
        if self._abandoned:
            return
        self._receiver = receiver
        for frame in early.frames:
            receiver.frame_received(frame)
        if early.lost is not None:
            receiver.connection_lost(*early.lost)

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        self._socket = transport
        if self._abandoned:
            transport.disconnect(graceful=False)
        else:
            _keep_little(transport)
            # The method itself costs as much as a tenth of what it sends, fifty times a second.
            self.send = functools.partial(transport.send, _TEXT)  # type: ignore[method-assign]

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        kind = frame.msg_type
        if kind is _BINARY or kind is _TEXT or kind is _CONTINUATION:
            payload = frame.get_payload_as_bytes()
            if not frame.fin or self._fragments is not None:
                joined = self._joined(payload, last=frame.fin)
                if joined is None:
                    return
                payload = joined
            self._receiver.frame_received(payload)
        elif kind is _PONG:
            self._receiver.pong_received()
        elif kind is _PING:
            self._owed_pong = frame.get_payload_as_bytes()
            self._answer_ping()
        elif kind is _CLOSE:
            # An empty close has no code, and the 0 that picows gives for it may not be sent: RFC 6455 7.4.
            transport.send_close(frame.get_close_code() if frame.payload_size else picows.WSCloseCode.OK)
            transport.disconnect()
            # A peer that reads nothing any more would hold up what is still to be sent, and with it the end.
            asyncio.get_running_loop().call_later(CLOSE_TIMEOUT_S, transport.disconnect, False)

    def _joined(self, fragment: bytes, *, last: bool) -> bytes | None:
        """The message that ends with this fragment; None when it goes on, or becomes too long."""
        fragments = self._fragments = bytearray() if self._fragments is None else self._fragments
        if len(fragments) + len(fragment) > MAX_FRAME_BYTES:
            self._give_up(picows.WSCloseCode.MESSAGE_TOO_BIG)
            return None
        fragments += fragment
        if not last:
            return None
        self._fragments = None
        return bytes(fragments)

    def _give_up(self, code: picows.WSCloseCode) -> None:
        """End the connection for what the peer did; it is not waited for."""
        if self._socket is not None:
            self._socket.send_close(code)
            self._socket.disconnect(graceful=False)

    def _answer_ping(self) -> None:
        """Answer the last ping; those before it need no answer of their own: RFC 6455 5.5.3."""
        if self._socket is not None and self.writable and self._owed_pong is not None:
            owed, self._owed_pong = self._owed_pong, None
            self._socket.send_pong(owed)

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        received = transport.close_handshake.recv if transport.close_handshake and not _gave_up(transport) else None
        self._lost = True
        if self._closed is not None:
            self._closed.set()
        self._owed_pong = None
        self._ending = asyncio.get_running_loop().create_task(_ended(transport))
        self.resume_writing()
        if received is None:
            self._receiver.connection_lost(CloseCode.NONE, "")
        else:
            code: Any = received.code  # an enum for the codes picows knows, a plain number for others
            self._receiver.connection_lost(int(code) or CloseCode.WITHOUT_CODE, received.reason or "")

    def pause_writing(self) -> None:
        self.writable = False
        self._drained = self._drained or asyncio.Event()

    def resume_writing(self) -> None:
        self.writable = True
        if self._drained is not None:
            self._drained.set()
            self._drained = None
        self._answer_ping()


class _Nobody:
    """Who receives what comes over a connection that was given up."""

    def frame_received(self, frame: bytes) -> None:
        pass

    def connection_lost(self, code: int, reason: str) -> None:
        pass

    def pong_received(self) -> None:
        pass


def _gave_up(transport: picows.WSTransport) -> bool:
    """Whether this side gave the peer up: then a close of the peer only repeats the code of ours."""
    handshake = transport.close_handshake
    if handshake is None or handshake.recv_then_sent or handshake.sent is None:
        return False
    return bool(handshake.sent.code != picows.WSCloseCode.OK)


async def _ended(transport: picows.WSTransport) -> None:
    """Take note of what picows raises when the peer broke the protocol: it ended the connection, and said so."""
    with suppress(Exception):
        await transport.wait_disconnected()


def _keep_little(transport: picows.WSTransport) -> None:
    """Let the network say soon that it is stalled, and forget the handshake: the key is in it, and 2 kB."""
    for handshake in (transport.request, transport.response):
        handshake.headers.clear()
    beneath = transport.underlying_transport
    beneath.set_write_buffer_limits(high=MAX_UNSENT_BYTES)
    connected, option = beneath.get_extra_info("socket"), getattr(socket, "TCP_NOTSENT_LOWAT", None)
    if connected is not None and option is not None:
        with suppress(OSError):  # not TCP
            connected.setsockopt(socket.IPPROTO_TCP, option, MAX_UNSENT_IN_KERNEL_BYTES)


def _host(url: str) -> str:
    """Host and port, which hold no secret."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2]
    except ValueError:
        return ""


def _handshake_error(error: Exception, url: str, timeout_s: float, proxy: str | None) -> HandshakeError:
    """Say in the terms of the user what went wrong; `url` is reduced to its host, which holds no secret."""
    host = _host(url)
    via = " through the proxy" if proxy else ""
    if isinstance(error, picows.WSHandshakeError):
        return _refusal(error, host)
    if isinstance(error, TimeoutError):
        return HandshakeError(
            f"{host} did not answer{via} within {timeout_s:g} s",
            remedy="check the network, or raise `connect_timeout_s`",
        )
    if isinstance(error, tls.SSLCertVerificationError):
        return HandshakeError(
            f"the certificate of {host} is not trusted: {error.verify_message}",
            remedy="pass an `ssl` context that trusts it, or set SSL_CERT_FILE",
            retryable=False,
        )
    if isinstance(error, picows.WSInvalidURL | ValueError):
        return HandshakeError(
            f"{host or 'the URL'} is not a WebSocket address", remedy="check `base_url`", retryable=False
        )
    if isinstance(error, ProxyError) and str(PROXY_AUTHENTICATION_REQUIRED) in str(error):
        return HandshakeError(
            f"cannot reach {host}{via}: it refuses without credentials, or these ones",
            status=PROXY_AUTHENTICATION_REQUIRED,
            remedy=_REFUSALS[PROXY_AUTHENTICATION_REQUIRED],
        )
    return HandshakeError(
        f"cannot reach {host}{via}: {type(error).__name__}: {error}",
        remedy="check the network, `base_url` and the proxy",
    )


def _refusal(error: picows.WSHandshakeError, host: str) -> HandshakeError:
    status = int(error.response.status) if error.response is not None else None
    body = (error.raw_body or b"").decode("utf-8", "replace").strip()[:500]
    said = f": {body}" if body else ""
    if status == SWITCHING_PROTOCOLS:  # what follows it is no body, and may be anybody's voice
        return HandshakeError(f"{host} does not agree to speak WebSocket as it should: {error.args[0]}")
    if status is None:
        return HandshakeError(f"{host} does not speak WebSocket: {error.args[0]}", body=body, retryable=False)
    retry_after_s = _retry_after_s(error.response.headers.get("Retry-After")) if error.response else None
    return HandshakeError(
        f"{host} refused the connection with HTTP {status}{said}",
        status=status,
        body=body,
        retry_after_s=retry_after_s,
        remedy=_REFUSALS.get(status, ""),
    )


def _retry_after_s(value: str | None) -> float | None:
    """RFC 9110 10.2.3: seconds, or a date; None for anything else."""
    from email.utils import parsedate_to_datetime

    value = (value or "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:MAX_RETRY_AFTER_DIGITS])
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None


_REFUSALS = {
    400: "check the model name, the key and the API version",
    401: "check the API key or token",
    403: "check that the key is valid and allowed to use the Live API",
    404: "check `base_url` and `api_version`",
    PROXY_AUTHENTICATION_REQUIRED: "the proxy wants credentials: put them into its URL",
    429: "too many sessions or requests: wait, then try again",
    503: "the service is overloaded: try again later",
}
