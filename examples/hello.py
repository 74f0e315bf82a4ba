"""Ask in words, hear the answer in words; `--live` asks Gemini, otherwise the embedded server answers."""

from __future__ import annotations

import asyncio
import contextlib
import sys

from gemini_realtime import GeminiRealtimeClient, LiveServer, OutputTranscript, TurnComplete


async def main() -> None:
    async with contextlib.AsyncExitStack() as stack:
        if "--live" in sys.argv:
            llm_config = {"config_list": [{"model": "gemini-3.8-live", "voice": "kore"}]}
        else:
            server = await stack.enter_async_context(LiveServer())
            llm_config = server.llm_config(voice="kore")
        client = GeminiRealtimeClient(llm_config=llm_config)
        await client.session_update({"instructions": "Answer in one sentence."})
        async with client.connect():
            await client.send_text(role="user", text="What is twelve times seven?")
            async for event in client.read_events():
                if isinstance(event, OutputTranscript):
                    print(event.text, end="", flush=True)
                elif isinstance(event, TurnComplete):
                    print()
                    break


asyncio.run(main())
