"""When to change connections: at a turn boundary or in silence, and before the service closes.

A connection is left because the service announced to close it (`goAway`), or because new options need a new setup.
"""

from __future__ import annotations

from math import inf
from typing import Final

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

    Attributes:
        wanted: whether there is one.
        leave_by: when to leave at the latest; None when there is no hurry; seconds.
    """

    def __init__(self) -> None:
        self.wanted = False
        self.leave_by: float | None = None
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

    def look_again(self, now: float) -> None:
        """This is not the moment."""
        self._look_at = now + LOOK_AGAIN_S

    def suits(self, now: float, idle_since: float, *, saved: bool) -> bool:
        """Whether this is the moment, between turns and in silence.

        Args:
            now: seconds.
            idle_since: when the last turn ended, or the session began; seconds.
            saved: whether a handle holds all that was said.
        """
        return now >= self._not_before and (saved or now >= max(idle_since + SETTLES_S, self._patient_until))
