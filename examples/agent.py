"""An agent with a tool, and the log of its conversation, with the embedded server in place of Gemini."""

import asyncio

from gemini_realtime import ConversationLog, LiveServer, RealtimeAgent


async def main() -> None:
    async with LiveServer() as server:
        log = ConversationLog()
        agent = RealtimeAgent(name="weather", llm_config=server.llm_config(), observers=[log])

        @agent.register_realtime_function()
        def get_weather(city: str) -> str:
            """Get the weather in a city."""
            return f"It is foggy and 12 degrees in {city}."

        async with agent.running():
            await agent.send_text("What is the weather in London?")
            print((await log.next_answer()).said)
        print(log.table())


asyncio.run(main())
