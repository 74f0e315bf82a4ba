"""Whoever takes part: one file per client, used as its documentation says."""

from __future__ import annotations

import asyncio
import struct
import sys
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from bench.meter import Meter

CHUNK = bytes(range(256)) * 2 + bytes(128)
"""20 ms of microphone: 16 kHz mono signed 16-bit, 640 bytes."""

STAMP = struct.Struct("<dx")
"""When a message was sent, on the monotonic clock that all processes share: 9 bytes are 12 characters of base64."""


class Contestant:
    """One way to use one client: a session in which a task reads all that comes, as in an application.

    Attributes:
        meter: the reading task ticks it for each piece of model audio.
        hear: if there is no meter, the reading task calls it for each piece, with its audio or base64 of its beginning.
        awake: where there is one, and no meter, the reading task sleeps over a piece until it is set.
        send_chunk: sends the chunk.
        send_text: sends what the user typed.
    """

    meter: Meter | None = None
    hear: Callable[[bytes | str], None] | None = None
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
FLOOR, ASYNCIO, SLEEP = "picows alone", "asyncio alone", "sleeping alone"
GENERATOR, LEAST = "load generator alone", "least possible client"
OURS_NO_ECHOES, OURS_DISPATCH = "gemini-realtime, echoes=False", "gemini-realtime, dispatch_events"
OURS_AGENT = "gemini-realtime, RealtimeAgent"
PYDANTIC_AI, AG2_LIVE = "pydantic-ai", "AG2 1.2, LiveAgent"
LIVEKIT, PIPECAT = "LiveKit's plugin", "Pipecat's service"

_CLASSES = {
    OURS: "ours:Bytes",
    OURS_BASE64: "ours:Base64",
    OURS_NO_ECHOES: "ours:NoEchoes",
    OURS_DISPATCH: "ours:Dispatch",
    OURS_AGENT: "agents:Agent",
    GOOGLE: "google_genai:GoogleGenai",
    AG2: "ag2:Ag2",
    PYDANTIC_AI: "pydantic_ai:PydanticAi",
    AG2_LIVE: "ag2_live:Ag2Live",
    LIVEKIT: "livekit:LiveKit",
    PIPECAT: "pipecat:Pipecat",
    FLOOR: "floor:Floor",
    ASYNCIO: "floor:Asyncio",
    SLEEP: "floor:Sleep",
    GENERATOR: "floor:Generator",
    LEAST: "floor:Least",
}
ROOT = Path(__file__).parents[2]
ENVIRONMENTS = {
    GOOGLE: "google",
    AG2: "ag2",
    PYDANTIC_AI: "pydantic-ai",
    AG2_LIVE: "ag2-live",
    LIVEKIT: "voice",
    PIPECAT: "voice",
}
"""Whose client is somebody else's: by which of `bench/requirements/` it is installed, in an environment of its own."""


def available(module: str) -> bool:
    """Whether a module can be imported here."""
    return find_spec(module) is not None


def environment_folder(name: str) -> Path:
    """Where what is in `bench/requirements/NAME.txt` is installed."""
    return ROOT / f".venv-bench-{name}"


def interpreter(name: str) -> str | None:
    """The Python that a contestant runs on; None when it is not installed."""
    if name not in ENVIRONMENTS:
        return sys.executable
    python = environment_folder(ENVIRONMENTS[name]) / "bin" / "python"
    return str(python) if python.exists() else None


def present(names: Iterable[str], *, quick: bool = False) -> dict[str, str]:
    """Who takes part, and the Python of each: those that are installed; none of other people's in a quick run."""
    pythons = {name: interpreter(name) for name in names if not quick or name not in ENVIRONMENTS}
    return {name: python for name, python in pythons.items() if python is not None}


def contestant(name: str) -> type[Contestant]:
    """Import one, and nothing of the others."""
    module, _, cls = _CLASSES[name].partition(":")
    imported: type[Contestant] = getattr(import_module(f"bench.contestants.{module}"), cls)
    return imported
