"""Whoever takes part: one file per client, used as its documentation says."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from importlib import import_module
from importlib.util import find_spec

from bench.meter import Meter

CHUNK = bytes(range(256)) * 2 + bytes(128)
"""20 ms of microphone: 16 kHz mono signed 16-bit, 640 bytes."""


class Contestant:
    """One way to use one client: a session in which a task reads all that comes, as in an application.

    Attributes:
        meter: the reading task ticks it for each piece of model audio.
        awake: where there is one, and no meter, the reading task sleeps over a piece until it is set.
        send_chunk: sends the chunk.
        send_text: sends what the user typed.
    """

    meter: Meter | None = None
    awake: asyncio.Event | None = None
    send_chunk: Callable[[], Awaitable[object]]
    send_text: Callable[[str], Awaitable[object]]

    def connected(self, url: str) -> AbstractAsyncContextManager[None]:
        """A session at `ws://...` for the duration of the context."""
        raise NotImplementedError

    async def receive(self, meter: Meter) -> None:
        """Let model audio come until the meter is done."""
        self.meter = meter
        await meter.done.wait()

    async def send(self, meter: Meter, pause_s: float | None) -> None:
        """Send the chunk until the meter is done, sleeping `pause_s` before each."""
        while not meter.tick():
            if pause_s is not None:
                await asyncio.sleep(pause_s)
            await self.send_chunk()


OURS, OURS_BASE64 = "gemini-realtime", "gemini-realtime, base64"
GOOGLE, AG2 = "google-genai", "AG2"
FLOOR, SLEEP = "picows alone", "sleeping alone"

_CLASSES = {
    OURS: "ours:Bytes",
    OURS_BASE64: "ours:Base64",
    GOOGLE: "google_genai:GoogleGenai",
    AG2: "ag2:Ag2",
    FLOOR: "floor:Floor",
    SLEEP: "floor:Sleep",
}
MODULES = {
    OURS: "gemini_realtime",
    OURS_BASE64: "gemini_realtime",
    GOOGLE: "google.genai",
    AG2: "autogen",
    FLOOR: "picows",
    SLEEP: "picows",
}
"""What must be installed for it."""


def available(module: str) -> bool:
    """Whether a module can be imported here."""
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def contestant(name: str) -> Contestant:
    """Import one, and nothing of the others."""
    module, _, cls = _CLASSES[name].partition(":")
    made: Contestant = getattr(import_module(f"bench.contestants.{module}"), cls)()
    return made
