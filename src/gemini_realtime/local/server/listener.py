"""The sockets of the server: what listens at a port, and who answers there."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import ssl
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

import picows
from picows.picows import WSProtocol  # type: ignore[attr-defined]  # picows exports it no other way

from gemini_realtime.errors import ConfigError, ListenError, MissingDependencyError
from gemini_realtime.local.server.connection import Connection
from gemini_realtime.local.server.http import MOST_AT_ONCE_BYTES, Doorway
from gemini_realtime.local.server.limits import Limits
from gemini_realtime.local.server.newcomers import Newcomers
from gemini_realtime.local.server.request_handler import RequestHandler

if TYPE_CHECKING:
    from gemini_realtime.local.server.exchange import Exchange

READ_BUFFER_BYTES: Final = 2 * 1024
"""With what the read buffer of a WebSocket begins: it grows with what comes, and many sessions are silent for long."""

_BACKLOG: Final = 1024
_EXHAUSTED: Final = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_RETRY_S: Final = 0.1
_COMPLAIN_EVERY_S: Final = 60.0

_log = logging.getLogger(__name__)
# picows writes whole handshakes, keys included, to its log at level 9.
_picows_log = logging.getLogger("gemini_realtime.local.picows")
_picows_log.setLevel(logging.WARNING)


class Listener:
    """One port; picows serves what is a WebSocket there, and h11 what is not.

    Connections are accepted here and not by the event loop, which knows no limit per address, and which spins and fills
    the log when no descriptor is left (python/cpython#81790).

    Args:
        handler: answers.
        limits: of the server.
        newcomers: of the server.
        context: for TLS; None without.
    """

    def __init__(
        self, handler: RequestHandler, limits: Limits, newcomers: Newcomers, context: ssl.SSLContext | None = None
    ) -> None:
        self._handler = handler
        self._limits = limits
        self._newcomers = newcomers
        self._context = context
        self._sockets: list[socket.socket] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._exchange = _exchange()
        self._complained_at = float("-inf")

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._sockets[0].getsockname()[1])

    async def start(self, host: str, port: int) -> None:
        """Listen.

        Raises:
            ConfigError: the port is taken, or the address is not of this machine.
        """
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            for family, _, _, _, address in dict.fromkeys(found):
                self._sockets.append(_listening(family, address))
        except OSError as error:
            self.stop()
            raise _cannot_listen(error, host, port) from error
        for listening in self._sockets:
            self._spawn(self._accept(listening))

    def stop(self) -> None:
        """Listen no more."""
        for task in self._tasks:
            task.cancel()
        for listening in self._sockets:
            listening.close()

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, address = await loop.sock_accept(listening)
            except OSError as error:
                await self._bear(error)
                continue
            self._spawn(self._admit(accepted, str(address[0])))

    async def _bear(self, error: OSError) -> None:
        """Wait a little, for a descriptor to become free, or for whatever else it was to pass."""
        if error.errno in _EXHAUSTED:
            self._newcomers.drop_oldest()
            now = asyncio.get_running_loop().time()
            if now >= self._complained_at + _COMPLAIN_EVERY_S:
                self._complained_at = now
                _log.error("no more connections can be accepted for now: %s", error.strerror)
        await asyncio.sleep(_RETRY_S)

    async def _admit(self, accepted: socket.socket, address: str) -> None:
        """Make TLS, and see what the client wants, when there is room for it."""
        try:
            if not await self._newcomers.room(address):
                accepted.close()
                return
        except BaseException:  # the server stops
            accepted.close()
            raise
        newcomer = self._newcomers.enter(address, partial(_cancel, asyncio.current_task()))
        leave = partial(self._newcomers.leave, newcomer)
        limit_s = self._limits.handshake_s
        websocket = partial(_websocket, self._handler, self._limits, leave)
        plain = partial(self._exchange, self._handler.answer, limit_s, leave) if self._exchange is not None else None
        options: dict[str, Any] = {"ssl": self._context, "ssl_handshake_timeout": limit_s} if self._context else {}
        try:
            transport = await _connect_accepted(partial(Doorway, websocket, plain, leave, limit_s), accepted, options)
        except BaseException as error:
            accepted.close()
            leave()
            if not isinstance(error, OSError):  # of TLS mostly
                raise
            _log.debug("a connection from %s came to nothing: %s", address, error)
        else:
            newcomer.drop = transport.abort

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _cancel(task: asyncio.Task[Any] | None) -> None:
    if task is not None:
        task.cancel()


def _listening(family: int, address: Any) -> socket.socket:
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        if hasattr(socket, "SO_REUSEADDR") and not hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.setblocking(False)
        listening.bind(address)
        listening.listen(_BACKLOG)
    except BaseException:
        listening.close()
        raise
    return listening


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


async def _connect_accepted(
    protocol: Callable[[], asyncio.BaseProtocol], accepted: socket.socket, options: Mapping[str, Any]
) -> asyncio.Transport:
    """As the loop does it; by aiofastnet where picows has brought it along, which is faster."""
    loop = asyncio.get_running_loop()
    try:
        import aiofastnet
    except ImportError:
        transport, _ = await loop.connect_accepted_socket(protocol, accepted, **options)
    else:
        transport, _ = await aiofastnet.connect_accepted_socket(loop, protocol, accepted, **options)
    return transport


class _Handshake(WSProtocol):  # type: ignore[misc]  # picows has no types for it
    """A WebSocket, from its handshake on.

    Attributes:
        leave: is called when it is no newcomer any more.
    """

    leave: Callable[[], None]

    def get_buffer(self, sizehint: int) -> memoryview:
        """Read little at a time: picows makes its buffer as large as the longest frame that came, and leaves it so."""
        room: memoryview = super().get_buffer(sizehint)
        return room[:MOST_AT_ONCE_BYTES]

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is there any more."""
        self.leave()
        super().connection_lost(exc)


def _websocket(handler: RequestHandler, limits: Limits, leave: Callable[[], None]) -> asyncio.BufferedProtocol:
    """What `picows.ws_create_server` makes for a connection."""

    def accept(upgrade: picows.WSUpgradeRequest) -> Connection | picows.WSUpgradeResponseWithListener:
        accepted = handler.accept(upgrade)
        if isinstance(accepted, Connection):
            accepted.came_in = partial(_begin_session, leave, upgrade)
        return accepted

    handshake = _Handshake(
        host_port=None,
        ws_path=None,
        is_client_side=False,
        ws_listener_factory=accept,
        logger=_picows_log,
        disconnect_on_exception=True,
        websocket_handshake_timeout=limits.handshake_s,
        enable_auto_ping=False,
        auto_ping_idle_timeout=0,
        auto_ping_reply_timeout=0,
        auto_ping_strategy=picows.WSAutoPingStrategy.PING_WHEN_IDLE,
        enable_auto_pong=False,
        max_frame_size=limits.longest_message,
        extra_headers=None,
        read_buffer_init_size=READ_BUFFER_BYTES,
    )
    handshake.leave = leave
    return cast(asyncio.BufferedProtocol, handshake)


def _begin_session(leave: Callable[[], None], upgrade: picows.WSUpgradeRequest) -> None:
    leave()
    upgrade.headers.clear()  # nobody reads them any more, and picows keeps them, with the key


def _exchange() -> type[Exchange] | None:
    """What serves plain HTTP; None where h11 is not installed, and picows refuses all but GET."""
    try:
        from gemini_realtime.local.server.exchange import Exchange
    except ModuleNotFoundError:
        _log.info("%s", MissingDependencyError("making ephemeral tokens", "local"))
        return None
    return Exchange
