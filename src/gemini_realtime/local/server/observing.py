"""Who observes the connections of a server."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime
from itertools import count
from pathlib import Path

from gemini_realtime.errors import ConfigError
from gemini_realtime.local.server.advice import Advice
from gemini_realtime.local.server.kept_sessions import MAX_SESSIONS, Keeper, KeptSession
from gemini_realtime.local.server.message_log import MessageLog
from gemini_realtime.local.server.observers import Observer
from gemini_realtime.local.server.recorder import Recorder


class Observing:
    """Makes the observers of each connection.

    Args:
        log: takes the lines of the message log; None for no such log.
        folder: where sessions are recorded; None for nowhere.
        clock: seconds, monotonic.
        wall_clock: the time of day, with its zone.

    Attributes:
        sessions: the last connections, the oldest first.

    Raises:
        ConfigError: the folder cannot be made.
    """

    def __init__(
        self,
        log: Callable[[str], None] | None,
        folder: Path | None,
        clock: Callable[[], float],
        wall_clock: Callable[[], datetime],
    ) -> None:
        self.sessions: deque[KeptSession] = deque(maxlen=MAX_SESSIONS)
        self._log = log
        self._folder = folder
        self._wall_clock = wall_clock
        self._advice = Advice(clock)
        self._numbers = count(1)
        self._guests: list[Callable[[], Observer]] = []
        if folder is not None:
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise ConfigError(
                    f"{str(folder)!r} cannot keep recordings: {error.strerror}", remedy="name a folder that can be made"
                ) from None

    def invite(self, make: Callable[[], Observer]) -> None:
        """Let somebody else observe each connection from now on, by an observer that is made for it."""
        self._guests.append(make)

    def observers(self) -> tuple[Observer, ...]:
        """Those of a new connection."""
        number = next(self._numbers)
        session = KeptSession()
        self.sessions.append(session)
        observers: list[Observer] = [Keeper(session), self._advice.observer(), *(make() for make in self._guests)]
        if self._log is not None:
            observers.append(MessageLog(f"#{number}", self._log, self._wall_clock))
        if self._folder is not None:
            began = self._wall_clock().strftime("%Y%m%dT%H%M%S")
            observers.append(Recorder(self._folder / f"session-{began}-{number}.jsonl"))
        return tuple(observers)
