"""`gemini-realtime doctor`: what works on this machine, and what to do about the rest."""

from __future__ import annotations

import asyncio
import platform
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from gemini_realtime import (
    GeminiRealtimeClient,
    GeminiRealtimeError,
    InputTranscript,
    LiveServer,
    MissingDependencyError,
    OutputTranscript,
    RealtimeEvent,
    SessionCreated,
)
from gemini_realtime.adapters.devices import default_devices
from gemini_realtime.cli.conversation import Conversation
from gemini_realtime.cli.extras import missing_packages, missing_to_serve
from gemini_realtime.cli.screen import Screen
from gemini_realtime.cli.sounding import Loudspeaker, sample_question
from gemini_realtime.cli.talk import DEFAULT_MODEL, key_variable

OLDEST_PYTHON: Final = (3, 11)
GEMINI: Final[dict[str, Any]] = {"config_list": [{"model": DEFAULT_MODEL}]}

_PURPOSES: Final = {
    "local": "the embedded Live server",
    "cli": "this command line",
    "devices": "microphone and loudspeaker",
    "agent": "Python functions as tools",
    "audio": "other sampling rates",
    "web": "the page in the browser",
    "vertex": "Vertex AI",
}
_STYLES: Final = {"ok": "green", "note": "yellow", "FAIL": "bold red"}


@dataclass(frozen=True)
class Check:
    """One line of the result.

    Attributes:
        verdict: `note` for what only some need.
        name: what was looked at.
        detail: what was found; and, unless it is fine, what to do.
    """

    verdict: Literal["ok", "note", "FAIL"]
    name: str
    detail: str


async def doctor() -> bool:
    """Check everything, print a line for each, and tell whether there can be a conversation."""
    console = Console(highlight=False)
    fine = True
    with console.status("Looking around") as status:
        async for check in _checks():
            fine = fine and check.verdict != "FAIL"
            console.print(_row(check) if console.is_terminal else _line(check), soft_wrap=not console.is_terminal)
            status.update("A spoken round trip through the embedded server takes some seconds")
    return fine


def _line(check: Check) -> Text:
    return Text(f"{check.verdict:<4}  {check.name:<18}  {check.detail}")


def _row(check: Check) -> Table:
    row = Table.grid(padding=(0, 2))
    row.add_column(width=4, style=_STYLES[check.verdict])
    row.add_column(width=18)
    row.add_column()
    row.add_row(check.verdict, Text(check.name), Text(check.detail))
    return row


async def _checks() -> AsyncIterator[Check]:
    yield _python()
    for extra in _PURPOSES:
        yield _extra(extra)
    yield _sound()
    yield _key()
    if key_variable() is not None:
        yield await _handshake("Gemini", GEMINI)
    async for check in _embedded():
        yield check


def _python() -> Check:
    found = f"{platform.python_version()} at {sys.executable}"
    if sys.version_info < OLDEST_PYTHON:
        return Check("FAIL", "Python", f"{found} → install Python 3.11 or newer")
    return Check("ok", "Python", found)


def _extra(extra: str) -> Check:
    missing = missing_packages(extra)
    purpose = _PURPOSES[extra]
    if missing:
        remedy = MissingDependencyError(purpose, extra).remedy
        return Check("note", f"extra [{extra}]", f"{purpose}: {', '.join(missing)} missing → {remedy}")
    return Check("ok", f"extra [{extra}]", purpose)


def _sound() -> Check:
    try:
        microphone, loudspeaker = default_devices()
    except GeminiRealtimeError as error:
        return Check("note", "sound", str(error))
    if microphone is None or loudspeaker is None:
        found = microphone or loudspeaker or "no device"
        return Check("note", "sound", f"{found} → connect a microphone and a loudspeaker; talk asks with a recording")
    return Check("ok", "sound", f"microphone {microphone!r}, loudspeaker {loudspeaker!r}")


def _key() -> Check:
    variable = key_variable()
    if variable is None:
        return Check(
            "note", "key", "none: talk uses the embedded server → for Gemini, get one at "
            "https://aistudio.google.com/apikey and set GEMINI_API_KEY"
        )  # fmt: skip
    return Check("ok", "key", f"{variable} is set")


async def _handshake(whom: str, llm_config: dict[str, Any]) -> Check:
    """Connect, with TLS where the service has it, and open a session."""
    loop = asyncio.get_running_loop()
    begin_s = loop.time()
    try:
        client = GeminiRealtimeClient(llm_config=llm_config)
        async with client.connect():
            connected_s = loop.time()
            async for event in client.read_events():
                if isinstance(event, SessionCreated):
                    break
    except GeminiRealtimeError as error:
        return Check("FAIL", "handshake", f"{whom}: {error}")
    times = f"{(connected_s - begin_s) * 1000:.0f} ms, session after {(loop.time() - connected_s) * 1000:.0f} ms more"
    return Check("ok", "handshake", f"{whom}: connected in {times}")


async def _embedded() -> AsyncIterator[Check]:
    if missing_to_serve(missing_packages):
        needed = key_variable() is None
        remedy = MissingDependencyError("the embedded server", "local").remedy
        yield Check("FAIL" if needed else "note", "embedded server", f"its extra is not installed → {remedy}")
        return
    async with LiveServer() as server:
        yield await _handshake("embedded server (no TLS, no key)", server.llm_config())
        yield await _round_trip(server)


async def _round_trip(server: LiveServer) -> Check:
    """Ask the sample question aloud, and see whether it is understood and answered."""
    client = GeminiRealtimeClient(llm_config=server.llm_config())
    words = _Words()
    conversation = Conversation(sample_question(), loudspeaker=Loudspeaker(None, None), tape=None, screen=words)
    try:
        await conversation.hold(client)
    except GeminiRealtimeError as error:
        return Check("FAIL", "spoken round trip", str(error))
    found = f'asked "{" ".join(words.heard.split())}", answered "{" ".join(words.answer.split())}"'
    if "weather" not in words.heard.lower() or "london" not in words.answer.lower():
        remedy = "reinstall its parts: pip install --force-reinstall 'gemini-realtime[local]'"
        return Check("FAIL", "spoken round trip", f"{found} → {remedy}")
    answer_ms = conversation.measurements.answer_ms[0]
    return Check("ok", "spoken round trip", f"{found}; end of speech → first audio {answer_ms:.0f} ms")


class _Words(Screen):
    """Shows nothing, but keeps what was said."""

    def __init__(self) -> None:
        super().__init__(Console(quiet=True))
        self.heard = ""
        self.answer = ""

    def show(self, event: RealtimeEvent, at_ms: float) -> None:
        if isinstance(event, InputTranscript):
            self.heard += event.text
        elif isinstance(event, OutputTranscript):
            self.answer += event.text
