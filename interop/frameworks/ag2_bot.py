"""AG2 0.9.10 with its own Gemini client: a spoken question that needs a function."""

from __future__ import annotations

import asyncio
import base64
import os

from autogen.agentchat.realtime.experimental import RealtimeAgent, RealtimeObserver
from autogen.agentchat.realtime.experimental.realtime_events import AudioDelta, RealtimeEvent, SessionCreated

from interop.microphone import microphone

# AG2 reads no environment: `base_url` of its configuration says where the service is.
URL = os.environ["GOOGLE_GEMINI_BASE_URL"].replace("https://", "wss://")
MODEL = "gemini-2.5-flash-native-audio-preview-12-2025"
CONFIG = {"api_type": "google", "model": MODEL, "api_key": os.environ["GOOGLE_API_KEY"], "base_url": URL}


class Telephone(RealtimeObserver):
    """The audio adapter: one end of a call, on which the question is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.ready = asyncio.Event()
        self.answered = asyncio.Event()
        self.audio_bytes = 0

    async def initialize_session(self) -> None:
        """Nothing is to be set up."""

    async def on_event(self, event: RealtimeEvent) -> None:
        if isinstance(event, SessionCreated):
            self.ready.set()
        elif isinstance(event, AudioDelta):
            self.audio_bytes += len(base64.b64decode(event.delta))
        elif self.audio_bytes and event.raw_message.get("serverContent", {}).get("turnComplete"):
            self.answered.set()

    async def run_loop(self) -> None:
        await self.ready.wait()  # what is sent earlier, AG2 drops
        async for chunk in microphone("weather"):
            await self.realtime_client.send_audio(base64.b64encode(chunk).decode())


async def main() -> None:
    telephone = Telephone()
    agent = RealtimeAgent(name="weather_agent", audio_adapter=telephone, llm_config={"config_list": [CONFIG]})
    cities: list[str] = []

    @agent.register_realtime_function(name="get_weather", description="Get the weather in a city.")
    def get_weather(city: str) -> str:
        cities.append(city)
        return f"It is foggy and 12 degrees in {city}."

    running = asyncio.create_task(agent.run())
    answered = asyncio.create_task(telephone.answered.wait())
    await asyncio.wait([running, answered], return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        running.result()
    running.cancel()
    print(f"{cities=} {telephone.audio_bytes=}")
    assert cities == ["London"], cities
    assert telephone.audio_bytes > 48_000, "less than a second of speech"


asyncio.run(main())
