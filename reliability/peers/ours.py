"""The agent on gemini-realtime."""

from __future__ import annotations

import asyncio

from gemini_realtime import RealtimeAgent
from reliability.peers.till import INSTRUCTIONS, SCENE, ask_for_everything, pay_for

LLM_CONFIG = {"config_list": [{"model": "gemini-3.8-live", "api_type": "google"}]}


async def main() -> None:
    agent = RealtimeAgent(name="payer", system_message=INSTRUCTIONS, llm_config=LLM_CONFIG)

    @agent.register_realtime_function(timeout_s=5.0 if SCENE == "timeout" else 60.0)
    async def pay(item: str) -> str:
        """Pay for an item."""
        return await pay_for(item)

    async with agent.running():
        await ask_for_everything(lambda words: agent.realtime_client.send_text(role="user", text=words))


asyncio.run(main())
