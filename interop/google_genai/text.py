"""A question in writing, an answer aloud; then another in the same session."""

from __future__ import annotations

import asyncio

from interop.google_genai.session import ask, connect, hear


async def main() -> None:
    async with connect() as session:
        await ask(session, "What is twelve times seven?")
        (await hear(session)).expect("eighty four")
        await session.send_realtime_input(text="Please repeat: the fox is brown.")
        (await hear(session)).expect("fox is brown")


asyncio.run(main())
