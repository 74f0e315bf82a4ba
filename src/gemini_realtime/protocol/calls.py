"""Which function calls the service waits for, and which of them a resumed session does not know."""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

from gemini_realtime.protocol.messages import FunctionCall

MAX_OPEN_CALLS: Final = 1024
"""Bound on function calls that were never answered; the oldest are forgotten, and answered without a name."""


class _Open(NamedTuple):
    call: FunctionCall
    at: float


class Calls:
    """The open calls by the id the application knows them by.

    Attributes:
        orphans: calls that the service cancelled, or forgot with the session they were made in.
    """

    def __init__(self) -> None:
        self._open: dict[str, _Open] = {}
        self._count = 0
        self.orphans: deque[str] = deque(maxlen=MAX_OPEN_CALLS)

    def __len__(self) -> int:
        return len(self._open)

    def opened(self, call: FunctionCall, now: float) -> str:
        """The service calls; returns the id, made up where it sent none."""
        self._count += 1
        call_id = call.id or f"call-{self._count}"
        self._open[call_id] = _Open(call, now)
        if call_id in self.orphans:  # asked again, after a loss, under the same id
            self.orphans.remove(call_id)
        if len(self._open) > MAX_OPEN_CALLS:
            del self._open[next(iter(self._open))]
        return call_id

    def cancelled(self, call_ids: list[str]) -> None:
        """The service does not wait for these any more."""
        self.orphans.extend(call_id for call_id in call_ids if self._open.pop(call_id, None) is not None)

    def known(self, call_id: str) -> tuple[FunctionCall | None, float]:
        """An open call, None when it is not known, and when it came."""
        return self._open.get(call_id) or (None, 0.0)

    def answered(self, call_id: str) -> None:
        """The application has given its last answer."""
        self._open.pop(call_id, None)

    def lost(self, handle_at: float | None) -> list[str]:
        """The session goes on as it was when its handle came, or anew (None): returns the calls it does not know."""
        lost = [call_id for call_id, open_ in self._open.items() if handle_at is None or open_.at > handle_at]
        for call_id in lost:
            del self._open[call_id]
        self.orphans.extend(lost)
        return lost
