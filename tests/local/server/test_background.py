"""The server on a thread of its own."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from tests.local.server.test_http import served
from tests.local.test_serve import TEXT, dialled, text_of


async def test_a_server_entered_without_await_serves_from_another_thread() -> None:
    before = threading.active_count()
    with served() as server:
        async with dialled(server, **TEXT) as client:
            client.types("hi")
            assert text_of(await client.until("turnComplete")) == "You said hi."
            server.go_away(50.0)
            assert await client.frames.get() == {"goAway": {"timeLeft": "50s"}}
    assert threading.active_count() == before


def test_what_keeps_it_from_listening_is_raised_at_once() -> None:
    with served() as first, pytest.raises(OSError, match=str(first.port)), served(port=first.port):
        raise AssertionError("two servers at one port")


def test_what_goes_wrong_at_the_end_is_raised_there() -> None:
    class Stubborn:
        async def __aenter__(self) -> None: ...
        async def __aexit__(self, *_: Any) -> None:
            raise RuntimeError("not yet")

    from gemini_realtime.local.server.background import Background

    background = Background(Stubborn())
    background.start()
    with pytest.raises(RuntimeError, match="not yet"):
        background.stop()


@pytest.mark.parametrize("name", ["url", "port"])
def test_a_server_that_does_not_listen_has_no_address(name: str) -> None:
    with pytest.raises(RuntimeError, match="does not listen"):
        getattr(served(), name)
