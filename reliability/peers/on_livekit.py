"""The agent on LiveKit Agents, without a room."""

from __future__ import annotations

import asyncio
import os

from livekit.agents import Agent, AgentSession, llm
from livekit.plugins.google.realtime import RealtimeModel

from reliability.peers.till import INSTRUCTIONS, ask_for_everything, pay_for


@llm.function_tool  # type: ignore[untyped-decorator, unused-ignore]
async def pay(item: str) -> str:
    """Pay for an item.

    Args:
        item: the item
    """
    return await pay_for(item)


async def main() -> None:
    session = AgentSession(llm=RealtimeModel(model="gemini-3.8-live"))
    await session.start(Agent(instructions=INSTRUCTIONS, tools=[pay]))

    async def ask(words: str) -> None:
        session.generate_reply(user_input=words)

    await ask_for_everything(ask)
    os._exit(0)  # the plugin leaves threads behind that keep the process


asyncio.run(main())
