"""A long story is interrupted by someone who speaks: it ends, and the spoken question is answered."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from interop.google_genai.session import Turn, ask, connect, hear, speaking


async def main() -> None:
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(connect())
        await ask(session, "Tell me a long story.")
        story = Turn()
        spoken = False
        async for message in session.receive():
            story.add(message)
            if story.audio_bytes > 48_000 and not spoken:
                spoken = True
                await stack.enter_async_context(speaking(session, "calculate"))
        story.expect_interrupted()
        (await hear(session)).expect("eighty four")


asyncio.run(main())
