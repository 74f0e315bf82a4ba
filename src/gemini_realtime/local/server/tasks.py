"""What goes on for one client besides taking its messages."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


class Tasks:
    """The tasks of one client.

    Args:
        failed: is told what one of them raised.
        ended: is called when one is over.
    """

    def __init__(self, failed: Callable[[Exception], None], ended: Callable[[], None]) -> None:
        self._failed = failed
        self._ended = ended
        self._tasks: set[asyncio.Task[None]] = set()

    def __bool__(self) -> bool:
        return bool(self._tasks)

    def start(self, work: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        """Begin with something."""
        task = asyncio.create_task(self._guard(work))
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def cancel(self) -> None:
        """End all of them."""
        for task in self._tasks:
            task.cancel()

    async def wait(self) -> None:
        """Return when all of them are over."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _guard(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except Exception as error:
            self._failed(error)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._ended()
