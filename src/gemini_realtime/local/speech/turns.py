"""Whose turn it is at something that serves one at a time."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Hashable


class Turns:
    """Turns are given to callers in rotation, so that nobody waits for all that another has asked for.

    What one caller asks for is served in the order in which it was asked for. A caller that is cancelled leaves.
    """

    def __init__(self) -> None:
        self._taken = False
        self._waiting: OrderedDict[Hashable, deque[asyncio.Future[None]]] = OrderedDict()

    @property
    def waiting(self) -> int:
        """How many wait."""
        return sum(map(len, self._waiting.values()))

    async def take(self, caller: Hashable) -> None:
        """Return when it is this caller's turn, which lasts until `pass_on`."""
        if not self._taken:
            self._taken = True
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(caller, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.pass_on()  # it was given and is not wanted
            else:
                self._leave(caller, turn)
            raise

    def pass_on(self) -> None:
        """The turn is over."""
        self._taken = False
        while self._waiting and not self._taken:
            caller, turns = self._waiting.popitem(last=False)
            turn = turns.popleft()
            if turns:
                self._waiting[caller] = turns  # behind all others
            if not turn.done():
                self._taken = True
                turn.set_result(None)

    def _leave(self, caller: Hashable, turn: asyncio.Future[None]) -> None:
        turns = self._waiting.get(caller)
        if turns is not None and turn in turns:
            turns.remove(turn)
            if not turns:
                del self._waiting[caller]
