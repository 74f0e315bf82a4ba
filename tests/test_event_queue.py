from __future__ import annotations

import asyncio

import pytest

from gemini_realtime.event_queue import HIGH_WATER, LOW_WATER, MAX_ECHOES, EventQueue, EventQueueEnded
from gemini_realtime.protocol.events import InputAudioBufferDelta, RealtimeEvent
from tests.loop import settle


def event(number: int) -> RealtimeEvent:
    return RealtimeEvent(raw_message={"number": number})


def number(got: RealtimeEvent | None) -> int:
    assert got is not None
    return int(got.raw_message["number"])


async def test_events_come_in_order_and_none_comes_through() -> None:
    queue = EventQueue()
    for item in (event(1), None, event(2)):
        queue.put(item)
    assert number(await queue.get()) == 1
    assert await queue.get() is None
    assert number(await queue.get()) == 2


async def test_a_waiting_reader_gets_the_event_that_comes_later() -> None:
    queue = EventQueue()
    reader = asyncio.create_task(queue.get())
    await settle()
    queue.put(event(7))
    assert number(await reader) == 7


async def test_cancelling_a_reader_that_was_just_woken_leaves_the_event_to_the_next() -> None:
    queue = EventQueue()
    first, second = asyncio.create_task(queue.get()), asyncio.create_task(queue.get())
    await settle()
    queue.put(event(1))
    first.cancel()
    assert number(await second) == 1
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_every_event_goes_to_exactly_one_of_several_readers() -> None:
    queue = EventQueue()
    readers = [asyncio.create_task(queue.get()) for _ in range(20)]
    await settle()
    for item in range(20):
        queue.put(event(item))
    assert sorted(number(got) for got in await asyncio.gather(*readers)) == list(range(20))


async def test_after_the_end_what_is_left_is_still_read() -> None:
    queue = EventQueue()
    queue.put(event(1))
    queue.end()
    assert number(await queue.get()) == 1
    with pytest.raises(EventQueueEnded):
        await queue.get()


async def test_an_event_added_after_the_end_is_still_read() -> None:
    queue = EventQueue()
    queue.end()
    queue.put(event(1))
    assert number(await queue.get()) == 1
    with pytest.raises(EventQueueEnded):
        await queue.get()


async def test_the_end_wakes_all_readers() -> None:
    queue = EventQueue()
    readers = [asyncio.create_task(queue.get()) for _ in range(3)]
    await settle()
    queue.end()
    results = await asyncio.gather(*readers, return_exceptions=True)
    assert [type(result) for result in results] == [EventQueueEnded] * 3


async def test_pressure_is_signalled_at_high_water_and_lifted_at_low_water() -> None:
    queue = EventQueue()
    signals: list[bool] = []
    queue.on_pressure = signals.append
    for item in range(HIGH_WATER + 5):
        queue.put(event(item))
    assert signals == [True]
    for _ in range(HIGH_WATER + 5 - LOW_WATER):
        await queue.get()
    assert signals == [True, False]


async def test_echoes_neither_grow_without_bound_nor_count_as_pressure_nor_crowd_out_events() -> None:
    queue = EventQueue()
    signals: list[bool] = []
    queue.on_pressure = signals.append
    for _ in range(10 * MAX_ECHOES):
        queue.put_echo("AAAA")
    queue.put(event(1))
    assert signals == []
    echoes = [await queue.get() for _ in range(MAX_ECHOES)]
    assert all(isinstance(echo, InputAudioBufferDelta) for echo in echoes)
    assert number(await queue.get()) == 1
    queue.put_echo("BBBB")
    echo = await queue.get()
    assert isinstance(echo, InputAudioBufferDelta)
    assert echo.delta == "BBBB"
