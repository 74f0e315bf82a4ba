"""The sockets of the server: what listens at a port, and who answers there."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import ssl
from collections.abc import Callable
from functools import partial
from typing import Any

import picows
from picows.picows import WSProtocol  # type: ignore[attr-defined]  # picows exports it no other way

from gemini_realtime.errors import ConfigError, ListenError, MissingDependencyError
from gemini_realtime.local.server.http import Doorway
from gemini_realtime.local.server.limits import Limits
from gemini_realtime.local.server.request_handler import RequestHandler

_log = logging.getLogger(__name__)
# picows writes whole handshakes, keys included, to its log at level 9.
_picows_log = logging.getLogger("gemini_realtime.local.picows")
_picows_log.setLevel(logging.WARNING)


class Listener:
    """One port; picows serves what is a WebSocket there, and h11 what is not.

    Args:
        handler: answers.
        limits: of the server.
        context: for TLS; None without.
    """

    def __init__(self, handler: RequestHandler, limits: Limits, context: ssl.SSLContext | None = None) -> None:
        self._handler = handler
        self._limits = limits
        self._context = context
        self._undecided: set[asyncio.BaseTransport] = set()
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """The port it listens on."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self, host: str, port: int) -> None:
        """Listen.

        Raises:
            ListenError: the port is in use, or not for this user.
            ConfigError: the address is not of this machine.
        """
        limit_s = self._limits.handshake_s
        websocket = partial(_websocket, self._handler, self._limits)
        doorway = partial(Doorway, websocket, _plain(self._handler, limit_s), self._undecided, limit_s)
        options: dict[str, Any] = {"ssl_handshake_timeout": limit_s} if self._context else {}
        try:
            self._server = await _create_server(doorway, host=host, port=port, ssl=self._context, **options)
        except OSError as error:
            raise _cannot_listen(error, host, port) from error

    def stop(self) -> None:
        """Listen no more, and let go who has not said yet what they want."""
        if self._server is not None:
            self._server.close()
        for transport in tuple(self._undecided):
            transport.abort() if isinstance(transport, asyncio.Transport) else transport.close()


def _cannot_listen(error: OSError, host: str, port: int) -> ConfigError | ListenError:
    if error.errno == errno.EADDRINUSE:
        remedy = "stop the program that listens there, or take another port; 0 is any that is free"
        return ListenError(f"port {port} of {host} is in use", remedy=remedy)
    if error.errno == errno.EACCES:
        return ListenError(f"this user may not listen at port {port}", remedy="take one above 1023, or 0 for any")
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        problem = f"{host!r} is no address of this machine: {error.strerror}"
        return ConfigError(problem, remedy="127.0.0.1 is one that always works")
    return ListenError(f"cannot listen at port {port} of {host}: {error.strerror}", remedy="take another port")


async def _create_server(*arguments: Any, **options: Any) -> asyncio.Server:
    """As the loop does it; by aiofastnet where picows has brought it along, which is faster."""
    loop = asyncio.get_running_loop()
    try:
        import aiofastnet
    except ImportError:
        return await loop.create_server(*arguments, **options)
    return await aiofastnet.create_server(loop, *arguments, **options)


def _websocket(handler: RequestHandler, limits: Limits) -> asyncio.BufferedProtocol:
    """What `picows.ws_create_server` makes for a connection."""
    protocol: asyncio.BufferedProtocol = WSProtocol(
        host_port=None,
        ws_path=None,
        is_client_side=False,
        ws_listener_factory=handler.accept,
        logger=_picows_log,
        disconnect_on_exception=True,
        websocket_handshake_timeout=limits.handshake_s,
        enable_auto_ping=False,
        auto_ping_idle_timeout=0,
        auto_ping_reply_timeout=0,
        auto_ping_strategy=picows.WSAutoPingStrategy.PING_WHEN_IDLE,
        enable_auto_pong=False,
        max_frame_size=limits.message_bytes,
        extra_headers=None,
        read_buffer_init_size=16 * 1024,
    )
    return protocol


def _plain(handler: RequestHandler, time_limit_s: float) -> Callable[[], asyncio.Protocol] | None:
    """What makes the protocol for plain HTTP; None where h11 is not installed, and picows refuses all but GET."""
    try:
        from gemini_realtime.local.server.exchange import Exchange
    except ModuleNotFoundError:
        _log.info("%s", MissingDependencyError("making ephemeral tokens", "local"))
        return None
    return partial(Exchange, handler.answer, time_limit_s)
