"""When to change connections: at a turn boundary or in silence, and before the service closes.

A connection is left because the service announced to close it (`goAway`), or because new options need a new setup.
"""

from __future__ import annotations

from math import inf
from typing import Final

from gemini_realtime.protocol.audio_ring import is_quiet
from gemini_realtime.protocol.ledger import Ledger
from gemini_realtime.protocol.progress import Progress
from gemini_realtime.protocol.resumption import Resumption

MARGIN: Final = 0.2
MAX_MARGIN_S: Final = 5.0
"""Of the time the service leaves, so much is kept for closing: a fifth, and no more than this."""

SETTLES_S: Final = 1.5
"""How long to wait after a turn, at least, for the handle that holds it. Source: handles have been seen some 100 ms
after it."""

LOOK_AGAIN_S: Final = 0.25
"""How often to look whether the user has fallen silent."""

LISTENS_S: Final = 0.5
"""A pause this long is one between words, at least."""


MAX_SPREAD_S: Final = 5.0
"""Clients that are told together leave within so long of each other. A longer wait would be as likely to end while
somebody speaks as this one, and leave less time to wait for a pause then."""


class Handover:
    """The wish to leave a connection.

    Args:
        resumption: whether the service can be asked for the session again.
        progress: whether anybody says something, or waits for it.
        ledger: what was said that no handle holds.

    Attributes:
        wanted: whether there is one.
        leave_by: when to leave at the latest; None when there is no hurry; seconds.
    """

    def __init__(self, resumption: Resumption, progress: Progress, ledger: Ledger) -> None:
        self.wanted = False
        self.leave_by: float | None = None
        self._resumption = resumption
        self._progress = progress
        self._ledger = ledger
        self._look_at: float | None = None
        self._patient_until = -inf
        self._not_before = -inf

    def wish(self, time_left_s: float | None, now: float, *, patient: bool = False, spread: float = 0.0) -> None:
        """Leave when it suits, within the time left.

        Args:
            time_left_s: until when; None when there is no hurry.
            now: seconds.
            patient: wait half of that time for a handle that holds all that was said.
            spread: a number from 0 to 1: which part of half that time, or of `MAX_SPREAD_S`, to let pass first. Many
                clients are told together, and would all come back in the same moment.
        """
        self.wanted = True
        if time_left_s is not None:
            leave_by = now + time_left_s - min(time_left_s * MARGIN, MAX_MARGIN_S)
            self.leave_by = leave_by if self.leave_by is None else min(self.leave_by, leave_by)
            if patient:
                self._patient_until = now + (self.leave_by - now) / 2
            self._not_before = now + spread * min((self.leave_by - now) / 2, MAX_SPREAD_S)
        self._look_at = now

    def done(self) -> None:
        """A new connection is there."""
        self.wanted, self.leave_by, self._look_at = False, None, None
        self._patient_until = self._not_before = -inf

    def deadline(self) -> float | None:
        """When to look again; None when nothing is wanted."""
        return self._look_at if self.leave_by is None or self._look_at is None else min(self._look_at, self.leave_by)

    def overdue(self, now: float) -> bool:
        """Whether to leave whatever is going on."""
        return self.wanted and self.leave_by is not None and now >= self.leave_by

    def due(self, now: float) -> bool:
        """Whether to leave now: between turns and in silence, or since the time is up."""
        if not self.wanted:
            return False
        leaves = self.overdue(now) or (self._progress.between_turns() and self._suits(now))
        self._look_at = now + LOOK_AGAIN_S
        return leaves

    def _suits(self, now: float) -> bool:
        handle_at = self._resumption.handle_at
        if handle_at is None and not self._resumption.distrusted:
            return False  # one may come yet, and without it the service forgets what was said
        if now < self._not_before or not is_quiet(self._ledger.audio.recent(now - LISTENS_S)):
            return False
        idle_since = self._progress.idle_since
        saved = handle_at is None or (handle_at >= idle_since and not self._ledger.unsaved())
        return saved or now >= max(idle_since + SETTLES_S, self._patient_until)
