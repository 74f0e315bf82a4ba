"""Which sessions can be resumed, and which are open."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import NamedTuple

from gemini_realtime.local.refusals import SESSION_OPEN, SESSION_UNKNOWN, Refused
from gemini_realtime.local.thinking import Turn
from gemini_realtime.protocol.messages import SessionResumptionConfig, SessionResumptionUpdate


class Saved(NamedTuple):
    """A session as its handle finds it again.

    Attributes:
        session_id: of the connection that began it.
        turns: what was said.
        prompt_tokens: what that costs, by modality.
    """

    session_id: str
    turns: tuple[Turn, ...]
    prompt_tokens: Mapping[str, int]


class Sessions:
    """The sessions of a server, shared by its connections.

    Args:
        new_handle: gives a handle that nobody can guess.
        capacity: handles kept; the oldest are forgotten first.
    """

    def __init__(self, new_handle: Callable[[], str], *, capacity: int = 4096) -> None:
        self._new_handle = new_handle
        self._capacity = capacity
        self._saved: OrderedDict[str, Saved] = OrderedDict()
        self._open: set[str] = set()

    def enter(self, session_id: str) -> None:
        """Note that a connection holds this session."""
        self._open.add(session_id)

    def leave(self, session_id: str) -> None:
        """Note that its connection is gone."""
        self._open.discard(session_id)

    def save(self, saved: Saved) -> str:
        """Keep a session as it is now; returns the handle to it."""
        handle = self._new_handle()
        self._saved[handle] = saved
        while len(self._saved) > self._capacity:
            self._saved.popitem(last=False)
        return handle

    def find(self, handle: str) -> Saved:
        """The session of a handle.

        Raises:
            Refused: there is no such session, or its connection is still open.
        """
        saved = self._saved.get(handle)
        if saved is None:
            raise Refused(SESSION_UNKNOWN)
        if saved.session_id in self._open:
            raise Refused(
                SESSION_OPEN, note="the session to resume is still open on another connection: close that first"
            )
        return saved


class Seat:
    """The place of one connection in a session, and what the client was told about coming back to it.

    Args:
        session_id: of the session that begins here, unless another is resumed.
        sessions: the sessions of the server.
    """

    def __init__(self, session_id: str, sessions: Sessions) -> None:
        self._session_id = session_id
        self._sessions = sessions
        self._gives_handles = False
        self._resumable = False

    def take(self, config: SessionResumptionConfig | None) -> Saved | None:
        """Begin a session, or resume the one whose handle is given.

        Raises:
            Refused: that one cannot be resumed.
        """
        saved = self._sessions.find(config.handle) if config and config.handle else None
        self._gives_handles = config is not None
        if saved is not None:
            self._session_id = saved.session_id
        self._sessions.enter(self._session_id)
        return saved

    def update(self, saved: Callable[[str], Saved], *, resumable: bool) -> SessionResumptionUpdate | None:
        """What to tell the client now: a new handle once the session can be resumed, none while it cannot."""
        if not self._gives_handles or resumable == self._resumable:
            return None
        self._resumable = resumable
        if not resumable:
            return SessionResumptionUpdate()
        return SessionResumptionUpdate(new_handle=self._sessions.save(saved(self._session_id)), resumable=True)

    def leave(self) -> None:
        """The connection is gone."""
        self._sessions.leave(self._session_id)
