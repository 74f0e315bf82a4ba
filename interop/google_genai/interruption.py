"""A long story is interrupted by a question in writing: it ends, and the question is answered."""

from __future__ import annotations

import asyncio

from interop.google_genai.session import Turn, ask, connect, hear


async def main() -> None:
    async with connect() as session:
        await ask(session, "Tell me a long story.")
        story = Turn()
        asked = False
        async for message in session.receive():
            story.add(message)
            if story.audio_bytes > 48_000 and not asked:
                asked = True
                await ask(session, "What is twelve times seven?")
        story.expect_interrupted()
        (await hear(session)).expect("eighty four")


asyncio.run(main())
