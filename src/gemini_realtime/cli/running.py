"""How a command runs: on uvloop where it is installed, ended by Ctrl-C or SIGTERM, with one line per warning."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Final, TypeVar

from gemini_realtime.cli import printable

_Result = TypeVar("_Result")

STOPPED: Final = 128
"""Added to the number of a signal it is the exit code of what was stopped, as in POSIX shells."""


def run(command: Coroutine[Any, Any, _Result], *, until_stopped: bool = False) -> _Result | None:
    """Run a command to its end.

    Args:
        command: is cancelled by Ctrl-C or SIGTERM, and may clean up then.
        until_stopped: being stopped is its normal end, and gives None.

    Raises:
        SystemExit: it was stopped; the exit code is that of shells, 130 for Ctrl-C.
    """
    stopped_by: list[int] = []
    try:
        with _warnings_on_one_line(), asyncio.Runner(loop_factory=_loop_factory()) as runner:
            result = runner.run(_stoppable(command, stopped_by))
    except (KeyboardInterrupt, asyncio.CancelledError):
        command.close()  # if it has not begun
        result = None
        stopped_by = stopped_by or [signal.SIGINT]  # before it could be noted, or on Windows
    if stopped_by and not until_stopped:
        sys.exit(STOPPED + stopped_by[0])
    return result


@contextlib.contextmanager
def _warnings_on_one_line() -> Iterator[None]:
    logger, handler = logging.getLogger("gemini_realtime"), _OneLine(logging.WARNING)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


class _OneLine(logging.Handler):
    """Warnings and errors for people: what happened, in one line."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        # Looked up each time: a screen with a spinner puts its own in place.
        with contextlib.suppress(OSError):  # nobody reads them any more
            line = record.getMessage() if error is None else f"{record.getMessage()}: {error!r}"
            print(printable(line), file=sys.stderr)


async def _stoppable(command: Coroutine[Any, Any, _Result], stopped_by: list[int]) -> _Result:
    """Run a command, and note which signal stops it."""
    task = asyncio.current_task()
    assert task is not None

    def stop(number: int) -> None:
        stopped_by.append(number)
        task.cancel()

    with contextlib.suppress(NotImplementedError):  # Windows
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop, number)
    result = await command
    if task.cancelling() and not stopped_by:
        stopped_by.append(signal.SIGINT)  # on Windows, where the runner has cancelled it
    return result


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
