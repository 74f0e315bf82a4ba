"""An agent that calls the functions of an MCP server, which runs as a process of its own."""

import asyncio
import sys
from pathlib import Path

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

from gemini_realtime import ConversationLog, LiveServer, RealtimeAgent
from gemini_realtime.agent.mcp import tools_of

SERVER = StdioServerParameters(command=sys.executable, args=[str(Path(__file__).with_name("mcp_server.py"))])


async def main() -> None:
    async with (
        LiveServer() as live,
        stdio_client(SERVER) as (read, write),
        ClientSession(read, write) as session,
    ):
        await session.initialize()
        log = ConversationLog()
        agent = RealtimeAgent(name="weather", llm_config=live.llm_config(), observers=[log])
        for tool in await tools_of(session, timeout_s=10):
            agent.register_realtime_function()(tool)
        async with agent.running():
            await agent.send_text("What is the weather in London?")
            print((await log.next_answer()).said)
        print(log.table())


asyncio.run(main())
