"""How many functions are called for a frame, a setup and a resume, what the event loop is given to do, how often audio
is copied, and what is held: what no noise of a machine moves.

A bound is some tenth above what was counted when it was written; whoever needs more has a reason.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import tracemalloc
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import gemini_realtime
from gemini_realtime import (
    AudioDelta,
    GeminiRealtimeClient,
    GenerationComplete,
    InputAudioBufferDelta,
    OutputTranscript,
    RealtimeEvent,
    SessionCreated,
    SessionResumed,
    TurnComplete,
)
from gemini_realtime.local.in_memory import InMemoryServer
from gemini_realtime.protocol.codec import audio_frame
from gemini_realtime.testing import ScriptedService, in_virtual_time

PACKAGE = Path(gemini_realtime.__file__).parent
NOT_COUNTED = tuple(str(PACKAGE / name) for name in ("testing", "transport", "telemetry.py", "pytest_plugin.py"))
INLINE = ("<genexpr>", "<lambda>", "<listcomp>", "<dictcomp>", "<setcomp>")
"""Whether these are calls depends on the version of Python."""

Names = Counter[str]


@contextmanager
def counted() -> Iterator[Names]:
    """Counts calls of the package, but for what depends on what is installed, or imported already."""
    names: Names = Counter()
    begun: set[FrameType] = set()

    def note(frame: FrameType, event: str, _: Any) -> None:
        path, code = frame.f_code.co_filename, frame.f_code
        if event != "call" or frame in begun or code.co_name in INLINE:
            return
        if path.startswith(str(PACKAGE)) and not path.startswith(NOT_COUNTED):
            begun.add(frame)  # a generator or coroutine that goes on is no call
            names[f"{Path(path).stem}.{code.co_name}"] += 1

    with no_garbage_of_others():
        sys.setprofile(note)
        try:
            yield names
        finally:
            sys.setprofile(None)


@contextmanager
def no_garbage_of_others() -> Iterator[None]:
    """Keeps what other tests have left behind from being finalized meanwhile, which would be counted."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


COPYING = ("b64encode", "b64decode", "decode", "join", "tobytes")
"""Built-in functions that copy audio, beside slices."""


class Load:
    """What the package and its reader take of the process.

    Attributes:
        handles: what the event loop was given to do, at once or later.
        steps: instructions of Python's bytecode.
        copies: built-in functions that copy.
    """

    def __init__(self) -> None:
        self.handles = self.steps = 0
        self.copies: Names = Counter()


@contextmanager
def load() -> Iterator[Load]:
    """Counts what is done, for the functions of the package as `counted`."""
    load, loop = Load(), asyncio.get_running_loop()
    call_soon, call_at = loop.call_soon, loop.call_at

    def at_once(*args: Any, **options: Any) -> asyncio.Handle:
        load.handles += 1
        return call_soon(*args, **options)

    def later(*args: Any, **options: Any) -> asyncio.TimerHandle:
        load.handles += 1
        return call_at(*args, **options)

    def ours(frame: FrameType) -> bool:
        path = frame.f_code.co_filename
        return path.startswith(str(PACKAGE)) and not path.startswith(NOT_COUNTED)

    def step(frame: FrameType, event: str, _: Any) -> Any:
        if not ours(frame):
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        load.steps += event == "opcode"
        return step

    def copy(frame: FrameType, event: str, function: Any) -> None:
        if event == "c_call" and function.__name__ in COPYING and ours(frame):
            load.copies[function.__name__] += 1

    loop.call_soon, loop.call_at = at_once, later  # type: ignore[method-assign, assignment]
    with no_garbage_of_others():
        sys.settrace(step)
        sys.setprofile(copy)
        try:
            yield load
        finally:
            sys.settrace(None)
            sys.setprofile(None)
            loop.call_soon, loop.call_at = call_soon, call_at  # type: ignore[method-assign]


def check(names: Names, most: int) -> None:
    assert 0 < names.total() <= most, names.most_common()


class Conversation:
    """A client and the service that it talks to."""

    def __init__(self) -> None:
        self.service = ScriptedService()
        self.client = self.service.client(reconnect={"jitter": lambda: 0.0})

    async def until(self, kind: type[RealtimeEvent]) -> None:
        async for event in self.client.read_events():
            if isinstance(event, kind):
                return

    async def begin(self) -> None:
        await self.until(SessionCreated)
        self.service.say({"sessionResumptionUpdate": {"newHandle": "h", "resumable": True}})
        await self.until(RealtimeEvent)
        await self.client.send_text(role="user", text="How are you?")

    async def walk(self, message: dict[str, Any], kind: type[RealtimeEvent]) -> Names:
        """The calls that a message takes until its event is read."""
        with counted() as names:
            self.service.say(message)
            await self.until(kind)
        return names

    async def talk_for_a_second(self) -> None:
        """50 pieces of the microphone go up, and 25 of the model's voice come down."""
        for piece in range(50):
            await self.client.send_audio(b"\1\0" * 320)
            if piece % 2:
                self.service.say(speech(1600))
            await asyncio.sleep(0.02)


def content(**fields: Any) -> dict[str, Any]:
    return {"serverContent": fields}


def speech(pieces: int) -> dict[str, Any]:
    blob = {"mimeType": "audio/pcm;rate=24000", "data": "f39/" * pieces}
    return content(modelTurn={"parts": [{"inlineData": blob}]})


@in_virtual_time
async def test_a_first_setup_takes_few_calls() -> None:
    conversation = Conversation()
    with counted() as names:
        connecting = conversation.client.connect()
        await connecting.__aenter__()
        await conversation.until(SessionCreated)
    await connecting.__aexit__(None, None, None)
    check(names, 200)


@in_virtual_time
async def test_a_received_frame_takes_few_calls() -> None:
    conversation = Conversation()
    async with conversation.client.connect():
        await conversation.begin()
        walked: Sequence[tuple[dict[str, Any], type[RealtimeEvent], int]] = [
            (speech(1600), AudioDelta, 60),
            (speech(1600), AudioDelta, 20),
            (speech(1600), AudioDelta, 10),
            (content(outputTranscription={"text": "Fine."}), OutputTranscript, 35),
            (content(generationComplete=True), GenerationComplete, 88),
            (content(turnComplete=True), TurnComplete, 60),
        ]
        for message, kind, most in walked:
            check(await conversation.walk(message, kind), most)


@in_virtual_time
async def test_a_resume_takes_few_calls() -> None:
    conversation = Conversation()
    async with conversation.client.connect():
        await conversation.begin()
        with counted() as names:
            conversation.service.end(1006)
            await conversation.until(SessionResumed)
        check(names, 275)


@in_virtual_time
async def test_a_second_of_talk_wakes_the_reader_as_often_as_the_model_speaks() -> None:
    conversation = Conversation()
    read: list[RealtimeEvent] = []

    async def reader() -> None:
        async for event in conversation.client.read_events():
            read.append(event)

    async with conversation.client.connect():
        await conversation.begin()
        reading = asyncio.create_task(reader())
        await asyncio.sleep(1.0)
        read.clear()
        with counted() as names:
            await conversation.talk_for_a_second()
        assert Counter(map(type, read)) == {AudioDelta: 25, InputAudioBufferDelta: 50}
        assert names["event_queue._wake"] == 25
        check(names, 720)
        reading.cancel()


@in_virtual_time
async def test_a_second_of_talk_without_echoes_takes_few_calls() -> None:
    conversation = Conversation()
    read: list[RealtimeEvent] = []
    async with conversation.client.connect():
        await conversation.begin()
        dispatching = asyncio.create_task(conversation.client.dispatch_events(read.append, echoes=False))
        await asyncio.sleep(1.0)
        read.clear()
        with counted() as names:
            await conversation.talk_for_a_second()
        assert Counter(map(type, read)) == {AudioDelta: 25}
        assert names["event_queue._wake"] == 0
        check(names, 550)
        dispatching.cancel()


@in_virtual_time
async def test_a_second_of_talk_takes_few_steps_handles_and_copies_of_audio() -> None:
    taken: list[Load] = []
    for echoes in (True, False):
        conversation = Conversation()
        async with conversation.client.connect():
            await conversation.begin()
            reading = asyncio.create_task(read_on(conversation.client, echoes=echoes))
            await conversation.talk_for_a_second()
            with load() as second:
                await conversation.talk_for_a_second()
            taken.append(second)
            reading.cancel()
    with_echoes, dispatched = taken
    # The microphone's naps are fifty timers and fifty wake-ups, and what it says takes fifty to the service.
    assert dispatched.handles == 150
    assert with_echoes.handles - dispatched.handles <= 25 + 4  # the reader's wake-ups, and a timer now and then
    assert dispatched.steps <= 14_200
    assert with_echoes.steps <= 24_500
    # To base64 and into a frame; two stretches of the ring are closed; out of a frame, and what the service hears.
    assert dispatched.copies == {"b64encode": 50, "join": 50 + 2, "decode": 25 + 50}
    assert with_echoes.copies - dispatched.copies == {"decode": 50}


async def read_on(client: GeminiRealtimeClient, *, echoes: bool) -> None:
    """Read, or where no echoes are wanted let a function be called, until cancelled."""
    if not echoes:
        await client.dispatch_events(lambda event: None, echoes=False)
    async for _ in client.read_events():
        pass


@in_virtual_time
async def test_a_session_in_which_nobody_speaks_takes_little_memory() -> None:
    conversations = [Conversation() for _ in range(21)]
    async with AsyncExitStack() as stack:
        for number, conversation in enumerate(conversations):
            if number == 1:
                gc.collect()
                tracemalloc.start()
            await stack.enter_async_context(conversation.client.connect())
            await conversation.until(SessionCreated)
        gc.collect()
        size, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert size / 20 < 9_200


class Silent:
    """A client that looks at nothing it is sent."""

    def frame_received(self, frame: bytes) -> None:
        pass

    def pong_received(self) -> None:
        pass

    def connection_lost(self, code: int, reason: str) -> None:
        pass


@in_virtual_time
async def test_a_second_of_microphone_takes_the_server_few_calls() -> None:
    path = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
    transport = await InMemoryServer().dial(f"wss://in-memory{path}", {}, Silent())
    transport.send(b'{"setup": {"model": "models/gemini-3.8-live", "sessionResumption": {}}}')
    pieces = [audio_frame(data * 200, 16_000) for data in (b"AAAA", b"AAEA")] * 225
    for piece in pieces[50:]:  # in the first eight seconds there may be advice to give
        transport.send(piece)
        await asyncio.sleep(0.02)
    with counted() as names:
        for piece in pieces[:50]:
            transport.send(piece)
            await asyncio.sleep(0.02)
    assert names["peer.microphone"] == 50
    assert names["peer.receive"] == names["inbox._next_turn"] == 0
    check(names, 1400)
    await transport.close()
