"""A question that needs a function: it is called with what was asked for, and its result is told."""

from __future__ import annotations

import asyncio

from google.genai import types

from interop.google_genai.session import Turn, ask, connect

WEATHER = types.FunctionDeclaration(
    name="get_weather",
    description="Get the weather in a city.",
    parameters=types.Schema(
        type=types.Type.OBJECT, properties={"city": types.Schema(type=types.Type.STRING)}, required=["city"]
    ),
)


async def main() -> None:
    async with connect(tools=[types.Tool(function_declarations=[WEATHER])]) as session:
        await ask(session, "What is the weather in London?")
        turn = Turn()
        for _ in range(3):  # some models end a turn at the call, or before it, and tell the result in another
            async for message in session.receive():
                turn.add(message)
                for call in (message.tool_call and message.tool_call.function_calls) or []:
                    result = types.FunctionResponse(
                        id=call.id, name=call.name, response={"weather": "foggy", "degrees": 12}
                    )
                    await session.send_tool_response(function_responses=[result])
            if "foggy" in turn.said:
                break
        turn.expect("foggy", "12")
        assert [(call.name, call.args) for call in turn.calls] == [("get_weather", {"city": "London"})], turn.calls


asyncio.run(main())
