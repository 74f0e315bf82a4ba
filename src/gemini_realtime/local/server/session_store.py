"""Where sessions outlive the server: a SQLite file.

Words, counts and names are kept, and no audio. Everything here may wait for the disk, so it is called on a thread.
Several servers may use one file; each finds what the others kept.
"""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from typing import Final

import msgspec

from gemini_realtime.local.session.history import Saved

HANDLES_PER_SESSION: Final = 8
"""Handles kept of a session: a client comes back with one of the last."""

_LOCK_TIMEOUT_S: Final = 2.0  # for another program to be done with the file
_UNAVAILABLE: Final = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)

_TABLES: Final = """
PRAGMA journal_mode=WAL;
PRAGMA synchronous=NORMAL;
CREATE TABLE IF NOT EXISTS saved_sessions (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    handle TEXT UNIQUE NOT NULL,
    session_id TEXT NOT NULL,
    saved_at REAL NOT NULL,
    saved BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS saved_of_session ON saved_sessions (session_id, number);
CREATE TABLE IF NOT EXISTS ended_sessions (session_id TEXT PRIMARY KEY, ended_at REAL NOT NULL);
"""


class SessionStore:
    """Saved sessions by handle.

    Args:
        path: a file, which is made when it is missing; in memory by default.
        capacity: handles kept; the oldest are forgotten first.

    Raises:
        sqlite3.Error: the file cannot be one of sessions. That it is locked for now, or the disk full, is no reason.
    """

    def __init__(self, path: str | Path = ":memory:", *, capacity: int = 4096) -> None:
        self._capacity = capacity
        self._lock = threading.Lock()
        self._prepared = False
        self._database = sqlite3.connect(path, timeout=_LOCK_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        try:
            self._prepare()
        except sqlite3.Error as error:
            if not is_unavailable(error):
                self._database.close()
                raise

    def save(self, handle: str, saved: Saved, at: float) -> None:
        """Keep a session under a handle; `at` is in seconds since the epoch."""
        blob = msgspec.json.encode(saved._replace(turns=tuple(saved.turns)))
        with self._lock:
            self._prepare()
            number = self._database.execute(
                "INSERT INTO saved_sessions (handle, session_id, saved_at, saved) VALUES (?, ?, ?, ?)",
                (handle, saved.session_id, at, blob),
            ).lastrowid
            self._forget(saved.session_id, number or 0)

    def end(self, session_id: str, at: float) -> None:
        """Note that the connection of a session is gone."""
        with self._lock:
            self._prepare()
            self._database.execute("INSERT OR REPLACE INTO ended_sessions VALUES (?, ?)", (session_id, at))

    def find(self, handle: str) -> tuple[Saved, float] | None:
        """The session of a handle, and when anything was last known of it; None when there is none.

        Raises:
            sqlite3.Error: the file cannot be read, or what is in it.
        """
        with self._lock:
            self._prepare()
            row = self._database.execute(
                "SELECT saved, max(saved_at, coalesce(ended_at, 0))"
                " FROM saved_sessions LEFT JOIN ended_sessions USING (session_id) WHERE handle = ?",
                (handle,),
            ).fetchone()
        try:
            return None if row is None else (msgspec.json.decode(row[0], type=Saved), row[1])
        except msgspec.DecodeError as error:  # the file is damaged, or of another version
            raise sqlite3.DataError(f"what is kept under the handle cannot be read: {error}") from None

    def close(self) -> None:
        """Free the file."""
        with self._lock:
            self._database.close()

    def __del__(self) -> None:
        # Python 3.13 warns of a database that is left open.
        if hasattr(self, "_database"):
            self._database.close()

    def _prepare(self) -> None:
        if not self._prepared:
            self._database.executescript(_TABLES)
            self._prepared = True

    def _forget(self, session_id: str, newest: int) -> None:
        self._database.execute(
            "DELETE FROM saved_sessions WHERE session_id = ? AND number NOT IN"
            " (SELECT number FROM saved_sessions WHERE session_id = ? ORDER BY number DESC LIMIT ?)",
            (session_id, session_id, HANDLES_PER_SESSION),
        )
        self._database.execute("DELETE FROM saved_sessions WHERE number <= ?", (newest - self._capacity,))
        if newest % 256 == 0:
            self._database.execute(
                "DELETE FROM ended_sessions WHERE session_id NOT IN (SELECT session_id FROM saved_sessions)"
            )


def is_unavailable(error: sqlite3.Error) -> bool:
    """Whether it may go better later: another program has the file locked, or the disk is full."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _UNAVAILABLE  # the rest is the extended code
