"""One contestant in a process of its own, measured on command.

python -m bench.worker NAME        prints an empty line when it has imported the client; then reads one JSON command per
                                   line, and answers each with one line of JSON
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from contextlib import AsyncExitStack
from importlib import import_module
from typing import Any

from bench.contestants import Contestant, contestant
from bench.meter import Meter, resident_bytes

HOME = "bench.worker"
COMMANDS = {
    "receive": (HOME, "bursts"),
    "send": (HOME, "bursts"),
    "hold": (HOME, "hold"),
    "talk": ("bench.talk", "converse"),
    "grow": ("bench.talk", "grow"),
    "hold up": ("bench.talk", "hold_up"),
    "sleep": ("bench.pressure", "endure"),
    "stall": ("bench.pressure", "endure"),
    "dial": ("bench.connecting", "dial"),
    "cut": ("bench.connecting", "cut"),
    "interrupt": ("bench.agents", "interrupt"),
    "functions": ("bench.agents", "functions"),
    "long": ("bench.talk", "long"),
}
"""Where what is done is; imported when it is asked for, so that nobody needs what only another does."""


async def bursts(
    kind: type[Contestant],
    *,
    do: str,
    url: str,
    warmup: int,
    messages: int,
    cpu_s: float,
    pause_s: float | None = None,
) -> dict[str, float]:
    """Receive, or send, as fast as it goes, or with pauses."""
    subject, meter = kind(), Meter(warmup, messages, cpu_s)
    gc.collect()
    async with subject.connected(url):
        await (subject.receive(meter) if do == "receive" else subject.send(meter, pause_s))
    return meter.reading()._asdict() | {"ticks": meter.ticks}


async def hold(
    kind: type[Contestant], *, do: str, url: str, sessions: int, measured_s: float = 0.0
) -> dict[str, float]:
    """Memory of the process with one session, how much each further adds, and what they cost while nobody speaks."""
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(kind().connected(url))
        with_one = resident_bytes()
        for _ in range(sessions - 1):
            await stack.enter_async_context(kind().connected(url))
        each = (resident_bytes() - with_one) / max(1, sessions - 1)
        cpu_s = time.process_time()
        await asyncio.sleep(measured_s)
        cpu_s = time.process_time() - cpu_s
    idle = {"core_percent": cpu_s / measured_s * 100} if measured_s else {}
    return {"process_bytes": with_one, "session_bytes": each, **idle}


def obey(kind: type[Contestant], command: dict[str, Any]) -> dict[str, float]:
    """Do as the command says, on the event loop that it names."""
    factory = None
    if command.pop("loop", "asyncio") == "uvloop":
        import uvloop

        factory = uvloop.new_event_loop
    module, name = COMMANDS[command["do"]]
    with asyncio.Runner(loop_factory=factory) as runner:
        measured: dict[str, float] = runner.run(getattr(import_module(module), name)(kind, **command))
        return measured


def main(name: str) -> None:
    kind = contestant(name)
    print(flush=True)
    for line in sys.stdin:
        print(json.dumps(obey(kind, json.loads(line))), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
