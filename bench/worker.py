"""One contestant in a process of its own, measured on command.

python -m bench.worker NAME        reads one JSON command per line, answers each with one line of JSON
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
from contextlib import AsyncExitStack
from typing import Any

from bench import pressure, talk
from bench.contestants import Contestant, contestant
from bench.meter import Meter, resident_bytes


async def obey(subject: Contestant, command: dict[str, Any]) -> dict[str, float]:
    """Receive, send, hold idle sessions open, or come under pressure."""
    if command["do"] == "hold":
        return await hold(subject, command["url"], command["sessions"])
    if command["do"] == "talk":
        return await talk.converse(type(subject), **command)
    if command["do"] in ("sleep", "stall"):
        return await pressure.endure(subject, **command)
    subject.meter = None
    meter = Meter(command["warmup"], command["messages"], command["cpu_s"])
    gc.collect()
    async with subject.connected(command["url"]):
        if command["do"] == "receive":
            await subject.receive(meter)
        else:
            await subject.send(meter, command["pause_s"])
    return meter.reading()._asdict() | {"ticks": meter.ticks}


async def hold(subject: Contestant, url: str, sessions: int) -> dict[str, float]:
    """Memory of the process with one session, and how much each further one adds."""
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(subject.connected(url))
        with_one = resident_bytes()
        for _ in range(sessions - 1):
            await stack.enter_async_context(subject.connected(url))
        each = (resident_bytes() - with_one) / (sessions - 1)
    return {"process_bytes": with_one, "session_bytes": each}


def main(name: str) -> None:
    subject = contestant(name)
    for line in sys.stdin:
        print(json.dumps(asyncio.run(obey(subject, json.loads(line)))), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
