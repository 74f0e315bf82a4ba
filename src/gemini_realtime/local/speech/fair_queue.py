"""What waits to be served, in an order that lets nobody wait for all that another has asked for."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Hashable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class FairQueue(Generic[Item]):
    """Gives owners their turns in rotation, and the items of each in the order in which they came."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[Hashable, deque[Item]] = OrderedDict()

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def put(self, owner: Hashable, item: Item) -> None:
        """Add an item; its owner is behind all others where none of theirs waited before."""
        self._waiting.setdefault(owner, deque()).append(item)

    def take(self, most: int) -> list[Item]:
        """Remove the next items, so many at most."""
        taken: list[Item] = []
        while self._waiting and len(taken) < most:
            owner, items = self._waiting.popitem(last=False)
            taken.append(items.popleft())
            if items:
                self._waiting[owner] = items  # behind all others
        return taken

    def discard(self, owner: Hashable, item: Item) -> None:
        """Remove an item that need not be served, if it still waits."""
        items = self._waiting.get(owner)
        if items is not None and item in items:
            items.remove(item)
            if not items:
                del self._waiting[owner]
