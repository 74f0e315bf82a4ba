"""A second connection goes on with the conversation of the first, by the handle that the first was given."""

from __future__ import annotations

import asyncio
from typing import Any

from google.genai import types

from interop.google_genai.session import ask, connect, hear


async def main() -> None:
    async with connect(session_resumption=types.SessionResumptionConfig()) as session:
        await ask(session, "My name is Ada.")
        (await hear(session)).expect("ada")
        handle = await next_handle(session)
    async with connect(session_resumption=types.SessionResumptionConfig(handle=handle)) as session:
        await ask(session, "What is my name?")
        (await hear(session)).expect("ada")


async def next_handle(session: Any) -> str:
    """Wait for the handle that comes after a turn."""
    async for message in session.receive():
        update = message.session_resumption_update
        if update and update.resumable:
            print(update)
            return str(update.new_handle)
    raise AssertionError("a turn came instead of a handle")


asyncio.run(main())
