"""An event loop in which waiting takes no time: the clock jumps to whatever is due next.

Like trio's `MockClock(autojump_threshold=0)`. It is for code that talks to nothing outside the process: when everything
waits, the clock jumps, and what a socket would have brought comes too late. While a function is at work in a thread,
one of an agent or of `asyncio.to_thread`, time passes as it really does.
"""

from __future__ import annotations

import asyncio
import functools
import selectors
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")

HOUR_S = 3600.0

TOOL_THREAD = "gemini-realtime tool"
"""The name of threads in which agents run functions."""

_LOOK_S = 0.05
"""So long the clock waits for a thread at most before it looks again."""

_LAST_WAIT_S = 1.0
"""Where nothing is due any more, so long a thread may take to tell something."""

MAX_ROUNDS = 100_000
"""Rounds of the loop without time passing, after which something is taken to be a busy loop."""


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop with a clock of its own, which begins at 0.

    Args:
        limit_s: what is not over by then never will be.
    """

    def __init__(self, limit_s: float = HOUR_S) -> None:
        self._clock = _Clock(limit_s)
        super().__init__(self._clock)

    def time(self) -> float:
        """Seconds since the loop was made, on its own clock."""
        return self._clock.now_s

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        """As usual; time passes really until it is done."""
        future = super().run_in_executor(executor, func, *args)
        self._clock.at_work.add(future)
        future.add_done_callback(self._clock.at_work.discard)
        return future

    async def shutdown_default_executor(self, *timeout: Any) -> None:
        """As usual; the end of the threads is waited for really."""
        ended = self.create_future()
        self._clock.at_work.add(ended)
        try:
            await super().shutdown_default_executor(*timeout)
        finally:
            self._clock.at_work.discard(ended)

    def leap(self, duration_s: float) -> None:
        """Move the clock ahead at once, as code sees it that ran while the process was held up."""
        self._clock.now_s += duration_s


def run_in_virtual_time(main: Coroutine[Any, Any, _T], *, limit_s: float = HOUR_S) -> _T:
    """Run a coroutine to its end, without waiting; `asyncio.run` for tests.

    Args:
        main: what to run.
        limit_s: how long it may take, on its own clock.

    Raises:
        AssertionError: it is not over after `limit_s`, or waits for something that cannot happen any more.
    """
    with asyncio.Runner(loop_factory=functools.partial(VirtualTimeLoop, limit_s)) as runner:
        return runner.run(main)


def in_virtual_time(test: Callable[_P, Coroutine[Any, Any, _T]]) -> Callable[_P, _T]:
    """Decorate an `async def` test: it becomes a plain function that runs in virtual time.

    It needs no plugin for asynchronous tests, and takes fixtures and parameters as it did.
    """

    @functools.wraps(test)
    def run(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        return run_in_virtual_time(test(*args, **kwargs))

    return run


class _Clock(selectors.SelectSelector):
    """Where the loop waits: that moves the clock instead."""

    def __init__(self, limit_s: float) -> None:
        super().__init__()
        self.now_s = 0.0
        self.at_work: set[asyncio.Future[Any]] = set()  # what runs in a pool of threads
        self._limit_s = limit_s
        self._rounds = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._rounds += 1
        if self._rounds > MAX_ROUNDS:
            self._rounds = 0  # time for an orderly end
            raise AssertionError(f"the clock stands still at {self.now_s:g} s: something is in a busy loop")
        if timeout is not None and timeout <= 0:
            # The system call costs more than the rest of a round, and hardly any code here has a socket.
            return super().select(0) if self._rounds % 16 == 0 else []
        ready = super().select(0)
        if ready:
            return ready
        if self._threads_work():
            return self._wait_really(_LOOK_S if timeout is None else min(timeout, _LOOK_S))
        if timeout is None:
            # What writes a recording, say, may be about to tell that it has.
            if threading.active_count() > 1 and (ready := super().select(_LAST_WAIT_S)):
                return ready
            raise AssertionError(f"at {self.now_s:g} s everything waits for something that will not happen")
        self.now_s += timeout
        self._rounds = 0
        if self.now_s >= self._limit_s:
            raise AssertionError(f"it is not over after {self._limit_s:g} s")
        return ready

    def _wait_really(self, timeout: float) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait while a function is at work in a thread: time passes as it really does."""
        began = time.perf_counter()
        ready = super().select(timeout)
        self.now_s += time.perf_counter() - began
        self._rounds = 0
        return ready

    def _threads_work(self) -> bool:
        if self.at_work or threading.active_count() == 1:
            return bool(self.at_work)
        return any(thread.name == TOOL_THREAD for thread in threading.enumerate())
