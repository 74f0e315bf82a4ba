"""Numbered pieces, put in order."""

from __future__ import annotations

from typing import Generic, TypeVar

_Piece = TypeVar("_Piece")


class Ordering(Generic[_Piece]):
    """Passes on what comes in order at once; what comes early waits for what is missing before it.

    A piece that is still missing when `max_waiting` later ones are there is given up, and left out when it comes. When
    more than that come too late one after the other, the numbers have begun anew, and are followed from there.
    """

    def __init__(self, max_waiting: int) -> None:
        self._max_waiting = max_waiting
        self._waiting: dict[int, _Piece] = {}
        self._next: int | None = None  # the first one says where numbers begin
        self._late = 0  # one after the other

    def push(self, number: int, piece: _Piece) -> list[_Piece]:
        """Take a piece, and return those whose turn it is."""
        if self._next is None:
            self._next = number
        self._late = self._late + 1 if number < self._next else 0
        if self._late > self._max_waiting:
            self._late, self._next = 0, number
            self._waiting.clear()
        if number < self._next:
            return []
        self._waiting[number] = piece
        if len(self._waiting) > self._max_waiting:
            self._next = min(self._waiting)
        ready = []
        while (due := self._waiting.pop(self._next, None)) is not None:
            ready.append(due)
            self._next += 1
        return ready
