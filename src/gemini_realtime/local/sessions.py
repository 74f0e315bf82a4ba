"""Which sessions can be resumed, and which are open."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, Literal

from gemini_realtime.local.history import Saved
from gemini_realtime.local.refusals import (
    HANDLE_MALFORMED,
    OTHER_MODEL,
    SESSION_EXPIRED,
    SESSION_OPEN,
    SESSION_UNKNOWN,
    Refused,
)
from gemini_realtime.local.session_store import SessionStore
from gemini_realtime.protocol.messages import SessionResumptionConfig, SessionResumptionUpdate

HANDLE_EVERY_S: Final = 5.0
"""How often a client that keeps sending gets a new handle.

Source: adk-streaming-guide#11, "regular updates"; the number is a guess.
"""

UNASKED_AFTER_S: Final = 0.1
"""How long after `setupComplete` a handle comes that nobody asked for. Source: reported by two projects, 2026."""

_HANDLE: Final = re.compile(r"[\w.+/=:~-]{1,2048}", re.ASCII)


class Sessions:
    """The sessions of a server, shared by its connections.

    Args:
        new_handle: gives a handle that nobody can guess.
        store: where they are kept; in memory by default.
    """

    def __init__(self, new_handle: Callable[[], str], store: SessionStore | None = None) -> None:
        self._new_handle = new_handle
        self._store = store or SessionStore()
        self._open: set[str] = set()

    def enter(self, session_id: str) -> None:
        """Note that a connection holds this session."""
        self._open.add(session_id)
        self._store.begin(session_id)

    def leave(self, session_id: str) -> None:
        """Note that its connection is gone."""
        self._open.discard(session_id)
        self._store.end(session_id)

    def save(self, saved: Saved) -> str:
        """Keep a session as it is now; returns the handle to it."""
        handle = self._new_handle()
        self._store.save(handle, saved)
        return handle

    def find(self, handle: str, model: str) -> Saved:
        """The session of a handle.

        Raises:
            Refused: there is no such session, it is too old, its connection is open, or it has another model.
        """
        if not _HANDLE.fullmatch(handle):
            raise Refused(HANDLE_MALFORMED)
        found = self._store.find(handle)
        if found is None:
            raise Refused(SESSION_UNKNOWN)
        saved, good = found
        if saved.session_id in self._open:
            raise Refused(
                SESSION_OPEN, note="the session to resume is still open on another connection: close that first"
            )
        if not good:
            raise Refused(SESSION_EXPIRED)
        if saved.model != model:
            raise Refused(OTHER_MODEL)
        return saved

    def close(self) -> None:
        """Free the store."""
        self._store.close()


class Seat:
    """The place of one connection in a session, and what the client was told about coming back to it.

    Args:
        session_id: of the session that begins here, unless another is resumed.
        sessions: the sessions of the server.
    """

    def __init__(self, session_id: str, sessions: Sessions) -> None:
        self._session_id = session_id
        self._sessions = sessions
        self._taken = False
        self._gives: Literal["nothing", "one", "handles"] = "nothing"
        self._resumable = False
        self._transparent = False
        self._due: float | None = None
        self._consumed = 0

    def take(self, config: SessionResumptionConfig | None, model: str, *, transparent: bool) -> Saved | None:
        """Begin a session, or resume the one whose handle is given.

        Raises:
            Refused: that one cannot be resumed.
        """
        saved = self._sessions.find(config.handle, model) if config and config.handle else None
        self._gives = "nothing" if config is None else "handles"
        self._transparent = transparent
        if saved is not None:
            self._session_id = saved.session_id
        self._sessions.enter(self._session_id)
        self._taken = True
        return saved

    def consume(self, now: float) -> None:
        """Note a message of the client: what comes after a handle is worth a new one before long."""
        self._consumed += 1
        if self._resumable and self._due is None:
            self._due = now + HANDLE_EVERY_S

    def offer(self, at: float | None = None) -> None:
        """Give one handle that nobody asked for, now or at that time."""
        if self._gives == "nothing":
            self._gives, self._due = "one", at

    def due(self) -> float | None:
        """When the next handle is due though nothing else happens."""
        return self._due

    def wake(self, now: float) -> None:
        """Let a handle that is due be given."""
        if self._due is not None and now >= self._due:
            self._due = None
            self._resumable = False

    def update(self, saved: Callable[[str], Saved], *, resumable: bool) -> SessionResumptionUpdate | None:
        """What to tell the client now: a new handle once the session can be resumed, none while it cannot."""
        if self._gives == "one":
            return self._given(saved) if self._due is None else None
        if self._gives == "nothing" or resumable == self._resumable:
            return None
        self._resumable = resumable
        if not resumable:
            self._due = None
            return SessionResumptionUpdate()
        return self._given(saved)

    def leave(self) -> None:
        """The connection is gone."""
        if self._taken:
            self._sessions.leave(self._session_id)

    def _given(self, saved: Callable[[str], Saved]) -> SessionResumptionUpdate:
        if self._gives == "one":
            self._gives = "nothing"
        return SessionResumptionUpdate(
            new_handle=self._sessions.save(saved(self._session_id)),
            resumable=True,
            last_consumed_client_message_index=str(self._consumed) if self._transparent else None,
        )
