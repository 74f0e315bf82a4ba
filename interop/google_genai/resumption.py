"""A connection is cut; a second one goes on with its conversation, by the handle given to it, with new instructions."""

from __future__ import annotations

import asyncio
from typing import Any

from google.genai import errors, types

from interop.google_genai.session import ask, connect, hear
from interop.trouble import cut


async def main() -> None:
    resumption = types.SessionResumptionConfig()
    async with connect(session_resumption=resumption, system_instruction="Your name is Zoe.") as session:
        await ask(session, "My name is Ada.")
        (await hear(session)).expect("ada")
        resumption.handle = await next_handle(session)
        await ask(session, "What is your name?")
        (await hear(session)).expect("zoe")
        cut()
        print(await lost(session))
    async with connect(session_resumption=resumption, system_instruction="Your name is Grace.") as session:
        await ask(session, "What is my name?")
        (await hear(session)).expect("ada")
        await ask(session, "What is your name?")
        (await hear(session)).expect("grace")


async def next_handle(session: Any) -> str:
    """Wait for the handle that comes after a turn."""
    async for message in session.receive():
        update = message.session_resumption_update
        if update and update.resumable:
            print(update)
            return str(update.new_handle)
    raise AssertionError("a turn came instead of a handle")


async def lost(session: Any) -> errors.APIError:
    """Wait for the end of the connection."""
    try:
        while True:
            await hear(session)
    except errors.APIError as error:
        return error


asyncio.run(main())
