"""The event loop, for tests that drive it by hand."""

from __future__ import annotations

import asyncio


async def settle() -> None:
    """Let every callback and task run that can run without time passing or sockets being ready."""
    for _ in range(10):
        await asyncio.sleep(0)
