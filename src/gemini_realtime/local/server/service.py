"""What is behind the door: serves each client that is let in, and is shared by all of them."""

from __future__ import annotations

import asyncio
import logging
import secrets
import sqlite3
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, get_args

from gemini_realtime.checking import check_choice, check_number, check_type
from gemini_realtime.errors import ConfigError, GeminiRealtimeError
from gemini_realtime.local.faults.connection import FaultyConnection
from gemini_realtime.local.faults.table import Fault
from gemini_realtime.local.lifetime import SessionLimits
from gemini_realtime.local.responders.replay import Replay
from gemini_realtime.local.server.answering import Backends
from gemini_realtime.local.server.replay_host import ReplayHost
from gemini_realtime.local.server.session_host import Served, SessionHost
from gemini_realtime.local.server.session_store import SessionStore
from gemini_realtime.local.server.session_writer import SessionWriter
from gemini_realtime.local.server.sessions import Sessions
from gemini_realtime.local.session.conversation import Pace
from gemini_realtime.local.session.peer import Peer
from gemini_realtime.local.speech.hearing import DetectingHearing, load_detection
from gemini_realtime.local.wire.api import Api
from gemini_realtime.local.wire.profiles import ServiceProfile, profile_named
from gemini_realtime.protocol.messages import CloseCode

_IN_MEMORY: Final = ":memory:"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SessionSettings:
    """How each client is served.

    Attributes:
        pace: when a turn is complete.
        profile: how the model behaves; by default what is known of the one that the client names.
        connection_lifetime_s: how long a connection lasts; None for ever.
        go_away_before_s: how long before its end that is announced; None for as long as the service does.
        session_limits: how long a session lasts, over all its connections.
        strict_models: whether models are refused that nothing is known of.
    """

    pace: Pace = "realtime"
    profile: ServiceProfile | None = None
    connection_lifetime_s: float | None = None
    go_away_before_s: float | None = None
    session_limits: SessionLimits = field(default_factory=SessionLimits)
    strict_models: bool = False

    def __post_init__(self) -> None:
        check_choice("pace", self.pace, get_args(Pace))
        check_type("session_limits", self.session_limits, SessionLimits, "gemini_realtime.local.SessionLimits(...)")
        for name in ("connection_lifetime_s", "go_away_before_s"):
            if getattr(self, name) is not None:
                check_number(name, getattr(self, name), 0)


def profile_of(given: ServiceProfile | str | None) -> ServiceProfile | None:
    """The profile that is meant, which may be named.

    Raises:
        ConfigError: there is none of this name, or it is something else.
    """
    if given is not None:
        check_type("model_profile", given, (str, ServiceProfile), "its name, such as '3.8-live'")
    return profile_named(given) if isinstance(given, str) else given


class Service:
    """Serves clients.

    Args:
        backends: hear, answer and speak.
        recording: plays the service in their place, if given.
        settings: how clients are served.
        sessions_path: the file where sessions outlive the server, or `:memory:`.
        clock: seconds, monotonic.

    Attributes:
        served: the clients that are in, in the order in which they came.
    """

    def __init__(
        self,
        backends: Backends,
        recording: Replay | None,
        settings: SessionSettings,
        sessions_path: str | Path,
        clock: Callable[[], float],
    ) -> None:
        check_type("sessions_path", sessions_path, (str, Path), "the path of a file")
        self.served: dict[Served, None] = {}
        self._backends = backends
        self._recording = recording
        self._settings = settings
        self._sessions_path = sessions_path
        self._clock = clock
        self._store: SessionStore | None = None
        self._writer: SessionWriter | None = None
        self._sessions = Sessions(_new_handle)
        self._aside = ThreadPoolExecutor(1, thread_name_prefix="gemini-realtime-reading")
        self._warming: asyncio.Task[None] | None = None

    def start(self, *, warm_up: bool) -> None:
        """Make ready; with `warm_up`, load what hears and speaks before it is needed.

        Raises:
            ConfigError: the file of the sessions cannot be used.
        """
        if str(self._sessions_path) != _IN_MEMORY:
            self._store = _store(self._sessions_path)
            self._writer = SessionWriter(self._sessions_path)
            self._sessions = Sessions(_new_handle, self._store, write=self._writer)
        if warm_up and self._recording is None:
            self._warming = asyncio.create_task(self._warm_up())

    def serve(self, connection: FaultyConnection, api: Api) -> None:
        """Become the receiver of a connection to this API, and serve it."""
        if self._recording is not None:
            ReplayHost(self._recording.next(), connection, self.served)
            return
        peer = Peer(
            secrets.token_hex(8),
            self._sessions,
            pace=connection.pace or self._settings.pace,
            profile=self._settings.profile,
            api=api,
            strict_models=self._settings.strict_models,
            connection_lifetime_s=self._settings.connection_lifetime_s,
            go_away_before_s=self._settings.go_away_before_s,
            session_limits=self._settings.session_limits,
        )
        SessionHost(peer, connection, self._backends, self._clock, self._sessions, self._aside, self.served)

    def go_away(self, time_left_s: float) -> None:
        """Announce to every client that its connection ends."""
        for host in tuple(self.served):
            host.go_away(time_left_s)

    def misbehave(self, fault: Fault) -> None:
        """Let a fault happen to every client."""
        for host in tuple(self.served):
            host.misbehave(fault)

    def hear(self, speech: str | bytes, lasting_s: float) -> None:
        """Act as if the user of the client that came last had been heard."""
        if not any(host.hear(speech, lasting_s) for host in reversed(tuple(self.served))):
            _log.warning("nobody is there to hear")

    async def stop(self) -> None:
        """Send every client away, and free what was loaded."""
        await asyncio.gather(*(host.end(CloseCode.GOING_AWAY, "the server stops") for host in tuple(self.served)))
        if self._warming is not None:
            self._warming.cancel()
            await asyncio.gather(self._warming, return_exceptions=True)
        await self._backends.close()
        self._aside.shutdown(wait=False, cancel_futures=True)
        if self._writer is not None:
            await asyncio.to_thread(self._writer.close)
        if self._store is not None:
            self._store.close()

    async def _warm_up(self) -> None:
        """A server without hearing or speech still serves sessions in text."""
        hearing, speaking = self._backends.hearing, self._backends.speaking
        starts: list[Awaitable[None]] = [hearing.start(), speaking.start()]
        if isinstance(hearing, DetectingHearing):
            starts.append(asyncio.to_thread(load_detection))
        for problem in await asyncio.gather(*starts, return_exceptions=True):
            if isinstance(problem, GeminiRealtimeError):
                _log.info("%s", problem)
            elif isinstance(problem, BaseException):
                raise problem


def _store(path: str | Path) -> SessionStore:
    try:
        return SessionStore(path)
    except sqlite3.Error as error:
        raise ConfigError(
            f"{str(path)!r} cannot keep sessions: {error}", remedy="name a file that can be written"
        ) from None


def _new_handle() -> str:
    return secrets.token_hex(16)
