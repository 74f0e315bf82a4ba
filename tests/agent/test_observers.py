"""Observers: each at its own pace, none in the way of another."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from gemini_realtime import InputAudioBufferDelta, RealtimeEvent, TextDelta
from gemini_realtime.agent import AudioObserver, RealtimeObserver
from gemini_realtime.agent.observers import END_WITHIN_S, Delivery
from gemini_realtime.testing import in_virtual_time
from tests.agent.test_functions import Scene


class Seen(RealtimeObserver):
    """Notes what it sees, and takes its time for it."""

    def __init__(self, takes_s: float = 0.0) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.closed = False
        self._takes_s = takes_s

    async def initialize_session(self) -> None:
        pass

    async def run_loop(self) -> None:
        pass

    async def on_event(self, event: RealtimeEvent) -> None:
        await asyncio.sleep(self._takes_s)
        assert isinstance(event, TextDelta)
        if event.text == "bad":
            raise ValueError("this observer is broken")
        self.texts.append(event.text)

    async def on_close(self) -> None:
        self.closed = True


def texts(*words: str) -> list[RealtimeEvent]:
    return [TextDelta(text=word) for word in words]


@in_virtual_time
async def test_every_observer_sees_every_event_in_order_and_is_told_of_the_end() -> None:
    scene = Scene()
    seen = [Seen(), Seen(takes_s=0.5)]
    for observer in seen:
        scene.agent.register_observer(observer)
    async with scene:
        await scene.happens(*texts("one", "two", "three"))
    assert [observer.texts for observer in seen] == [["one", "two", "three"]] * 2
    assert all(observer.closed for observer in seen)


@in_virtual_time
async def test_what_is_no_event_costs_an_observer_that_event_alone(caplog: pytest.LogCaptureFixture) -> None:
    scene, seen = Scene(), Seen()
    scene.agent.register_observer(seen)
    async with scene:
        await scene.happens(*texts("one"), "no event", *texts("two"))  # type: ignore[arg-type]
    assert seen.texts == ["one", "two"]
    assert "Seen.on_event(str) raised AssertionError" in caplog.text


class Stuck(Seen):
    """Never comes back from one of its methods, or does not let itself be cancelled."""

    def __init__(self, where: str) -> None:
        super().__init__()
        self._where = where

    async def run_loop(self) -> None:
        until_s = asyncio.get_running_loop().time() + 100
        while self._where == "run_loop" and asyncio.get_running_loop().time() < until_s:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(100)

    async def on_event(self, event: RealtimeEvent) -> None:
        if self._where == "on_event":
            await asyncio.Event().wait()

    async def on_close(self) -> None:
        self.closed = True
        if self._where == "on_close":
            await asyncio.Event().wait()


@pytest.mark.parametrize("where", ["on_event", "on_close", "run_loop"])
@pytest.mark.parametrize("end", ["stop", "cancel"])
@in_virtual_time
async def test_an_observer_that_never_returns_holds_no_conversation_open(
    where: str, end: str, caplog: pytest.LogCaptureFixture
) -> None:
    scene, stuck, seen = Scene(), Stuck(where), Seen()
    for observer in (stuck, seen):
        scene.agent.register_observer(observer)
    run = asyncio.create_task(scene.agent.run())
    await scene.happens(*texts("one"))
    scene.agent.stop() if end == "stop" else run.cancel()
    await asyncio.wait([run], timeout=END_WITHIN_S + 1)
    assert run.done()
    assert seen.texts == ["one"]
    assert stuck.closed
    assert seen.closed
    assert "Stuck" in caplog.text
    await asyncio.sleep(100)  # the loop ends in its own time


@in_virtual_time
async def test_an_observer_that_is_cancelled_from_within_misses_that_event_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Cancelled(Seen):
        async def on_event(self, event: RealtimeEvent) -> None:
            await super().on_event(event)
            if self.texts == ["one"]:
                raise asyncio.CancelledError

    scene, observer = Scene(), Cancelled()
    scene.agent.register_observer(observer)
    async with scene:
        await scene.happens(*texts("one", "two"))
    assert observer.texts == ["one", "two"]
    assert "raised CancelledError" in caplog.text


class Busy(Seen):
    """Has something to do beside the events."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__()
        self._error = error

    async def run_loop(self) -> None:
        await asyncio.sleep(1)
        if self._error is not None:
            raise self._error
        await asyncio.Event().wait()


@in_virtual_time
async def test_a_loop_that_goes_on_holds_up_no_beginning() -> None:
    scene, busy = Scene(), Busy()
    scene.agent.register_observer(busy)
    async with scene:
        await scene.happens(*texts("one"))
    assert busy.texts == ["one"]


@in_virtual_time
async def test_a_loop_that_fails_is_told_and_the_conversation_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    scene, failing = Scene(), Busy(ValueError("broken"))
    scene.agent.register_observer(failing)
    async with scene:
        await scene.happens(after_s=2)
        assert "the loop of an observer raised ValueError" in caplog.text
        await scene.happens(*texts("one"))
    assert failing.texts == ["one"]


@in_virtual_time
async def test_a_slow_observer_holds_up_no_other() -> None:
    scene = Scene()
    quick, slow = Seen(), Seen(takes_s=10)
    scene.agent.register_observer(slow)
    scene.agent.register_observer(quick)
    async with scene:
        await scene.happens(*texts("one", "two"))
        assert quick.texts == ["one", "two"]
        assert slow.texts == []


@in_virtual_time
async def test_an_observer_that_raises_is_reported_and_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    scene = Scene()
    seen = Seen()
    scene.agent.register_observer(seen)
    async with scene:
        await scene.happens(*texts("one", "bad", "two"))
    assert seen.texts == ["one", "two"]
    assert "Seen.on_event(response.text.delta) raised ValueError" in caplog.text


@in_virtual_time
async def test_what_a_slow_observer_misses_is_the_oldest_and_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    seen = Seen(takes_s=1)
    delivery = Delivery(seen, max_unseen=2)
    for event in texts("one", "two", "three", "four"):
        delivery.put(event)
    delivery.end()
    await delivery.run()
    assert seen.texts == ["three", "four"]
    assert seen.missed == 2
    assert caplog.text.count("too slow") == 1


@in_virtual_time
async def test_an_observer_that_cannot_prepare_the_session_ends_the_run() -> None:
    class Broken(Seen):
        async def initialize_session(self) -> None:
            raise LookupError("no such voice")

    scene = Scene()
    scene.agent.register_observer(Broken())
    with pytest.raises(LookupError):
        await scene.agent.run()


@in_virtual_time
async def test_an_observer_of_audio_gets_what_the_user_says() -> None:
    class Ears(AudioObserver):
        heard: tuple[str, ...] = ()

        async def on_user_audio(self, event: InputAudioBufferDelta) -> None:
            self.heard += (event.delta,)

    scene = Scene()
    ears = Ears()
    scene.agent.register_observer(ears)
    async with scene:
        await scene.happens(InputAudioBufferDelta(delta="AAA="), *texts("not audio"))
    assert ears.heard == ("AAA=",)


def test_an_observer_without_an_agent_says_so() -> None:
    with pytest.raises(RuntimeError, match=r"Agent has not been set\."):
        _ = Seen().realtime_client
