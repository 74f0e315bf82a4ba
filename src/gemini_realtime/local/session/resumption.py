"""How one connection begins or resumes a session, and what its client is told about coming back to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Literal, Protocol

from gemini_realtime.local.session.history import LostCall, Saved
from gemini_realtime.protocol.messages import SessionResumptionConfig, SessionResumptionUpdate

HANDLE_EVERY_S: Final = 5.0
"""How often a client that keeps sending gets a new handle.

Source: adk-streaming-guide#11, "regular updates"; the number is a guess.
"""

UNASKED_AFTER_S: Final = 0.1
"""How long after `setupComplete` a handle comes that nobody asked for. Source: reported by two projects, 2026."""


class Sessions(Protocol):
    """The sessions of a server."""

    def enter(self, session_id: str) -> None:
        """Note that a connection holds this session."""
        ...

    def leave(self, session_id: str, lost_calls: Sequence[LostCall] = ()) -> None:
        """Note that its connection is gone, and which calls were lost with it."""
        ...

    def save(self, saved: Saved) -> str:
        """Keep a session as it is now; returns the handle to it."""
        ...

    def find(self, handle: str, model: str) -> Saved:
        """The session of a handle; raises `Refused` where there is none that can be resumed."""
        ...


class Resumption:
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
        self._withholds = True
        self._due: float | None = None
        self._consumed = 0

    def take(
        self, config: SessionResumptionConfig | None, model: str, *, transparent: bool, withholds: bool
    ) -> Saved | None:
        """Begin a session, or resume the one whose handle is given.

        Args:
            config: what the client set up.
            model: the one it named.
            transparent: whether it is told which of its messages a handle includes.
            withholds: whether it is told in a turn that the session cannot be resumed, and gets no handle then.

        Raises:
            Refused: that one cannot be resumed.
        """
        saved = self._sessions.find(config.handle, model) if config and config.handle else None
        self._gives = "nothing" if config is None else "handles"
        self._transparent = transparent
        self._withholds = withholds
        if saved is not None:
            self._session_id = saved.session_id
        self._sessions.enter(self._session_id)
        self._taken = True
        return saved

    def consume(self, now: float) -> bool:
        """Note a message of the client: what comes after a handle is worth a new one before long.

        Returns whether that makes `due` another.
        """
        self._consumed += 1
        if not self._resumable or self._due is not None:
            return False
        self._due = now + HANDLE_EVERY_S
        return True

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
        """What to tell the client now: a new handle once the session can be resumed, and none while it cannot.

        Where handles are not withheld, a turn that begins gives one too, in which it is.
        """
        if self._gives == "one":
            return self._given(saved) if self._due is None else None
        if self._gives == "nothing" or resumable == self._resumable:
            return None
        self._resumable = resumable
        if not resumable:
            self._due = None
            return SessionResumptionUpdate() if self._withholds else self._given(saved)
        return self._given(saved)

    def leave(self, lost_calls: Sequence[LostCall]) -> None:
        """The connection is gone, and with it the results of these calls."""
        if self._taken:
            self._sessions.leave(self._session_id, lost_calls)

    def _given(self, saved: Callable[[str], Saved]) -> SessionResumptionUpdate:
        if self._gives == "one":
            self._gives = "nothing"
        return SessionResumptionUpdate(
            new_handle=self._sessions.save(saved(self._session_id)),
            resumable=True,
            last_consumed_client_message_index=str(self._consumed) if self._transparent else None,
        )
