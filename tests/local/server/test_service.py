"""What is behind the door of a server."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from gemini_realtime.errors import ConfigError
from gemini_realtime.local.server.session_store import SessionStore
from tests.local.fakes import FakeHearing
from tests.local.server.test_http import served
from tests.local.test_serve import TEXT, dialled
from tests.loop import settle


async def test_a_file_that_cannot_keep_sessions_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot keep sessions"):
        await served(sessions_path=tmp_path / "no" / "folder").__aenter__()


async def test_sessions_outlive_the_server_in_a_file(tmp_path: Path) -> None:
    async with (
        served(sessions_path=tmp_path / "sessions") as server,
        dialled(server, **TEXT, sessionResumption={}) as client,
    ):
        client.types("my name is Alice")
        await client.until("turnComplete")
        handle = (await client.until("sessionResumptionUpdate"))[-1]["sessionResumptionUpdate"]["newHandle"]
    again: dict[str, Any] = {"sessionResumption": {"handle": handle}}
    async with served(sessions_path=tmp_path / "sessions") as server, dialled(server, **TEXT, **again):
        pass  # it is known


@pytest.mark.parametrize(("trouble", "code"), [(sqlite3.SQLITE_BUSY, 1011), (sqlite3.SQLITE_CORRUPT, 1008)])
async def test_a_handle_that_cannot_be_looked_up_for_now_is_to_be_tried_again(
    trouble: int, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find(self: SessionStore, handle: str) -> None:
        error = sqlite3.OperationalError("the disk has its troubles")
        error.sqlite_errorcode = trouble
        raise error

    monkeypatch.setattr(SessionStore, "find", find)
    async with served(sessions_path=tmp_path / "sessions") as server, dialled(server) as client:
        client.send({"setup": {**TEXT, "sessionResumption": {"handle": "handle-1"}}})
        assert (await client.frames.get())[0] == code


async def test_a_profile_is_named_or_there_is_none() -> None:
    assert served(model_profile="3.8-live")
    with pytest.raises(ConfigError, match="use one of"):
        served(model_profile="4.0-live")


@pytest.mark.parametrize("warm_up", [True, False])
async def test_ears_are_made_ready_ahead_only_when_wanted(warm_up: bool) -> None:
    hearing = FakeHearing()
    async with served(hearing=hearing, warm_up=warm_up):
        await settle()
        assert hearing.started == warm_up
    assert hearing.closed
