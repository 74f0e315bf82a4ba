"""The event loop, for tests that drive it by hand, or wait for what no event tells them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


async def settle() -> None:
    """Let every callback and task run that can run without time passing or sockets being ready."""
    for _ in range(10):
        await asyncio.sleep(0)


async def until(true: Callable[[], bool]) -> None:
    """Let other tasks, threads and sockets work until it is so, however busy the machine is."""
    async with asyncio.timeout(60):
        while not true():  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.001)
