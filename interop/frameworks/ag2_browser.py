"""AG2: the program of `examples/ag2_before.py`, served by uvicorn, and called as its page in the browser does."""

from __future__ import annotations

import asyncio
import base64
import json
import os
from importlib import import_module
from typing import Any

import uvicorn
import websockets

from interop.microphone import microphone

ag2_before = import_module("examples.ag2_before")

# AG2 reads no environment: `base_url` of its configuration says where the service is.
URL = os.environ["GOOGLE_GEMINI_BASE_URL"].replace("https://", "wss://")


async def main() -> None:
    ag2_before.llm_config["config_list"][0]["base_url"] = URL
    server = uvicorn.Server(uvicorn.Config(ag2_before.app, port=0, log_level="warning"))
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - it has nothing to wait for
        await asyncio.sleep(0.05)
    port = server.servers[0].sockets[0].getsockname()[1]
    audio_bytes = 0
    async with asyncio.timeout(60), websockets.connect(f"ws://127.0.0.1:{port}/media-stream") as page:
        speaking = asyncio.create_task(speak(page))
        try:
            async for text in page:
                message = json.loads(text)
                if message["event"] == "media":
                    audio_bytes += len(base64.b64decode(message["media"]["payload"]))
                if audio_bytes > 48_000:
                    break
        finally:
            speaking.cancel()
    print(audio_bytes, "bytes of speech")
    assert audio_bytes > 48_000, "less than a second of speech"
    server.should_exit = server.force_exit = True
    serving.cancel()


async def speak(page: Any) -> None:
    """The question, as the page sends it: AG2 drops what comes before its session is there."""
    await asyncio.sleep(3)
    async for chunk in microphone("weather"):
        await page.send(
            json.dumps({"event": "media", "media": {"timestamp": 0, "payload": base64.b64encode(chunk).decode()}})
        )


asyncio.run(main())
os._exit(0)  # AG2's agent goes on when the caller has hung up
