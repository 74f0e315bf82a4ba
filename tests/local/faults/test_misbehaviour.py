"""The faults of the embedded server, seen by a client that reads bytes, with and without TLS."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Callable, Iterable
from functools import cache, partial
from typing import Any

import pytest

from gemini_realtime.local.faults import Fault
from gemini_realtime.local.faults.table import SPURIOUS_CLOSES
from gemini_realtime.local.thinking import Call, Item, Request, Say
from gemini_realtime.local.thinking import Frame as Message
from tests.local.faults.wire import (
    BINARY,
    CLOSE,
    CONTINUATION,
    IN_SPEECH,
    IN_TEXT,
    Frame,
    Served,
    Tls,
    Wire,
    kinds,
    masked,
    parts,
    said,
    sound,
    transcript,
)
from tests.local.line import WEATHER

Serve = Callable[..., Served]


@cache
def tls() -> Tls:
    """A certificate for this machine."""
    trustme = pytest.importorskip("trustme", reason="TLS needs the extra [local]")
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    authority.configure_trust(client)
    return Tls(server, client)


@pytest.fixture(params=["ws", "wss"])
def serve(request: pytest.FixtureRequest) -> Serve:
    """Makes servers whose clients come with TLS, or without."""
    return partial(Served, tls=tls() if request.param == "wss" else None)


async def turn(serve: Serve, *faults: Fault | str, seed: int = 0, setup: dict[str, Any] = IN_SPEECH) -> list[Frame]:
    """What is sent from the setup to the end of the first turn."""
    async with serve(*faults, seed=seed) as served, served.dialled(**setup) as wire:
        wire.types("good morning")
        return await wire.until("turnComplete")


# --- before there is a session --------------------------------------------------------------------------------------


@pytest.mark.parametrize("times", [1, 3])
async def test_refuse_hangs_up_so_many_times_in_a_row(serve: Serve, times: int) -> None:
    async with serve(Fault("refuse", times=times)) as served:
        for _ in range(times):
            async with served.knock() as (wire, answer):
                assert answer == b""
                assert await wire.next() is None
        await served.is_healthy()


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (401, "UNAUTHENTICATED"),
        (403, "PERMISSION_DENIED"),
        (429, "RESOURCE_EXHAUSTED"),
        (500, "INTERNAL"),
        (503, "UNAVAILABLE"),
    ],
)
async def test_reject_answers_the_handshake_in_the_form_of_googles_apis(serve: Serve, status: int, name: str) -> None:
    async with serve(f"reject:status={status},retry_after_s=7,times=1") as served:
        async with served.knock() as (wire, answer):
            assert answer.startswith(b"HTTP/1.1 %d " % status)
            assert b"\r\nRetry-After: 7\r\n" in answer
            body = json.loads(await wire.reader.read())
            assert (body["error"]["code"], body["error"]["status"]) == (status, name)
        await served.is_healthy()


async def test_reject_says_nothing_of_a_retry_unless_told(serve: Serve) -> None:
    async with serve("reject") as served, served.knock() as (_, answer):
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"Retry-After" not in answer


async def test_late_setup_lets_all_else_that_is_sent_wait_too(serve: Serve) -> None:
    async with serve(Fault("late-setup", delay_s=0.01)) as served, served.dialled() as wire:
        wire.send({"setup": IN_TEXT}, {"realtimeInput": {"text": "hi"}}, b"still there?")
        frames = await wire.until("turnComplete")
    assert kinds(frames)[:2] == ["pong", "setupComplete"]
    assert said(frames) == "You said hi."


async def test_a_setup_that_is_refused_is_refused_without_delay(serve: Serve) -> None:
    async with serve(Fault("late-setup", delay_s=3600)) as served, served.dialled(**IN_TEXT) as wire:
        wire.send({"setup": IN_TEXT})
        assert kinds(await wire.until("close")) == ["setupComplete", "close"]


async def test_no_setup_leaves_out_setup_complete_only(serve: Serve) -> None:
    async with serve("no-setup") as served, served.dialled(**IN_TEXT) as wire:
        wire.types("hi")
        frames = await wire.until("turnComplete")
    assert "setupComplete" not in kinds(frames)
    assert said(frames) == "You said hi."


async def test_refuse_handle_knows_no_handle(serve: Serve) -> None:
    async with serve("refuse-handle:times=1") as served:
        async with served.dialled(**IN_TEXT, sessionResumption={}) as wire:
            handle = (await wire.until("sessionResumptionUpdate"))[-1].message["sessionResumptionUpdate"]["newHandle"]
            await _gone(served, wire)
        async with served.dialled(**IN_TEXT, sessionResumption={"handle": handle}) as wire:
            frames = await wire.until("close")
            assert kinds(frames) == ["close"]
            assert frames[0].closes_with == (1008, "BidiGenerateContent session not found")
        async with served.dialled(**IN_TEXT, sessionResumption={"handle": handle}) as wire:
            assert kinds(await wire.until("setupComplete")) == ["setupComplete"]


async def _gone(served: Served, wire: Wire) -> None:
    """Close a connection, and return when the server knows."""
    wire.writer.write(masked(CLOSE, b"\x03\xe8"))
    await wire.rest()


# --- the connection -------------------------------------------------------------------------------------------------


async def test_cut_ends_the_connection_without_a_close(serve: Serve) -> None:
    async with serve("cut:after_frames=2") as served, served.dialled(**IN_TEXT) as wire:
        wire.types("hi")
        frames = await wire.rest()
    assert len(frames) == 2
    assert frames[0].kind == "setupComplete"
    assert "close" not in kinds(frames)


async def test_cut_after_a_while_waits_for_no_frame(serve: Serve) -> None:
    async with serve(Fault("cut", after_s=0.01)) as served, served.dialled() as wire:
        assert await wire.rest() == []


async def test_silence_leaves_the_connection_open_and_answers_nothing(serve: Serve) -> None:
    async with serve("silence:connection=1") as served, served.dialled(**IN_TEXT) as wire:
        await wire.until("setupComplete")
        wire.send({"realtimeInput": {"text": "hi"}}, b"still there?")
        wire.writer.write(masked(CLOSE, b"\x03\xe8"))
        reading = asyncio.create_task(wire.next())
        await served.is_healthy()
        assert [request.heard for request in served.responder.asked] == ["hi", "hello"]
        assert not reading.done()
        reading.cancel()


async def test_a_server_stops_though_it_has_fallen_silent(serve: Serve) -> None:
    async with serve("silence") as served:
        wire = await served.reach()
        await wire.shake_hands(served.port)
        wire.send({"setup": IN_TEXT})
        await wire.until("setupComplete")
    assert await wire.rest() == []
    wire.writer.close()


async def test_stop_reading_lets_the_client_talk_to_the_kernel(serve: Serve) -> None:
    async with serve("stop-reading:connection=1") as served, served.dialled(**IN_TEXT) as wire:
        await wire.until("setupComplete")
        wire.send({"realtimeInput": {"text": "hi"}}, b"still there?")
        reading = asyncio.create_task(wire.next())
        await served.is_healthy()
        assert [request.heard for request in served.responder.asked] == ["hello"]
        assert not reading.done()
        reading.cancel()


@pytest.mark.parametrize(
    ("fault", "code", "reason"),
    [
        ("close", 1011, "Internal error encountered."),
        ("close:code=1008,reason=sorry, not now,after_frames=1", 1008, "sorry, not now"),
        (Fault("close", code=4000, reason="x" * 200), 4000, "x" * 123),
    ],
)
async def test_close_has_a_code_and_a_reason(serve: Serve, fault: Fault | str, code: int, reason: str) -> None:
    async with serve(fault) as served, served.dialled(**IN_TEXT) as wire:
        frames = await wire.until("close")
    assert kinds(frames) == ["setupComplete", "close"]
    assert frames[-1].closes_with == (code, reason)


@pytest.mark.parametrize(("time_left_s", "announced"), [(0, "0.000s"), (0.01, "0.010s")])
async def test_go_away_keeps_its_word(serve: Serve, time_left_s: float, announced: str) -> None:
    async with serve(Fault("go-away", time_left_s=time_left_s)) as served, served.dialled(**IN_TEXT) as wire:
        frames = await wire.until("close")
    assert kinds(frames) == ["setupComplete", "goAway", "close"]
    assert frames[1].message == {"goAway": {"timeLeft": announced}}
    assert frames[2].closes_with[0] == 1008


async def test_slow_pong_comes_after_what_was_asked_later(serve: Serve) -> None:
    async with serve(Fault("slow-pong", delay_s=0.01)) as served, served.dialled() as wire:
        wire.send(b"still there?", {"setup": IN_TEXT})
        frames = await wire.until("pong")
    assert kinds(frames) == ["setupComplete", "pong"]
    assert frames[-1].payload == b"still there?"


# --- frames ---------------------------------------------------------------------------------------------------------


async def garbage(serve: Serve, seed: int) -> bytes:
    async with serve("garbage:size_bytes=40", seed=seed) as served, served.dialled(**IN_TEXT) as wire:
        await wire.until("setupComplete")
        return await wire.reader.readexactly(40)


async def test_garbage_is_no_frame_and_the_same_for_a_seed(serve: Serve) -> None:
    first, same, other = [await garbage(serve, seed) for seed in (1, 1, 2)]
    assert first[0] & 0x70  # reserved bits: RFC 6455 5.2
    assert first == same != other


async def test_truncate_sends_one_frame_without_its_end(serve: Serve) -> None:
    whole = await turn(serve, setup=IN_TEXT)
    async with serve("truncate:after_frames=2") as served, served.dialled(**IN_TEXT) as wire:
        wire.types("good morning")
        frames = [frame for _ in whole if (frame := await wire.next())]
    with pytest.raises(json.JSONDecodeError):
        json.loads(frames[2].payload)
    assert whole[2].payload.startswith(frames[2].payload)
    assert [frames[i] for i in (0, 1)] == whole[:2]
    assert frames[3:] == whole[3:]


async def test_oversize_is_one_frame_of_that_length(serve: Serve) -> None:
    async with serve("oversize:size_bytes=3000000") as served, served.dialled(**IN_TEXT) as wire:
        await wire.until("setupComplete")
        frame = await wire.next()
    assert frame is not None
    assert (frame.opcode, frame.final, len(frame.payload), frame.message) == (BINARY, True, 3_000_000, {})


async def test_fragment_sends_a_message_in_pieces(serve: Serve) -> None:
    async with serve("fragment:size_bytes=10") as served, served.dialled(**IN_TEXT) as wire:
        frames = [await wire.next()]
        while frames[-1] is not None and not frames[-1].final:
            frames.append(await wire.next())
    pieces = [frame for frame in frames if frame is not None]
    assert [frame.opcode for frame in pieces] == [BINARY] + [CONTINUATION] * (len(pieces) - 1)
    assert {len(frame.payload) for frame in pieces[:-1]} == {10}
    assert json.loads(b"".join(frame.payload for frame in pieces)) == {"setupComplete": {}}


async def test_duplicate_sends_frames_twice(serve: Serve) -> None:
    once = await turn(serve, setup=IN_TEXT)
    async with serve("duplicate:probability=1") as served, served.dialled(**IN_TEXT) as wire:
        wire.types("good morning")
        twice = [await wire.next() for _ in range(2 * len(once))]
    assert twice == [frame for frame in once for _ in range(2)]


async def test_what_is_left_to_chance_follows_from_the_seed(serve: Serve) -> None:
    first, same, other = [kinds(await turn(serve, "duplicate:probability=0.5", seed=seed)) for seed in (1, 1, 2)]
    assert first == same != other


async def test_reorder_swaps_speech_with_what_follows_and_loses_nothing(serve: Serve) -> None:
    before, after = await turn(serve, setup=IN_TEXT), await turn(serve, "reorder:probability=1", setup=IN_TEXT)
    assert sorted(before) == sorted(after)
    assert said(before) == "You said good morning."
    assert said(after) == " said good morning.You"


# --- the model's turn -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("setup", [IN_TEXT, IN_SPEECH])
async def test_empty_turn_completes_without_a_word(serve: Serve, setup: dict[str, Any]) -> None:
    async with serve("empty-turn:times=1") as served, served.dialled(**setup) as wire:
        wire.types("hi")
        empty = await wire.until("turnComplete")
        wire.types("hello")
        full = await wire.until("turnComplete")
    assert "generationComplete" in kinds(empty)
    assert (parts(empty), transcript(empty)) == ([], "")
    assert said(full) + transcript(full) == "You said hello."


async def test_interrupted_comes_by_itself_and_the_answer_goes_on(serve: Serve) -> None:
    calm = await turn(serve)
    frames = await turn(serve, "interrupted:after_frames=3")
    assert frames[3].message == {"serverContent": {"interrupted": True}}
    assert frames[:3] + frames[4:] == calm


async def test_no_turn_complete_leaves_the_turn_without_an_end(serve: Serve) -> None:
    async with serve("no-turn-complete") as served, served.dialled(**IN_TEXT) as wire:
        frames = []
        for text in ("one", "two"):
            wire.types(text)
            frames += await wire.until("generationComplete")
    assert said(frames) == "You said one.You said two."
    assert not any("turnComplete" in frame.content for frame in frames)


async def test_cancel_calls_takes_calls_back_at_once(serve: Serve) -> None:
    async with (
        serve("cancel-calls", answer=lambda _: [Call("get_weather")]) as served,
        served.dialled(**IN_TEXT, tools=[WEATHER]) as wire,
    ):
        wire.types("weather?")
        frames = await wire.until("toolCallCancellation")
    call = frames[-2].message["toolCall"]["functionCalls"][0]
    assert frames[-1].message == {"toolCallCancellation": {"ids": [call["id"]]}}


@pytest.mark.parametrize("form", ["again", "parts"])
async def test_repeat_calls_makes_a_call_twice_with_one_id(serve: Serve, form: str) -> None:
    async with (
        serve(f"repeat-calls:form={form}", answer=lambda _: [Call("get_weather")]) as served,
        served.dialled(**IN_SPEECH, tools=[WEATHER]) as wire,
    ):
        wire.types("weather?")
        await wire.until("setupComplete")
        first, second = await wire.next(), await wire.next()
    assert first is not None
    assert second is not None
    (call,) = second.message["toolCall"]["functionCalls"]
    turned = {"serverContent": {"modelTurn": {"parts": [{"functionCall": call}]}}}
    assert first.message == (turned if form == "parts" else second.message)


async def test_text_turn_writes_what_was_to_be_said(serve: Serve) -> None:
    frames = await turn(serve, "text-turn")
    assert (said(frames), transcript(frames), sound(frames)) == ("You said good morning.", "", b"")
    assert kinds(frames)[-2:] == ["generationComplete", "turnComplete"]


async def test_thought_turn_thinks_once_and_says_nothing(serve: Serve) -> None:
    frames = await turn(serve, "thought-turn")
    assert [bool(part.get("thought")) for part in parts(frames)] == [True]
    assert (transcript(frames), sound(frames)) == ("", b"")


async def test_repeat_turn_says_an_answer_twice(serve: Serve) -> None:
    async with serve("repeat-turn") as served, served.dialled(**IN_SPEECH) as wire:
        wire.types("good morning")
        once = await wire.until("turnComplete")
        again = await wire.until("turnComplete")
    assert transcript(again) == transcript(once) == "You said good morning."
    assert sound(again) == sound(once)


async def test_early_transcript_writes_a_turn_before_it_is_heard(serve: Serve) -> None:
    calm, frames = await turn(serve), await turn(serve, "early-transcript:delay_s=0.05")
    order = [kind for kind in kinds(frames) if kind in ("outputTranscription", "modelTurn")]
    assert order == sorted(order, reverse=True)
    assert (transcript(frames), sound(frames)) == (transcript(calm), sound(calm))
    assert kinds(frames)[-2:] == ["generationComplete", "turnComplete"]


async def test_a_tone_is_a_sine_as_long_as_the_speech(serve: Serve) -> None:
    speech, tone = sound(await turn(serve)), sound(await turn(serve, "tone:frequency_hz=6000,peak=100"))
    samples = [int.from_bytes(tone[at : at + 2], "little", signed=True) for at in range(0, len(tone), 2)]
    assert len(tone) == len(speech) > 0
    assert samples == [0, 100, 0, -100] * (len(samples) // 4)


@pytest.mark.parametrize("reason", SPURIOUS_CLOSES)
async def test_spurious_close_says_what_users_met(serve: Serve, reason: str) -> None:
    async with serve(f"spurious-close:reason={reason}") as served, served.dialled(**IN_TEXT) as wire:
        assert (await wire.until("close"))[-1].closes_with == SPURIOUS_CLOSES[reason]


# --- a session that is resumed --------------------------------------------------------------------------------------


async def resumed(served: Served, until: str) -> list[Frame]:
    """What comes, up to this kind, on a connection that resumes the session of one that has said hello."""
    async with served.dialled(**IN_TEXT, sessionResumption={}) as wire:
        wire.send({"realtimeInput": {"text": "hello"}})
        await wire.until("turnComplete")
        handle = (await wire.until("sessionResumptionUpdate"))[-1].message["sessionResumptionUpdate"]["newHandle"]
        wire.writer.write(masked(CLOSE, b"\x03\xe8"))
        await wire.rest()
    async with served.dialled(**IN_TEXT, sessionResumption={"handle": handle}) as wire:
        wire.send({"realtimeInput": {"text": "are you there"}}, b"still there?")
        return await wire.until(until)


async def test_silent_resume_never_says_a_word_again(serve: Serve) -> None:
    async with serve("silent-resume") as served:
        assert kinds(await resumed(served, "pong")) == ["setupComplete", "pong"]
        await served.is_healthy()


async def test_close_after_resume_accepts_a_handle_and_closes(serve: Serve) -> None:
    async with serve("close-after-resume:code=1011,reason=sorry") as served:
        frames = await resumed(served, "close")
    assert kinds(frames) == ["setupComplete", "close"]
    assert frames[-1].closes_with == (1011, "sorry")


async def test_go_away_after_resume_comes_on_resumed_connections_only(serve: Serve) -> None:
    async with serve("go-away-after-resume") as served:
        await served.is_healthy()
        frames = await resumed(served, "goAway")
    assert frames[-1].message == {"goAway": {"timeLeft": "300.000s"}}


# --- the pace of speech ---------------------------------------------------------------------------------------------


async def test_near_silence_is_noise_as_long_as_the_speech(serve: Serve) -> None:
    speech, noise = sound(await turn(serve)), sound(await turn(serve, "near-silence:peak=2"))
    samples = {int.from_bytes(noise[at : at + 2], "little", signed=True) for at in range(0, len(noise), 2)}
    assert len(noise) == len(speech) > 0
    assert samples == {-2, -1, 0, 1, 2}


async def test_slow_audio_keeps_speech_back_until_the_user_cuts_in(serve: Serve) -> None:
    def greet(request: Request) -> Iterable[Item]:
        yield Say("Good morning.")

    async with (
        serve("slow-audio:rate=0.001", answer=greet, pace="realtime", clock=lambda: 0.0) as served,
        served.dialled(**IN_SPEECH) as wire,
    ):
        wire.types("hi")
        assert sound(await wire.until("modelTurn"))
        wire.send(b"still there?")
        assert kinds(await wire.until("pong")) == ["pong"]
        wire.types("stop")
        assert "interrupted" in kinds(await wire.until("turnComplete"))


async def test_slow_audio_comes_complete_and_in_order(serve: Serve) -> None:
    assert await turn(serve, "slow-audio:rate=100000") == await turn(serve)


async def test_fast_audio_completes_a_turn_before_it_can_be_heard(serve: Serve) -> None:
    async with (
        serve("fast-audio", pace="realtime", clock=lambda: 0.0) as served,
        served.dialled(**IN_SPEECH) as wire,
    ):
        wire.types("good morning")
        frames = await wire.until("turnComplete")
    assert transcript(frames) == "You said good morning."


NO_CONTENT: list[Any] = [5, [1], "text"]
NO_SPEECH: list[Any] = [
    5,
    {"parts": 5},
    {"parts": [5, {"inlineData": 5}, {"inlineData": {"mimeType": 5}}]},
    {"parts": [{"inlineData": {"mimeType": "audio/pcm", "data": 5}}]},
    {"parts": [{"inlineData": {"mimeType": "audio/pcm", "data": "!"}}]},
]


@pytest.mark.parametrize(
    "fault",
    [
        "late-setup:delay_s=0.01",
        "no-setup",
        "reorder:probability=1",
        "empty-turn",
        "no-turn-complete",
        "cancel-calls",
        "repeat-calls",
        "text-turn",
        "thought-turn",
        "early-transcript:delay_s=0.01",
        "tone",
        "near-silence",
        "slow-audio:rate=100000",
    ],
)
async def test_messages_of_any_shape_are_taken_for_what_they_are(fault: str) -> None:
    def misshapen(request: Request) -> Iterable[Item]:
        yield Say("One.")
        yield from (Message({"serverContent": {"modelTurn": turn}}) for turn in NO_SPEECH)
        yield from (Message({"serverContent": content}) for content in NO_CONTENT)
        yield from (Message({"toolCall": call}) for call in [*NO_CONTENT, {"functionCalls": NO_CONTENT}])
        yield Message({"the": "end"})

    async with Served(fault, answer=misshapen) as served, served.dialled(**IN_SPEECH) as wire:
        wire.types("hi")
        seen = [frame.message for frame in await wire.until("the")]
    assert [content for m in seen if not isinstance(content := m.get("serverContent", {}), dict)] == NO_CONTENT


@pytest.mark.parametrize("setup", [5, [], {"sessionResumption": [1]}])
async def test_refuse_handle_leaves_a_wrong_setup_to_the_service(setup: Any) -> None:
    async with Served("refuse-handle") as served, served.dialled() as wire:
        wire.send({"setup": setup})
        assert (await wire.until("close"))[-1].closes_with[0] == 1007


# --- when, and how often --------------------------------------------------------------------------------------------


async def test_a_fault_may_befall_one_connection_only(serve: Serve) -> None:
    async with serve("cut:connection=2") as served:
        await served.is_healthy()
        async with served.dialled(**IN_TEXT) as wire:
            assert kinds(await wire.rest()) == ["setupComplete"]
        await served.is_healthy()


async def test_a_fault_happens_so_many_times_on_all_connections_together(serve: Serve) -> None:
    async with serve("cut:times=2") as served:
        for _ in range(2):
            async with served.dialled(**IN_TEXT) as wire:
                assert kinds(await wire.rest()) == ["setupComplete"]
        await served.is_healthy()


async def test_several_faults_happen_together(serve: Serve) -> None:
    async with serve("duplicate:probability=1", "cut:after_frames=3") as served, served.dialled(**IN_TEXT) as wire:
        wire.types("hi")
        assert kinds(await wire.rest())[:2] == ["setupComplete", "setupComplete"]


async def test_a_reply_can_misbehave_at_once(serve: Serve) -> None:
    def cut(request: Request) -> Iterable[Item]:
        yield Say("One.")
        yield Fault("cut")
        yield Say("Two.")

    async with serve(answer=cut) as served, served.dialled(**IN_TEXT) as wire:
        wire.types("count")
        frames = await wire.rest()
    assert said(frames) == "One."
    assert "close" not in kinds(frames)


async def test_a_reply_cannot_misbehave_as_only_a_handshake_can(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    async with serve(answer=lambda _: [Fault("refuse")]) as served, served.dialled(**IN_TEXT) as wire:
        wire.types("hi")
        frames = await wire.until("close")
    assert frames[-1].closes_with[0] == 1011
    assert "while a client connects" in "".join(str(record.exc_info) for record in caplog.records)
