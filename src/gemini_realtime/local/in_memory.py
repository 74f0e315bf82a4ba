"""The embedded Live server without sockets or sound cards: a whole conversation in virtual time.

    server = InMemoryServer()
    client = GeminiRealtimeClient(llm_config=server.llm_config())

It is the same service behind another door: sessions, rules, responders and faults are those of `LiveServer`. What is
said travels as spelled speech unless other hearing and speaking is asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, Final, cast
from urllib.parse import urlsplit

import picows

from gemini_realtime.errors import HandshakeError
from gemini_realtime.local.choices import backends_of
from gemini_realtime.local.faults.connection import FaultyConnection
from gemini_realtime.local.faults.plan import Faults
from gemini_realtime.local.faults.table import Fault, parse_fault
from gemini_realtime.local.lifetime import SessionLimits
from gemini_realtime.local.responders.replay import Replay
from gemini_realtime.local.server.access import Route
from gemini_realtime.local.server.limits import Limits
from gemini_realtime.local.server.service import Service, SessionSettings, profile_of
from gemini_realtime.local.session.conversation import Pace
from gemini_realtime.local.speech.hearing import Hearing
from gemini_realtime.local.speech.speaking import Speaking
from gemini_realtime.local.speech.spelled import SpelledHearing, SpelledSpeaking
from gemini_realtime.local.thinking import Responder
from gemini_realtime.local.wire.profiles import ServiceProfile

_FULL_BYTES: Final = 64 * 1024
"""What waits on the way before who sends it is told to wait, as the buffers of asyncio's transports have it."""


class InMemoryServer:
    """The embedded Live server, reached without a network; for code that runs in one event loop with it.

    Nothing of it needs closing, and it needs no real time: in `gemini_realtime.testing.run_in_virtual_time` a long
    conversation takes a moment.

    Args:
        responder: as for `LiveServer`, like `model_profile`, `strict_models`, `pace`, `faults`, `seed`,
            `connection_lifetime_s`, `go_away_before_s` and `session_limits`.
        hearing: understands spelled speech (`gemini_realtime.local.speech.spelled`) by default.
        speaking: spells what it says by default.

    Raises:
        ConfigError: as for `LiveServer`.
    """

    def __init__(
        self,
        *,
        responder: Responder | Replay | str | None = None,
        model_profile: ServiceProfile | str | None = None,
        strict_models: bool = False,
        pace: Pace = "realtime",
        faults: Iterable[Fault | str] = (),
        seed: int = 0,
        hearing: Hearing | str | None = None,
        speaking: Speaking | str | None = None,
        connection_lifetime_s: float | None = 600.0,
        go_away_before_s: float | None = None,
        session_limits: SessionLimits | None = None,
    ) -> None:
        backends, recording = backends_of(responder, hearing or SpelledHearing(), speaking or SpelledSpeaking())
        settings = SessionSettings(
            pace,
            profile_of(model_profile),
            connection_lifetime_s,
            go_away_before_s,
            session_limits or SessionLimits(),
            strict_models,
        )
        self._service = Service(backends, recording, settings, ":memory:", _now)
        self._faults = Faults(faults, seed)

    def llm_config(self, **extra: Any) -> dict[str, Any]:
        """The configuration for a client of this server; `extra` adds to it, or replaces."""
        known = {"model": "gemini-3.8-live", "api_key": "offline", "api_type": "google", "dial": self.dial}
        return {"config_list": [{**known, "base_url": "wss://in-memory", **extra}]}

    def misbehave(self, fault: Fault | str) -> None:
        """Let a fault happen to everybody who is connected, at once unless it says when.

        Raises:
            ConfigError: there is no such fault, or it only happens while a client connects.
        """
        self._service.misbehave(parse_fault(fault) if isinstance(fault, str) else fault)

    def go_away(self, time_left_s: float = 50.0) -> None:
        """Announce to every client that its connection ends; who stays longer is closed."""
        self._service.go_away(time_left_s)

    async def dial(self, url: str, headers: Mapping[str, str], receiver: Any) -> Any:
        """Connect a client: a `gemini_realtime.transport.base.Dial`.

        Raises:
            HandshakeError: a fault has it turned away, or the path is none of the Live API's.
        """
        route = Route.of(urlsplit(url).path)
        if route is None:
            raise HandshakeError("the server in memory knows the Live API only", status=404)
        if (turned_away := self._faults.turn_away()) is not None:
            raise _refusal(turned_away)
        connection = self._faults.connection(Limits())
        self._service.serve(connection, route.api)
        return _ClientEnd(connection, receiver)


class _Frame:
    """What picows hands to its listener."""

    def __init__(self, kind: picows.WSMsgType, payload: bytes) -> None:
        self.msg_type = kind
        self.payload_size = len(payload)
        self.fin = True
        self._payload = payload

    def get_payload_as_bytes(self) -> bytes:
        return self._payload

    def get_close_code(self) -> picows.WSCloseCode:
        return picows.WSCloseCode.OK

    def get_close_message(self) -> str:
        return ""


class _ClientEnd:
    """The client's end of a line: a `gemini_realtime.transport.base.Transport`."""

    def __init__(self, connection: FaultyConnection, receiver: Any) -> None:
        self._connection = connection
        self._receiver = receiver
        self._loop = asyncio.get_running_loop()
        self._service_end = _ServiceEnd(self)
        self._as_socket = cast("Any", self._service_end)  # picows' classes cannot be made by hand
        self._waiting: list[_Frame] = []  # while the service does not read
        self._taking = asyncio.Event()
        self._taking.set()
        self._lost = False
        connection.on_ws_connected(self._as_socket)

    @property
    def writable(self) -> bool:
        return self._taking.is_set()

    def send(self, frame: bytes) -> None:
        self._put(_Frame(picows.WSMsgType.TEXT, frame))

    def ping(self) -> None:
        self._put(_Frame(picows.WSMsgType.PING, b""))

    async def drain(self) -> None:
        await self._taking.wait()

    def pause_reading(self) -> None:
        self._service_end.hold()

    def resume_reading(self) -> None:
        self._service_end.release()

    async def close(self) -> None:
        if not self._lost:
            self._connection.on_ws_frame(self._as_socket, _close())
            self.lose(1000, "")

    def lose(self, code: int, reason: str) -> None:
        """The line is cut; both ends learn of it once."""
        if self._lost:
            return
        self._lost = True
        self._waiting.clear()
        self._taking.set()
        self._connection.on_ws_disconnected(self._as_socket)
        self._receiver.connection_lost(code, reason)

    def tell(self, message: bytes) -> None:
        if not self._lost:
            self._receiver.frame_received(message)

    def tell_pong(self) -> None:
        if not self._lost:
            self._receiver.pong_received()

    def overfull(self, full: bool) -> None:
        """What the service sends waits here, or no longer does."""
        if full:
            self._connection.pause_writing()
        else:
            self._connection.resume_writing()

    def flow(self) -> None:
        """The service reads, or reads again."""
        while self._waiting and self._service_end.reads:
            self._deliver(self._waiting.pop(0))
        if self._service_end.reads:
            self._taking.set()

    def _put(self, frame: _Frame) -> None:
        # As over a real network, nothing comes back from inside the call.
        self._loop.call_soon(self._arrive, frame)

    def _arrive(self, frame: _Frame) -> None:
        if self._service_end.reads and not self._waiting:
            self._deliver(frame)
            return
        self._waiting.append(frame)
        if sum(waiting.payload_size for waiting in self._waiting) > _FULL_BYTES:
            self._taking.clear()

    def _deliver(self, frame: _Frame) -> None:
        if not self._lost:
            received: Any = frame
            self._connection.on_ws_frame(self._as_socket, received)


class _ServiceEnd:
    """The service's end of a line, to the connection what picows' transport is."""

    def __init__(self, client_end: _ClientEnd) -> None:
        self.reads = True
        self.is_close_frame_sent = False
        self.underlying_transport = self
        self._client_end = client_end
        self._loop = asyncio.get_running_loop()
        self._partial = b""
        self._held: list[bytes] | None = None  # while the client does not read
        self._close: tuple[int, str] = (1006, "")

    def send(self, kind: picows.WSMsgType, payload: bytes, fin: bool = True) -> None:
        self._partial += payload
        if fin:
            message, self._partial = self._partial, b""
            self._loop.call_soon(self._arrive, message)

    def send_pong(self, payload: bytes) -> None:
        self._loop.call_soon(self._client_end.tell_pong)

    def send_close(self, code: picows.WSCloseCode, message: bytes = b"") -> None:
        self.is_close_frame_sent = True
        self._close = (code.value, bytes(message).decode(errors="replace"))
        self._loop.call_soon(self._client_end.lose, *self._close)  # a client answers a close at once

    def disconnect(self, graceful: bool = True) -> None:
        self._loop.call_soon(self._client_end.lose, *self._close)

    def write(self, data: bytes) -> None:
        """Bytes that are no frame, with which a client ends the connection: RFC 6455 5.1."""
        self._loop.call_soon(self._client_end.lose, 1002, "")

    def get_write_buffer_size(self) -> int:
        return sum(map(len, self._held or ()))

    def pause_reading(self) -> None:
        self.reads = False

    def resume_reading(self) -> None:
        self.reads = True
        self._loop.call_soon(self._client_end.flow)

    def hold(self) -> None:
        """The client does not read."""
        self._held = self._held if self._held is not None else []

    def release(self) -> None:
        """The client reads again."""
        held, self._held = self._held, None
        while held and self._held is None:
            self._client_end.tell(held.pop(0))
        if held:  # it had enough in between
            self._held = held
        else:
            self._client_end.overfull(False)

    def _arrive(self, message: bytes) -> None:
        if self._held is None:
            self._client_end.tell(message)
            return
        self._held.append(message)
        if self.get_write_buffer_size() > _FULL_BYTES:
            self._client_end.overfull(True)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _refusal(response: picows.WSUpgradeResponse) -> HandshakeError:
    status = int(response.status)
    if not response.to_bytes():
        return HandshakeError("the server in memory hung up during the handshake", remedy="try again later")
    retry_after = dict(response.headers).get("Retry-After")
    return HandshakeError(
        f"the server in memory answered with HTTP {status}",
        status=status,
        retry_after_s=None if retry_after is None else float(retry_after),
    )


def _close() -> Any:
    return _Frame(picows.WSMsgType.CLOSE, b"")
