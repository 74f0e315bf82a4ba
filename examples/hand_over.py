"""One agent hands the caller over to another, with other instructions, functions and voice; the conversation stays."""

from __future__ import annotations

import asyncio
from typing import Any

from gemini_realtime import ConversationLog, LiveServer, RealtimeAgent


def billing(llm_config: dict[str, Any]) -> RealtimeAgent:
    """Knows what customers owe, and has a voice of its own."""
    entry = {**llm_config["config_list"][0], "voice": "Puck"}
    agent = RealtimeAgent(name="billing", system_message="You are billing.", llm_config={"config_list": [entry]})

    @agent.register_realtime_function()
    async def get_balance(customer: str) -> str:
        """Get the balance of a customer."""
        return f"{customer} owes five euros."

    return agent


async def main() -> None:
    async with LiveServer() as server:
        log = ConversationLog()
        desk = RealtimeAgent(name="desk", llm_config=server.llm_config(), observers=[log])

        @desk.register_realtime_function()
        async def connect_to_billing() -> str:
            """Connect to billing."""
            await desk.hand_over(billing(server.llm_config()), opening="Say hello.")
            return "You are connected to billing."

        async with desk.running():
            for words in ("Connect to billing.", None, "Get the balance of customer Miller."):
                if words:
                    await desk.send_text(words)
                answer = await log.next_answer()
                print(f"{answer.agent}: {answer.said}")


if __name__ == "__main__":
    asyncio.run(main())
