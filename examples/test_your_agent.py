"""Call your agent and see what it says and does, without a key or a network. Run it with pytest."""

from __future__ import annotations

import asyncio
from typing import Any

from gemini_realtime import RealtimeAgent
from gemini_realtime.testing import caller


def my_agent(llm_config: dict[str, Any]) -> RealtimeAgent:
    """The agent under test; at work it is given the configuration of the real service."""
    agent = RealtimeAgent(name="host", system_message="You take bookings.", llm_config=llm_config)

    @agent.register_realtime_function()
    async def book_table(guests: int, hour: int) -> str:
        """Book a table."""
        return f"A table for {guests} at {hour} is booked."

    return agent


async def books_a_table() -> None:
    """The caller speaks, the connection breaks, and the caller goes on in writing."""
    async with caller(my_agent) as call:
        await call.says("Book a table for two guests at eight.")
        answer = await call.hears()
        assert answer.said == "A table for 2 at 8 is booked."
        call.fault("cut")
        await call.types("Book a table for four guests at nine.")
        await call.hears()
    assert [tool.arguments for tool in call.tools] == [{"guests": 2, "hour": 8}, {"guests": 4, "hour": 9}]
    print(call.log.table())


def test_my_agent_books_a_table() -> None:
    asyncio.run(books_a_table())
