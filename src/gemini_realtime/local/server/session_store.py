"""Where sessions are kept, so that they can be resumed: in SQLite, in memory or in a file that survives the server.

Words, counts and names are kept, and no audio.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from gemini_realtime.local.session.history import Saved

VALID_S: Final = 2 * 60 * 60
"""How long a handle is good after the last connection of its session has ended.

Source: https://ai.google.dev/gemini-api/docs/live-session.
"""

_HANDLES_PER_SESSION: Final = 8  # a client comes back with one of the last

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS handles (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    handle TEXT UNIQUE NOT NULL,
    session_id TEXT NOT NULL,
    saved BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS handles_of_session ON handles (session_id, number);
CREATE TABLE IF NOT EXISTS ends (session_id TEXT PRIMARY KEY, ended_at REAL);
"""


class SessionStore:
    """Saved sessions by handle. A file belongs to one server at a time.

    Args:
        path: a file, which is made when it is missing; in memory by default.
        capacity: handles kept; the oldest are forgotten first.
        clock: seconds since the epoch, since handles outlive the process.
    """

    def __init__(
        self, path: str | Path = ":memory:", *, capacity: int = 4096, clock: Callable[[], float] = time.time
    ) -> None:
        self._capacity = capacity
        self._clock = clock
        # One thread uses it, which need not be the one that made it.
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._database.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;" + _TABLES)
        # Who was connected when the server ended without a word is not connected any more.
        self._database.execute("UPDATE ends SET ended_at = ? WHERE ended_at IS NULL", (clock(),))

    def begin(self, session_id: str) -> None:
        """Note that a connection holds this session."""
        self._database.execute("INSERT OR REPLACE INTO ends VALUES (?, NULL)", (session_id,))

    def end(self, session_id: str) -> None:
        """Note that its connection is gone: from now on its handles grow old."""
        self._database.execute("UPDATE ends SET ended_at = ? WHERE session_id = ?", (self._clock(), session_id))

    def save(self, handle: str, saved: Saved) -> None:
        """Keep a session under a handle."""
        cursor = self._database.execute(
            "INSERT INTO handles (handle, session_id, saved) VALUES (?, ?, ?)",
            (handle, saved.session_id, msgspec.json.encode(saved)),
        )
        self._forget(saved.session_id, cursor.lastrowid or 0)

    def find(self, handle: str) -> tuple[Saved, bool] | None:
        """The session of a handle, and whether the handle is still good; None when there is none."""
        row = self._database.execute(
            "SELECT saved, ended_at FROM handles LEFT JOIN ends USING (session_id) WHERE handle = ?", (handle,)
        ).fetchone()
        if row is None:
            return None
        blob, ended_at = row
        return msgspec.json.decode(blob, type=Saved), ended_at is None or self._clock() - ended_at <= VALID_S

    def close(self) -> None:
        """Free the file."""
        self._database.close()

    def __del__(self) -> None:
        # Python 3.13 warns of a database that is left open.
        if hasattr(self, "_database"):
            self._database.close()

    def _forget(self, session_id: str, newest: int) -> None:
        self._database.execute(
            "DELETE FROM handles WHERE session_id = ? AND number NOT IN"
            " (SELECT number FROM handles WHERE session_id = ? ORDER BY number DESC LIMIT ?)",
            (session_id, session_id, _HANDLES_PER_SESSION),
        )
        self._database.execute("DELETE FROM handles WHERE number <= ?", (newest - self._capacity,))
        if newest % 256 == 0:
            self._database.execute(
                "DELETE FROM ends WHERE ended_at IS NOT NULL AND session_id NOT IN (SELECT session_id FROM handles)"
            )
