"""This package's agent: the same conversation by way of observers, with a function that the model calls."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from bench.contestants import CHUNK, Contestant
from gemini_realtime import AudioDelta, RealtimeAgent, RealtimeEvent, RealtimeObserver


class Listener(RealtimeObserver):
    """Stands where an application's loudspeaker would."""

    def __init__(self, contestant: Contestant) -> None:
        super().__init__()
        self._contestant = contestant

    async def initialize_session(self) -> None:
        pass

    async def run_loop(self) -> None:
        pass

    async def on_event(self, event: RealtimeEvent) -> None:
        if isinstance(event, AudioDelta) and self._contestant.hear is not None:
            self._contestant.hear(event.audio)


async def get_weather(city: str) -> dict[str, str]:
    """What the weather is like in a city."""
    return {"city": city, "weather": "sunny"}


class Agent(Contestant):
    """Every call is answered by a function that takes no time."""

    @asynccontextmanager
    async def connected(self, url: str) -> AsyncIterator[None]:
        entry = {"model": "gemini-3.8-live", "api_key": "none", "base_url": url, "api_type": "google"}
        agent = RealtimeAgent(name="host", llm_config={"config_list": [entry]}, observers=[Listener(self)])
        agent.register_realtime_function()(get_weather)
        self.send_chunk = partial(agent.realtime_client.send_audio, CHUNK)  # type: ignore[arg-type]
        async with agent.running():
            yield
