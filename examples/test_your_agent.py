"""Test code of your own without a network: the test plays the service, message by message. Run it with pytest."""

from __future__ import annotations

from gemini_realtime import FunctionCall, GeminiRealtimeClient
from gemini_realtime.testing import ScriptedService, in_virtual_time, messages


async def my_agent(client: GeminiRealtimeClient) -> None:
    """The code under test: answers every call with the time."""
    async with client.connect():
        async for event in client.read_events():
            if isinstance(event, FunctionCall):
                await client.send_function_result(event.call_id, "nine o'clock")


async def asks_for_the_time(service: ScriptedService) -> None:
    """What the service says: it asks for one function, and ends once it was answered."""
    await service.receive("setup")
    service.say(messages.setup_complete())
    service.say(messages.tool_call("get_time", call_id="1"))
    response = await service.receive("toolResponse")
    assert response["functionResponses"] == [{"id": "1", "name": "get_time", "response": {"output": "nine o'clock"}}]
    service.answer("It is nine o'clock.")
    service.end()


@in_virtual_time
async def test_my_agent_tells_the_time() -> None:
    service = ScriptedService(asks_for_the_time)
    await my_agent(service.client())
    await service.finished()
