"""`gemini-realtime serve`."""

from __future__ import annotations

import asyncio
from typing import Literal

from gemini_realtime import LiveServer


async def serve(host: str, port: int, *, pace: Literal["realtime", "instant"]) -> None:
    """Serve until cancelled; stdout gets one line, for whoever waits for it."""
    async with LiveServer(host, port, pace=pace) as server:
        print(f"ready {server.url}", flush=True)
        await asyncio.Event().wait()
