"""The embedded Live server: a WebSocket on loopback that speaks the Live protocol, hears, answers and talks."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import re
import secrets
import ssl as tls
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, NoReturn

import msgspec
import picows

from gemini_realtime.errors import ConfigError, GeminiRealtimeError
from gemini_realtime.local.answering import Faculties
from gemini_realtime.local.connection import MAX_MESSAGE_BYTES, Connection
from gemini_realtime.local.conversation import Pace
from gemini_realtime.local.ears import EnglishHearing, Hearing
from gemini_realtime.local.host import Host, Served
from gemini_realtime.local.peer import Peer
from gemini_realtime.local.recordings import Recording
from gemini_realtime.local.replaying import ReplayHost
from gemini_realtime.local.rules import Rules
from gemini_realtime.local.sessions import Sessions
from gemini_realtime.local.thinking import Responder
from gemini_realtime.local.voice import EspeakSpeaking, Speaking

DEFAULT_MODEL: Final = "gemini-3.8-live"

_PATHS: Final = re.compile(
    r"/|"
    r"/ws/google\.ai\.generativelanguage\.(v1|v1beta|v1alpha)\.GenerativeService\.BidiGenerateContent(Constrained)?|"
    r"/ws/google\.cloud\.aiplatform\.(v1|v1beta1)\.LlmBidiService/BidiGenerateContent"
)
_GOING_AWAY: Final = 1001
"""RFC 6455 7.4.1: a server goes down."""

_log = logging.getLogger(__name__)
# picows writes whole handshakes, keys included, to its log at level 9.
_picows_log = logging.getLogger("gemini_realtime.local.picows")
_picows_log.setLevel(logging.WARNING)


class LiveServer:
    """The embedded Live server.

        async with LiveServer() as server:
            client = GeminiRealtimeClient(llm_config=server.llm_config())

    Any key is accepted. Sessions in text need nothing but this package; speech needs the extra `[local]`.

    Args:
        host: an address of this machine that only this machine reaches, unless `allow_remote`.
        port: 0 for any that is free.
        responder: the mind, rules that need no model by default; or a recording that plays the service instead.
        pace: `realtime` completes a turn when its audio would have been heard, as the service does; `instant` at once.
        hearing: voice activity and speech to text; those of the extra `[local]` by default.
        speaking: text to speech; that of the extra `[local]` by default.
        ssl: to serve `wss`.
        allow_remote: bind to an address that others reach: there is no check of who they are.
        clock: seconds, monotonic.

    Raises:
        ConfigError: others would reach `host`.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        responder: Responder | Recording | None = None,
        pace: Pace = "realtime",
        hearing: Hearing | None = None,
        speaking: Speaking | None = None,
        ssl: tls.SSLContext | None = None,
        allow_remote: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._host = _address(host, allow_remote)
        self._port = port
        self._ssl = ssl
        self._pace = pace
        self._clock = clock
        self._recording = responder if isinstance(responder, Recording) else None
        mind = Rules() if responder is None or isinstance(responder, Recording) else responder
        self._faculties = Faculties(hearing or EnglishHearing(), mind, speaking or EspeakSpeaking())
        self._sessions = Sessions(lambda: secrets.token_hex(16))
        self._hosts: set[Served] = set()
        self._server: asyncio.Server | None = None
        self._stopping = False
        self._warming: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """The port it listens on.

        Raises:
            RuntimeError: it does not listen.
        """
        if self._server is None:
            raise RuntimeError("the server does not listen: enter it with `async with`")
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def url(self) -> str:
        """Its address, such as `ws://127.0.0.1:41234`; every Live path below it is answered."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{'wss' if self._ssl else 'ws'}://{host}:{self.port}"

    def llm_config(self, **extra: Any) -> dict[str, Any]:
        """The configuration for a client of this server; `extra` adds to it, or replaces."""
        config = {"model": DEFAULT_MODEL, "api_key": "offline", "api_type": "google", "base_url": self.url}
        return {"config_list": [{**config, **extra}]}

    def go_away(self, time_left_s: float = 50.0) -> None:
        """Announce to every client that its connection ends; who stays longer is closed."""
        for host in tuple(self._hosts):
            host.go_away(time_left_s)

    async def __aenter__(self) -> LiveServer:
        self._server = await picows.ws_create_server(
            self._accept,
            self._host,
            self._port,
            ssl=self._ssl,
            max_frame_size=MAX_MESSAGE_BYTES,
            logger_name=_picows_log,
        )
        self._warming = asyncio.create_task(self._warm_up())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        assert self._warming is not None
        self._stopping = True
        self._server.close()
        await asyncio.gather(*(host.end(_GOING_AWAY, "the server stops") for host in tuple(self._hosts)))
        self._warming.cancel()
        await asyncio.gather(self._warming, return_exceptions=True)
        await self._faculties.close()
        self._server = None

    def _accept(self, request: picows.WSUpgradeRequest) -> Connection | picows.WSUpgradeResponseWithListener:
        if self._stopping:
            return _refusal(503, "UNAVAILABLE", "The server stops.")
        path = re.sub("/+", "/", request.path.decode("latin-1").partition("?")[0])
        if not _PATHS.fullmatch(path):
            return _refusal(404, "NOT_FOUND", f"{path} is not found on this server, which knows the Live API only.")
        if "upgrade" in request.headers.get("connection", "").lower():
            # Firefox sends `keep-alive, Upgrade`, which picows does not read as a list.
            request.headers["connection"] = "Upgrade"
        connection = Connection()
        if self._recording is not None:
            ReplayHost(self._recording.next(), connection, self._hosts)
            return connection
        peer = Peer(secrets.token_hex(8), self._sessions, pace=self._pace)
        Host(peer, connection, self._faculties, self._clock, self._hosts)
        return connection

    async def _warm_up(self) -> None:
        """Load what hears and speaks meanwhile. A server without it still serves sessions in text."""
        if self._recording is not None:
            return
        for faculty in (self._faculties.hearing, self._faculties.speaking):
            try:
                await faculty.start()
            except GeminiRealtimeError as error:
                _log.info("%s", error)


async def serve_forever(
    host: str = "127.0.0.1", port: int = 0, *, ready: Callable[[str], None], **options: Any
) -> NoReturn:
    """Serve until cancelled, and leave nothing behind.

    Args:
        host: as for `LiveServer`, like `port` and `options`.
        port: 0 for any that is free.
        ready: is told the URL once the server listens.
        options: of `LiveServer`.
    """
    async with LiveServer(host, port, **options) as server:
        ready(server.url)
        await asyncio.Event().wait()
    raise AssertionError("only cancellation ends the wait")


def _address(host: str, allow_remote: bool) -> str:
    """The address to bind to. A name may stand for several, each with a port of its own: not where 0 is given."""
    address = "127.0.0.1" if host == "localhost" else host
    try:
        local = ipaddress.ip_address(address).is_loopback
    except ValueError:
        local = False
    if not local and not allow_remote:
        raise ConfigError(
            f"{host!r} can be reached from other machines, and the embedded server does not check who calls",
            remedy="use 127.0.0.1, or pass allow_remote=True",
        )
    return address


def _refusal(status: int, name: str, message: str) -> picows.WSUpgradeResponseWithListener:
    """An HTTP error in the form of Google's APIs."""
    body = {"error": {"code": status, "message": message, "status": name}}
    response = picows.WSUpgradeResponse.create_error_response(
        status,
        msgspec.json.format(msgspec.json.encode(body), indent=2) + b"\n",
        {"Content-Type": "application/json; charset=UTF-8"},
    )
    return picows.WSUpgradeResponseWithListener(response, None)
