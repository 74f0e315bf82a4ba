"""Waiting for what a framework says; they have no common way to be told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


async def until(done: Callable[[], bool], what: str, seconds: float = 45) -> None:
    """Look until it is done.

    Raises:
        AssertionError: it is not, by then.
    """
    try:
        async with asyncio.timeout(seconds):
            while not done():  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"{what} did not come in {seconds} s") from None
