from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gemini_realtime import ConfigError
from gemini_realtime.credentials import access_token


class Credentials:
    """What google-auth's credentials look like."""

    def __init__(self, *, valid: bool) -> None:
        self.valid = valid
        self.token = "current" if valid else None

    def refresh(self, request: object) -> None:
        self.token, self.valid = "refreshed", True


async def test_no_credentials_give_no_token() -> None:
    assert await access_token(None) is None


async def test_a_callable_gives_the_token_sync_or_async() -> None:
    async def later() -> str:
        await asyncio.sleep(0)
        return "async"

    assert await access_token(lambda: "sync") == "sync"
    assert await access_token(later) == "async"


async def test_the_line_break_with_which_files_end_is_no_part_of_a_token() -> None:
    assert await access_token(lambda: " token\n") == "token"


@pytest.mark.parametrize("nothing", [None, "", 3, b"token", " ", "to ken", "töken", "to\nken"])
async def test_a_callable_that_returns_no_token_is_an_error(nothing: object) -> None:
    with pytest.raises(ConfigError, match="gave"):
        await access_token(lambda: nothing)


async def test_valid_google_credentials_are_used_as_they_are_and_others_refreshed() -> None:
    pytest.importorskip("google.auth.transport.requests", reason="needs the extra [vertex]")
    assert await access_token(Credentials(valid=True)) == "current"
    assert await access_token(Credentials(valid=False)) == "refreshed"


async def test_a_key_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    pytest.importorskip("google.auth", reason="needs the extra [vertex]")
    with pytest.raises(ConfigError, match=r"absent\.json"):
        await access_token(str(tmp_path / "absent.json"))
