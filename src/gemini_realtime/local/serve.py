"""The embedded Live server: a WebSocket on loopback that speaks the Live protocol, hears, answers and talks."""

from __future__ import annotations

import asyncio
import os
import secrets
import ssl
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NoReturn

from gemini_realtime.audio.format import INPUT_FORMAT
from gemini_realtime.checking import check_number, check_type
from gemini_realtime.errors import ConfigError
from gemini_realtime.local.choices import backends_of
from gemini_realtime.local.faults.plan import Faults
from gemini_realtime.local.faults.table import Fault, parse_fault
from gemini_realtime.local.lifetime import SessionLimits
from gemini_realtime.local.responders.replay import Replay
from gemini_realtime.local.server.access import Access
from gemini_realtime.local.server.background import Background
from gemini_realtime.local.server.environment import key_for, leading_to
from gemini_realtime.local.server.kept_sessions import KeptSession
from gemini_realtime.local.server.limits import Limits, limits_of
from gemini_realtime.local.server.observers import Observer
from gemini_realtime.local.server.observing import Observing
from gemini_realtime.local.server.ports import Ports, address_of, check_ports
from gemini_realtime.local.server.request_handler import RequestHandler
from gemini_realtime.local.server.service import Service, SessionSettings, profile_of
from gemini_realtime.local.server.tls import tls_of
from gemini_realtime.local.server.tokens import Tokens
from gemini_realtime.local.session.conversation import Pace
from gemini_realtime.local.speech.hearing import Hearing
from gemini_realtime.local.speech.speaking import Speaking
from gemini_realtime.local.thinking import Responder
from gemini_realtime.local.wire.profiles import ServiceProfile
from gemini_realtime.recordings import RecordingOptions

DEFAULT_MODEL: Final = "gemini-3.8-live"


class LiveServer:
    """The embedded Live server.

        async with LiveServer() as server:
            client = GeminiRealtimeClient(llm_config=server.llm_config())

    With a plain `with` it runs on a thread of its own; its methods may be called from any thread.
    Any key is accepted, unless `api_key` says which. Sessions in text need nothing but this package; speech needs the
    extra `[local]`.

    Args:
        host: where to listen; with `api_key`, an address that other machines reach too.
        port: 0 for any that is free.
        responder: what answers: rules that need no model by default; or a recording that plays the service instead.
            This and what hears and speaks may be named as on the command line: `echo`, `chat:llama3.2`.
        model_profile: how every model behaves, such as `3.8-live`; by default as is known of the model a client names.
        strict_models: refuse models whose names are not known here, as the service does; by default they are taken for
            the newest, with a line in the log.
        pace: `realtime` completes a turn when its audio would have been heard, as the service does; `instant` at once.
        faults: what goes wrong, each a `Fault` or as on the command line: `cut:after_frames=10,times=1`.
        seed: decides what faults leave to chance.
        hearing: voice activity and speech to text; those of the extra `[local]` by default.
        speaking: text to speech; that of the extra `[local]` by default.
        tls: to serve `wss` too, at a port of its own: True for a certificate for this machine, which is made when
            there is none; or what holds yours.
        tls_port: 0 for any that is free.
        api_key: the only key that is accepted.
        limits: what it bears of its clients.
        connection_lifetime_s: how long a connection may last, as the service limits it; None for ever.
        go_away_before_s: how long before its end a client is told; as the service does by default.
        session_limits: how long a session may last, over all its connections; for ever by default.
        sessions_path: a file in which sessions can be resumed after a restart; in memory by default.
        unfinished_wait_s: how much longer than for silence to wait for a user whose sentence plainly goes on ("my
            number is"); not at all by default, as the service.
        log: is given a line for each message: when, which way, what, how much, and the words in it; `print` will do.
        record_to: a folder in which each session is recorded, or `RecordingOptions`; see docs/recordings.md.
        warm_up: load what hears and speaks at once, not when it is first needed.
        clock: seconds, monotonic.
        wall_clock: the time of day, with its zone: for certificates and the times of tokens.

    Raises:
        ConfigError: others would reach `host`, and there is no `api_key`; there is a `tls_port` without `tls`; there is
            no such profile, pace or fault.
        ListenError: the port is in use; when it is entered.
        MissingDependencyError: the certificate needs the extra `[local]`.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        responder: Responder | Replay | str | None = None,
        model_profile: ServiceProfile | str | None = None,
        strict_models: bool = False,
        pace: Pace = "realtime",
        faults: Iterable[Fault | str] = (),
        seed: int = 0,
        hearing: Hearing | str | None = None,
        speaking: Speaking | str | None = None,
        tls: bool | ssl.SSLContext = False,
        tls_port: int = 0,
        api_key: str | None = None,
        limits: Limits | None = None,
        connection_lifetime_s: float | None = 600.0,
        go_away_before_s: float | None = None,
        session_limits: SessionLimits | None = None,
        sessions_path: str | Path = ":memory:",
        unfinished_wait_s: float = 0.0,
        log: Callable[[str], None] | None = None,
        record_to: RecordingOptions | str | os.PathLike[str] | None = None,
        warm_up: bool = True,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], datetime] = lambda: datetime.now().astimezone(),
    ) -> None:
        check_ports(port, tls_port, tls=bool(tls))
        address = address_of(host, api_key)
        backends, replay = backends_of(responder, hearing, speaking, unfinished_wait_s)
        settings = SessionSettings(
            pace,
            profile_of(model_profile),
            connection_lifetime_s,
            go_away_before_s,
            session_limits or SessionLimits(),
            strict_models,
        )
        limits = limits_of(limits)
        self._service = Service(backends, replay, settings, sessions_path, clock)
        recording = None if record_to is None else RecordingOptions.of(record_to)
        self._observing = Observing(log, recording, clock, wall_clock)
        tokens = Tokens(lambda: secrets.token_hex(32), clock, wall_clock)
        handler = RequestHandler(
            Access(api_key), tokens, limits, self._service, clock, Faults(faults, seed), self._observing
        )
        context, self._authorities = tls_of(tls, wall_clock)
        self._ports = Ports(handler, limits, address, (port, tls_port), context)
        self._api_key = api_key
        self._warm_up = warm_up
        self._loop: asyncio.AbstractEventLoop | None = None
        self._background: Background | None = None

    @property
    def port(self) -> int:
        """The port at which it listens without TLS.

        Raises:
            RuntimeError: it does not listen.
        """
        return self._ports.number()

    @property
    def url(self) -> str:
        """Its address, such as `ws://127.0.0.1:41234`; every Live path below it is answered."""
        return f"ws://{self._ports.address()}"

    @property
    def tls_url(self) -> str:
        """Its address with TLS, such as `wss://127.0.0.1:41235`.

        Raises:
            ConfigError: it was made without `tls`.
        """
        return f"wss://{self._ports.address(tls=True)}"

    @property
    def sessions(self) -> list[KeptSession]:
        """What was received and said over the last connections, as messages without their sound; the oldest first."""
        return list(self._observing.sessions)

    def environment(self) -> dict[str, str]:
        """The variables that lead a program that knows Google's addresses only here instead, and a key for it.

        A key that is set stays, unless the server takes another only.
        `SSL_CERT_FILE`, which Python reads, holds the usual authorities too, so that other TLS works as before. It is
        not set when the certificate is yours, for then who trusts it is yours to say.

        Raises:
            ConfigError: it was made without `tls`, and google-genai dials nothing else.
        """
        address = f"https://{self._ports.address(tls=True)}"
        return leading_to(address, self._authorities, os.environ) | key_for(self._api_key, os.environ)

    def llm_config(self, **extra: Any) -> dict[str, Any]:
        """The configuration for a client of this server; `extra` adds to it, or replaces."""
        key = self._api_key or "offline"
        config: dict[str, Any] = {"model": DEFAULT_MODEL, "api_key": key, "api_type": "google", "base_url": self.url}
        if any(name.upper().endswith("_PROXY") for name in os.environ):  # it leads out of this machine
            config["proxy"] = False
        return {"config_list": [{**config, **extra}]}

    def go_away(self, time_left_s: float = 50.0) -> None:
        """Announce to every client that its connection ends; who stays longer is closed."""
        self._on_its_loop(partial(self._service.go_away, time_left_s))

    def misbehave(self, fault: Fault | str) -> None:
        """Let a fault happen to everybody who is connected, at once unless it says when.

        Raises:
            ConfigError: there is no such fault, or it only happens while a client connects.
        """
        told = parse_fault(fault) if isinstance(fault, str) else fault
        if told.kind.at_handshake:
            raise ConfigError(
                f"the fault {told.kind.name!r} happens while a client connects", remedy="pass it as one of `faults`"
            )
        self._on_its_loop(partial(self._service.misbehave, told))

    def hear(self, speech: str | bytes, *, lasting_s: float | None = None) -> None:
        """Act as if the user of the client that came last had spoken: for a program that has no microphone.

        Args:
            speech: words, which are understood to the letter; or 16 kHz PCM, whose words are recognised.
            lasting_s: from the first sound, which interrupts the model, to the last; of words nothing by default, of
                PCM as long as it is.

        Raises:
            ConfigError: it is neither.
        """
        check_type("speech", speech, (str, bytes), "words, or 16 kHz PCM as bytes")
        if lasting_s is None:
            lasting_s = 0.0 if isinstance(speech, str) else INPUT_FORMAT.duration_ms(len(speech)) / 1000
        check_number("lasting_s", lasting_s, 0)
        self._on_its_loop(partial(self._service.hear, speech, lasting_s))

    def observe(self, make: Callable[[], Observer]) -> None:
        """Let an observer be made for each connection from now on; it is told, on the server's thread."""
        self._observing.invite(make)

    async def __aenter__(self) -> LiveServer:
        self._loop = asyncio.get_running_loop()
        self._service.start(warm_up=self._warm_up)
        try:
            await self._ports.open()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    def __enter__(self) -> LiveServer:
        self._background = Background(self)
        self._background.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._background is not None
        self._background.stop()

    def _on_its_loop(self, do: Callable[[], None]) -> None:
        self._ports.number()
        assert self._loop is not None
        self._loop.call_soon_threadsafe(do)

    async def _stop(self) -> None:
        self._ports.close()
        await self._service.stop()
        await self._observing.close()


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
