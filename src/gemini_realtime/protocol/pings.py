"""Pings: to ask whether anybody is there, and how long a message and its answer are under way."""

from __future__ import annotations

from typing import Final

MAX_ROUND_TRIP_S: Final = 2.0
"""The service has been seen to answer pings after 30 s: that is not how long its messages are under way."""

PONG_LOST_S: Final = 60.0
"""A ping that has not been answered for so long will not be."""


class Pings:
    """The pings of one connection after another."""

    def __init__(self) -> None:
        self._due = False
        self._sent_at = 0.0
        self._out = 0

    def connected(self) -> None:
        """Nobody answers the pings of an earlier connection."""
        self._out = 0

    def send(self, now: float) -> None:
        """Send a ping."""
        self._due, self._sent_at = True, now
        self._out += 1

    def measure(self, now: float) -> bool:
        """Send a ping, unless the answer could be taken for that to an earlier one. Returns whether one is sent."""
        if now >= self._sent_at + PONG_LOST_S:
            self._out = 0
        if self._out:
            return False
        self.send(now)
        return True

    def take(self) -> bool:
        """Whether to send one now."""
        due, self._due = self._due, False
        return due

    def answered(self, now: float) -> float | None:
        """A ping was answered; returns the round trip in seconds, None where it cannot be told."""
        only = self._out == 1  # of several nobody says which is answered
        self._out = max(0, self._out - 1)
        return min(max(0.0, now - self._sent_at), MAX_ROUND_TRIP_S) if only else None
