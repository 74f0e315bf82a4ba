"""The agent on pydantic-ai."""

from __future__ import annotations

import asyncio

from pydantic_ai import Agent
from pydantic_ai.realtime.google import GoogleRealtimeModelSettings

from reliability.peers.till import INSTRUCTIONS, SCENE, ask_for_everything, pay_for

agent = Agent(instructions=INSTRUCTIONS)


@agent.tool_plain(timeout=5.0 if SCENE == "timeout" else None)  # type: ignore[untyped-decorator, unused-ignore]
async def pay(item: str) -> str:
    """Pay for an item."""
    return await pay_for(item)


async def main() -> None:
    settings = GoogleRealtimeModelSettings(reconnect={})
    async with agent.realtime("google:gemini-3.8-live", model_settings=settings).session() as session:

        async def listen() -> None:
            async for _ in session:
                pass

        listening = asyncio.create_task(listen())
        await ask_for_everything(session.send)
        listening.cancel()


asyncio.run(main())
