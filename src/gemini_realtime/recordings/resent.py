"""Knows audio that was sent before: after a loss it is sent again, and was said once all the same."""

from __future__ import annotations

from collections import deque
from typing import Final

REMEMBERED: Final = 16_384
"""Pieces of audio: five minutes in pieces of 20 ms, more than any client keeps to send again."""


class SentBefore:
    """Compares the pieces of audio of each connection with those of the connections before it."""

    def __init__(self) -> None:
        self._first_sent: dict[int, int] = {}
        self._order: deque[int] = deque()

    def __call__(self, connection: int, audio_base64: str) -> bool:
        """Whether this piece was sent on an earlier connection; takes note of it."""
        piece = hash(audio_base64)
        first = self._first_sent.setdefault(piece, connection)
        if first == connection:
            self._order.append(piece)
            if len(self._order) > REMEMBERED:
                self._first_sent.pop(self._order.popleft(), None)
        return first < connection
