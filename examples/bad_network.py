"""What an application sees when its connection breaks and the next dial is refused: no server, no network needed.

python examples/bad_network.py
"""

from __future__ import annotations

import asyncio

from gemini_realtime import ConnectionLost, SessionResumed
from gemini_realtime.testing import Cut, Refused, ScriptedService


async def main() -> None:
    service = ScriptedService()  # confirms setups, and says nothing else unless told to
    client = service.client(faults=[Cut(after_frames=1, connection=1), Refused(status=503, connection=2)])
    async with client.connect():
        async for event in client.read_events():
            if isinstance(event, ConnectionLost):
                print("lost with", event.code)
                await client.send_text(role="user", text="Are you still there?")
            if isinstance(event, SessionResumed):
                print("back")
                break
        content = await service.receive("clientContent")
    print("said:", content["turns"][0]["parts"][0]["text"])


asyncio.run(main())
