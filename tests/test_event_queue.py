from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from gemini_realtime.event_queue import (
    ECHO_DUE_S,
    ECHO_WITHIN_S,
    HIGH_WATER,
    LARGE_BYTES,
    LAST_ECHO_WITHIN_S,
    LOW_WATER,
    MAX_ECHOED_CHARACTERS,
    MAX_ECHOES,
    MAX_UNREAD,
    TOLD_EVERY,
    EventQueue,
    EventQueueEnded,
)
from gemini_realtime.protocol.events import AudioDropped, InputAudioBufferDelta, RealtimeEvent
from gemini_realtime.testing import in_virtual_time
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
    for item in range(TOLD_EVERY):
        assert len(signals) == 2
        queue.put(event(item))
    assert signals == [True, True, True]


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


@contextmanager
def wakings(loop: asyncio.AbstractEventLoop) -> Iterator[list[object]]:
    """What the event loop is given to do at once."""
    given: list[object] = []
    call_soon = loop.call_soon

    def noted(callback: object, *args: object, **kwargs: object) -> asyncio.Handle:
        given.append(callback)
        return call_soon(callback, *args, **kwargs)  # type: ignore[arg-type]

    loop.call_soon = noted  # type: ignore[method-assign]
    try:
        yield given
    finally:
        loop.call_soon = call_soon  # type: ignore[method-assign]


async def test_echoes_wake_no_reader_and_come_before_the_next_event() -> None:
    queue = EventQueue()
    reader = asyncio.create_task(queue.get())
    await settle()
    with wakings(asyncio.get_running_loop()) as given:
        queue.put_echo("AAAA", 1.5)
        queue.put_echo("BBBB", 1.52)
        assert given == []
        queue.put(event(1))
        assert len(given) == 1
    assert await reader == InputAudioBufferDelta(delta="AAAA", sent_at=1.5)
    assert await queue.get() == InputAudioBufferDelta(delta="BBBB", sent_at=1.52)
    assert number(await queue.get()) == 1


@in_virtual_time
async def test_echoes_come_in_time_where_no_event_comes() -> None:
    queue, loop = EventQueue(), asyncio.get_running_loop()
    reader = asyncio.create_task(queue.get())
    await settle()
    began = loop.time()
    queue.put_echo("AAAA")
    queue.put_echo("BBBB")
    assert [await reader, await queue.get()] == [InputAudioBufferDelta(delta=delta) for delta in ("AAAA", "BBBB")]
    assert loop.time() - began == pytest.approx(ECHO_WITHIN_S)


@in_virtual_time
async def test_an_echo_that_waited_long_comes_with_the_next_however_many_there_are() -> None:
    queue = EventQueue()
    with wakings(asyncio.get_running_loop()) as given:
        reader = asyncio.create_task(queue.get())
        await settle()
        given.clear()
        for place in range(100):  # a file, as fast as it is read
            queue.put_echo("AAAA", 1.0 + place / 10_000)
        assert given == []
        queue.put_echo("AAAA", 1.0 + ECHO_DUE_S)
        assert len(given) == 1
    assert await reader == InputAudioBufferDelta(delta="AAAA", sent_at=1.0)


@in_virtual_time
async def test_the_last_echo_comes_in_time_however_the_audio_went_on_before_it() -> None:
    queue, loop = EventQueue(), asyncio.get_running_loop()
    got: list[RealtimeEvent | None] = []

    async def read() -> None:
        while True:
            got.append(await queue.get())

    reading = asyncio.create_task(read())
    for piece in range(40):  # each second one comes with an event
        queue.put_echo("AAAA", loop.time())
        if piece % 2:
            queue.put(event(piece))
        await asyncio.sleep(0.02)
    queue.put_echo("BBBB", loop.time())
    await asyncio.sleep(LAST_ECHO_WITHIN_S + 0.001)
    assert got[-1] is not None
    assert isinstance(got[-1], InputAudioBufferDelta)
    assert got[-1].delta == "BBBB"
    reading.cancel()


async def test_whoever_wants_no_echoes_gets_none_of_those_that_wait_either() -> None:
    queue = EventQueue()
    queue.put_echo("AAAA")
    queue.put(event(1))
    queue.drop_echoes()
    queue.put_echo("BBBB")
    queue.put(event(2))
    assert [number(await queue.get()) for _ in range(2)] == [1, 2]


async def test_dispatched_events_are_delivered_without_waking_a_task() -> None:
    queue = EventQueue()
    got: list[RealtimeEvent] = []
    queue.put(event(1))
    dispatching = asyncio.create_task(queue.dispatch(got.append))
    await settle()
    with wakings(asyncio.get_running_loop()) as given:
        queue.put(event(2))
        queue.put_echo("AAAA")
        queue.put_large([event(3), event(4)], 10 * LARGE_BYTES)
        assert given == []
    numbers = [item.raw_message.get("number") for item in got]
    assert numbers == [1, 2, None, 3, 4]
    queue.put(None)
    await dispatching


async def test_an_event_made_by_the_function_that_handles_another_comes_after_it() -> None:
    queue = EventQueue()
    order: list[str] = []

    def handle(item: RealtimeEvent) -> None:
        order.append(f"begin {number(item)}")
        if number(item) == 1:
            queue.put(event(2))
        order.append(f"end {number(item)}")

    dispatching = asyncio.create_task(queue.dispatch(handle))
    await settle()
    queue.put(event(1))
    queue.put(event(3))
    queue.end()
    with pytest.raises(EventQueueEnded):
        await dispatching
    assert order == ["begin 1", "end 1", "begin 2", "end 2", "begin 3", "end 3"]


async def test_what_a_handler_raises_is_raised_where_it_was_given_and_loses_no_later_event() -> None:
    queue = EventQueue()

    def handle(item: RealtimeEvent) -> None:
        raise LookupError(number(item))

    dispatching = asyncio.create_task(queue.dispatch(handle))
    await settle()
    queue.put(event(1))
    queue.put(event(2))
    with pytest.raises(LookupError, match="1"):
        await dispatching
    assert number(await queue.get()) == 2


async def test_after_a_cancelled_dispatch_events_go_to_the_next_reader() -> None:
    queue = EventQueue()
    dispatching = asyncio.create_task(queue.dispatch(lambda item: None))
    await settle()
    dispatching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await dispatching
    queue.put(event(1))
    assert number(await queue.get()) == 1
