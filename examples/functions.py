"""Give the model a function to call, and hear it speak about the result.

A turn of the model may be over with its call: the answer is then the next one, about the result.
"""

from __future__ import annotations

import asyncio

from gemini_realtime import FunctionCall, GeminiRealtimeClient, LiveServer, OutputTranscript, TurnComplete


def get_weather(city: str) -> str:
    """Get the weather in a city."""
    return f"It is foggy and 12 degrees in {city}."


async def main() -> None:
    async with LiveServer() as server:
        client = GeminiRealtimeClient(llm_config=server.llm_config())
        await client.session_update({"tools": [get_weather]})
        async with client.connect():
            await client.send_text(role="user", text="What is the weather in London?")
            answered = False  # since the last call
            async for event in client.read_events():
                if isinstance(event, FunctionCall):
                    print(f"{event.name}({event.arguments})")
                    await client.send_function_result(event.call_id, get_weather(**event.arguments))
                    answered = False
                elif isinstance(event, OutputTranscript):
                    print(event.text, end="", flush=True)
                    answered = True
                elif isinstance(event, TurnComplete) and answered:
                    print()
                    break


asyncio.run(main())
