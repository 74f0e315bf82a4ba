"""A host on pydantic-ai."""

from __future__ import annotations

import asyncio

from pydantic_ai import Agent, Tool
from pydantic_ai.realtime.google import GoogleRealtimeModelSettings

from reliability.hosts.functions import BOOK, DEFECT, book_table, price

agent = Agent(
    instructions="You take bookings.", tools=[Tool(book_table, name=BOOK), Tool(price, name="price", max_retries=5)]
)


async def main() -> None:
    settings = GoogleRealtimeModelSettings(**({} if DEFECT == "gives up" else {"reconnect": {}}))
    async with agent.realtime("google:gemini-3.8-live", model_settings=settings).session() as session:
        async for _ in session:
            pass


asyncio.run(main())
