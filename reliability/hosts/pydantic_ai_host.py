"""A host on pydantic-ai."""

from __future__ import annotations

import asyncio

from pydantic_ai import Agent, Tool
from pydantic_ai.realtime.google import GoogleRealtimeModelSettings

from reliability.hosts.functions import BOOK, DEFECT, book_table, price

agent = Agent(
    instructions="You take bookings.", tools=[Tool(book_table, name=BOOK), Tool(price, name="price", max_retries=5)]
)


SETTINGS = GoogleRealtimeModelSettings(reconnect={})
match DEFECT:
    case "gives up":
        del SETTINGS["reconnect"]
    case "talks over the caller":
        SETTINGS["google_activity_handling"] = "no_interruption"
    case "forgets after a cut":
        SETTINGS["google_config_overrides"] = {"session_resumption": {"handle": None}}


async def main() -> None:
    async with agent.realtime("google:gemini-3.8-live", model_settings=SETTINGS).session() as session:
        async for _ in session:
            pass


asyncio.run(main())
