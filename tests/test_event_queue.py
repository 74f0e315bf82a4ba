from __future__ import annotations

import asyncio

import pytest

from gemini_realtime.event_queue import (
    HIGH_WATER,
    LARGE_BYTES,
    LOW_WATER,
    MAX_ECHOED_CHARACTERS,
    MAX_ECHOES,
    MAX_UNREAD,
    EventQueue,
    EventQueueEnded,
)
from gemini_realtime.protocol.events import AudioDropped, InputAudioBufferDelta, RealtimeEvent
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


async def test_echoes_are_bounded_by_their_length_too() -> None:
    queue = EventQueue()
    for _ in range(10):
        queue.put_echo("A" * MAX_ECHOED_CHARACTERS)
    queue.end()
    assert isinstance(await queue.get(), InputAudioBufferDelta)
    with pytest.raises(EventQueueEnded):
        await queue.get()


async def test_an_echo_that_the_application_adds_itself_is_an_event_like_any_other() -> None:
    queue = EventQueue()
    signals: list[bool] = []
    queue.on_pressure = signals.append
    queue.put_echo("AAAA")
    for _ in range(HIGH_WATER):
        queue.put(InputAudioBufferDelta(delta="BBBB"))
    assert signals == [True]
    for _ in range(HIGH_WATER + 1 - LOW_WATER):
        await queue.get()
    assert signals == [True, False]


async def test_a_frame_counts_by_its_size_and_once_however_many_events_it_gives() -> None:
    queue = EventQueue()
    signals: list[bool] = []
    queue.on_pressure = signals.append
    queue.put_large([event(1), event(2), event(3)], 100 * LARGE_BYTES)
    queue.put_large([event(4)], (HIGH_WATER - 105) * LARGE_BYTES)
    assert signals == []
    queue.put(event(5))
    assert signals == [True]
    assert [number(await queue.get()) for _ in range(5)] == [1, 2, 3, 4, 5]
    assert signals == [True, False]


async def test_a_flood_is_signalled_again_where_nothing_at_all_should_come() -> None:
    queue = EventQueue()
    signals: list[bool] = []
    queue.on_pressure = signals.append
    for item in range(MAX_UNREAD):
        assert not queue.flooded
        queue.put(event(item))
    assert queue.flooded
    assert signals == [True, True]


async def test_dropped_audio_is_one_event_until_it_is_read() -> None:
    queue = EventQueue()
    for duration_ms in (20, 40):
        queue.put_dropped(AudioDropped(duration_ms=duration_ms, reason="late"))
    assert await queue.get() == AudioDropped(duration_ms=60, reason="late")
    queue.put_dropped(AudioDropped(duration_ms=10, reason="late"))
    assert await queue.get() == AudioDropped(duration_ms=10, reason="late")


async def test_audio_dropped_for_another_reason_is_another_event() -> None:
    queue = EventQueue()
    for reason in ("late", "lost", "late"):
        queue.put_dropped(AudioDropped(duration_ms=20, reason=reason))
    assert await queue.get() == AudioDropped(duration_ms=40, reason="late")
    assert await queue.get() == AudioDropped(duration_ms=20, reason="lost")
