"""Who observes the connections of a server."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime
from itertools import count

from gemini_realtime.local.server.advice import Advice
from gemini_realtime.local.server.kept_sessions import MAX_SESSIONS, Keeper, KeptSession
from gemini_realtime.local.server.message_log import MessageLog
from gemini_realtime.local.server.observers import Observer, Observers
from gemini_realtime.local.server.recorder import SessionRecorders
from gemini_realtime.recordings import RecordingOptions


class Observing:
    """Makes the observers of each connection.

    Args:
        log: takes the lines of the message log; None for no such log.
        recording: where sessions are recorded, and what of them; None for nowhere.
        clock: seconds, monotonic.
        wall_clock: the time of day, with its zone.

    Attributes:
        sessions: the last connections, the oldest first.
    """

    def __init__(
        self,
        log: Callable[[str], None] | None,
        recording: RecordingOptions | None,
        clock: Callable[[], float],
        wall_clock: Callable[[], datetime],
    ) -> None:
        self.sessions: deque[KeptSession] = deque(maxlen=MAX_SESSIONS)
        self._log = log
        self._recorders = None if recording is None else SessionRecorders(recording, clock)
        self._wall_clock = wall_clock
        self._advice = Advice(clock)
        self._numbers = count(1)
        self._guests: list[Callable[[], Observer]] = []

    def invite(self, make: Callable[[], Observer]) -> None:
        """Let somebody else observe each connection from now on, by an observer that is made for it."""
        self._guests.append(make)

    def observers(self) -> Observers:
        """Those of a new connection."""
        number = next(self._numbers)
        session = KeptSession()
        self.sessions.append(session)
        observers: list[Observer] = [Keeper(session), self._advice.observer(), *(make() for make in self._guests)]
        if self._log is not None:
            observers.append(MessageLog(f"#{number}", self._log, self._wall_clock))
        if self._recorders is not None:
            observers.append(self._recorders.observer())
        return Observers(observers)

    async def close(self) -> None:
        """Write the rest of what is recorded."""
        if self._recorders is not None:
            await self._recorders.close()
