from __future__ import annotations

import asyncio

import pytest

from gemini_realtime.local.server import inbox as module
from gemini_realtime.local.server.inbox import Inbox
from gemini_realtime.testing import in_virtual_time


class Reader:
    """Takes messages, in no time."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.paused = 0
        self.inbox = Inbox(self.take, self.pause, self.resume)

    def take(self, message: bytes) -> None:
        self.taken.append(message)

    def pause(self) -> None:
        self.paused = 1

    def resume(self) -> None:
        self.paused = 0


@in_virtual_time
async def test_a_message_is_taken_at_once() -> None:
    reader = Reader()
    reader.inbox.put(b"a")
    assert reader.taken == [b"a"]


@in_virtual_time
async def test_others_have_their_turn_between_the_messages_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SHARE_S", 0.0)
    reader = Reader()
    for message in (b"a", b"b", b"c"):
        reader.inbox.put(message)
    assert (reader.taken, reader.paused) == ([b"a"], 1)
    await asyncio.sleep(0)
    assert reader.taken == [b"a", b"b"]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert (reader.taken, reader.paused) == ([b"a", b"b", b"c"], 0)


@in_virtual_time
async def test_after_a_pause_a_client_has_its_share_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SHARE_S", 0.0)
    monkeypatch.setattr(module, "PAUSE_S", -1.0)
    reader = Reader()
    for message in (b"a", b"b", b"c"):
        reader.inbox.put(message)
    assert (reader.taken, reader.paused) == ([b"a", b"b", b"c"], 0)


@in_virtual_time
async def test_what_comes_while_one_is_being_read_waits_in_order() -> None:
    reader = Reader()
    reader.inbox.hold()
    ended: list[int] = []
    reader.inbox.put(b"a")
    reader.inbox.put(b"b")
    reader.inbox.finish(lambda: ended.append(len(reader.taken)))
    assert (reader.taken, reader.paused, ended) == ([], 1, [])
    reader.inbox.release()
    assert (reader.taken, reader.paused, ended) == ([b"a", b"b"], 0, [2])


@in_virtual_time
async def test_of_a_client_that_is_gone_nothing_waits() -> None:
    reader = Reader()
    reader.inbox.hold()
    reader.inbox.put(b"a")
    reader.inbox.clear()
    reader.inbox.release()
    assert reader.taken == []
