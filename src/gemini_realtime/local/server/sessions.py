"""Which sessions can be resumed, and which are open."""

from __future__ import annotations

import re
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, NamedTuple

from gemini_realtime.local.server.session_store import HANDLES_PER_SESSION, SessionStore
from gemini_realtime.local.session.history import LostCall, Saved
from gemini_realtime.local.session.turns import Turns, characters_in
from gemini_realtime.local.wire.refusals import (
    HANDLE_MALFORMED,
    OTHER_MODEL,
    SESSION_EXPIRED,
    SESSION_OPEN,
    SESSION_UNKNOWN,
    Refused,
)

VALID_S: Final = 2 * 60 * 60
"""How long a handle is good after the last connection of its session has ended.

Source: https://ai.google.dev/gemini-api/docs/live-session.
"""

MAX_CHARACTERS: Final = 256 * 1024 * 1024
"""Of what was said in all sessions together; of more, the oldest handles are forgotten."""

_HANDLE: Final = re.compile(r"[\w.+/=:~-]{1,2048}", re.ASCII)


class _Kept(NamedTuple):
    saved: Saved
    last_seen: float
    characters: int


class _Ended(NamedTuple):
    at: float
    lost_calls: tuple[LostCall, ...]


class Sessions:
    """The sessions of a server, shared by its connections: in memory, and in a file where there is one.

    Args:
        new_handle: gives a handle that nobody can guess.
        store: where they outlive the server, if they do.
        write: does what concerns the store; at once by default.
        capacity: handles in memory; the oldest are forgotten first.
        clock: seconds since the epoch, since handles may outlive the process.
    """

    def __init__(
        self,
        new_handle: Callable[[], str],
        store: SessionStore | None = None,
        *,
        write: Callable[[Callable[[], None]], None] = lambda change: change(),
        capacity: int = 4096,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._new_handle = new_handle
        self._store = store
        self._write = write
        self._capacity = capacity
        self._clock = clock
        self._open: set[str] = set()
        self._ended: dict[str, _Ended] = {}
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._handles: dict[str, deque[str]] = {}
        self._characters = 0

    def enter(self, session_id: str) -> None:
        """Note that a connection holds this session."""
        self._open.add(session_id)

    def leave(self, session_id: str, lost_calls: Sequence[LostCall] = ()) -> None:
        """Note that its connection is gone, and which calls were lost with it: from now on its handles grow old."""
        self._open.discard(session_id)
        if session_id in self._handles:
            now = self._clock()
            self._ended[session_id] = _Ended(now, tuple(lost_calls))
            if self._store is not None:
                self._write(partial(self._store.end, session_id, now))

    def save(self, saved: Saved) -> str:
        """Keep a session as it is now; returns the handle to it."""
        handle = self._new_handle()
        now = self._clock()
        self.remember(handle, saved, now)
        if self._store is not None:
            self._write(partial(self._store.save, handle, saved, now))
        return handle

    @property
    def stored(self) -> bool:
        """Whether there is a store that may know more handles."""
        return self._store is not None

    def needs_loading(self, handle: str) -> bool:
        """Whether only the store may know this handle."""
        return self._store is not None and handle not in self._kept and _HANDLE.fullmatch(handle) is not None

    def load(self, handle: str) -> tuple[Saved, float] | None:
        """What the store knows under this handle, for `remember`; to be called on a thread."""
        return self._store.find(handle) if self._store is not None else None

    def remember(self, handle: str, saved: Saved, last_seen: float) -> None:
        """Keep a session in memory."""
        characters = saved.turns.characters if isinstance(saved.turns, Turns) else sum(map(characters_in, saved.turns))
        kept = _Kept(saved, last_seen, characters)
        self._kept[handle] = kept
        self._characters += kept.characters
        handles = self._handles.setdefault(saved.session_id, deque())
        handles.append(handle)
        if len(handles) > HANDLES_PER_SESSION:
            self._forget(handles[0])
        while len(self._kept) > self._capacity or self._characters > MAX_CHARACTERS:
            self._forget(next(iter(self._kept)))

    def find(self, handle: str, model: str) -> Saved:
        """The session of a handle.

        Raises:
            Refused: there is no such session, it is too old, its connection is open, or it has another model.
        """
        if not _HANDLE.fullmatch(handle):
            raise Refused(HANDLE_MALFORMED)
        kept = self._kept.get(handle)
        if kept is None:
            raise Refused(SESSION_UNKNOWN)
        saved = kept.saved
        if saved.session_id in self._open:
            raise Refused(
                SESSION_OPEN, note="the session to resume is still open on another connection: close that first"
            )
        ended = self._ended.get(saved.session_id, _Ended(kept.last_seen, ()))
        if self._clock() - max(kept.last_seen, ended.at) > VALID_S:
            raise Refused(SESSION_EXPIRED)
        if saved.model != model:
            raise Refused(OTHER_MODEL)
        return saved._replace(lost_calls=ended.lost_calls)

    def _forget(self, handle: str) -> None:
        kept = self._kept.pop(handle)
        self._characters -= kept.characters
        handles = self._handles[kept.saved.session_id]
        handles.remove(handle)
        if not handles:
            del self._handles[kept.saved.session_id]
            self._ended.pop(kept.saved.session_id, None)
