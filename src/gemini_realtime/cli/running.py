"""How a command runs: on uvloop where it is installed, ended by Ctrl-C or SIGTERM, with one line per warning."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

_Result = TypeVar("_Result")


def run(command: Coroutine[Any, Any, _Result]) -> _Result | None:
    """Run a command to its end; None when it was asked to stop, which is a normal end."""
    logging.getLogger("gemini_realtime").addHandler(_OneLine(logging.WARNING))
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        try:
            return runner.run(_stoppable(command))
        except (KeyboardInterrupt, asyncio.CancelledError):
            return None


class _OneLine(logging.Handler):
    """Warnings and errors for people: what happened, in one line."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        # Looked up each time: a screen with a spinner puts its own in place.
        print(record.getMessage() if error is None else f"{record.getMessage()}: {error!r}", file=sys.stderr)


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
