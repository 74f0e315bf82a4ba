"""What was received and said in the last sessions, for tests to look at."""

from __future__ import annotations

from collections import deque
from typing import Any, Final

from gemini_realtime.local.server.observers import Observer, read
from gemini_realtime.local.wire.media import Lightener

MAX_SESSIONS: Final = 64
"""Connections that are kept; the oldest are forgotten first."""

MAX_MESSAGES: Final = 10_000
MAX_BYTES: Final = 4 * 1024 * 1024
"""What is kept of one connection in one direction; the oldest is forgotten first, but for the first message."""


class KeptSession:
    """What went over one connection, without sound and pictures.

    Attributes:
        closed: the code and reason with which it ended; None as long as it is open, or when it was cut.
        ended: whether it is gone.
    """

    def __init__(self) -> None:
        self.closed: tuple[int, str] | None = None
        self.ended = False
        self._received = _Messages()
        self._sent = _Messages()

    @property
    def received(self) -> list[dict[str, Any]]:
        """What the client sent, in order; the first is the setup."""
        return self._received.read()

    @property
    def sent(self) -> list[dict[str, Any]]:
        """What the client was sent, in order."""
        return self._sent.read()

    @property
    def setup(self) -> dict[str, Any]:
        """What the client set up; empty when it has not yet."""
        return next((message["setup"] for message in self.received[:1] if "setup" in message), {})

    def __repr__(self) -> str:
        return f"<KeptSession: {len(self._received)} messages received, {len(self._sent)} sent, closed: {self.closed}>"


class Keeper(Observer):
    """Keeps what goes over one connection.

    Args:
        session: where to.
    """

    def __init__(self, session: KeptSession) -> None:
        self._session = session

    def received(self, message: bytes) -> None:
        """Keep what the client sent."""
        self._session._received.add(message)

    def sent(self, message: bytes) -> None:
        """Keep what it was sent."""
        self._session._sent.add(message)

    def closed(self, code: int | None, reason: str) -> None:
        """Keep how it ended."""
        self._session.ended = True
        self._session.closed = None if code is None else (code, reason)


class _Messages:
    """The first message and the last ones."""

    def __init__(self) -> None:
        self._first: bytes | None = None
        self._others: deque[bytes] = deque()
        self._size = 0
        self._lightener = Lightener()

    def __len__(self) -> int:
        return len(self._others) + (self._first is not None)

    def add(self, message: bytes) -> None:
        message = self._lightener.light(message)
        if self._first is None:
            self._first = message
            return
        self._others.append(message)
        self._size += len(message)
        while len(self._others) > MAX_MESSAGES or self._size > MAX_BYTES:
            self._size -= len(self._others.popleft())

    def read(self) -> list[dict[str, Any]]:
        return [read(message) for message in ([self._first] if self._first is not None else []) + list(self._others)]
