"""A page that is served, and a browser for it."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from gemini_realtime import RealtimeAgent
from gemini_realtime.recordings import RecordingOptions
from gemini_realtime.web.access import Access
from gemini_realtime.web.app import about, page_app
from gemini_realtime.web.conversation import Limits
from gemini_realtime.web.serving import page_served

SECRET = "the secret of the tests, 100 % ☃"
MODEL = "gemini-3.8-live"


class Pages:
    """The page of an agent that knows the weather.

    Attributes:
        access: who may.
        agents: that were made, one for each conversation.
    """

    def __init__(
        self,
        llm_config: dict[str, Any],
        *,
        limits: Limits | None = None,
        recording: RecordingOptions | None = None,
        scripts: Mapping[str, str] | None = None,
    ) -> None:
        self.access = Access(SECRET)
        self.agents: list[RealtimeAgent] = []
        self._llm_config = llm_config
        self._limits = limits
        self._recording = recording
        self._scripts = scripts or {}  # of the test, by path: the policy of the page lets nothing in from elsewhere

    async def make_agent(self, model: str | None) -> RealtimeAgent:
        config = dict(self._llm_config["config_list"][0])
        agent = RealtimeAgent(name="guide", llm_config={"config_list": [config | ({"model": model} if model else {})]})

        @agent.register_realtime_function()
        def get_weather(city: str) -> str:
            """Get the weather in a city."""
            return f"It is foggy and 12 degrees in {city}."

        self.agents.append(agent)
        return agent

    @asynccontextmanager
    async def served(self, port: int = 0) -> AsyncIterator[int]:
        """Serve the page; gives the port."""
        shown = about(
            agent="guide",
            model=MODEL,
            voice=None,
            instructions="Be brief.",
            talks_to="the embedded server",
            chooses_model=True,
            suggestions=["What is the weather in London?"],
        )
        app = page_app(self.make_agent, self.access, shown, limits=self._limits, recording=self._recording)
        for path, script in self._scripts.items():
            app.add_route(path, partial(_given, script))
        async with page_served(app, "127.0.0.1", port) as port:
            yield port


async def _given(script: str, request: Request) -> Response:
    return Response(script, media_type="text/javascript")


@asynccontextmanager
async def browser(*options: str, microphone: Path | None = None) -> AsyncIterator[Any]:
    """Debian's Chromium; the microphone, if any, hears a wave file once."""
    playwright = pytest.importorskip("playwright.async_api", reason="it drives the browser: make test installs it")
    if (chromium := shutil.which("chromium")) is None:
        pytest.skip("the browser: apt install chromium")
    sound: Sequence[str] = ()
    if microphone is not None:
        sound = (
            "--use-fake-device-for-media-stream",
            "--use-fake-ui-for-media-stream",
            f"--use-file-for-fake-audio-capture={microphone}%noloop",
        )
    async with playwright.async_playwright() as driver:
        chromium = await driver.chromium.launch(executable_path=chromium, args=["--no-sandbox", *sound, *options])
        try:
            yield chromium
        finally:
            await chromium.close()


def complaints_of(page: Any) -> list[str]:
    """What the page's console says that is no mere information, as it comes."""
    complaints: list[str] = []

    def note(said: Any) -> None:
        if said.type in ("error", "warning"):
            complaints.append(said.text)

    page.on("console", note)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return complaints
