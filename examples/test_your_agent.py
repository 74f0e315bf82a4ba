"""Test code of your own without a network: the test plays the service, message by message. Run it with pytest."""

from __future__ import annotations

import asyncio
from typing import Any

from gemini_realtime import FunctionCall, GeminiRealtimeClient
from gemini_realtime.transport.memory import MemoryService


async def my_agent(client: GeminiRealtimeClient) -> None:
    """The code under test: answers every call with the time."""
    async for event in client.read_events():
        if isinstance(event, FunctionCall):
            await client.send_function_result(event.call_id, "nine o'clock")


def service(me: MemoryService, message: dict[str, Any]) -> None:
    """Confirm the setup, ask for one function, and end once it was answered."""
    if "setup" in message:
        me.say({"setupComplete": {}})
        me.say({"toolCall": {"functionCalls": [{"id": "1", "name": "get_time", "args": {}}]}})
    elif "toolResponse" in message:
        me.end(1000)


async def answer_of_my_agent() -> dict[str, Any]:
    me = MemoryService(on_frame=service)
    llm_config = {"config_list": [{"model": "gemini-3.8-live", "api_key": "none"}]}
    client = GeminiRealtimeClient(llm_config=llm_config, dial=me.dial)
    async with client.connect():
        await my_agent(client)
    return me.sent[-1]


def test_my_agent_tells_the_time() -> None:
    answer = asyncio.run(answer_of_my_agent())
    responses = answer["toolResponse"]["functionResponses"]
    assert responses == [{"id": "1", "name": "get_time", "response": {"output": "nine o'clock"}}]
