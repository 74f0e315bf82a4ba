"""What carries a conversation, under pressure: a network that stalls, a service that floods, readers that sleep.

In virtual time: minutes pass at once, and a test fails when nothing can happen any more.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import math
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

import pytest

from gemini_realtime import (
    AudioDropped,
    ConfigError,
    ConnectionClosed,
    ConnectionLost,
    GeminiRealtimeClient,
    HandshakeError,
    InputAudioBufferDelta,
    RealtimeEvent,
    Reconnecting,
    SendTimeout,
    SessionCreated,
    SessionResumed,
    SetupTimeout,
    TurnComplete,
    VoiceHealth,
)
from gemini_realtime.errors import GeminiRealtimeError, NotConnectedError
from gemini_realtime.event_queue import HIGH_WATER, MAX_ECHOES, MAX_UNREAD
from gemini_realtime.testing import run_in_virtual_time as run
from gemini_realtime.testing.virtual_time import VirtualTimeLoop
from gemini_realtime.transport.base import Receiver, Transport
from gemini_realtime.transport.memory import MemoryService, MemoryTransport, confirm_setup
from tests.loop import settle
from tests.test_walks import counted

KEY = "AIza-not-a-real-key"
CHUNK = b"\x01\x00" * 320
"""20 ms at 16 kHz."""

CHUNK_S = 0.020
MINUTE_S = 60.0


def virtually(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a test in virtual time; no task may be left when it ends."""

    @functools.wraps(test)
    def in_virtual_time(*args: Any, **kwargs: Any) -> None:
        async def main() -> None:
            await test(*args, **kwargs)
            await settle()
            assert asyncio.all_tasks() == {asyncio.current_task()}

        run(main())

    return in_virtual_time


class Service(MemoryService):
    """A service that may refuse to be dialled, and whose network may stall.

    Attributes:
        refusals: what the next dials raise.
        dials: when it was dialled.
        all_sent: what was sent on all connections.
    """

    def __init__(self, on_frame: Callable[[MemoryService, dict[str, Any]], None] | None = None) -> None:
        super().__init__(on_frame)
        self.refusals: list[Exception] = []
        self.dials: list[float] = []
        self.all_sent: list[dict[str, Any]] = []
        self._stalled = False

    async def dial(self, url: str, headers: Mapping[str, str], receiver: Receiver) -> MemoryTransport:
        self.dials.append(now())
        if self.refusals:
            raise self.refusals.pop(0)
        transport = await super().dial(url, headers, receiver)
        self.all_sent.extend(self.sent)
        return transport

    def stall(self) -> None:
        """Stall the connection."""
        assert self._transport is not None
        self._transport.taking.clear()

    def take(self) -> None:
        """It takes again."""
        assert self._transport is not None
        self._transport.taking.set()


def now() -> float:
    return asyncio.get_running_loop().time()


def client_of(service: MemoryService, **entry: Any) -> GeminiRealtimeClient:
    entry = {"reconnect": {"jitter": lambda: 1.0}, **entry}
    config = {"config_list": [{"model": "gemini-3.8-live", "api_key": KEY, **entry}]}
    return GeminiRealtimeClient(llm_config=config, dial=service.dial)


async def read(client: GeminiRealtimeClient, count: int) -> list[RealtimeEvent]:
    """The next `count` events; then the reader is left."""
    happened: list[RealtimeEvent] = []
    async for event in client.read_events():
        happened.append(event)
        if len(happened) == count:
            break
    return happened


async def read_until(client: GeminiRealtimeClient, kind: type[RealtimeEvent]) -> list[RealtimeEvent]:
    happened: list[RealtimeEvent] = []
    async for event in client.read_events():
        happened.append(event)
        if isinstance(event, kind):
            break
    return happened


async def read_all(client: GeminiRealtimeClient) -> list[RealtimeEvent]:
    """What there is to read."""
    await client.add_event(None)
    return [event async for event in client.read_events()]


def texts(service: MemoryService) -> list[str]:
    """What was said in text, in order of arrival."""
    contents = [frame["clientContent"] for frame in service.sent if "clientContent" in frame]
    return [part["text"] for content in contents for turn in content["turns"] for part in turn["parts"]]


def audio_ms(service: MemoryService) -> float:
    """How much microphone audio has arrived."""
    return sum(20.0 for frame in service.sent if "audio" in frame.get("realtimeInput", {}))


async def speak(client: GeminiRealtimeClient, duration_s: float) -> None:
    """A microphone: 20 ms every 20 ms, whatever becomes of them."""
    start = now()
    for number in range(round(duration_s / CHUNK_S)):
        await client.send_audio(CHUNK)
        await asyncio.sleep(max(0.0, start + (number + 1) * CHUNK_S - now()))


# --- a stalled connection: text


@virtually
async def test_text_waits_for_a_stalled_network_and_arrives_when_it_takes_again() -> None:
    service = Service()
    client = client_of(service)
    async with client.connect():
        await read(client, 1)
        service.stall()
        sending = asyncio.create_task(client.send_text(role="user", text="hello"))
        await asyncio.sleep(10)
        assert not sending.done()
        service.take()
        await sending
        await settle()
        assert texts(service) == ["hello"]


@virtually
async def test_a_stall_that_begins_with_a_message_that_went_out_is_noticed_by_the_next() -> None:
    """Audio goes straight to the network; nobody may be watching it when it stops to take more."""
    service = Service()
    client = client_of(service)
    async with client.connect():
        await read(client, 1)
        await client.send_audio(CHUNK)
        service.stall()
        asyncio.get_running_loop().call_later(5, service.take)
        await client.send_text(role="user", text="hello")
        assert now() == pytest.approx(5)


@pytest.mark.parametrize("kind", ["text", "result", "activity"])
@virtually
async def test_what_cannot_be_sent_in_time_raises_and_is_never_sent(kind: str) -> None:
    service = Service()
    client = client_of(service, send_timeout_s=30)
    await client.session_update({"turn_detection": None})
    sends: dict[str, Callable[[], Awaitable[None]]] = {
        "text": lambda: client.send_text(role="user", text="late"),
        "result": lambda: client.send_function_result("1", "late"),
        "activity": client.activity_start,
    }
    async with client.connect():
        await read(client, 1)
        before = list(service.sent)
        service.stall()
        with pytest.raises(SendTimeout, match="not accepted") as caught:
            await sends[kind]()
        assert now() == pytest.approx(30)
        assert caught.value.retryable
        service.take()
        await asyncio.sleep(1)
        assert service.sent == before


@virtually
async def test_senders_that_waited_go_in_the_order_in_which_they_came_before_any_that_come_later() -> None:
    service = Service()
    client = client_of(service)

    async def latecomer() -> None:
        await released.wait()
        await client.send_text(role="user", text="latecomer", turn_complete=False)

    released = asyncio.Event()
    async with client.connect():
        await read(client, 1)
        service.stall()
        sends = []
        for number in range(20):
            sends.append(asyncio.create_task(client.send_text(role="user", text=f"{number}", turn_complete=False)))
            if number == 3:
                sends[number].add_done_callback(lambda _: released.set())
            await settle()
        late = asyncio.create_task(latecomer())
        await settle()
        service.take()
        await asyncio.gather(*sends, late)
        await settle()
        assert texts(service) == [*map(str, range(20)), "latecomer"]


@virtually
async def test_a_sender_that_gives_up_does_not_hold_up_those_behind_it() -> None:
    service = Service()
    client = client_of(service)
    async with client.connect():
        await read(client, 1)
        service.stall()
        first = asyncio.create_task(client.send_text(role="user", text="first"))
        await settle()
        second = asyncio.create_task(client.send_text(role="user", text="second"))
        await settle()
        first.cancel()
        await settle()
        service.take()
        await second
        await settle()
        assert texts(service) == ["second"]


@virtually
async def test_text_given_while_there_is_no_connection_is_accepted_up_to_a_bound_and_then_waits() -> None:
    service = Service()
    client = client_of(service, send_timeout_s=5, reconnect={"jitter": lambda: 1.0, "attempts": 100})
    async with client.connect():
        await read(client, 1)
        service.refusals = [HandshakeError("no route", status=503)] * 5
        service.end(1006)
        accepted = 0

        async def pour() -> None:
            nonlocal accepted
            while True:
                await client.send_text(role="user", text="x" * 10_000, turn_complete=False)
                accepted += 1

        with pytest.raises(SendTimeout):
            await pour()
        assert 1024 * 1024 <= accepted * 10_000 <= 1024 * 1024 + 20_000
        await read_until(client, SessionResumed)
        await asyncio.sleep(1)
        assert len(texts(service)) == accepted


@virtually
async def test_whoever_waits_to_send_is_told_why_the_session_ended() -> None:
    service = Service()
    client = client_of(service)
    async with client.connect():
        await read(client, 1)
        service.stall()
        sending = asyncio.create_task(client.send_text(role="user", text="hello"))
        await asyncio.sleep(1)
        service.end(1008, "quota")
        with pytest.raises(ConnectionClosed, match="quota"):
            await sending


@virtually
async def test_a_session_that_was_never_confirmed_is_what_a_waiting_sender_is_told_of() -> None:
    """Both are timeouts, and one of them is not the network's."""
    service = Service(on_frame=lambda service, frame: None)
    client = client_of(service, setup_timeout_s=3, send_timeout_s=10, reconnect="off")
    async with client.connect():
        reader = asyncio.create_task(read(client, 1))
        await settle()
        service.stall()
        with pytest.raises(SetupTimeout):
            await client.send_text(role="user", text="hello")
        assert now() == pytest.approx(3)
        with pytest.raises(SetupTimeout):
            await reader


@virtually
async def test_leaving_releases_whoever_waits_to_send() -> None:
    service = Service()
    client = client_of(service)
    async with client.connect():
        await read(client, 1)
        service.stall()
        sends = [asyncio.create_task(client.send_text(role="user", text="hello")) for _ in range(3)]
        sends.append(asyncio.create_task(client.send_audio(CHUNK)))
        await settle()
    results = await asyncio.gather(*sends, return_exceptions=True)
    assert [type(result) for result in results] == [NotConnectedError] * 3 + [type(None)]
    assert now() < 1


@virtually
async def test_an_error_that_is_raised_again_and_again_does_not_grow() -> None:
    """A microphone does not stop by itself: it meets the same error fifty times a second."""
    service = Service()
    client = client_of(service)
    async with client.connect():
        await read(client, 1)
        service.end(1008, "quota")
        depths = []
        for _ in range(5):
            for send in (client.send_audio(CHUNK), client.send_text(role="user", text="x"), read(client, 1)):
                with pytest.raises(ConnectionClosed) as caught:
                    await send
            depths.append(len(caught.traceback))
        assert len(set(depths)) == 1


# --- a stalled connection: audio


@virtually
async def test_audio_is_on_its_way_when_the_wait_for_a_slow_network_is_over() -> None:
    service = Service()
    client = client_of(service)
    async with client.connect():
        await read(client, 1)
        service.stall()
        asyncio.get_running_loop().call_later(0.1, service.take)
        await client.send_audio(bytes(640))
        assert not client._session.waits


@virtually
async def test_audio_of_a_stall_is_dropped_oldest_first_and_told_once_while_nobody_reads() -> None:
    service = Service()
    client = client_of(service)
    async with client.connect():
        await read(client, 1)
        await speak(client, 1)
        service.stall()
        await speak(client, 10)
        service.take()
        await speak(client, 1)
        dropped = [event for event in await read_all(client) if isinstance(event, AudioDropped)]
        assert len(dropped) == 1
        assert dropped[0].duration_ms == pytest.approx(9000, abs=100)
        assert "stalled" in dropped[0].reason
        assert audio_ms(service) + dropped[0].duration_ms == 12_000


@virtually
async def test_of_a_stall_the_newest_second_of_audio_is_sent_and_in_order() -> None:
    service = Service()
    client = client_of(service, max_audio_age_ms=100)
    async with client.connect():
        await read(client, 1)
        service.stall()
        for number in range(100):
            await client.send_audio(number.to_bytes(2, "little") * 320)
            await asyncio.sleep(CHUNK_S)
        service.take()
        await settle()
        sent = [frame["realtimeInput"]["audio"]["data"] for frame in service.sent if "realtimeInput" in frame]
        numbers = [int.from_bytes(base64.b64decode(data)[:2], "little") for data in sent]
        assert numbers == list(range(100 - len(numbers), 100))
        assert len(numbers) * CHUNK_S == pytest.approx(0.1, abs=3 * CHUNK_S)


@virtually
async def test_audio_of_a_stall_that_outlasts_it_is_not_sent_late() -> None:
    """The microphone is off when the network comes back; nobody wants to hear what was said a minute ago."""
    service = Service()
    client = client_of(service)
    async with client.connect():
        await read(client, 1)
        service.stall()
        await speak(client, 2)
        await asyncio.sleep(MINUTE_S)
        service.take()
        await asyncio.sleep(1)
        assert audio_ms(service) == 0
        dropped = [event for event in await read_all(client) if isinstance(event, AudioDropped)]
        assert sum(event.duration_ms for event in dropped) == 2000


@virtually
async def test_audio_that_waits_for_a_new_connection_is_not_late() -> None:
    service = Service()
    client = client_of(service)
    async with client.connect():
        await read(client, 1)
        service.stall()
        speaking = asyncio.create_task(speak(client, 4))
        await asyncio.sleep(2)
        service.refusals = [HandshakeError("no route", status=503)] * 3
        service.end(1006)
        await speaking
        await read_until(client, SessionResumed)
        await settle()
        assert audio_ms(service) >= 2980  # the second before the loss, and all after it


@virtually
async def test_a_slow_network_slows_a_sender_that_awaits_and_drops_nothing() -> None:
    service = Service()
    client = client_of(service)

    async def stutter() -> None:
        while True:
            service.stall()
            await asyncio.sleep(0.5)
            service.take()
            await asyncio.sleep(0.001)

    async with client.connect():
        await read(client, 1)
        stuttering = asyncio.create_task(stutter())
        await settle()
        for _ in range(500):
            await client.send_audio(CHUNK)
            await asyncio.sleep(0)
        stuttering.cancel()
        service.take()
        await asyncio.sleep(1)
        assert audio_ms(service) == 500 * 20
        assert not [event for event in await read_all(client) if isinstance(event, AudioDropped)]


@virtually
async def test_a_file_that_is_sent_as_fast_as_it_goes_loses_nothing_behind_a_short_stall() -> None:
    """The sender never pauses by itself, so what waits must be sent from within its own calls."""
    service = Service()
    client = client_of(service)
    async with client.connect():
        await read(client, 1)
        service.stall()
        asyncio.get_running_loop().call_later(0.5, service.take)
        for _ in range(3000):
            await client.send_audio(CHUNK)
        await asyncio.sleep(1)
        assert audio_ms(service) == 3000 * 20
        assert not [event for event in await read_all(client) if isinstance(event, AudioDropped)]


@virtually
async def test_a_file_is_sent_by_the_short_way_again_once_a_stall_is_over() -> None:
    service = Service()
    client = client_of(service)
    async with client.connect():
        await read(client, 1)
        service.stall()
        asyncio.get_running_loop().call_later(0.1, service.take)
        await client.send_audio(CHUNK)
        with counted() as names:
            for _ in range(1000):
                await client.send_audio(CHUNK)
        assert names["session.send_audio"] <= 1000 / 25 + 1  # the first piece of each stretch


@virtually
async def test_audio_and_text_keep_their_order_through_a_stall() -> None:
    service = Service()
    client = client_of(service)
    async with client.connect():
        await read(client, 1)
        service.stall()
        speaking = asyncio.create_task(client.send_audio(CHUNK))
        await settle()
        texting = asyncio.create_task(client.send_text(role="user", text="after the audio"))
        await settle()
        service.take()
        await asyncio.gather(speaking, texting)
        await settle()
        assert [next(iter(frame)) for frame in service.sent[1:]] == ["realtimeInput", "clientContent"]


@virtually
async def test_ten_minutes_of_sending_into_a_stalled_socket_keep_what_waits_bounded() -> None:
    service = Service()
    client = client_of(service, voice_health="off")
    async with client.connect():
        await read(client, 1)
        service.stall()
        for _ in range(10):
            await speak(client, MINUTE_S)
            ledger = client._session._outbox._ledger
            assert len(ledger.audio._waiting) <= 52
            assert len(client._events.unread) <= MAX_ECHOES + 1


# --- readers that sleep


@virtually
async def test_a_reader_that_sleeps_stops_the_service_and_misses_nothing() -> None:
    service = Service()
    client = client_of(service)
    async with client.connect():
        await read(client, 1)
        for number in range(5000):
            service.say({"number": number})
        assert not service.reading
        assert len(client._events.unread) == HIGH_WATER
        await asyncio.sleep(10 * MINUTE_S)
        assert [event.raw_message["number"] for event in await read(client, 5000)] == list(range(5000))
        assert service.reading


@virtually
async def test_a_reader_asleep_for_ten_minutes_does_not_make_the_service_seem_dead() -> None:
    service = Service()
    client = client_of(service)
    async with client.connect():
        await read(client, 1)
        await client.send_text(role="user", text="tell me a long story")
        for number in range(1000):
            service.say({"number": number})
        service.pongs = False
        await asyncio.sleep(10 * MINUTE_S)
        service.pongs = True
        assert len(await read(client, 1000)) == 1000
        await asyncio.sleep(MINUTE_S)
        assert service.connections == 1
        assert [type(event) for event in await read_all(client)] in ([], [VoiceHealth])


@virtually
async def test_events_of_large_frames_count_by_their_size() -> None:
    service = Service()
    client = client_of(service)
    async with client.connect():
        await read(client, 1)
        said = 0
        while service.reading:
            service.say({"large": "x" * 1024 * 1024})
            said += 1
        assert said <= 17
        assert len(await read(client, said)) == said
        assert service.reading


@virtually
async def test_a_new_connection_is_set_up_while_nobody_reads_and_then_waits_too() -> None:
    service = Service()
    client = client_of(service)
    async with client.connect():
        await read(client, 1)
        for number in range(HIGH_WATER):
            service.say({"number": number})
        assert not service.reading
        service.end(1006)
        await asyncio.sleep(MINUTE_S)
        assert service.connections == 2
        assert "setup" in service.sent[0]
        assert not service.reading
        service.say({"number": HIGH_WATER})
        happened = await read(client, HIGH_WATER)
        assert [event.raw_message["number"] for event in happened] == list(range(HIGH_WATER))
        assert service.reading
        lost, resumed, last = await read(client, 3)
        assert isinstance(lost, ConnectionLost)
        assert isinstance(resumed, SessionResumed)
        assert last.raw_message["number"] == HIGH_WATER


@pytest.mark.parametrize(("before", "after"), [(HIGH_WATER, 0), (0, HIGH_WATER), (HIGH_WATER, HIGH_WATER)])
@virtually
async def test_events_of_the_application_before_it_reads_do_not_keep_the_setup_from_being_confirmed(
    before: int, after: int
) -> None:
    service = Service()
    client = client_of(service)
    mine = RealtimeEvent(raw_message={"mine": 1})
    for _ in range(before):
        await client.add_event(mine)
    async with client.connect():
        for _ in range(after):
            await client.add_event(mine)
        await read_until(client, SessionCreated)
        assert now() < 1
        assert service.reading


@pytest.mark.parametrize("begun", [False, True], ids=["before the setup", "before it is confirmed"])
@pytest.mark.parametrize("more", [{}, {"serverContent": {"generationComplete": True}}], ids=["unknown", "of a turn"])
@virtually
async def test_a_flood_before_the_session_is_confirmed_is_bounded_too(begun: bool, more: dict[str, Any]) -> None:
    service = Service(on_frame=lambda service, frame: None)
    client = client_of(service)
    async with client.connect():
        if begun:
            reader = asyncio.create_task(anext(client.read_events()))
            await settle()
            service.say({"first": 1})
            assert (await reader).raw_message == {"first": 1}
        for number in range(10 * MAX_UNREAD):
            service.say({"number": number, **more})
        assert not service.reading
        assert len(client._events.unread) <= MAX_UNREAD
        service.on_frame = confirm_setup
        if begun:
            service.say({"setupComplete": {}})
        happened = await read_until(client, SessionCreated)
        assert (
            sum("number" in event.raw_message for event in happened if type(event) is RealtimeEvent) == 10 * MAX_UNREAD
        )


@virtually
async def test_a_flood_over_a_connection_that_is_being_left_is_bounded_too() -> None:
    class Chatterbox(Service):
        def end(self, code: int = 1000, reason: str = "") -> None:
            for number in range(10 * MAX_UNREAD if self.connections == 1 else 0):
                self.say({"number": number})
            super().end(code, reason)

    service = Chatterbox()
    client = client_of(service)
    async with client.connect():
        await read(client, 1)
        service.say({"sessionResumptionUpdate": {"newHandle": "h", "resumable": True}})
        service.say({"goAway": {"timeLeft": "10s"}})
        await asyncio.sleep(MINUTE_S)
        assert service.connections == 2
        assert len(client._events.unread) <= MAX_UNREAD + 10
        await read_until(client, SessionResumed)
        assert service.reading
        service.pongs = False
        await read_until(client, SessionResumed)  # and the new connection is watched


@virtually
async def test_a_program_that_sends_much_before_it_reads_gets_every_event_of_the_service() -> None:
    service = Service()
    client = client_of(service)
    async with client.connect():
        await read(client, 1)
        for number in range(3000):
            await client.send_audio(CHUNK)
            await client.queue_input_audio_buffer_delta("AAAA")
            if number % 30 == 0:
                service.say({"number": number})
        service.say({"number": 3000})
        happened = await read_all(client)
        echoes = [event for event in happened if isinstance(event, InputAudioBufferDelta)]
        assert len(echoes) <= MAX_ECHOES
        rest = [event for event in happened if not isinstance(event, InputAudioBufferDelta)]
        assert [event.raw_message["number"] for event in rest] == list(range(0, 3001, 30))


@virtually
async def test_events_go_to_exactly_one_of_two_readers_which_both_send_while_they_read() -> None:
    service = Service()
    client = client_of(service)
    seen: list[int] = []

    async def reader() -> None:
        async for event in client.read_events():
            if isinstance(event, SessionCreated | InputAudioBufferDelta):
                continue
            seen.append(event.raw_message["number"])
            await client.send_text(role="user", text="x", turn_complete=False)
            await client.send_audio(CHUNK)

    async with client.connect():
        readers = [asyncio.create_task(reader()) for _ in range(2)]
        await settle()
        for number in range(500):
            service.say({"number": number})
        await asyncio.sleep(1)
        assert sorted(seen) == list(range(500))
        await settle()
        assert len(texts(service)) == 500
    await asyncio.gather(*readers)


# --- the other end


@virtually
async def test_a_dead_service_is_found_by_a_ping_and_the_session_resumed() -> None:
    service = Service()
    client = client_of(service)
    async with client.connect():
        await read(client, 1)
        service.say({"sessionResumptionUpdate": {"newHandle": "h", "resumable": True}})
        await read(client, 1)
        service.pongs = False
        happened = await read_until(client, SessionResumed)
        assert [type(event) for event in happened] == [VoiceHealth, ConnectionLost, SessionResumed]
        assert 80 <= now() < 82
        assert service.sent[0]["setup"]["sessionResumption"] == {"handle": "h"}


@virtually
async def test_a_service_that_takes_nothing_is_dead_though_it_goes_on_speaking() -> None:
    service = Service()
    client = client_of(service)

    async def mutter() -> None:
        while True:
            service.say({"number": 0})
            await asyncio.sleep(5)

    async with client.connect():
        await read(client, 1)
        service.say({"sessionResumptionUpdate": {"newHandle": "h", "resumable": True}})
        await asyncio.sleep(1)
        service.stall()
        muttering = asyncio.create_task(mutter())
        await speak(client, 1)
        happened = [e for e in await read_until(client, SessionResumed) if type(e) is not RealtimeEvent]
        muttering.cancel()
        kinds = [type(event) for event in happened if not isinstance(event, InputAudioBufferDelta | AudioDropped)]
        assert kinds == [VoiceHealth, ConnectionLost, SessionResumed]
        assert 81 <= now() < 83
        assert service.sent[0]["setup"]["sessionResumption"] == {"handle": "h"}


@virtually
async def test_a_service_that_takes_something_now_and_then_is_alive() -> None:
    service = Service()
    client = client_of(service)
    async with client.connect():
        await read(client, 1)
        for _ in range(5):
            service.stall()
            await speak(client, 0.1)
            await asyncio.sleep(MINUTE_S)
            service.take()
            await asyncio.sleep(1)
        assert service.connections == 1


@virtually
async def test_pings_that_are_answered_keep_a_silent_connection_for_an_hour() -> None:
    service = Service()
    client = client_of(service)
    async with client.connect():
        await read(client, 1)
        await asyncio.sleep(50 * MINUTE_S)
        assert service.connections == 1


@virtually
async def test_connecting_while_it_connects_is_refused_and_trying_again_after_a_failure_is_not() -> None:
    class Slow(Service):
        async def dial(self, url: str, headers: Mapping[str, str], receiver: Receiver) -> MemoryTransport:
            await asyncio.sleep(1)
            return await super().dial(url, headers, receiver)

    service = Slow()
    service.refusals = [HandshakeError("no route")]
    client = client_of(service)

    async def program() -> None:
        async with client.connect():
            await read(client, 1)

    for outcome in (HandshakeError, type(None)):
        results = await asyncio.gather(program(), program(), return_exceptions=True)
        assert [type(result) for result in results] == [outcome, ConfigError]


@virtually
async def test_a_wrong_address_fails_at_once() -> None:
    service = Service()
    service.refusals = [HandshakeError("no such host")]
    client = client_of(service)
    with pytest.raises(HandshakeError, match="no such host"):
        async with client.connect():
            pass
    assert service.dials == [0.0]


@virtually
async def test_a_busy_service_is_dialled_again_also_the_first_time(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    service = Service()
    service.refusals = [HandshakeError("busy", status=503), HandshakeError("busy", status=429, retry_after_s=5.0)]
    async with client_of(service).connect():
        assert len(service.dials) == 3
        assert service.dials[-1] - service.dials[-2] == pytest.approx(5.0)
    assert "attempt 2 in 5.0 s, after busy" in caplog.text


@virtually
async def test_a_service_that_stays_busy_the_first_time_is_given_up() -> None:
    service = Service()
    service.refusals = [HandshakeError("busy", status=503) for _ in range(20)]
    client = client_of(service, reconnect={"attempts": 3})
    with pytest.raises(HandshakeError, match="busy") as caught:
        async with client.connect():
            pass
    assert len(service.dials) == 4
    assert any("3 attempts" in note for note in caught.value.__notes__)


@virtually
async def test_with_reconnect_off_the_first_dial_is_not_repeated() -> None:
    service = Service()
    service.refusals = [HandshakeError("busy", status=503)]
    with pytest.raises(HandshakeError, match="busy"):
        async with client_of(service, reconnect="off").connect():
            pass
    assert service.dials == [0.0]


@virtually
async def test_a_token_that_never_comes_is_not_waited_for_for_ever() -> None:
    async def never() -> str:
        if service.connections:
            await asyncio.Event().wait()
        return "a-token-that-is-good"

    service = Service()
    config = {"model": "gemini-3.8-live", "project": "p", "credentials": never, "connect_timeout_s": 2.0,
              "reconnect": {"attempts": 3}}  # fmt: skip
    client = GeminiRealtimeClient(llm_config={"config_list": [config]}, dial=service.dial)
    async with client.connect():
        await read(client, 1)
        service.end(1006)
        with pytest.raises(HandshakeError, match="no access token within 2 s"):
            await read(client, 100)
    assert now() < 15


@pytest.mark.parametrize("nothing", [None, b"bytes", "", 7])
@virtually
async def test_a_token_that_is_none_for_a_while_is_fetched_again(nothing: object) -> None:
    fetched = 0

    def token() -> object:
        nonlocal fetched
        fetched += 1
        return nothing if 1 < fetched < 4 else "a-token-that-is-good"

    service = Service()
    config = {"model": "gemini-3.8-live", "project": "p", "credentials": token}
    client = GeminiRealtimeClient(llm_config={"config_list": [config]}, dial=service.dial)
    async with client.connect():
        await read(client, 1)
        service.end(1006)
        events = await read_until(client, SessionResumed)
    assert ["gave no token" in event.reason for event in events if isinstance(event, Reconnecting)] == [True] * 2


@virtually
async def test_a_token_whose_fetching_is_cancelled_from_within_is_fetched_again() -> None:
    fetched = 0

    async def token() -> str:
        nonlocal fetched
        fetched += 1
        if fetched == 2:
            raise asyncio.CancelledError
        return "a-token-that-is-good"

    service = Service()
    config = {"model": "gemini-3.8-live", "project": "p", "credentials": token}
    client = GeminiRealtimeClient(llm_config={"config_list": [config]}, dial=service.dial)
    async with client.connect():
        await read(client, 1)
        service.end(1006)
        await asyncio.sleep(MINUTE_S)
    assert (service.connections, fetched) == (2, 3)


@virtually
async def test_a_dial_that_returns_nothing_is_an_attempt_that_failed() -> None:
    class Forgetful(Service):
        async def dial(self, url: str, headers: Mapping[str, str], receiver: Receiver) -> MemoryTransport:
            transport = await super().dial(url, headers, receiver)
            return None if self.connections == 2 else transport  # type: ignore[return-value]

    service = Forgetful()
    client = client_of(service)
    async with client.connect():
        await read(client, 1)
        service.end(1006)
        events = await read_until(client, SessionResumed)
    assert [event.reason for event in events if isinstance(event, Reconnecting)] == [
        "no connection could be made: `dial` returned None → check the network, `credentials` and `dial`"
    ]


@pytest.mark.parametrize("what", ["send", "drain"])
@virtually
async def test_a_transport_that_raises_is_a_connection_that_is_lost(what: str) -> None:
    service = Service()
    client = client_of(service)
    async with client.connect():
        await read(client, 1)
        transport = client.connection
        assert isinstance(transport, MemoryTransport)
        setattr(transport, what, lambda *_: 1 / 0)
        if what == "drain":
            transport.taking.clear()
        await client.send_audio(bytes(640))
        await client.send_text(role="user", text="heard")
        *_, resumed = await read_until(client, SessionResumed)
        await settle()
    assert isinstance(resumed, SessionResumed)
    assert texts(service).count("heard") == 1


@virtually
async def test_a_transport_that_neither_opens_nor_closes_is_not_waited_for_for_ever() -> None:
    class Clinging(Service):
        async def dial(self, url: str, headers: Mapping[str, str], receiver: Receiver) -> MemoryTransport:
            if self.connections:
                await asyncio.Event().wait()
            transport = await super().dial(url, headers, receiver)
            transport.close = asyncio.Event().wait  # type: ignore[method-assign, assignment]
            return transport

    service = Clinging()
    client = client_of(service, connect_timeout_s=2.0, reconnect={"attempts": 3})
    async with client.connect():
        await read(client, 1)
        service.end(1006)
        with pytest.raises(HandshakeError, match="no connection was made"):
            await read(client, 100)
    assert now() < 60


@pytest.mark.parametrize("jitter", [lambda: 1 / 0, lambda: None, lambda: float("nan")])
@virtually
async def test_a_jitter_that_is_none_does_not_keep_the_conversation_from_going_on(jitter: Any) -> None:
    service = Service()
    client = client_of(service, reconnect={"jitter": jitter})
    async with client.connect():
        await read(client, 1)
        service.end(1006)
        await read_until(client, SessionResumed)


@virtually
async def test_dials_are_spaced_out_and_given_up_after_so_many() -> None:
    service = Service()
    client = client_of(service, reconnect={"attempts": 6, "jitter": lambda: 1.0, "max_backoff_s": 3.0})
    async with client.connect():
        await read(client, 1)
        await asyncio.sleep(20)
        service.refusals = [HandshakeError("no route", status=503) for _ in range(20)]
        service.end(1006)
        with pytest.raises(HandshakeError, match="no route") as caught:
            await read(client, 10)
        assert any("6 attempts" in note for note in caught.value.__notes__)
    waits = [after - before for before, after in zip(service.dials[1:], service.dials[2:], strict=False)]
    assert service.dials[1] - 20 == pytest.approx(0.25)
    assert waits == pytest.approx([0.5, 1.0, 2.0, 3.0, 3.0])


@virtually
async def test_dialling_stops_when_it_has_taken_too_long() -> None:
    service = Service()
    client = client_of(service, reconnect={"attempts": 1000, "within_s": 60.0, "jitter": lambda: 1.0})
    async with client.connect():
        await read(client, 1)
        service.refusals = [HandshakeError("no route", status=503) for _ in range(1000)]
        service.end(1006)
        with pytest.raises(HandshakeError):
            await read(client, 1000)
        assert 45 <= now() <= 60


@virtually
async def test_a_service_that_asks_to_wait_is_not_dialled_before() -> None:
    service = Service()
    client = client_of(service)
    async with client.connect():
        await read(client, 1)
        service.refusals = [HandshakeError("too many", status=429, retry_after_s=42.0)]
        service.end(1006)
        await read_until(client, SessionResumed)
    first, second = service.dials[1:]
    assert second - first == pytest.approx(42, abs=0.5)


@virtually
async def test_what_says_that_the_key_is_wrong_is_not_tried_again() -> None:
    service = Service()
    client = client_of(service)
    async with client.connect():
        await read(client, 1)
        service.refusals = [HandshakeError("forbidden", status=403)]
        service.end(1006)
        with pytest.raises(HandshakeError, match="forbidden"):
            await read(client, 10)
        assert len(service.dials) == 2


@virtually
async def test_whatever_fetching_a_token_raises_is_an_error_of_ours_that_does_not_repeat_its_words() -> None:
    async def dial(url: str, headers: Mapping[str, str], receiver: Receiver) -> Transport:
        raise OSError(f"denied for {KEY}")

    config = {"config_list": [{"model": "gemini-3.8-live", "api_key": KEY}]}
    client = GeminiRealtimeClient(llm_config=config, dial=dial)
    with pytest.raises(HandshakeError) as caught:
        async with client.connect():
            pass
    assert KEY not in str(caught.value)


@virtually
async def test_leaving_while_it_comes_back_ends_at_once() -> None:
    service = Service()
    client = client_of(service)
    async with client.connect():
        await read(client, 1)
        service.refusals = [HandshakeError("no route", status=503) for _ in range(20)]
        service.end(1006)
        await asyncio.sleep(1)
        left_at = now()
    assert now() == left_at
    dials = len(service.dials)
    await asyncio.sleep(MINUTE_S)
    assert len(service.dials) == dials


@virtually
async def test_a_program_that_is_cancelled_while_it_comes_back_leaves_nothing_behind() -> None:
    class Slow(Service):
        async def dial(self, url: str, headers: Mapping[str, str], receiver: Receiver) -> MemoryTransport:
            if self.connections:
                await asyncio.sleep(5)
            return await super().dial(url, headers, receiver)

    service = Slow()
    client = client_of(service)

    async def program() -> None:
        async with client.connect():
            await read(client, 1)
            service.end(1006)
            await asyncio.sleep(MINUTE_S)

    running = asyncio.create_task(program())
    await asyncio.sleep(2)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert now() == 2
    with pytest.raises(NotConnectedError):
        _ = client.connection


@virtually
async def test_being_cancelled_once_more_while_leaving_still_closes_the_connection() -> None:
    class Clinging(Service):
        async def dial(self, url: str, headers: Mapping[str, str], receiver: Receiver) -> MemoryTransport:
            if self.connections:
                try:
                    await asyncio.sleep(5)
                except asyncio.CancelledError:
                    await asyncio.sleep(1)  # as a library does that closes what it has opened
                    raise
            transport = await super().dial(url, headers, receiver)
            opened.append(transport)
            return transport

    opened: list[MemoryTransport] = []
    closed: list[MemoryTransport] = []
    service = Clinging()
    client = client_of(service)

    async def program() -> None:
        async with client.connect():
            await read(client, 1)
            close = opened[0].close

            async def closing() -> None:
                closed.append(opened[0])
                await close()

            opened[0].close = closing  # type: ignore[method-assign]
            service.end(1006)
            await asyncio.sleep(MINUTE_S)

    running = asyncio.create_task(program())
    await asyncio.sleep(2)
    running.cancel()
    await asyncio.sleep(0.5)
    closed.clear()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert closed == opened
    await asyncio.sleep(1)


@virtually
async def test_leaving_a_stalled_connection_ends() -> None:
    service = Service()
    client = client_of(service)
    async with client.connect():
        await read(client, 1)
        service.stall()
        await client.send_audio(CHUNK)
    assert now() < 5


@pytest.mark.parametrize("code", [1006, 1011])
@virtually
async def test_a_connection_that_ends_before_it_is_used_is_made_good_when_it_is(code: int) -> None:
    service = Service()
    client = client_of(service)
    async with client.connect():
        service.end(code)
        await asyncio.sleep(10 * MINUTE_S)
        happened = await read_until(client, SessionCreated)
        assert now() < 10 * MINUTE_S + 5
        assert service.connections == 2
        assert [type(event) for event in happened] == [Reconnecting, SessionCreated]


@virtually
async def test_a_refusal_that_comes_before_it_is_used_is_what_its_reader_is_told() -> None:
    service = Service()
    client = client_of(service)
    async with client.connect():
        service.end(1008, "quota")
        with pytest.raises(ConnectionClosed, match="quota"):
            await read(client, 1)


class Fleeting(Service):
    """Ends connections before their dialler is told of them, as many as asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.fleeting = 0

    async def dial(self, url: str, headers: Mapping[str, str], receiver: Receiver) -> MemoryTransport:
        transport = await super().dial(url, headers, receiver)
        if self.fleeting:
            self.fleeting -= 1
            self.end(1006)
        return transport


@virtually
async def test_a_connection_that_ends_as_soon_as_it_is_open_is_made_good() -> None:
    service = Fleeting()
    service.fleeting = 1
    client = client_of(service)
    async with client.connect():
        await read_until(client, SessionCreated)
        service.fleeting = 2
        service.end(1006)
        await read_until(client, SessionResumed)
        assert service.connections == 5
        assert now() < 10


@virtually
async def test_how_a_connection_ends_that_is_being_left_does_not_matter() -> None:
    """It was left for another; whether the service says 1008 to that, or nothing, is all the same."""

    class Grudging(Service):
        def end(self, code: int = 1000, reason: str = "") -> None:
            super().end(1008 if code == 1000 and self.connections == 1 else code, reason)

    service = Grudging()
    client = client_of(service)
    async with client.connect():
        await read(client, 1)
        service.say({"sessionResumptionUpdate": {"newHandle": "h", "resumable": True}})
        service.say({"goAway": {"timeLeft": "10s"}})
        await read_until(client, SessionResumed)
        assert service.connections == 2


@virtually
async def test_a_turn_that_a_loss_cuts_off_is_over_for_its_reader() -> None:
    service = Service()
    client = client_of(service)
    async with client.connect():
        await read(client, 1)
        service.say({"serverContent": {"modelTurn": {"parts": [{"text": "Once upon"}]}}})
        service.end(1006)
        happened = await read_until(client, SessionResumed)
        turn = next(event for event in happened if isinstance(event, TurnComplete))
        assert turn.reason == "CONNECTION_LOST"


@virtually
async def test_what_is_sent_after_a_normal_end_raises_and_what_was_said_is_read() -> None:
    service = Service()
    client = client_of(service)
    async with client.connect():
        await read(client, 1)
        service.say({"number": 1})
        service.end(1000)
        with pytest.raises(GeminiRealtimeError, match="ended the conversation"):
            await client.send_text(role="user", text="anyone?")
        with pytest.raises(GeminiRealtimeError, match="ended the conversation"):
            await client.send_audio(CHUNK)
        assert len([event async for event in client.read_events()]) == 1


@virtually
async def test_who_waits_to_send_when_the_conversation_is_left_is_told_so() -> None:
    service = Service()
    client = client_of(service)
    async with client.connect():
        await read(client, 1)
        service.stall()
        sending = asyncio.create_task(client.send_text(role="user", text="anyone?"))
        await asyncio.sleep(1)
    with pytest.raises(NotConnectedError, match="the conversation was left"):
        await sending


@virtually
async def test_a_timer_that_comes_a_little_early_comes_once() -> None:
    service = Service()
    client = client_of(service, voice_health={"no_answer": "off", "stalled_turn": "off"})
    async with client.connect():
        await read(client, 1)
        deadline = client._session.deadline()
        assert deadline is not None
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        loop._clock.now_s = math.nextafter(deadline, 0.0)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        later = client._session.deadline()
        assert later is not None
        assert later > deadline
