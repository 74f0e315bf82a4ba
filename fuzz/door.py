"""Knock at the embedded server's door as no client should ever do.

    python fuzz/door.py --seconds 600 [--seed 1]

Invariants: every connection is answered or ended; nothing is raised where nobody expects it; at the end the server
answers as at the beginning, and nobody is left in it. What breaks one is printed.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import sys
import time
from collections import Counter
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
    asyncio.get_running_loop().set_exception_handler(lambda _, context: wrong.append(repr(context)))
    outcomes: Counter[str] = Counter()
    limits = Limits(handshake_s=0.2, idle_s=0.2)
    end = time.monotonic() + seconds
    async with LiveServer(warm_up=False, limits=limits) as server:
        while time.monotonic() < end and not (wrong or complaints.heard):
            outcomes.update(await asyncio.gather(*(knock(server.port, chance) for _ in range(AT_ONCE))))
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(SEEDS[-1])
        status: Any = await reader.read()
        writer.close()
        if b'"sessions": 0' not in status:
            wrong.append(f"at the end: {status!r}")
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
