"""Which sessions can be resumed, and which are open."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from gemini_realtime.local.server.session_store import SessionStore
from gemini_realtime.local.session.history import LostCall, Saved
from gemini_realtime.local.wire.refusals import (
    HANDLE_MALFORMED,
    OTHER_MODEL,
    SESSION_EXPIRED,
    SESSION_OPEN,
    SESSION_UNKNOWN,
    Refused,
)

_MAX_LOST: Final = 1024  # sessions whose lost calls are known; the oldest are forgotten
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
        self._lost_calls: dict[str, tuple[LostCall, ...]] = {}

    def enter(self, session_id: str) -> None:
        """Note that a connection holds this session."""
        self._open.add(session_id)
        self._store.begin(session_id)

    def leave(self, session_id: str, lost_calls: Sequence[LostCall] = ()) -> None:
        """Note that its connection is gone, and which calls were lost with it."""
        self._open.discard(session_id)
        self._lost_calls.pop(session_id, None)
        if lost_calls:
            self._lost_calls[session_id] = tuple(lost_calls)
            if len(self._lost_calls) > _MAX_LOST:
                del self._lost_calls[next(iter(self._lost_calls))]
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
        return saved._replace(lost_calls=self._lost_calls.get(saved.session_id, ()))

    def close(self) -> None:
        """Free the store."""
        self._store.close()
