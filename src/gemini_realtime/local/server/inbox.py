"""The messages of one client that wait for their turn, so that no client takes the time of the others."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

SHARE_S: Final = 0.005
"""How long the messages of one client are taken before the other clients have their turn."""


class Inbox:
    """Hands messages on in order: at once as long as there is time, and else when the others have had theirs.

    Args:
        deliver: takes a message.
        full: is called when messages wait, so that no more are read.
        empty: is called when none wait any more.
    """

    def __init__(self, deliver: Callable[[bytes], None], full: Callable[[], None], empty: Callable[[], None]) -> None:
        self._deliver = deliver
        self._full = full
        self._empty = empty
        self._waiting: deque[bytes] = deque()
        self._last: Callable[[], None] | None = None
        self._turn_ends_at: float | None = None
        self._held = False

    def put(self, message: bytes) -> None:
        """Take a message."""
        if self._blocked:
            self._waiting.append(message)
            self._full()
        else:
            self._hand_on(message)

    def spend(self) -> bool:
        """Note that something came that is no message, but takes time too; returns whether there is time for it."""
        self._begin_turn()
        if self._turn_is_over():
            self._full()
        return not self._blocked

    def hold(self) -> None:
        """Whoever takes messages is busy with one: the others wait for `release`."""
        self._held = True
        self._full()

    def release(self) -> None:
        """Go on."""
        self._held = False
        self._go_on()

    def finish(self, last: Callable[[], None]) -> None:
        """Call this after the messages that came before."""
        if self._blocked:
            self._last = last
        else:
            last()

    def clear(self) -> None:
        """Forget everything: nobody is there any more."""
        self._waiting.clear()
        self._last = None

    @property
    def _blocked(self) -> bool:
        return self._held or bool(self._waiting) or self._turn_is_over()

    def _turn_is_over(self) -> bool:
        return self._turn_ends_at is not None and asyncio.get_running_loop().time() >= self._turn_ends_at

    def _hand_on(self, message: bytes) -> None:
        self._begin_turn()
        self._deliver(message)

    def _begin_turn(self) -> None:
        if self._turn_ends_at is None:
            loop = asyncio.get_running_loop()
            self._turn_ends_at = loop.time() + SHARE_S
            loop.call_soon(self._next_turn)

    def _next_turn(self) -> None:
        self._turn_ends_at = None
        self._go_on()

    def _go_on(self) -> None:
        while self._waiting and not (self._held or self._turn_is_over()):
            self._hand_on(self._waiting.popleft())
        if self._waiting or self._held:
            return
        self._empty()
        if self._last is not None:
            last, self._last = self._last, None
            last()
