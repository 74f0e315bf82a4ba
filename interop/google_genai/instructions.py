"""New instructions in mid-session, as Vertex AI takes them: content of the role `system`."""

from __future__ import annotations

import asyncio

from google.genai import types

from interop.google_genai.session import ask, connect, hear


async def main() -> None:
    async with connect(system_instruction="Your name is Zoe.") as session:
        await ask(session, "What is your name?")
        (await hear(session)).expect("zoe")
        new = types.Content(role="system", parts=[types.Part(text="Your name is Grace.")])
        await session.send_client_content(turns=new, turn_complete=False)
        await ask(session, "What is your name?")
        (await hear(session)).expect("grace")


asyncio.run(main())
