"""A question in writing, an answer aloud; then another in the same session."""

from __future__ import annotations

import asyncio
import sys

from interop.google_genai.session import ask, connect, hear


async def main() -> None:
    async with connect() as session:
        # Only Vertex AI says which session this is.
        assert bool(session.session_id) == ("--vertex" in sys.argv), f"{session.session_id=}"
        await ask(session, "What is twelve times seven?")
        (await hear(session)).expect("eighty four")
        await session.send_realtime_input(text="Please repeat: the fox is brown.")
        (await hear(session)).expect("fox is brown")


asyncio.run(main())
