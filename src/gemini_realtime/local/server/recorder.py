"""Records the sessions of a server, each over all its connections; see `gemini_realtime.recordings`."""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final

from gemini_realtime.local.server.observers import Observer
from gemini_realtime.protocol.codec import DecodeError, parse_object
from gemini_realtime.recordings import Recorder, RecordingOptions
from gemini_realtime.recordings.lines import Closed
from gemini_realtime.recordings.recorder import written

RESUMED_WITHIN_S: Final = 60.0
"""A session that is resumed later begins a new recording."""

MAX_HANDLES: Final = 4096
"""Handles by which sessions are known again; the oldest are forgotten."""


class SessionRecorders:
    """Makes what records each connection.

    Args:
        options: where to, and what.
        clock: seconds, monotonic.
    """

    def __init__(self, options: RecordingOptions, clock: Callable[[], float]) -> None:
        self._options = options
        self._clock = clock
        self._by_handle: OrderedDict[str, _Session] = OrderedDict()
        self._open: set[_Session] = set()
        self._ending: set[Future[None]] = set()

    def observer(self) -> ConnectionRecorder:
        """What records a new connection."""
        return ConnectionRecorder(self)

    def of(self, handle: str | None) -> _Session:
        """The session that a client resumes, or a new one."""
        session = self._by_handle.get(handle or "")
        if session is None or session not in self._open:
            session = _Session(Recorder(self._options, side="server", clock=self._clock))
            self._open.add(session)
        session.connected()
        return session

    def handed_out(self, handle: str, session: _Session) -> None:
        """A client was told how to resume its session."""
        self._by_handle[handle] = session
        while len(self._by_handle) > MAX_HANDLES:
            self._by_handle.popitem(last=False)

    def left(self, session: _Session) -> None:
        """A connection is gone; the session may come back."""
        session.disconnected(lambda: self._end(session))

    async def close(self) -> None:
        """Write the rest of all recordings."""
        for session in list(self._open):
            self._end(session)
        await written(*self._ending)

    def _end(self, session: _Session) -> None:
        self._open.discard(session)
        ending = session.recorder.end()
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)


class _Session:
    """A session that is recorded, and who waits for it to come back."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self._connections = 0
        self._waiting: asyncio.TimerHandle | None = None

    def connected(self) -> None:
        self._connections += 1
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def disconnected(self, end: Callable[[], None]) -> None:
        self._connections -= 1
        if not self._connections:
            self._waiting = asyncio.get_running_loop().call_later(RESUMED_WITHIN_S, end)


class ConnectionRecorder(Observer):
    """Records one connection, from its first message on, which says what session it is.

    Args:
        sessions: knows the sessions.
    """

    def __init__(self, sessions: SessionRecorders) -> None:
        self._sessions = sessions
        self._session: _Session | None = None
        self._number = 0

    def received(self, message: bytes) -> None:
        """The client sent this."""
        if self._session is None:
            self._session = self._sessions.of(_handle_in(message))
            self._number = self._session.recorder.opened()
        self._session.recorder.frame(self._number, "client", message)

    def sent(self, message: bytes) -> None:
        """The client was sent this."""
        if self._session is None:
            return  # nobody sends anything before the setup
        self._session.recorder.frame(self._number, "server", message)
        if b'"newHandle"' in message and (handle := _new_handle_in(message)):
            self._sessions.handed_out(handle, self._session)

    def closed(self, code: int | None, reason: str) -> None:
        """The connection is gone."""
        if self._session is not None:
            closed = Closed(reason=reason) if code is None else Closed(int(code), reason)
            self._session.recorder.closed(self._number, closed)
            self._sessions.left(self._session)


def _handle_in(message: bytes) -> str | None:
    """The handle in a setup."""
    setup = _member(_parsed(message), "setup")
    resumption = _member(setup, "sessionResumption") or _member(setup, "session_resumption")
    handle = resumption.get("handle")
    return handle if isinstance(handle, str) else None


def _new_handle_in(message: bytes) -> str | None:
    handle = _member(_parsed(message), "sessionResumptionUpdate").get("newHandle")
    return handle if isinstance(handle, str) else None


def _parsed(message: bytes) -> dict[str, Any]:
    with contextlib.suppress(DecodeError, UnicodeError, RecursionError):
        return parse_object(message)
    return {}


def _member(message: dict[str, Any], name: str) -> dict[str, Any]:
    member = message.get(name)
    return member if isinstance(member, dict) else {}
