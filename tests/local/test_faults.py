"""The bad days of the embedded server, seen by a client that reads bytes."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import pytest

from gemini_realtime.errors import ConfigError
from gemini_realtime.local.conversation import Pace
from gemini_realtime.local.faults import FAULTS, Fault, help_lines, parse_fault
from gemini_realtime.local.faults.connection import STAGES
from gemini_realtime.local.serve import LiveServer
from gemini_realtime.local.thinking import Call, Item, Request, Say
from tests.local.fakes import FakeHearing, FakeResponder, FakeSpeaking
from tests.local.line import HALF_CASCADE, NATIVE_2_5, WEATHER

WAIT_S = 20.0
LIVE = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10

IN_TEXT: dict[str, Any] = {"model": HALF_CASCADE, "generationConfig": {"responseModalities": ["TEXT"]}}
IN_SPEECH: dict[str, Any] = {
    "model": NATIVE_2_5,
    "generationConfig": {"thinkingConfig": {"includeThoughts": False}},
    "outputAudioTranscription": {},
}

Answer = Callable[[Request], Iterable[Item]]


class Frame(NamedTuple):
    """A WebSocket frame: RFC 6455 5.2."""

    head: int
    payload: bytes

    @property
    def opcode(self) -> int:
        return self.head & 0x0F

    @property
    def final(self) -> bool:
        return bool(self.head & 0x80)

    @property
    def message(self) -> Any:
        return json.loads(self.payload)

    @property
    def content(self) -> Any:
        return self.message.get("serverContent", {}) if self.opcode == BINARY else {}

    @property
    def kind(self) -> str:
        if self.opcode == BINARY:
            return "+".join(self.content or self.message)
        return {CLOSE: "close", PONG: "pong"}.get(self.opcode, f"opcode {self.opcode}")

    @property
    def closes_with(self) -> tuple[int, str]:
        assert self.opcode == CLOSE
        return int.from_bytes(self.payload[:2], "big"), self.payload[2:].decode()


class Wire:
    """The client's end of a connection, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def shake_hands(self, port: int) -> bytes:
        """The answer to the handshake, without a body; empty when there is none."""
        self.writer.write(
            f"GET {LIVE} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
        )
        try:
            return await self.reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return b""

    def send(self, *messages: Any) -> None:
        """Send messages in one piece: a dict as text, bytes as a ping."""
        self.writer.write(
            b"".join(
                _masked(PING, message) if isinstance(message, bytes) else _masked(TEXT, json.dumps(message).encode())
                for message in messages
            )
        )

    def types(self, text: str) -> None:
        self.send({"realtimeInput": {"text": text}})

    async def next(self) -> Frame | None:
        """The next frame; None when the connection has ended."""
        try:
            head, size = await self.reader.readexactly(2)
            if size >= 126:
                size = int.from_bytes(await self.reader.readexactly(2 if size == 126 else 8), "big")
            return Frame(head, await self.reader.readexactly(size))
        except (asyncio.IncompleteReadError, ConnectionError):
            return None

    async def until(self, kind: str) -> list[Frame]:
        """The frames up to the first of this kind."""
        frames = []
        while frame := await self.next():
            frames.append(frame)
            if kind in frame.kind.split("+"):
                return frames
        raise AssertionError(f"it ended before {kind}")

    async def rest(self) -> list[Frame]:
        """All frames up to the end of the connection."""
        frames = []
        while frame := await self.next():
            frames.append(frame)
        return frames


def _masked(opcode: int, payload: bytes) -> bytes:
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else bytes([0xFE]) + size.to_bytes(2, "big")
    return bytes([0x80 | opcode]) + length + bytes(4) + payload


def echo(request: Request) -> Iterable[Item]:
    yield Say(f"You said {request.heard}.")


class Served:
    """A server on which these faults happen."""

    def __init__(
        self,
        *faults: Fault | str,
        seed: int = 0,
        answer: Answer = echo,
        pace: Pace = "instant",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.responder = FakeResponder(answer)
        self.server = LiveServer(
            hearing=FakeHearing(),
            responder=self.responder,
            speaking=FakeSpeaking(),
            pace=pace,
            faults=faults,
            seed=seed,
            clock=clock,
        )

    async def __aenter__(self) -> Served:
        await self.server.__aenter__()
        return self

    async def __aexit__(self, *failure: Any) -> None:
        await self.server.__aexit__(*failure)

    @asynccontextmanager
    async def knock(self) -> AsyncIterator[tuple[Wire, bytes]]:
        """A connection, and the answer to its handshake."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port, limit=2**26)
        async with asyncio.timeout(WAIT_S):
            try:
                wire = Wire(reader, writer)
                yield wire, await wire.shake_hands(self.server.port)
            finally:
                writer.transport.abort()

    @asynccontextmanager
    async def dialled(self, **setup: Any) -> AsyncIterator[Wire]:
        """A connection, on which the setup was sent if there is one."""
        async with self.knock() as (wire, answer):
            assert answer.startswith(b"HTTP/1.1 101 ")
            if setup:
                wire.send({"setup": setup})
            yield wire

    async def is_healthy(self) -> None:
        """Hold a conversation on a new connection."""
        async with self.dialled(**IN_TEXT) as wire:
            wire.types("hello")
            assert said(await wire.until("turnComplete")) == "You said hello."


def kinds(frames: list[Frame]) -> list[str]:
    return [frame.kind for frame in frames]


def parts(frames: list[Frame]) -> list[Any]:
    return [part for frame in frames for part in frame.content.get("modelTurn", {}).get("parts", [])]


def said(frames: list[Frame]) -> str:
    return "".join(part.get("text", "") for part in parts(frames))


def transcript(frames: list[Frame]) -> str:
    return "".join(frame.content.get("outputTranscription", {}).get("text", "") for frame in frames)


def sound(frames: list[Frame]) -> bytes:
    return b"".join(base64.b64decode(part["inlineData"]["data"]) for part in parts(frames) if "inlineData" in part)


async def turn(*faults: Fault | str, seed: int = 0, setup: dict[str, Any] = IN_SPEECH) -> list[Frame]:
    """What is sent from the setup to the end of the first turn."""
    async with Served(*faults, seed=seed) as served, served.dialled(**setup) as wire:
        wire.types("good morning")
        return await wire.until("turnComplete")


# --- before there is a session --------------------------------------------------------------------------------------


@pytest.mark.parametrize("times", [1, 3])
async def test_refuse_hangs_up_so_many_times_in_a_row(times: int) -> None:
    async with Served(Fault("refuse", times=times)) as served:
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
async def test_reject_answers_the_handshake_in_the_form_of_googles_apis(status: int, name: str) -> None:
    async with Served(f"reject:status={status},retry_after_s=7,times=1") as served:
        async with served.knock() as (wire, answer):
            assert answer.startswith(b"HTTP/1.1 %d " % status)
            assert b"\r\nRetry-After: 7\r\n" in answer
            body = json.loads(await wire.reader.read())
            assert (body["error"]["code"], body["error"]["status"]) == (status, name)
        await served.is_healthy()


async def test_reject_says_nothing_of_a_retry_unless_told() -> None:
    async with Served("reject") as served, served.knock() as (_, answer):
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"Retry-After" not in answer


async def test_late_setup_lets_all_else_that_is_sent_wait_too() -> None:
    async with Served(Fault("late-setup", delay_s=0.01)) as served, served.dialled() as wire:
        wire.send({"setup": IN_TEXT}, {"realtimeInput": {"text": "hi"}}, b"still there?")
        frames = await wire.until("turnComplete")
    assert kinds(frames)[:2] == ["pong", "setupComplete"]
    assert said(frames) == "You said hi."


async def test_a_setup_that_is_refused_is_refused_without_delay() -> None:
    async with Served(Fault("late-setup", delay_s=3600)) as served, served.dialled(**IN_TEXT) as wire:
        wire.send({"setup": IN_TEXT})
        assert kinds(await wire.until("close")) == ["setupComplete", "close"]


async def test_no_setup_leaves_out_setup_complete_only() -> None:
    async with Served("no-setup") as served, served.dialled(**IN_TEXT) as wire:
        wire.types("hi")
        frames = await wire.until("turnComplete")
    assert "setupComplete" not in kinds(frames)
    assert said(frames) == "You said hi."


async def test_refuse_handle_knows_no_handle() -> None:
    async with Served("refuse-handle:times=1") as served:
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
    wire.writer.write(_masked(CLOSE, b"\x03\xe8"))
    await wire.rest()


# --- the connection -------------------------------------------------------------------------------------------------


async def test_cut_ends_the_connection_without_a_close() -> None:
    async with Served("cut:after_frames=2") as served, served.dialled(**IN_TEXT) as wire:
        wire.types("hi")
        frames = await wire.rest()
    assert len(frames) == 2
    assert frames[0].kind == "setupComplete"
    assert "close" not in kinds(frames)


async def test_cut_after_a_while_waits_for_no_frame() -> None:
    async with Served(Fault("cut", after_s=0.01)) as served, served.dialled() as wire:
        assert await wire.rest() == []


async def test_silence_leaves_the_connection_open_and_answers_nothing() -> None:
    async with Served("silence:connection=1") as served, served.dialled(**IN_TEXT) as wire:
        await wire.until("setupComplete")
        wire.send({"realtimeInput": {"text": "hi"}}, b"still there?")
        wire.writer.write(_masked(CLOSE, b"\x03\xe8"))
        reading = asyncio.create_task(wire.next())
        await served.is_healthy()
        assert [request.heard for request in served.responder.asked] == ["hi", "hello"]
        assert not reading.done()
        reading.cancel()


async def test_a_server_stops_though_it_has_fallen_silent() -> None:
    async with Served("silence") as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.server.port)
        wire = Wire(reader, writer)
        await wire.shake_hands(served.server.port)
        wire.send({"setup": IN_TEXT})
        await wire.until("setupComplete")
    assert await wire.rest() == []
    writer.close()


async def test_stop_reading_lets_the_client_talk_to_the_kernel() -> None:
    async with Served("stop-reading:connection=1") as served, served.dialled(**IN_TEXT) as wire:
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
async def test_close_has_a_code_and_a_reason(fault: Fault | str, code: int, reason: str) -> None:
    async with Served(fault) as served, served.dialled(**IN_TEXT) as wire:
        frames = await wire.until("close")
    assert kinds(frames) == ["setupComplete", "close"]
    assert frames[-1].closes_with == (code, reason)


@pytest.mark.parametrize(("time_left_s", "announced"), [(0, "0.000s"), (0.01, "0.010s")])
async def test_go_away_keeps_its_word(time_left_s: float, announced: str) -> None:
    async with Served(Fault("go-away", time_left_s=time_left_s)) as served, served.dialled(**IN_TEXT) as wire:
        frames = await wire.until("close")
    assert kinds(frames) == ["setupComplete", "goAway", "close"]
    assert frames[1].message == {"goAway": {"timeLeft": announced}}
    assert frames[2].closes_with[0] == 1008


async def test_slow_pong_comes_after_what_was_asked_later() -> None:
    async with Served(Fault("slow-pong", delay_s=0.01)) as served, served.dialled() as wire:
        wire.send(b"still there?", {"setup": IN_TEXT})
        frames = await wire.until("pong")
    assert kinds(frames) == ["setupComplete", "pong"]
    assert frames[-1].payload == b"still there?"


# --- frames ---------------------------------------------------------------------------------------------------------


async def garbage(seed: int) -> bytes:
    async with Served("garbage:size_bytes=40", seed=seed) as served, served.dialled(**IN_TEXT) as wire:
        await wire.until("setupComplete")
        return await wire.reader.readexactly(40)


async def test_garbage_is_no_frame_and_the_same_for_a_seed() -> None:
    first, same, other = [await garbage(seed) for seed in (1, 1, 2)]
    assert first[0] & 0x70  # reserved bits: RFC 6455 5.2
    assert first == same != other


async def test_truncate_sends_one_frame_without_its_end() -> None:
    whole = await turn(setup=IN_TEXT)
    async with Served("truncate:after_frames=2") as served, served.dialled(**IN_TEXT) as wire:
        wire.types("good morning")
        frames = [frame for _ in whole if (frame := await wire.next())]
    with pytest.raises(json.JSONDecodeError):
        json.loads(frames[2].payload)
    assert whole[2].payload.startswith(frames[2].payload)
    assert [frames[i] for i in (0, 1)] == whole[:2]
    assert frames[3:] == whole[3:]


async def test_oversize_is_one_frame_of_that_length() -> None:
    async with Served("oversize:size_bytes=3000000") as served, served.dialled(**IN_TEXT) as wire:
        await wire.until("setupComplete")
        frame = await wire.next()
    assert frame is not None
    assert (frame.opcode, frame.final, len(frame.payload), frame.message) == (BINARY, True, 3_000_000, {})


async def test_fragment_sends_a_message_in_pieces() -> None:
    async with Served("fragment:size_bytes=10") as served, served.dialled(**IN_TEXT) as wire:
        frames = [await wire.next()]
        while frames[-1] is not None and not frames[-1].final:
            frames.append(await wire.next())
    pieces = [frame for frame in frames if frame is not None]
    assert [frame.opcode for frame in pieces] == [BINARY] + [CONTINUATION] * (len(pieces) - 1)
    assert {len(frame.payload) for frame in pieces[:-1]} == {10}
    assert json.loads(b"".join(frame.payload for frame in pieces)) == {"setupComplete": {}}


async def test_duplicate_sends_frames_twice() -> None:
    once = await turn(setup=IN_TEXT)
    async with Served("duplicate:probability=1") as served, served.dialled(**IN_TEXT) as wire:
        wire.types("good morning")
        twice = [await wire.next() for _ in range(2 * len(once))]
    assert twice == [frame for frame in once for _ in range(2)]


async def test_what_is_left_to_chance_follows_from_the_seed() -> None:
    first, same, other = [kinds(await turn("duplicate:probability=0.5", seed=seed)) for seed in (1, 1, 2)]
    assert first == same != other


async def test_reorder_swaps_speech_with_what_follows_and_loses_nothing() -> None:
    before, after = await turn(setup=IN_TEXT), await turn("reorder:probability=1", setup=IN_TEXT)
    assert sorted(before) == sorted(after)
    assert said(before) == "You said good morning."
    assert said(after) == " said good morning.You"


# --- the model's turn -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("setup", [IN_TEXT, IN_SPEECH])
async def test_empty_turn_completes_without_a_word(setup: dict[str, Any]) -> None:
    async with Served("empty-turn:times=1") as served, served.dialled(**setup) as wire:
        wire.types("hi")
        empty = await wire.until("turnComplete")
        wire.types("hello")
        full = await wire.until("turnComplete")
    assert "generationComplete" in kinds(empty)
    assert (parts(empty), transcript(empty)) == ([], "")
    assert said(full) + transcript(full) == "You said hello."


async def test_interrupted_comes_by_itself_and_the_answer_goes_on() -> None:
    calm = await turn()
    frames = await turn("interrupted:after_frames=3")
    assert frames[3].message == {"serverContent": {"interrupted": True}}
    assert frames[:3] + frames[4:] == calm


async def test_no_turn_complete_leaves_the_turn_without_an_end() -> None:
    async with Served("no-turn-complete") as served, served.dialled(**IN_TEXT) as wire:
        frames = []
        for text in ("one", "two"):
            wire.types(text)
            frames += await wire.until("generationComplete")
    assert said(frames) == "You said one.You said two."
    assert not any("turnComplete" in frame.content for frame in frames)


async def test_cancel_calls_takes_calls_back_at_once() -> None:
    async with (
        Served("cancel-calls", answer=lambda _: [Call("get_weather")]) as served,
        served.dialled(**IN_TEXT, tools=[WEATHER]) as wire,
    ):
        wire.types("weather?")
        frames = await wire.until("toolCallCancellation")
    call = frames[-2].message["toolCall"]["functionCalls"][0]
    assert frames[-1].message == {"toolCallCancellation": {"ids": [call["id"]]}}


async def test_near_silence_is_noise_as_long_as_the_speech() -> None:
    speech, noise = sound(await turn()), sound(await turn("near-silence:peak=2"))
    samples = {int.from_bytes(noise[at : at + 2], "little", signed=True) for at in range(0, len(noise), 2)}
    assert len(noise) == len(speech) > 0
    assert samples == {-2, -1, 0, 1, 2}


async def test_slow_audio_keeps_speech_back_until_the_user_cuts_in() -> None:
    def greet(request: Request) -> Iterable[Item]:
        yield Say("Good morning.")

    async with (
        Served("slow-audio:rate=0.001", answer=greet, pace="realtime", clock=lambda: 0.0) as served,
        served.dialled(**IN_SPEECH) as wire,
    ):
        wire.types("hi")
        assert sound(await wire.until("modelTurn"))
        wire.send(b"still there?")
        assert kinds(await wire.until("pong")) == ["pong"]
        wire.send({"clientContent": {"turns": [], "turnComplete": False}})
        assert "interrupted" in kinds(await wire.until("turnComplete"))


async def test_slow_audio_comes_complete_and_in_order() -> None:
    assert await turn("slow-audio:rate=100000") == await turn()


async def test_fast_audio_completes_a_turn_before_it_can_be_heard() -> None:
    async with (
        Served("fast-audio", pace="realtime", clock=lambda: 0.0) as served,
        served.dialled(**IN_SPEECH) as wire,
    ):
        wire.types("good morning")
        frames = await wire.until("turnComplete")
    assert transcript(frames) == "You said good morning."


# --- when, and how often --------------------------------------------------------------------------------------------


async def test_a_fault_may_befall_one_connection_only() -> None:
    async with Served("cut:connection=2") as served:
        await served.is_healthy()
        async with served.dialled(**IN_TEXT) as wire:
            assert kinds(await wire.rest()) == ["setupComplete"]
        await served.is_healthy()


async def test_a_fault_happens_so_many_times_on_all_connections_together() -> None:
    async with Served("cut:times=2") as served:
        for _ in range(2):
            async with served.dialled(**IN_TEXT) as wire:
                assert kinds(await wire.rest()) == ["setupComplete"]
        await served.is_healthy()


async def test_several_faults_happen_together() -> None:
    async with Served("duplicate:probability=1", "cut:after_frames=3") as served, served.dialled(**IN_TEXT) as wire:
        wire.types("hi")
        assert kinds(await wire.rest())[:2] == ["setupComplete", "setupComplete"]


async def test_a_reply_can_misbehave_at_once() -> None:
    def cut(request: Request) -> Iterable[Item]:
        yield Say("One.")
        yield Fault("cut")
        yield Say("Two.")

    async with Served(answer=cut) as served, served.dialled(**IN_TEXT) as wire:
        wire.types("count")
        frames = await wire.rest()
    assert said(frames) == "One."
    assert "close" not in kinds(frames)


async def test_a_reply_cannot_misbehave_as_only_a_handshake_can(caplog: pytest.LogCaptureFixture) -> None:
    async with Served(answer=lambda _: [Fault("refuse")]) as served, served.dialled(**IN_TEXT) as wire:
        wire.types("hi")
        frames = await wire.until("close")
    assert frames[-1].closes_with[0] == 1011
    assert "while a client connects" in "".join(str(record.exc_info) for record in caplog.records)


# --- names and arguments --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_can_be_written_as_its_help_writes_it(name: str) -> None:
    kind = FAULTS[name]
    given = ",".join(f"{p.name}={p.default}" for p in kind.parameters if p.default is not None)
    fault = parse_fault(f"{name}:{given}")
    assert {p.name: fault[p.name] for p in kind.parameters} == {p.name: p.default for p in kind.parameters}
    assert parse_fault(name)["times"] is None


def test_the_help_tells_each_fault_and_each_argument() -> None:
    told = "\n".join(help_lines())
    for kind in FAULTS.values():
        _, _, after = told.partition(f": {kind.meaning}\n")
        own = after.partition("\n\n")[0]
        assert all(f" {p.usage} " in own and p.meaning in own for p in kind.own_parameters)
    assert told.count(" times ") == told.count(" after_frames=1 ") == 1
    assert "\ncut (once): " in told


def test_every_fault_is_done_somewhere() -> None:
    assert set(STAGES) == {name for name, kind in FAULTS.items() if not kind.at_handshake}


def test_a_fault_is_the_same_written_and_made() -> None:
    written, made = parse_fault("cut:after_frames=10, times=1"), Fault("cut", times=1, after_frames=10)
    assert written == made
    assert hash(written) == hash(made)
    assert written not in (Fault("cut"), Fault("silence", times=1, after_frames=10), "cut")
    assert repr(written) == "Fault('cut', after_frames=10, times=1)"


@pytest.mark.parametrize(
    ("text", "problem", "remedy"),
    [
        ("cutt", "there is no fault 'cutt'", "cut, silence"),
        ("", "there is no fault ''", "cut, silence"),
        ("cut:frames=1", "'cut' has no argument 'frames'", "cut:after_frames=1,after_s,times,connection"),
        ("cut:3", "'cut' has no argument '3'", "after_frames"),
        ("cut:after_frames=-1", "'-1', not a whole number from 0", "after_frames"),
        ("cut:after_frames=1.5", "'1.5', not a whole number", "after_frames"),
        ("cut:after_frames", "'', not a whole number", "after_frames"),
        ("cut:after_s=soon", "'soon', not a number from 0", "after_s"),
        ("cut:after_s=nan", "'nan', not a number", "after_s"),
        ("cut:times=0", "'0', not a whole number from 1", "times"),
        ("reject:status=418", "'418', not one of 401, 403, 429, 500, 503", "status=503"),
        ("duplicate:probability=2", "'2', not a number from 0 to 1", "probability=0.1"),
        ("close:code=999", "'999', not a whole number from 1000 to 4999", "code=1011"),
    ],
)
def test_a_mistake_names_the_fault_and_what_may_be_written(text: str, problem: str, remedy: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_fault(text)
    assert problem in caught.value.problem
    assert remedy in caught.value.remedy


@pytest.mark.parametrize("value", [True, 1.5, float("inf"), 10**400, None, [1]])
def test_a_value_that_cannot_be_is_a_mistake(value: Any) -> None:
    with pytest.raises(ConfigError, match="after_frames of the fault 'cut' is"):
        Fault("cut", after_frames=value)
