"""Knock at the embedded server's door as no client should ever do.

    python fuzz/door.py --seconds 600 [--seed 1]

Some come in and flood the server with what costs little to send and could cost much to take.

Invariants: every connection is answered or ended; nothing is raised where nobody expects it; no message holds up the
others; what is kept has a bound; at the end the server answers as at the beginning, and nobody is left in it. What
breaks one is printed.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import logging
import random
import resource
import struct
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from gemini_realtime.local import Limits, LiveServer

AT_ONCE = 200
PATIENCE_S = 20.0

LIVE = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
UPGRADE = (
    "Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)
SEEDS = [
    f"GET {LIVE} HTTP/1.1\r\n{UPGRADE}\r\n".encode() + b"\x81\x84\0\0\0\0{}{}",
    f"GET {LIVE}?key=%ff HTTP/1.1\r\n{UPGRADE}x-goog-api-key: k\r\n\r\n".encode() + b"\x89\x80\0\0\0\0\x88\x80\0\0\0\0",
    f"GET {LIVE}Constrained?access_token=auth_tokens/x HTTP/1.1\r\n{UPGRADE}Authorization: Token x\r\n\r\n".encode(),
    b'POST /v1beta/auth_tokens HTTP/1.1\r\nHost: x\r\nContent-Length: 13\r\n\r\n{"uses": 123}',
    b"POST /v1beta/auth_tokens HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"
    b'd\r\n{"uses": 123}\r\n0\r\n\r\n',
    b"GET /healthz HTTP/1.1\r\nHost: x\r\nOrigin: http://localhost:1\r\n\r\n",
]
GRAFTS = [b"\r\n", b"\r\n\r\n", b"\0", b"Content-Length: 5\r\n", b"\xff" * 20, b"x" * 20_000, *SEEDS]


TEXT = {"model": "models/m", "generationConfig": {"responseModalities": ["TEXT"]}, "sessionResumption": {}}
MAX_HELD_S = 0.15
"""Of processor time. The rule is 0.05, on a machine that has nothing else to do."""

MAX_KEPT_BYTES = 256 * 1024 * 1024


def _frame(message: Any, opcode: int = 0x81) -> bytes:
    payload = message if isinstance(message, bytes) else json.dumps(message).encode()
    size = bytes([0xFE]) + struct.pack(">H", len(payload)) if len(payload) < 65536 else (
        bytes([0xFF]) + struct.pack(">Q", len(payload)))  # fmt: skip
    return bytes([opcode]) + size + bytes(4) + payload


def _heavy(chance: random.Random) -> tuple[str, bytes]:
    """Something that costs little to send, and its kind."""
    kind = chance.choice(sorted(HEAVY))
    return kind, HEAVY[kind](chance, chance.choice((10, 1_000, 30_000)))


def _sound(chance: random.Random, size: int) -> bytes:
    rate_hz = chance.choice((1, 8_000, 8_001, 47_999, 191_999))
    kind = f"audio/pcm;rate={rate_hz}" if chance.random() < 0.9 else "audio/pcm" + ";a=b" * size
    return _frame({"realtimeInput": {"audio": {"mimeType": kind, "data": _base64(2 * size)}}})


def _picture(chance: random.Random, size: int) -> bytes:
    return _frame({"realtimeInput": {"video": {"mimeType": "image/jpeg", "data": _base64(size * 200)}}})


def _told(chance: random.Random, size: int) -> bytes:
    part = chance.choice(({"text": "word"}, {"inlineData": {"mimeType": "audio/pcm", "data": _base64(640)}}))
    turn = {"role": chance.choice(("user", "model")), "parts": [part]}
    return _frame({"clientContent": {"turns": [turn] * (size // 4), "turnComplete": chance.random() < 0.5}})


def _result(chance: random.Random, size: int) -> bytes:
    parts = [{"inlineData": {"mimeType": "text/plain", "data": _base64(size * 100)}}]
    response = {"id": "x", "name": "f", "response": {"a": "x" * size * 10}, "parts": parts}
    return _frame({"toolResponse": {"functionResponses": [response] * chance.randrange(3)}})


def _numbers(chance: random.Random, size: int) -> bytes:
    number = chance.choice((b"1", b"1e300", b"0." + b"1" * 60, b"9" * 400))
    head = b'{"toolResponse":{"functionResponses":[{"id":"a","response":{"a":['
    return _frame(head + b",".join([number] * size) + b"]}}]}}")


def _functions(chance: random.Random, size: int) -> bytes:
    values = {"type": "STRING", "enum": [f"value {n}" for n in range(size)]}
    many = {f"p{n}": {"type": "STRING"} for n in range(size // 10)}
    properties = chance.choice(({"a": values}, many))
    functions = [{"name": "f" * chance.choice((1, size)), "parameters": {"type": "OBJECT", "properties": properties}}]
    return _frame({"contextUpdate": {"tools": {"tools": [{"functionDeclarations": functions}]}}})


def _nested(chance: random.Random, size: int) -> bytes:
    opened = chance.choice((b"[", b'{"a":'))
    return _frame(b'{"realtimeInput":' + opened * size)


def _names(chance: random.Random, size: int) -> bytes:
    """A setup where one was, with a very long name in it."""
    field = chance.choice(("model", "nonsense"))
    return _frame({"setup": {field: "gemini-" * size, "sessionResumption": {"handle": "h" * size}}})


def _base64(size: int) -> str:
    return base64.b64encode(bytes(size)).decode()


HEAVY: dict[str, Callable[[random.Random, int], bytes]] = {
    "sound": _sound,
    "picture": _picture,
    "text": lambda _, size: _frame({"realtimeInput": {"text": "word 1 " * size}}),
    "texts": lambda chance, _: _frame({"realtimeInput": {"text": "hi"}}) * chance.randrange(500),
    "told": _told,
    "results": _result,
    "numbers": _numbers,
    "functions": _functions,
    "nested": _nested,
    "names": _names,
    "fragments": lambda _, size: _frame(b"", 0x01) + _frame(b"", 0x00) * size + _frame(b"{}", 0x80),
    "pings": lambda _, size: _frame(b"x" * 125, 0x89) * size,
    "pongs": lambda _, size: _frame(b"", 0x8A) * size,
    "marks": lambda _, size: _frame({"realtimeInput": {"activityStart": {}}}) * (size // 10),
}
"""What floods are made of, by kind."""


async def flood(port: int, chance: random.Random, kinds: list[str]) -> str:
    """One client that is let in, and asks for much; its kinds are noted in `kinds`."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET {LIVE} HTTP/1.1\r\n{UPGRADE}\r\n".encode() + _frame({"setup": TEXT}))
        for _ in range(chance.randrange(1, 10)):
            kind, data = _heavy(chance)
            kinds.append(kind)
            writer.write(data)
            async with asyncio.timeout(PATIENCE_S):
                await writer.drain()
        await asyncio.sleep(0.1)
        writer.transport.abort()
    except (ConnectionError, TimeoutError):
        return "flood cut"
    return "flood"


async def longest_hold(held: list[float]) -> None:
    """Note how much processor time the event loop took before it came round."""
    while True:
        began = time.thread_time()
        await asyncio.sleep(0.005)
        held.append(time.thread_time() - began)


class Complaints(logging.Handler):
    """Errors that were logged with what was raised."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info:
            self.heard.append(self.format(record))


def mutated(chance: random.Random) -> bytes:
    """A request with a few random edits."""
    data = bytearray(chance.choice(SEEDS))
    for _ in range(chance.choice((0, 1, 1, 2, 5, 20))):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(4):
            case 0:
                data[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                del data[at : at + chance.randrange(1, 9)]
            case 2:
                data[at:at] = chance.randbytes(chance.randrange(1, 6))
            case 3:
                data[at:at] = chance.choice(GRAFTS)
    return bytes(data)


async def knock(port: int, chance: random.Random) -> str:
    """One connection, which sends in pieces and may leave early; gives what came of it."""
    data = mutated(chance)
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while data:
            size = chance.choice((1, 7, 50, len(data)))
            writer.write(data[:size])
            await writer.drain()
            data = data[size:]
        if chance.random() < 0.2:
            writer.transport.abort()
            return "left"
        async with asyncio.timeout(PATIENCE_S):
            answer = await reader.read()
        writer.close()
    except ConnectionError:
        return "cut"
    return answer[9:12].decode("latin-1") or "ended"


async def fuzz(seconds: float, seed: int) -> list[str]:
    """Knock until the time is over; returns what went wrong."""
    chance = random.Random(seed)
    complaints = Complaints()
    logging.getLogger().addHandler(complaints)
    wrong: list[str] = []
    outcomes: Counter[str] = Counter()
    limits = Limits(handshake_s=0.2, idle_s=0.2)
    end = time.monotonic() + seconds
    held: list[float] = []
    with LiveServer(limits=limits, pace="instant") as server:  # on a thread of its own
        loop = server._loop
        assert loop is not None
        loop.call_soon_threadsafe(loop.set_exception_handler, lambda _, context: wrong.append(repr(context)))
        watch = asyncio.run_coroutine_threadsafe(longest_hold(held), loop)
        while time.monotonic() < end and not (wrong or complaints.heard):
            outcomes.update(await asyncio.gather(*(knock(server.port, chance) for _ in range(AT_ONCE))))
            held.clear()
            kinds: list[str] = []
            outcomes.update(await asyncio.gather(*(flood(server.port, chance, kinds) for _ in range(4))))
            if max(held, default=0.0) > MAX_HELD_S:
                wrong.append(f"the others had to wait {max(held):.2f} s for one of {', '.join(kinds)}")
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(SEEDS[-1])
        status: Any = await reader.read()
        writer.close()
        if b'"sessions": 0' not in status:
            wrong.append(f"at the end: {status!r}")
        watch.cancel()
    if (kept := resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024) > MAX_KEPT_BYTES:
        wrong.append(f"{kept // 2**20} MiB were in use")
    print(dict(outcomes.most_common()))
    return wrong + complaints.heard


def main() -> int:
    """Run; 1 when an invariant broke."""
    parser = argparse.ArgumentParser(description="Knock at the embedded server's door.")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="another run, or the same again (default %(default)s)")
    arguments = parser.parse_args()
    wrong = asyncio.run(fuzz(arguments.seconds, arguments.seed))
    print(*wrong, sep="\n")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
