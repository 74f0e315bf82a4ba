"""Keeps sessions in their file, on a thread of its own: whatever the disk does, the server goes on."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import Final

MAX_WAITING: Final = 1024
"""Changes that wait for the disk; what comes on top of these is not kept."""

COMPLAIN_EVERY_S: Final = 60.0
"""So often at most the log is told that sessions are not kept."""

_log = logging.getLogger(__name__)


class SessionWriter:
    """Does what concerns the file in order.

    Args:
        path: the file, for the log.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="gemini-realtime-sessions")
        self._lock = Lock()
        self._waiting = 0
        self._lost = 0
        self._complained = False
        self._quiet_until = float("-inf")

    def __call__(self, change: Callable[[], None]) -> None:
        """Do this as soon as the disk allows; that it could not be done is said in the log."""
        with self._lock:
            if self._waiting >= MAX_WAITING:
                self._lose("the disk is too slow")
                return
            self._waiting += 1
        self._thread.submit(self._do, change)

    def close(self) -> None:
        """Return when everything is done."""
        self._thread.shutdown()

    def _do(self, change: Callable[[], None]) -> None:
        try:
            change()
        except sqlite3.Error as error:
            with self._lock:
                self._lose(str(error))
        else:
            self._recover()
        finally:
            with self._lock:
                self._waiting -= 1

    def _lose(self, why: str) -> None:
        """Count what is not kept, and say so; not each time, for a disk may be full and free by turns."""
        self._lost += 1
        now = time.monotonic()
        if self._complained or now < self._quiet_until:
            return
        self._complained = True
        self._quiet_until = now + COMPLAIN_EVERY_S
        _log.warning(
            "sessions are not kept in %s: %s. Until this server ends they can be resumed all the same.", self._path, why
        )

    def _recover(self) -> None:
        with self._lock:
            if not self._complained:
                return
            self._complained = False
            lost, self._lost = self._lost, 0
        _log.warning("sessions are kept in %s again; %d changes were not", self._path, lost)
