"""Records a call, and shows it as in docs/images/timeline.png: `python -m docs.recorded_call`.

A caller asks for the weather, is told a story, interrupts it, and loses the connection in the next answer. It takes a
minute, for it is a real conversation with the embedded server, in real time.
"""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from gemini_realtime import FileAudioAdapter, GeminiRealtimeClient, LiveServer, RealtimeAgent
from gemini_realtime.adapters.files import write_wav
from gemini_realtime.audio.format import INPUT_FORMAT
from gemini_realtime.inspection.page import Inspected, write_page
from gemini_realtime.testing import next_answer, say, speech_from_text

SPOKEN = [
    (1.0, "What is the weather in London?"),
    (10.0, "Tell me a long story."),
    (17.5, "Stop! What is two plus three?"),
    (25.0, "What is the weather in Paris?"),
]
"""When the caller says what, in seconds."""

CUT_AT_S = 29.8
OVER_AT_S = 37.0
PICTURE = Path(__file__).parent / "images" / "timeline.png"
SIZE = {"width": 1280, "height": 900}


async def record_call(folder: Path) -> None:
    """Hold the conversation, and record it in a folder in here."""
    with TemporaryDirectory() as temporary:
        question = Path(temporary, "caller.wav")
        write_wav(question, caller(), INPUT_FORMAT.rate_hz)
        async with LiveServer() as server:
            await wake_up(server)
            agent = RealtimeAgent(
                name="host",
                audio_adapter=FileAudioAdapter(question),
                llm_config=server.llm_config(model="gemini-2.5-flash-native-audio-preview-12-2025"),
                record=folder,
            )

            @agent.register_realtime_function(description="Tell the current weather in a city")
            async def get_weather(city: str) -> str:
                await asyncio.sleep(0.7)
                return f"In {city} it is raining with 12 degrees."

            async with agent.running():
                await asyncio.sleep(CUT_AT_S)
                server.misbehave("cut")
                await asyncio.sleep(OVER_AT_S - CUT_AT_S)


async def wake_up(server: LiveServer) -> None:
    """Let the server load what hears and speaks: a first question takes longer."""
    client = GeminiRealtimeClient(llm_config=server.llm_config())
    async with client.connect():
        await say(client, "Hello.")
        await next_answer(client)


def caller() -> bytes:
    """All that the caller says, and the silence between."""
    pcm = bytearray()
    for at_s, words in SPOKEN:
        pcm += bytes(max(0, INPUT_FORMAT.bytes_for_ms(at_s * 1000) - len(pcm)))
        pcm += speech_from_text(words)
    return bytes(pcm)


def show(page: Path) -> None:
    """Take a picture of the page, as a browser shows it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        shown = browser.new_page(viewport=SIZE, device_scale_factor=1.5)  # type: ignore[arg-type]
        shown.goto(page.as_uri())
        shown.wait_for_function("timelines[0].surfer.getMediaElement().readyState >= 1")
        shown.evaluate("timelines[0].surfer.setTime(17.6); timelines[0].showFrames(17600)")
        shown.wait_for_timeout(500)
        shown.screenshot(path=PICTURE)
        browser.close()


def main() -> None:
    """Record, inspect, take the picture."""
    with TemporaryDirectory() as temporary:
        asyncio.run(record_call(Path(temporary)))
        page = Path(temporary, "page.html")
        write_page([Inspected(temporary)], page)
        show(page)


if __name__ == "__main__":
    main()
