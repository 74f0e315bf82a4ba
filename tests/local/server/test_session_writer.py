from __future__ import annotations

import logging
import sqlite3
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import pytest

from gemini_realtime.local.server.session_store import SessionStore
from gemini_realtime.local.server.session_writer import MAX_WAITING, SessionWriter
from gemini_realtime.local.server.sessions import Sessions
from gemini_realtime.local.session.history import Saved
from gemini_realtime.local.thinking import Turn

SAVED = Saved("s", (Turn("user", "hello"),), {"TEXT": 1}, "m")


def full() -> None:
    raise sqlite3.OperationalError("database or disk is full")


def test_a_full_disk_stops_nothing_and_the_log_says_what_was_not_kept(caplog: pytest.LogCaptureFixture) -> None:
    done: list[int] = []
    writer = SessionWriter("sessions.db")
    with caplog.at_level(logging.WARNING):
        for change in (full, full, lambda: done.append(1)):
            writer(change)
        writer.close()
    assert done == [1]
    assert [record.getMessage() for record in caplog.records] == [
        "sessions are not kept in sessions.db: database or disk is full. Until this server ends they can be resumed"
        " all the same.",
        "sessions are kept in sessions.db again; 2 changes were not",
    ]


def test_a_disk_that_is_full_and_free_by_turns_does_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    writer = SessionWriter("sessions.db")
    with caplog.at_level(logging.WARNING):
        for change in (full, lambda: None) * 100:
            writer(change)
        writer.close()
    assert len(caplog.records) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="there is no limit of a file's size")
def test_a_file_that_may_not_grow_is_one_more_full_disk(tmp_path: Path) -> None:
    limited = """
import resource, sys
from pathlib import Path
from gemini_realtime.local.server.session_store import SessionStore
from gemini_realtime.local.server.session_writer import SessionWriter
from gemini_realtime.local.server.sessions import Sessions
from gemini_realtime.local.session.history import Saved
from gemini_realtime.local.thinking import Turn

unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, unlimited[1]))
numbers = iter(range(9))
store, writer = SessionStore(sys.argv[1]), SessionWriter(sys.argv[1])
sessions = Sessions(lambda: f"h{next(numbers)}", store, write=writer)
saved = Saved("s", (Turn("user", "word " * 500),), {"TEXT": 1}, "m")
sessions.save(saved)
sessions.leave("s")
writer.close()
resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
writer = SessionWriter(sys.argv[1])
sessions = Sessions(lambda: f"h{next(numbers)}", store, write=writer)
sessions.save(saved)
writer.close()
print(store.find("h0"), store.find("h1")[0].session_id)
"""
    command = [sys.executable, "-c", limited, str(tmp_path / "sessions.db")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stdout == "None s\n", done.stderr
    assert "disk I/O error" in done.stderr or "full" in done.stderr


def test_what_cannot_be_read_any_more_is_no_session(tmp_path: Path) -> None:
    store = SessionStore(tmp_path / "sessions.db")
    store.save("h", SAVED, 1.0)
    other = sqlite3.connect(tmp_path / "sessions.db")
    with other:
        other.execute("UPDATE saved_sessions SET saved = ?", (b'{"turns": 7}',))
    other.close()
    with pytest.raises(sqlite3.Error, match="cannot be read"):
        store.find("h")
    store.close()


def test_no_more_waits_for_a_slow_disk_than_there_is_room_for(caplog: pytest.LogCaptureFixture) -> None:
    ready = threading.Event()
    done: list[int] = []

    def wait() -> None:
        ready.wait()

    writer = SessionWriter("sessions.db")
    writer(wait)
    for number in range(MAX_WAITING + 10):
        writer(partial(done.append, number))
    ready.set()
    writer.close()
    assert done == list(range(MAX_WAITING - 1))
    assert "the disk is too slow" in caplog.text


def test_a_session_can_be_resumed_though_the_disk_was_full() -> None:
    class Full(SessionStore):
        def save(self, handle: str, saved: Saved, at: float) -> None:
            full()

    store, writer = Full(), SessionWriter("sessions.db")
    sessions = Sessions(lambda: "h", store, write=writer)
    sessions.enter("s")
    sessions.save(SAVED)
    sessions.leave("s")
    assert sessions.find("h", "m") == SAVED
    writer.close()
    store.close()


def test_two_servers_may_use_one_file(tmp_path: Path) -> None:
    one, other = SessionStore(tmp_path / "s.db"), SessionStore(tmp_path / "s.db")
    one.save("h", SAVED, 1.0)
    other.save("i", SAVED, 2.0)
    other.end("s", 3.0)
    assert one.find("i") == other.find("i") == (SAVED._replace(turns=[*SAVED.turns]), 3.0)
    one.close()
    other.close()


def test_a_file_that_another_program_has_locked_is_used_when_it_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gemini_realtime.local.server.session_store._LOCK_TIMEOUT_S", 0.01)
    other = sqlite3.connect(tmp_path / "s.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    store = SessionStore(tmp_path / "s.db")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        store.save("h", SAVED, 1.0)
    other.execute("ROLLBACK")
    other.close()
    store.save("h", SAVED, 1.0)
    assert store.find("h") is not None
    store.close()


def test_a_file_that_is_none_of_sessions_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "s.db").write_bytes(b"no database" * 100)
    with pytest.raises(sqlite3.DatabaseError):
        SessionStore(tmp_path / "s.db")
