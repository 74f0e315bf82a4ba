"""Let the client talk to a service, a network and a program that are out of their minds.

    python -m fuzz.client --seconds 600 [--seed 1]

Most cases run in memory and in virtual time; one in a hundred meets garbage on a socket. Invariants, whatever the
service says, however connections fail or end, and whatever the program does: only documented errors leave the client;
nothing hangs; when `connect()` is left no task, timer or connection is; what is kept is bounded; and neither log nor
error nor the repr of anything shows the key or audio. A case that breaks one is printed with its number, which repeats
it: `--case 123`.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import gc
import hashlib
import json
import logging
import random
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping
from typing import Any

from fuzz.codec import mutated
from gemini_realtime import GeminiRealtimeClient, GeminiRealtimeError, HandshakeError
from gemini_realtime.event_queue import MAX_ECHOES, MAX_UNREAD
from gemini_realtime.protocol.audio_ring import MAX_EARLY_AUDIO_MS
from gemini_realtime.protocol.ledger import MAX_SENT_BYTES, MAX_WAITING_BYTES
from gemini_realtime.testing import run_in_virtual_time as run
from gemini_realtime.transport.base import Receiver
from gemini_realtime.transport.memory import MemoryService, MemoryTransport
from gemini_realtime.transport.websocket import WebSocketTransport

KEY = "AIza-which-nobody-may-see"
PICTURE = b"\x89PNG\r\n\x1a\n" + b"a picture which nobody may see" * 30
PARTS: list[Any] = [["words"], ["words", PICTURE], PICTURE, [], [b"?"], [{"text": 7}], "\ud800", None]
AUDIO = base64.b64encode(b"audio which nobody may see" * 30).decode()
SECRETS = (
    KEY,
    AUDIO[:20],
    repr(base64.b64decode(AUDIO))[2:22],
    "a picture which",
    base64.b64encode(PICTURE[:24]).decode(),
)

LIMIT_S = 4 * 3600.0
"""A case that takes longer on its clock hangs: attempts to come back end after two minutes, and steps are few."""

PATIENCE_S = 30.0
"""The same for a case on a socket, where time is true."""

SOCKET_EVERY = 100

MODELS = [
    "gemini-3.8-live",
    "gemini-2.5-flash-native-audio-preview-12-2025",
    "gemini-3.1-flash-live-preview",
    "gemini-3.5-transcribe-live",
    "unheard-of",
]
HANDLE = {"sessionResumptionUpdate": {"newHandle": "h", "resumable": True}}
SPEECH = {
    "serverContent": {"modelTurn": {"parts": [{"inlineData": {"mimeType": "audio/pcm;rate=24000", "data": AUDIO}}]}}
}
FRAMES: list[Any] = [
    *[{"setupComplete": {}}] * 3,
    *[SPEECH] * 6,
    *[HANDLE] * 3,
    {"sessionResumptionUpdate": {"newHandle": "h2", "resumable": True, "lastConsumedClientMessageIndex": "3"}},
    {"sessionResumptionUpdate": {"resumable": True, "lastConsumedClientMessageIndex": "99999999999999999999"}},
    {"serverContent": {"modelTurn": {"parts": [{"text": "x"}, {}, {"thought": True, "text": ""}]}}},
    {"serverContent": {"modelTurn": {"parts": [{"inlineData": {"mimeType": "audio/pcm;rate=0", "data": AUDIO}}]}}},
    {"serverContent": {"modelTurn": {"parts": [{"inlineData": {"mimeType": "audio/", "data": AUDIO + "!"}}] * 30}}},
    {"serverContent": {"inputTranscription": {"text": "y" * 3000}}},
    {"serverContent": {"outputTranscription": {"text": "z", "finished": True}, "interrupted": True}},
    {"serverContent": {"generationComplete": True, "turnComplete": True, "turnCompleteReason": "RESPONSE_REJECTED"}},
    *[{"serverContent": {"turnComplete": True}}] * 3,
    {"serverContent": {"interactionStatus": "IN_PROGRESS", "turnComplete": True}},
    {"serverContent": {}},
    {"toolCall": {"functionCalls": [{"id": "1", "name": "f", "args": {"a": 1}}, {"name": "g"}, {"id": "1"}]}},
    {"toolCallCancellation": {"ids": ["1", "2"]}},
    {"goAway": {"timeLeft": "2s"}},
    {"goAway": {"timeLeft": "-1s"}},
    {"goAway": {}},
    {"error": {"code": 503, "message": "busy", "status": "UNAVAILABLE"}},
    {"error": {"code": 400, "message": "bad"}},
    {"voiceActivity": {"type": "ACTIVITY_START"}},
    {"usageMetadata": {"totalTokenCount": -5, "promptTokensDetails": [{}]}},
    {"unheardOf": {"audio": AUDIO}},
    {"setupComplete": {}, "serverContent": {"turnComplete": True}, "toolCall": {"functionCalls": []}},
    {},
]  # fmt: skip
FATAL = ("error", "goAway")
CODES = [1000, 1001, 1005, 1006, 1006, 1006, 1007, 1008, 1011, 1011, 1013, 3000, 4999, 0, 999]
STATUSES = [None, 301, 400, 401, 403, 404, 429, 429, 500, 503, 503]


class Service(MemoryService):
    """Answers what comes to its mind, when it likes.

    Args:
        chance: decides everything.

    Attributes:
        transports: all that were ever opened.
    """

    def __init__(self, chance: random.Random) -> None:
        super().__init__(on_frame=lambda service, frame: self._answer(frame))
        self.transports: list[MemoryTransport] = []
        self._chance = chance
        self._sanity = chance.choice([0.0, 0.5, 0.9, 0.99])

    async def dial(self, url: str, headers: Mapping[str, str], receiver: Receiver) -> MemoryTransport:
        chance = self._chance
        await asyncio.sleep(chance.choice([0.0, 0.01, 3.0]))
        if chance.random() > max(self._sanity, 0.6):
            raise chance.choice([self._refusal(), OSError(f"no route for {KEY}"), ValueError(KEY)])
        transport = await super().dial(url, headers, receiver)
        self.transports.append(transport)
        if chance.random() > max(self._sanity, 0.8):
            self.end(chance.choice(CODES), "at once")
        return transport

    @property
    def connected(self) -> bool:
        """Whether a connection is open."""
        return self._transport is not None

    def happen(self) -> None:
        """Something happens by itself."""
        chance, transport = self._chance, self._transport
        if transport is None:
            return
        kind = chance.random()
        if kind < 0.05 and chance.random() > self._sanity:
            self.end(chance.choice(CODES), chance.choice(["", "quota", "x" * 123]))
        elif kind < 0.15:
            transport.taking.clear()
        elif kind < 0.3:
            transport.taking.set()
        elif kind < 0.35:
            self.pongs = not self.pongs
        elif kind < 0.37:
            for _ in range(3000):
                self.say(chance.choice(FRAMES[3:9]))
        else:
            self.say(self._frame())

    def _answer(self, frame: dict[str, Any]) -> None:
        chance = self._chance
        if "setup" in frame and chance.random() < 0.3 + self._sanity:
            delay_s = chance.choice([0.0, 0.0, 0.2, 4.0])
            asyncio.get_running_loop().call_later(delay_s, self.say, {"setupComplete": {}})
        elif chance.random() > self._sanity:
            self.happen()

    def _frame(self) -> Any:
        chance = self._chance
        if chance.random() > max(self._sanity, 0.5):
            return mutated(chance) if chance.random() < 0.9 else chance.randbytes(chance.randrange(300))
        frame = chance.choice(FRAMES)
        return frame if chance.random() > self._sanity or not any(kind in frame for kind in FATAL) else SPEECH

    def _refusal(self) -> HandshakeError:
        status = self._chance.choice(STATUSES)
        retry_after_s = self._chance.choice([None, 0.0, 5.0, 10.0**9])
        return HandshakeError("refused", status=status, retry_after_s=retry_after_s)


class Program:
    """Does with a client what a program may do, and what none should.

    Args:
        client: to be used.
        chance: decides everything.
        happen: lets something happen at the other end.
        check: called after each step.
        longest_s: it never waits longer at once.
    """

    def __init__(
        self,
        client: GeminiRealtimeClient,
        chance: random.Random,
        happen: Callable[[], None],
        check: Callable[[], None],
        longest_s: float,
    ) -> None:
        self._client = client
        self._chance = chance
        self._happen = happen
        self._check = check
        self._longest_s = longest_s
        self._pause_s = min(chance.choice([0.0, 0.02, 0.5, 20.0]), longest_s)
        self._tasks: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        """Once or twice: connect, do things, leave."""
        for _ in range(self._chance.choice([1, 1, 2])):
            for _ in range(self._chance.randrange(3)):
                await self._sender()
            with self._documented(), contextlib.suppress(_Leave):
                async with self._client.connect():
                    await self._live()
            await self._join()

    async def _live(self) -> None:
        chance = self._chance
        self._start(*[self._read] * chance.choice([0, 1, 1, 1, 2]))
        for _ in range(chance.randrange(1, 60)):
            self._happen()
            kind = chance.random()
            if kind < 0.6:
                await self._sender()
            elif kind < 0.7:
                self._start(self._sender)
            elif kind < 0.75:
                self._start(self._read)
            elif kind < 0.8 and self._tasks:
                chance.choice(self._tasks).cancel()
            await asyncio.sleep(chance.random() * self._pause_s)
            self._check()
        if chance.random() < 0.1:
            raise _Leave

    def _start(self, *whats: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._tasks += [asyncio.create_task(what()) for what in whats]

    async def stop(self) -> None:
        """End what goes on beside."""
        for task in self._tasks:
            task.cancel()
        await self._join()

    async def _join(self) -> None:
        """What goes on beside ends by itself, now that the connection has."""
        tasks, self._tasks = self._tasks, []
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, Exception):
                raise result

    async def _sender(self) -> None:
        with self._documented():
            await self._send()

    async def _read(self) -> None:
        chance = self._chance
        left, slowness_s = chance.choice([(1, 0.0), (5, 0.0), (10**6, 0.0), (10**6, 0.1), (5, 600.0)])
        slowness_s = min(slowness_s, self._longest_s)
        with self._documented():
            async for event in self._client.read_events():
                _shows_nothing(repr(event))
                left -= 1
                if left <= 0:
                    break
                if slowness_s:
                    await asyncio.sleep(slowness_s)
                if chance.random() < 0.05:
                    with self._documented():
                        await self._send()

    def _send(self) -> Awaitable[None]:
        client, chance = self._client, self._chance
        text = chance.choice(["hello", "", "x" * 100_000, "\ud800", "ü" * 50])
        sends: list[Callable[[], Awaitable[None]]] = [
            *[lambda: client.send_audio(AUDIO)] * 3,
            lambda: client.send_audio(base64.b64decode(AUDIO) * chance.choice([0, 1, 1000])),
            lambda: client.send_audio(base64.b64decode(AUDIO), rate_hz=chance.choice([1, 8000, 48000, 10**12, -1])),
            lambda: client.send_audio("not base64!"),
            *[lambda: client.send_text(role=chance.choice(["user", "assistant", "system"]), text=text)] * 3,
            lambda: client.send_text(role="user", text=text, turn_complete=False),
            lambda: client.send_turn(chance.choice(PARTS)),
            lambda: client.send_function_result(chance.choice(["1", "2", "call-1"]), text),
            lambda: client.send_function_result("1", text, parts=chance.choice(PARTS)),
            lambda: client.send_function_result("1", {"x": chance.choice([1, None, object()])}, will_continue=True),
            lambda: client.send_video(b"\xff\xd8" * 1000),
            client.audio_stream_end,
            client.activity_start,
            client.activity_end,
            lambda: client.send_context_update(instructions=text, tools=[]),
            lambda: client.session_update({chance.choice(["instructions", "nonsense"]): text}),
            lambda: client.session_update({"turn_detection": None}),
            lambda: client.truncate_audio(1, 1, "x"),
            lambda: client.add_event(None),
            lambda: client.queue_input_audio_buffer_delta(AUDIO),
        ]
        return chance.choice(sends)()

    @contextlib.contextmanager
    def _documented(self) -> Iterator[None]:
        try:
            yield
        except GeminiRealtimeError as error:
            _shows_nothing(f"{error} {error!r} {error.remedy}")


class _Leave(Exception):
    """The program raises something of its own within `connect()`."""


class Log(logging.Handler):
    """Everything that is logged, at every level.

    Attributes:
        text: all of it.
    """

    def __init__(self) -> None:
        super().__init__(1)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text += f"{self.format(record)} {record.args!r}\n"


def _shows_nothing(text: str) -> None:
    for secret in SECRETS:
        assert secret not in text, f"{secret!r} is shown: {text[:500]}"


def config_of(chance: random.Random) -> dict[str, Any]:
    """A configuration that works."""
    entry: dict[str, Any] = {"model": chance.choice(MODELS), "api_key": KEY}
    optional: dict[str, list[Any]] = {
        "setup_timeout_s": [0.5, 30],
        "send_timeout_s": [0.05, 30],
        "max_audio_age_ms": [0, 50, 1000],
        "reconnect": [
            "off",
            {"attempts": 3},
            {"within_s": 5, "audio_ring_s": 0},
            {"hand_over": False},
            {"backoff_s": 0},
        ],
        "voice_health": ["off", {"no_answer": "nudge", "stalled_turn": "resume", "answer_within_s": 2}],
    }
    for name, values in optional.items():
        if chance.random() < 0.5:
            entry[name] = chance.choice(values)
    reconnect = entry.get("reconnect", {})
    if reconnect != "off":
        entry["reconnect"] = {**reconnect, "jitter": chance.random}
    return {"config_list": [entry]}


def check_bounds(client: GeminiRealtimeClient) -> None:
    """What is kept is bounded; beyond its bounds by what one frame, or one message of `Program`, adds."""
    events, ledger = client._events, client._session._outbox._ledger
    assert len(events.unread) <= MAX_UNREAD + MAX_ECHOES + 200, len(events.unread)
    assert ledger.waiting_bytes <= MAX_WAITING_BYTES + 500_000, ledger.waiting_bytes
    assert ledger.audio._waiting_ms <= MAX_EARLY_AUDIO_MS + 30_000, ledger.audio._waiting_ms
    assert ledger._sent_bytes <= MAX_SENT_BYTES, ledger._sent_bytes


async def in_memory(case: int) -> None:
    """A case in virtual time; raises when an invariant breaks."""
    chance = random.Random(case)
    complaints = _complaints()
    service = Service(chance)
    client = GeminiRealtimeClient(llm_config=config_of(chance), dial=service.dial)
    program = Program(client, chance, service.happen, lambda: check_bounds(client), longest_s=600.0)
    running = asyncio.create_task(program.run())
    if chance.random() < 0.1:
        asyncio.get_running_loop().call_later(chance.choice([0.0, 0.1, 5.0]), running.cancel)
    await asyncio.wait([running])
    if not running.cancelled():
        running.result()
    await program.stop()
    _shows_nothing(f"{client!r} {vars(client)!r}")
    await asyncio.sleep(0.0)
    assert not service.connected, "a connection is left open"
    await _nothing_left(complaints)


async def on_a_socket(case: int) -> None:
    """A case against a server whose WebSocket is spoilt here and there; raises when an invariant breaks."""
    chance = random.Random(case)
    complaints = _complaints()
    serving: list[asyncio.Task[Any] | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.append(asyncio.current_task())
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await _garble(reader, writer, chance)
        writer.transport.abort()

    entry = {
        **config_of(chance)["config_list"][0],
        "setup_timeout_s": 0.2,
        "connect_timeout_s": 0.2,
        "send_timeout_s": 0.1,
    }
    entry["reconnect"] = {"attempts": 3, "backoff_s": 0.001, "within_s": 1.0}
    async with _serving(serve) as port, asyncio.timeout(PATIENCE_S):
        client = GeminiRealtimeClient(llm_config={"config_list": [{**entry, "base_url": f"ws://127.0.0.1:{port}/ws"}]})
        await Program(client, chance, lambda: None, lambda: check_bounds(client), longest_s=0.01).run()
        await asyncio.gather(*filter(None, serving))
    transports = [found for found in gc.get_objects() if type(found) is WebSocketTransport]
    assert all(found._lost for found in transports if found._socket is not None), "a socket is left open"
    await _nothing_left(complaints)


@contextlib.asynccontextmanager
async def _serving(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[int]:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def _garble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, chance: random.Random) -> None:
    """One connection: the upgrade, mostly, and then frames, mostly."""
    request = await reader.readuntil(b"\r\n\r\n")
    answer = _upgrade(request)
    writer.write(answer if chance.random() < 0.9 else _spoilt(answer, chance))
    for number in range(chance.randrange(1, 40)):
        payload = b'{"setupComplete":{}}' if number == 0 else json.dumps(chance.choice(FRAMES)).encode()
        frame = _frame(payload, 0x82 if chance.random() < 0.9 else chance.randrange(256))
        writer.write(frame if chance.random() < 0.95 else _spoilt(frame, chance))
        await asyncio.sleep(chance.choice([0.0, 0.0, 0.002]))
    if chance.random() < 0.5:
        writer.write(_frame(chance.choice(CODES).to_bytes(2, "big") + chance.randbytes(chance.randrange(3)), 0x88))
    await writer.drain()
    if chance.random() < 0.5:
        writer.transport.abort()
    else:
        await asyncio.sleep(chance.choice([0.0, 0.05]))


def _upgrade(request: bytes) -> bytes:
    key = next(
        line.split(b":", 1)[1].strip()
        for line in request.split(b"\r\n")
        if line.lower().startswith(b"sec-websocket-key")
    )
    accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
        + accept + b"\r\n\r\n"
    )  # fmt: skip


def _frame(payload: bytes, first: int) -> bytes:
    size = len(payload)
    head = bytes([first, size]) if size < 126 else bytes([first, 126]) + size.to_bytes(2, "big")
    return head + payload


def _spoilt(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data))
    return data[:at] + chance.randbytes(chance.randrange(3)) + data[at + chance.randrange(3) :]


def _complaints() -> list[str]:
    complaints: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(repr(context)))
    return complaints


async def _nothing_left(complaints: list[str]) -> None:
    for _ in range(5):
        await asyncio.sleep(0)
    left = asyncio.all_tasks() - {asyncio.current_task()}
    assert not left, f"left behind: {left}"
    gc.collect()
    assert not complaints, complaints


def fuzz_one(case: int) -> None:
    """One case; raises when an invariant breaks."""
    log = Log()
    root = logging.getLogger()
    levels = {name: logging.getLogger(name).level for name in ("", "gemini_realtime", "gemini_realtime.picows")}
    root.addHandler(log)
    root.setLevel(1)
    try:
        if case % SOCKET_EVERY == 0:
            asyncio.run(on_a_socket(case))
        else:
            run(in_memory(case), limit_s=LIMIT_S)
        _shows_nothing(log.text)
    finally:
        root.removeHandler(log)
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


def main() -> int:
    """Fuzz for a while; the exit code is 1 when a case was found."""
    parser = argparse.ArgumentParser(description="Let the client talk to a service that is out of its mind.")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long (default %(default)s)")
    parser.add_argument(
        "--seed", type=int, default=random.SystemRandom().randrange(10**6), help="the first case is this"
    )
    parser.add_argument("--case", type=int, help="run this case only, and show what it raises")
    arguments = parser.parse_args()
    if arguments.case is not None:
        fuzz_one(arguments.case)
        return 0
    case, until = arguments.seed * 10**6, time.monotonic() + arguments.seconds
    while time.monotonic() < until:
        case += 1
        try:
            fuzz_one(case)
        except BaseException as error:
            print(f"{type(error).__name__}: {error}\nrepeat it with --case {case}")
            return 1
    print(f"{case - arguments.seed * 10**6} cases with seed {arguments.seed}: nothing found")
    return 0


if __name__ == "__main__":
    sys.exit(main())
