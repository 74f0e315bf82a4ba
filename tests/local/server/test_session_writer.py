from __future__ import annotations

import logging
import sqlite3
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
