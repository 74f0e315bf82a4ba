"""The messages of one client that wait for their turn, so that no client takes the time of the others."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

SHARE_S: Final = 0.005
"""How long the messages of one client are taken before the other clients have their turn."""

PAUSE_S: Final = 0.001
"""Between what one reading of the socket brings there is no such pause: after it the others have had their turn."""


class Inbox:
    """Hands messages on in order: at once as long as there is time, and else when the others have had theirs.

    Nearly every message finds nothing that waits, and none to come before others were served. So nothing is scheduled
    for it, and the event loop is asked for a turn only by who has used up his share.

    Args:
        deliver: takes a message.
        full: is called when messages wait, so that no more are read.
        empty: is called when none wait any more.
    """

    def __init__(self, deliver: Callable[[bytes], None], full: Callable[[], None], empty: Callable[[], None]) -> None:
        self._deliver = deliver
        self._full = full
        self._empty = empty
        self._waiting: deque[bytes] | None = None
        self._last: Callable[[], None] | None = None
        self._done_at = self._turn_ends_at = float("-inf")
        self._turn_is_over = False
        self._held = False

    def put(self, message: bytes) -> None:
        """Take a message."""
        if self._has_time():
            self._deliver(message)
            self._done_at = asyncio.get_running_loop().time()
        else:
            self._waiting = self._waiting or deque()
            self._waiting.append(message)
            self._full()

    def spend(self) -> bool:
        """Note that something came that is no message, but takes time too; returns whether there is time for it."""
        has_time = self._has_time()
        self._done_at = asyncio.get_running_loop().time()
        if not has_time:
            self._full()
        return has_time

    def hold(self) -> None:
        """Whoever takes messages is busy with one: the others wait for `release`."""
        self._held = True
        self._full()

    def release(self) -> None:
        """Go on, in a turn of its own: the others had theirs meanwhile."""
        self._held = False
        if not self._turn_is_over:
            self._next_turn()

    def finish(self, last: Callable[[], None]) -> None:
        """Call this after the messages that came before."""
        if self._has_time():
            last()
        else:
            self._last = last

    def clear(self) -> None:
        """Forget everything: nobody is there any more."""
        self._waiting = self._last = None

    def _has_time(self) -> bool:
        """Whether a message can be taken now; when the turn is over, the next is asked for."""
        if self._held or self._turn_is_over:
            return False
        loop = asyncio.get_running_loop()
        now = loop.time()
        if now - self._done_at > PAUSE_S:
            self._turn_ends_at = now + SHARE_S
        elif now >= self._turn_ends_at:
            self._turn_is_over = True
            loop.call_soon(self._next_turn)
            return False
        return True

    def _next_turn(self) -> None:
        self._turn_is_over = False
        self._done_at = asyncio.get_running_loop().time()
        self._turn_ends_at = self._done_at + SHARE_S
        self._go_on()

    def _go_on(self) -> None:
        while self._waiting and not self._held:
            self._deliver(self._waiting.popleft())
            self._done_at = asyncio.get_running_loop().time()
            if self._waiting and not self._has_time():
                return
        if self._held:
            return
        self._empty()
        if self._last is not None:
            last, self._last = self._last, None
            last()
