"""An event loop in which waiting takes no time: the clock jumps to whatever is due next."""

from __future__ import annotations

import asyncio
import functools
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

_Result = TypeVar("_Result")

HOUR_S = 3600.0

MAX_ROUNDS = 100_000
"""Rounds of the loop without time passing, after which something is running in circles."""


class _Jumping(selectors.SelectSelector):
    def __init__(self, limit_s: float) -> None:
        super().__init__()
        self.now_s = 0.0
        self.limit_s = limit_s
        self.rounds = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.rounds += 1
        if self.rounds > MAX_ROUNDS:
            self.rounds = 0  # time for an orderly end
            raise AssertionError("it runs in circles")
        if timeout is not None and timeout <= 0:
            return super().select(0) if self.rounds % 16 == 0 else []  # the system call costs more than the round
        ready = super().select(0)
        if not ready:
            assert timeout is not None, "everything waits, and for nothing that will happen"
            self.now_s += timeout
            self.rounds = 0
            assert self.now_s < self.limit_s, "it does not end"
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """For code that talks to nothing outside the process."""

    def __init__(self, limit_s: float = HOUR_S) -> None:
        self._jumping = _Jumping(limit_s)
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now_s

    def leap(self, duration_s: float) -> None:
        """Let the clock leap ahead, as it seems to code that ran when the process was held up."""
        self._jumping.now_s += duration_s


def run(main: Coroutine[Any, Any, _Result], *, limit_s: float = HOUR_S) -> _Result:
    """Run a coroutine to its end, at once.

    Raises:
        AssertionError: after `limit_s` on its clock, or when nothing can happen any more.
    """
    with asyncio.Runner(loop_factory=functools.partial(VirtualTimeLoop, limit_s)) as runner:
        return runner.run(main)
