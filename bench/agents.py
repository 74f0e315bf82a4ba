"""What a worker does to measure this package's agent: functions, and how soon it falls silent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from statistics import median
from typing import Any

from bench.contestants import Contestant
from gemini_realtime import FunctionResult, RealtimeAgent, RealtimeEvent, RealtimeObserver, WebSocketAudioAdapter

SPEAKS_S = 0.1
"""How long the model speaks before it is interrupted."""


def _agent(url: str, **options: Any) -> RealtimeAgent:
    entry = {"model": "gemini-3.8-live", "api_key": "none", "base_url": url, "api_type": "google"}
    return RealtimeAgent(name="host", llm_config={"config_list": [entry]}, **options)


class _Answers(RealtimeObserver):
    """Counts the answers to calls."""

    def __init__(self) -> None:
        super().__init__()
        self.given = 0
        self.wanted = 0
        self.first = asyncio.Event()
        self.done = asyncio.Event()

    async def initialize_session(self) -> None:
        pass

    async def run_loop(self) -> None:
        pass

    async def on_event(self, event: RealtimeEvent) -> None:
        if isinstance(event, FunctionResult):
            self.given += 1
            self.first.set()
            if self.given >= self.wanted:
                self.done.set()


async def functions(kind: type[Contestant], *, do: str, url: str, tools: int, calls: int) -> dict[str, float]:
    """Declare functions, and have one of them called again and again.

    Returns:
        How long it takes from making the agent until its session is confirmed; CPU time for that, and for each call.
    """
    began, cpu_s = time.perf_counter(), time.process_time()
    answers = _Answers()
    answers.wanted = calls
    agent = _agent(url, observers=[answers])
    for number in range(tools):
        agent.register_realtime_function(name="get_weather" if number == 0 else f"get_weather_{number}")(_get_weather)
    async with agent.running():
        await answers.first.wait()  # the first call comes with the confirmation
        ready_s, ready_cpu_s, given = time.perf_counter() - began, time.process_time() - cpu_s, answers.given
        cpu_s = time.process_time()
        await answers.done.wait()
        call_s = (time.process_time() - cpu_s) / (answers.given - given)
    return {"ready_ms": ready_s * 1000, "ready_cpu_ms": ready_cpu_s * 1000, "call_us": call_s * 1e6}


async def _get_weather(city: str, day: str = "today", unit: str = "celsius") -> dict[str, str]:
    """What the weather is like in a city.

    Args:
        city: which.
        day: of the week.
        unit: of the temperature.
    """
    return {"city": city, "weather": "sunny"}


class _Page:
    """The other end of an adapter: a browser's page, which is told to be silent."""

    def __init__(self) -> None:
        self.silenced = asyncio.Event()
        self._never = asyncio.Event()

    async def iter_text(self) -> AsyncIterator[str]:
        await self._never.wait()
        yield ""

    async def send_json(self, message: dict[str, Any]) -> None:
        if message["event"] == "clear":
            self.silenced.set()


async def interrupt(kind: type[Contestant], *, do: str, url: str, times: int) -> dict[str, float]:
    """Interrupt the model: how long it takes from the word that does so until the loudspeaker is told to be silent."""
    taken_s = []
    page = _Page()
    agent = _agent(url, audio_adapter=WebSocketAudioAdapter(page))
    async with agent.running():
        for _ in range(times):
            await agent.realtime_client.send_text(role="user", text="Tell me a story.")
            await asyncio.sleep(SPEAKS_S)
            page.silenced.clear()
            began = time.perf_counter()
            await agent.realtime_client.send_text(role="user", text="Stop.")
            await page.silenced.wait()
            taken_s.append(time.perf_counter() - began)
    return {"ms": median(taken_s) * 1000}
