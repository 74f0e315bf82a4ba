from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gemini_realtime import ConfigError
from gemini_realtime.testing import in_virtual_time
from gemini_realtime.web.access import MAX_WAITING, Access, access_to, kept_secret

SECRET = "a secret of the page"


@pytest.mark.parametrize("host", ["127.0.0.1:8760", "localhost", "LOCALHOST:1", "[::1]:8760"])
def test_this_machine_is_allowed_by_its_names(host: str) -> None:
    assert Access(SECRET).allows_host(host)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example:8760",
        "192.168.0.2:8760",
        "",
        "[::1",
        "a@b",
        "a@localhost",
        "localhost:1; script-src *",
        "localhost/x",
        "localhost:x",
    ],
)
def test_a_foreign_name_that_leads_here_is_refused(host: str) -> None:
    assert not Access(SECRET).allows_host(host)


def test_a_page_for_other_machines_is_found_by_address_and_by_names_that_are_given() -> None:
    access = Access(SECRET, host="0.0.0.0", names=["Talk.example"])
    assert access.allows_host("192.168.0.2:8760")
    assert access.allows_host("talk.example")
    assert not access.allows_host("evil.example")


@pytest.mark.parametrize(
    ("origin", "host", "allowed"),
    [
        ("http://127.0.0.1:8760", "127.0.0.1:8760", True),
        ("https://talk.example", "talk.example", True),
        ("http://127.0.0.1:9999", "127.0.0.1:8760", False),
        ("http://localhost:8760", "127.0.0.1:8760", False),
        ("null", "127.0.0.1:8760", False),
        ("null", "", False),
    ],
)
def test_only_the_page_itself_may_ask(origin: str, host: str, allowed: bool) -> None:
    assert Access(SECRET).allows_origin(origin, host) is allowed


@in_virtual_time
async def test_wrong_secrets_are_answered_one_after_the_other_and_the_right_one_at_once() -> None:
    access, loop = Access(SECRET), asyncio.get_running_loop()
    guesses = [asyncio.create_task(access.admits(guess)) for guess in ("a", None, 7)]
    await asyncio.sleep(0)
    assert await access.admits(SECRET)
    assert loop.time() == 0
    assert await asyncio.gather(*guesses) == [False, False, False]
    assert loop.time() == pytest.approx(3)


@in_virtual_time
async def test_while_many_guess_no_secret_is_looked_at() -> None:
    access = Access(SECRET)
    guesses = [asyncio.create_task(access.admits(str(guess))) for guess in range(MAX_WAITING)]
    await asyncio.sleep(0)
    assert not await access.admits(SECRET)
    await asyncio.gather(*guesses)
    assert await access.admits(SECRET)


def test_a_ticket_is_good_once() -> None:
    access = Access(SECRET)
    ticket = access.ticket()
    assert access.redeem(ticket) == SECRET
    assert access.redeem(ticket) is None
    assert access.redeem(None) is None


def test_the_secret_stays_and_only_its_user_reads_it(tmp_path: Path) -> None:
    secret = kept_secret(tmp_path / "new")
    assert len(secret) > 40
    assert kept_secret(tmp_path / "new") == secret
    assert (tmp_path / "new" / "web-secret").stat().st_mode & 0o077 == 0


def test_a_secret_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    path = tmp_path / "web-secret"
    path.write_text("long enough a secret")
    path.chmod(0o644)
    assert kept_secret(tmp_path) == "long enough a secret"
    assert path.stat().st_mode & 0o077 == 0


def test_a_damaged_secret_or_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "web-secret").write_text("")
    with pytest.raises(ConfigError, match=r"damaged.*delete it"):
        kept_secret(tmp_path)
    with pytest.raises(ConfigError, match=r"cannot be kept.*XDG_CACHE_HOME"):
        kept_secret(tmp_path / "web-secret")


def test_other_machines_need_a_password_that_is_worth_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"other machines reach 0\.0\.0\.0.*--auth"):
        access_to("0.0.0.0", None, (), tmp_path)
    with pytest.raises(ConfigError, match="fewer than 8 characters"):
        access_to("0.0.0.0", "short", (), tmp_path)
    assert access_to("0.0.0.0", "long enough", (), tmp_path).secret == "long enough"
    assert not list(tmp_path.iterdir())


def test_no_secret_is_in_a_repr() -> None:
    assert SECRET not in repr(Access(SECRET).secret)
