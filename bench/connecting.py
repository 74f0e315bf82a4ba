"""What a worker does to find out how long it takes to be connected, and to be connected again."""

from __future__ import annotations

import time
from statistics import median

from bench.contestants import Contestant


async def dial(kind: type[Contestant], *, do: str, url: str, times: int) -> dict[str, float]:
    """Open sessions one after the other: how long each takes until it is confirmed, and how much CPU time."""
    taken_s, cpu_s = [], []
    for _ in range(times + 1):
        subject = kind()
        began, cpu_began = time.perf_counter(), time.process_time()
        async with subject.connected(url):
            taken_s.append(time.perf_counter() - began)
            cpu_s.append(time.process_time() - cpu_began)
    # What is imported, or made once, with the first connection is not a part of the others.
    return {"ms": median(taken_s[1:]) * 1000, "cpu_ms": median(cpu_s[1:]) * 1000}


async def cut(kind: type[Contestant], *, do: str, url: str, times: int) -> dict[str, float]:
    """Lose sessions, one after the other: how long it takes until each goes on, without the wait left to chance."""
    from gemini_realtime import ConnectionLost, GeminiRealtimeClient, SessionResumed

    taken_s = []
    for _ in range(times):
        reconnect = {"jitter": lambda: 0.0}
        entry = {"model": "gemini-3.8-live", "api_key": "none", "base_url": url, "reconnect": reconnect}
        client = GeminiRealtimeClient(llm_config={"config_list": [entry]})
        lost = 0.0
        async with client.connect():
            async for event in client.read_events():
                if isinstance(event, ConnectionLost):
                    lost = time.perf_counter()
                elif isinstance(event, SessionResumed):
                    taken_s.append(time.perf_counter() - lost)
                    break
    return {"ms": median(taken_s) * 1000}
