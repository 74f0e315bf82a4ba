"""What an application sees when its connection breaks and the next dial is refused: no server, no network needed.

python examples/bad_network.py
"""

from __future__ import annotations

import asyncio

from gemini_realtime import ConnectionLost, GeminiRealtimeClient, SessionResumed
from gemini_realtime.transport.faults import Cut, Refused, faulty
from gemini_realtime.transport.memory import MemoryService


async def main() -> None:
    service = MemoryService()  # confirms setups, and says nothing else unless told to
    network = faulty(service.dial, [Cut(after_frames=1, connection=1), Refused(status=503, connection=2)])
    config = {"config_list": [{"model": "gemini-3.8-live", "api_key": "any"}]}
    client = GeminiRealtimeClient(llm_config=config, dial=network)
    async with client.connect():
        async for event in client.read_events():
            if isinstance(event, ConnectionLost):
                print("lost with", event.code)
                await client.send_text(role="user", text="Are you still there?")
            if isinstance(event, SessionResumed):
                print("back")
                break
        await asyncio.sleep(0)
    print("said:", service.sent[-1]["clientContent"]["turns"][0]["parts"][0]["text"])


asyncio.run(main())
