"""Processes that hold calls, and end with the run, however that ends."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import active_children, get_context, parent_process
from typing import Final

from gemini_realtime.evaluation.record import CallResult

_ENDING: Final = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def call_workers(workers: int, prepare: Callable[..., None], *given: object) -> Iterator[ProcessPoolExecutor]:
    """Processes that hold calls; whoever leaves before they are done ends the calls, and the programs under test.

    Args:
        workers: how many.
        prepare: is called with `given` in each process before its first call.
        given: can be pickled.
    """
    others = set(active_children())
    # Not forked: a fork has the locks and threads of its parent, and the agent may have any.
    pool = ProcessPoolExecutor(workers, get_context("spawn"), initializer=partial(_begin, prepare, *given))
    try:
        yield pool
    except BaseException:
        for worker in set(active_children()) - others:
            worker.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(prepare: Callable[..., None], *given: object) -> None:
    for number in _ENDING:
        signal.signal(number, _end)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    prepare(*given)


def _end_with_parent() -> None:
    """Who is killed cannot end its workers."""
    parent = parent_process()
    assert parent is not None, "it is a worker"
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)


def _end(number: int, _: object) -> None:
    """The first signal ends the call under way; another may not keep it from ending its program."""
    for each in _ENDING:
        signal.signal(each, lambda *_: None)  # not SIG_IGN: Python prints a traceback of one that is there already
    logging.disable()  # what is cut off in the agent complains, which is no news
    sys.exit(128 + number)


def held_by_worker(hold: Callable[..., CallResult], *given: object) -> CallResult:
    """Hold a call in a process of `call_workers`, which ends when it is told to."""
    try:
        return hold(*given)
    except SystemExit as ending:  # the executor would send it to the parent as a result, and hold the next call
        os._exit(ending.code if isinstance(ending.code, int) else 1)
