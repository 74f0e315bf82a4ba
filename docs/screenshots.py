"""Photograph the page in Debian's Chromium, in a conversation with the embedded server: docs/images/web*.png.

python docs/screenshots.py
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from PIL import Image
from playwright.async_api import ViewportSize, async_playwright

from gemini_realtime import LiveServer
from gemini_realtime.adapters.files import write_wav
from gemini_realtime.cli.web import SUGGESTIONS, guide_maker
from gemini_realtime.testing import speech_from_text
from gemini_realtime.web.access import Access
from gemini_realtime.web.app import about, page_app
from gemini_realtime.web.serving import page_served

IMAGES: Final = Path(__file__).parent / "images"
DESK: Final[ViewportSize] = {"width": 1280, "height": 860}
PHONE: Final[ViewportSize] = {"width": 390, "height": 780}
COLORS: Final = 96

WEATHER: Final = "What is the weather in Paris?"
STORY: Final = "Tell me a long story."
SUM: Final = "Stop. What is two plus two?"


async def main() -> None:
    """Hold the conversation, and photograph it in light, in the dark and on a phone."""
    with tempfile.TemporaryDirectory() as folder:
        said = Path(folder) / "said.wav"
        parts: tuple[str | float, ...] = (0.6, WEATHER, 4.2, STORY, 5.5, SUM, 60.0)
        write_wav(said, b"".join(map(_spoken, parts)), 48_000)
        async with LiveServer() as server, async_playwright() as driver, _page(server) as address:
            chromium = await driver.chromium.launch(
                executable_path=shutil.which("chromium"),
                args=[
                    "--no-sandbox",
                    "--use-fake-device-for-media-stream",
                    "--use-fake-ui-for-media-stream",
                    f"--use-file-for-fake-audio-capture={said}%noloop",
                ],
            )
            page = await chromium.new_page(viewport=DESK, device_scale_factor=2)
            await page.goto(address)
            await page.click("#talk")
            await page.locator(".said", has_text="it is sunny").wait_for()
            await asyncio.sleep(2.5)  # until that has been heard
            server.misbehave("cut")
            await page.locator(".said", has_text="is four").wait_for(timeout=60_000)
            await page.mouse.move(1, 1)
            await _photograph(page, "web")
            await page.emulate_media(color_scheme="dark")
            await _photograph(page, "web-dark")
            await page.set_viewport_size(PHONE)
            await _photograph(page, "web-phone")
            await chromium.close()


def _spoken(part: str | float) -> bytes:
    return speech_from_text(part, rate_hz=48_000) if isinstance(part, str) else bytes(2 * int(48_000 * part))


@asynccontextmanager
async def _page(server: LiveServer) -> AsyncIterator[str]:
    """The page, as `gemini-realtime web` serves it without a key; gives its address."""
    make_agent = guide_maker(server.llm_config()["config_list"][0])
    guide = await make_agent(None)
    shown = about(
        agent=guide.name,
        model=guide.model,
        voice=guide.voice,
        instructions=guide.system_message,
        talks_to="the embedded server",
        chooses_model=True,
        suggestions=SUGGESTIONS,
    )
    access = Access("only for the photograph")
    async with page_served(page_app(make_agent, access, shown), "127.0.0.1", 0) as port:
        yield f"http://127.0.0.1:{port}/#secret={access.secret}"


async def _photograph(page: Any, name: str) -> None:
    path = IMAGES / f"{name}.png"
    await page.screenshot(path=path)
    Image.open(path).convert("RGB").quantize(COLORS, dither=Image.Dither.NONE).save(path, optimize=True)
    print(path, path.stat().st_size)


if __name__ == "__main__":
    asyncio.run(main())
