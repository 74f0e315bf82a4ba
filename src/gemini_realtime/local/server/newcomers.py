"""Connections that have not come in yet: in TLS, in a handshake, in a request, or without a first message.

They cost a file descriptor each, and whoever opens one needs no key. So there are only so many of one address at a
time: who has taken long makes room for the next, and who has just come is waited for, which keeps no other address
waiting.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

GRACE_S: Final = 1.0
"""How long a newcomer may take before it has to make room for others of its address."""

MAX_WAITING: Final = 1024
"""Of one address, connections for which there is no room yet: as many as a server has sessions, dialled at once."""


@dataclass(eq=False)
class Newcomer:
    """A connection that has not come in yet.

    Attributes:
        address: where it comes from.
        since: when it came, by the clock of the loop.
        drop: ends it.
    """

    address: str
    since: float
    drop: Callable[[], None]


@dataclass(eq=False)
class _Queue:
    """Those of one address who wait for room, in order."""

    length: int = 0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class Newcomers:
    """The connections of a server that have not come in yet.

    Args:
        per_address: how many of one address there may be.
    """

    def __init__(self, per_address: int) -> None:
        self._per_address = per_address
        self._all: dict[Newcomer, None] = {}
        self._queues: dict[str, _Queue] = {}
        self._left = asyncio.Event()

    async def room(self, address: str) -> bool:
        """Return when there is room for one more from here; False at once when too many wait for it."""
        queue = self._queues.setdefault(address, _Queue())
        if queue.length >= MAX_WAITING:
            return False
        queue.length += 1
        try:
            async with queue.turn:
                await self._make_room(address)
        finally:
            queue.length -= 1
            if not queue.length:
                del self._queues[address]
        return True

    async def _make_room(self, address: str) -> None:
        while len(theirs := [one for one in self._all if one.address == address]) >= self._per_address:
            oldest, now = theirs[0], asyncio.get_running_loop().time()
            if now >= oldest.since + GRACE_S:
                self._drop(oldest)
                continue
            self._left.clear()
            try:
                async with asyncio.timeout_at(oldest.since + GRACE_S):
                    await self._left.wait()
            except TimeoutError:
                pass

    def enter(self, address: str, drop: Callable[[], None]) -> Newcomer:
        """Note a new one; it is ended with `drop` when others need the room."""
        newcomer = Newcomer(address, asyncio.get_running_loop().time(), drop)
        self._all[newcomer] = None
        return newcomer

    def leave(self, newcomer: Newcomer) -> None:
        """Note that this one has come in, or gone."""
        self._all.pop(newcomer, None)
        self._left.set()

    def drop_oldest(self) -> None:
        """End the one that has taken longest, if there is any."""
        if self._all:
            self._drop(next(iter(self._all)))

    def drop_all(self) -> None:
        """End all of them."""
        while self._all:
            self.drop_oldest()

    def _drop(self, newcomer: Newcomer) -> None:
        self.leave(newcomer)
        newcomer.drop()
