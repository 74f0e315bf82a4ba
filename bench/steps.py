"""Where does the time go?"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import gemini_realtime
from bench.contestants import CHUNK, OURS, OURS_DISPATCH, OURS_NO_ECHOES
from bench.machine import machine, versions
from bench.report import Result, Series
from bench.service import MESSAGES
from gemini_realtime import AudioDelta, GeminiRealtimeClient, RealtimeEvent
from gemini_realtime.transport.base import Receiver

QUESTION = "Where does the time go?"
REMARKS = """\
Counts, which no other program on the machine can change: calls of this package's functions (and resumptions of its
coroutines), and instructions of Python's bytecode in them, in a second of conversation (50 chunks sent, 25 messages
received) through a transport that does nothing. `tests/test_walks.py` holds the calls to a bound.

Where an aim is missed in real time, these tables are why: so many steps are left. Each is for something that a client
promises: an event for the application, notice of a service that is silent, that what was sent can be sent again. In a
burst all of them together cost what the tables of receiving and sending say. In real time the same instructions
cost several times as much, because the processor's caches have lost them by the next message. So fewer functions and
objects for a message would help, and faster ones would not. The end of that is the least possible client, which has
none of these steps."""

CALLS, STEPS = "calls in a second", "bytecode instructions in a second"
PACKAGE = str(Path(gemini_realtime.__file__).parent)
SECONDS = 4


class _Nothing:
    """A transport to nowhere."""

    writable = True

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver

    def send(self, frame: bytes) -> None:
        pass

    async def drain(self) -> None:
        pass

    def ping(self) -> None:
        pass

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    async def close(self) -> None:
        self._receiver.connection_lost(1000, "")


class _Count:
    """Calls, and steps by function."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.steps: Counter[str] = Counter()

    @contextmanager
    def counting(self) -> Iterator[None]:
        sys.settrace(self._trace)
        try:
            yield
        finally:
            sys.settrace(None)

    def _trace(self, frame: FrameType, event: str, _: Any) -> Any:
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        name = frame.f_code.co_qualname
        self.calls[name] += event == "call"
        self.steps[name] += event == "opcode"
        return self._trace


async def _count(way: str, seconds: int) -> _Count:
    receivers: list[Receiver] = []

    async def dial(url: str, headers: Mapping[str, str], receiver: Receiver) -> _Nothing:
        receivers.append(receiver)
        return _Nothing(receiver)

    def handle(event: RealtimeEvent) -> None:
        if isinstance(event, AudioDelta):
            _ = event.audio

    async def read() -> None:
        async for event in client.read_events(echoes=way == OURS):
            handle(event)

    client = GeminiRealtimeClient(
        llm_config={"config_list": [{"model": "gemini-3.8-live", "api_key": "none"}]}, dial=dial
    )
    count = _Count()
    async with client.connect():
        reading = client.dispatch_events(handle, echoes=False) if way == OURS_DISPATCH else read()
        task = asyncio.ensure_future(reading)
        await asyncio.sleep(0)
        receivers[0].frame_received(b'{"setupComplete": {}}')
        for second in range(seconds + 1):
            if second == 0:  # the first message of its kind is read as any other
                await _talk(client, receivers[0])
                continue
            with count.counting():
                await _talk(client, receivers[0])
        task.cancel()
    return count


async def _talk(client: GeminiRealtimeClient, receiver: Receiver) -> None:
    for number in range(25):
        for _ in range(2):
            await client.send_audio(CHUNK)
            await asyncio.sleep(0)
        receiver.frame_received(MESSAGES[number % len(MESSAGES)])
        await asyncio.sleep(0)


def answer(rounds: int, *, quick: bool = False) -> Result:
    """Count, for each way to use this package; once is enough."""
    seconds = 1 if quick else SECONDS
    ways = [OURS, OURS_NO_ECHOES, OURS_DISPATCH]
    in_all = Series("A second of conversation", ways, {})
    where = Series(f"Where they are, by `{OURS_DISPATCH}`", [], {})
    for way in ways:
        count = asyncio.run(_count(way, seconds))
        in_all.add(way, {CALLS: count.calls.total() / seconds, STEPS: count.steps.total() / seconds})
    for name, steps in count.steps.most_common(20):
        where.add(f"`{name}`", {CALLS: count.calls[name] / seconds, STEPS: steps / seconds})
    return Result([in_all, where], machine(), versions())
