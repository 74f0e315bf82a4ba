"""The event loop of a command: uvloop where it is installed; ended by Ctrl-C or SIGTERM, cleanly."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

_Result = TypeVar("_Result")


def run(command: Coroutine[Any, Any, _Result]) -> _Result | None:
    """Run a command to its end; None when it was asked to stop, which is a normal end."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        try:
            return runner.run(_stoppable(command))
        except (KeyboardInterrupt, asyncio.CancelledError):
            return None


async def _stoppable(command: Coroutine[Any, Any, _Result]) -> _Result:
    task = asyncio.current_task()
    assert task is not None
    with contextlib.suppress(NotImplementedError):  # Windows: asyncio turns Ctrl-C into a cancellation itself
        for signal_number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(signal_number, task.cancel)
    return await command


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
