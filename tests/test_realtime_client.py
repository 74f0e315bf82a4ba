"""`RealtimeClientBase`, by a client that is written as AG2's are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

import pytest

from gemini_realtime import RealtimeClientBase, RealtimeEvent


class Client(RealtimeClientBase):
    def __init__(self, *, fails: bool = False, goes_on: bool = False) -> None:
        super().__init__()
        self.fails = fails
        self.goes_on = goes_on
        self.left = False

    async def read_events(self) -> AsyncGenerator[RealtimeEvent, None]:
        async for event in self._read_events():
            yield event

    async def _read_from_connection(self) -> AsyncIterator[RealtimeEvent]:
        try:
            yield RealtimeEvent(raw_message={"n": 1})
            if self.fails:
                raise ConnectionError("lost")
            if self.goes_on:
                await asyncio.Event().wait()
        finally:
            self.left = True


async def test_what_the_connection_brings_and_what_is_added_is_read_until_it_ends() -> None:
    client = Client()
    await client.add_event(RealtimeEvent(raw_message={"n": 0}))
    assert [event.raw_message["n"] async for event in client.read_events()] == [0, 1]


async def test_what_ends_the_connection_is_raised_after_what_came_before() -> None:
    events = Client(fails=True).read_events()
    assert (await anext(events)).raw_message == {"n": 1}
    with pytest.raises(ConnectionError, match="lost"):
        await anext(events)


async def test_none_ends_the_reading_and_leaves_the_connection() -> None:
    client = Client(goes_on=True)
    await client.queue_input_audio_buffer_delta("AAAA")
    events = client.read_events()
    assert (await anext(events)).type == "input_audio_buffer.delta"
    assert (await anext(events)).raw_message == {"n": 1}
    await client.add_event(None)
    with pytest.raises(StopAsyncIteration):
        await anext(events)
    assert client.left


async def test_a_client_without_a_connection_to_read_from_says_so() -> None:
    events = RealtimeClientBase()._read_events()
    with pytest.raises(NotImplementedError, match="RealtimeClientBase has no `_read_from_connection`"):
        await anext(events)
