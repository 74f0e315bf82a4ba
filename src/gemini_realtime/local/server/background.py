"""An asynchronous context on a thread of its own, for programs that have no event loop or want theirs undisturbed."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager


class Background:
    """Enters a context in a new thread, and leaves it there.

    Args:
        context: what to enter; it is used on that thread only.
    """

    def __init__(self, context: AbstractAsyncContextManager[object]) -> None:
        self._context = context
        self._ready: Future[None] = Future()
        self._ended: Future[None] = Future()
        self._stopping = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Return when the context is entered; what that raises is raised here."""
        threading.Thread(target=self._run, name="gemini-realtime", daemon=True).start()
        self._ready.result()

    def stop(self) -> None:
        """Return when the context is left; what that raises is raised here."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
        self._ended.result()

    def _run(self) -> None:
        try:
            asyncio.run(self._hold())
        except BaseException as error:
            (self._ended if self._ready.done() else self._ready).set_exception(error)
        else:
            self._ended.set_result(None)

    async def _hold(self) -> None:
        self._loop = asyncio.get_running_loop()
        async with self._context:
            self._ready.set_result(None)
            await self._stopping.wait()
