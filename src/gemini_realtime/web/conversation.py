"""A conversation of one page: its WebSocket on the one side, an agent on the other.

The page begins with `{"event": "start", "secret": ..., "settings": {...}, "history": [...]}`. Then sound is binary PCM
both ways, 16 kHz in and 24 kHz out, with the marks and `clear` of media streams; beside them

    from the page                                        to the page
    ---------------------------------------------------- --------------------------------------------------------
    {"event": "text", "text": ...}                       {"event": "ready", "agent": ..., "model": ..., "voice": ...}
    {"event": "settings", "settings": {...}}             {"event": "turn", "turn": {...}}
    {"event": "microphone", "open": bool}                {"event": "call", "number": ..., "arguments": ..., ...}
    {"event": "activity", "active": bool}                {"event": "happened", "type": ..., ...}
    {"event": "end"}                                     {"event": "refused", "problem": ..., "remedy": ...}
                                                         {"event": "ended", "why": ..., "problem": ..., "remedy": ...}

`why` is `secret`, `full`, `limit`, `over` or `failed`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import traceback
from dataclasses import dataclass
from logging import Logger, getLogger
from pathlib import Path
from typing import Any, Final

from starlette.types import Message
from starlette.websockets import WebSocket

from gemini_realtime.adapters.websocket import WebSocketAudioAdapter
from gemini_realtime.agent import RealtimeAgent
from gemini_realtime.client import GeminiRealtimeClient
from gemini_realtime.errors import GeminiRealtimeError
from gemini_realtime.protocol.options import DEFAULT_VOICE
from gemini_realtime.recordings.recorder import RecordingOptions
from gemini_realtime.web.access import Access
from gemini_realtime.web.agents import AgentMaker
from gemini_realtime.web.page_log import PageLog
from gemini_realtime.web.settings import chosen_model, past_turns, session_options, short_text

Json = dict[str, Any]

_log = getLogger("gemini_realtime.web")

START_WITHIN_S: Final = 10.0
"""A WebSocket that has not begun by then is closed."""

END_WITHIN_S: Final = 8.0
"""A conversation that was stopped is over by then, functions that still run included, or is given up."""

MAX_UNHEARD: Final = 256
"""Messages of the stream that wait for the agent, some five seconds of sound; then the oldest are given up: so long
only a connection takes that is being opened."""

MAX_REQUESTS: Final = 32


@dataclass(frozen=True)
class Limits:
    """What one server bears of its pages.

    Attributes:
        conversations: at once.
        conversation_s: how long one may last, so that a forgotten page costs no more than that.
    """

    conversations: int = 4
    conversation_s: float = 3600.0


class Page:
    """The page, as far as an agent's audio adapter is concerned: a WebSocket with a media stream.

    Attributes:
        requests: what the page asks for beside its stream.
    """

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        self._stream: asyncio.Queue[Message] = asyncio.Queue(MAX_UNHEARD)
        self.requests: asyncio.Queue[Json] = asyncio.Queue(MAX_REQUESTS)

    async def read(self) -> None:
        """Read until the page has gone, or ends the conversation."""
        while (message := await self._websocket.receive())["type"] != "websocket.disconnect":
            request = _request_in(message)
            if request is None:
                if self._stream.full():
                    self._stream.get_nowait()
                self._stream.put_nowait(message)
            elif request["event"] == "end":
                return
            elif self.requests.full():
                await self.refuse(request, "too much is asked for at once", "wait until the answer comes")
            else:
                self.requests.put_nowait(request)

    async def receive(self) -> Message:
        """The next message of the stream, for the adapter."""
        return await self._stream.get()

    async def send_bytes(self, audio: bytes) -> None:
        """Send audio."""
        await self._websocket.send_bytes(audio)

    async def send_json(self, message: Json) -> None:
        """Send a message of the stream."""
        await self._websocket.send_json(message)

    async def refuse(self, request: Json, problem: str, remedy: str) -> None:
        """Say that something is not done, and why."""
        await self.tell({"event": "refused", "request": request["event"], "problem": problem, "remedy": remedy})

    async def tell(self, message: Json) -> None:
        """Send a message, unless the page has gone: reading notices that, and ends the conversation."""
        with contextlib.suppress(Exception):  # each server of WebSockets raises something of its own
            await self.send_json(message)


_REQUESTS: Final = {"text", "settings", "end"}


def _request_in(message: Message) -> Json | None:
    """What the page asks for with this message; None for one of the stream."""
    text = message.get("text")
    if text is None:
        return None
    with contextlib.suppress(ValueError, RecursionError):  # the adapter complains of it
        request = json.loads(text)
        if isinstance(request, dict) and str(request.get("event")) in _REQUESTS:
            return request
    return None


class PageSound(WebSocketAudioAdapter):
    """The sound of a page, and the options of the session that were chosen there."""

    def __init__(self, page: Page, options: Json, *, logger: Logger | None = None) -> None:
        super().__init__(page, binary=True, logger=logger)
        self._options = options

    async def initialize_session(self) -> None:
        """Choose what was chosen in the page."""
        if self._options:
            await self.realtime_client.session_update(self._options)

    async def _react(self, message: Json) -> None:
        client = self.realtime_client
        if message.get("event") not in ("activity", "microphone") or not isinstance(client, GeminiRealtimeClient):
            await super()._react(message)
        elif message["event"] == "microphone":
            if not message["open"]:
                await client.audio_stream_end()
        else:
            await (client.activity_start() if message["active"] else client.activity_end())


class Conversations:
    """Holds the conversations of all pages.

    Args:
        access: who may.
        make_agent: makes an agent for each.
        limits: how many, and how long.
        recording: where each is recorded; not at all by default.
    """

    def __init__(
        self, access: Access, make_agent: AgentMaker, limits: Limits, recording: RecordingOptions | None
    ) -> None:
        self._access = access
        self._make_agent = make_agent
        self._limits = limits
        self._recording = recording
        self._held = 0

    async def hold(self, websocket: WebSocket) -> None:
        """Hold one conversation, from the accepted WebSocket to its end."""
        start = await _started(websocket)
        page = Page(websocket)
        if start is None:
            return await _close(websocket)
        if not await self._access.admits(start.get("secret")):
            await page.tell({"event": "ended", "why": "secret"})
        elif self._held >= self._limits.conversations:
            await page.tell({"event": "ended", "why": "full", "conversations": self._limits.conversations})
        else:
            self._held += 1
            try:
                await page.tell({"event": "ended", **await self._converse(page, start)})
            finally:
                self._held -= 1
        return await _close(websocket)

    async def _converse(self, page: Page, start: Json) -> Json:
        """Hold the conversation; returns why it is over."""
        try:
            return await self._until_over(page, start)
        except GeminiRealtimeError as error:
            _log.warning("the conversation of a page has failed: %s", error)
            return {"why": "failed", "problem": error.problem, "remedy": error.remedy}
        except Exception as error:  # somebody else's agent: it may raise anything
            problem = f"the agent raised {type(error).__name__} in {_place_of(error)}"
            _log.error("%s", problem, exc_info=error)
            return {"why": "failed", "problem": problem, "remedy": "mend that and press Talk; the terminal says more"}

    async def _until_over(self, page: Page, start: Json) -> Json:
        settings = start.get("settings", {})
        model, options = chosen_model(settings), session_options(settings)
        if history := past_turns(start.get("history", [])):
            options["history"] = history
        agent = await self._make_agent(model)
        if self._recording is not None and isinstance(agent.realtime_client, GeminiRealtimeClient):
            agent.realtime_client.record(self._recording)
        reading = asyncio.create_task(page.read())
        talking = asyncio.create_task(_talk(agent, page, options))
        try:
            await asyncio.wait(
                [reading, talking], timeout=self._limits.conversation_s, return_when=asyncio.FIRST_COMPLETED
            )
            if talking.done():
                talking.result()
                return {"why": "over"}
            why = "over" if reading.done() else "limit"
            agent.stop()
            await asyncio.wait([talking], timeout=END_WITHIN_S)
            if talking.done():
                talking.result()
            return {"why": why, "minutes": round(self._limits.conversation_s / 60)}
        finally:
            reading.cancel()
            talking.cancel()
            await asyncio.gather(reading, talking, return_exceptions=True)


async def _talk(agent: RealtimeAgent, page: Page, options: Json) -> None:
    log = PageLog(page.tell)
    agent.register_observer(log)
    agent.register_observer(PageSound(page, options))
    async with agent.running():
        voice = options.get("voice") or agent.voice or DEFAULT_VOICE
        await page.tell({"event": "ready", "agent": agent.name, "model": agent.model, "voice": voice})
        serving = asyncio.create_task(_serve(page, agent, log))
        over = asyncio.create_task(log.over.wait())
        try:
            await asyncio.wait([serving, over], return_when=asyncio.FIRST_COMPLETED)
        finally:
            serving.cancel()
            over.cancel()


async def _serve(page: Page, agent: RealtimeAgent, log: PageLog) -> None:
    """Do what the page asks for, one after the other."""
    while True:
        request = await page.requests.get()
        try:
            await _do(request, agent, log)
        except GeminiRealtimeError as error:
            await page.refuse(request, error.problem, error.remedy)
        else:
            await page.tell({"event": "taken", "request": request["event"]})


async def _do(request: Json, agent: RealtimeAgent, log: PageLog) -> None:
    client = agent.realtime_client
    if request["event"] == "text":
        words = short_text("text", request.get("text"))
        await client.send_text(role="user", text=words)
        log.note_typed(words)
    else:
        await client.session_update(session_options(request.get("settings")))


async def _started(websocket: WebSocket) -> Json | None:
    """The first message of a page; None when it does not come, or is another."""
    with contextlib.suppress(Exception):
        async with asyncio.timeout(START_WITHIN_S):
            start = json.loads(await websocket.receive_text())
        if isinstance(start, dict) and start.get("event") == "start":
            return start
    return None


def _place_of(error: Exception) -> str:
    """Where an error was raised."""
    if isinstance(error, SyntaxError) and error.filename is not None:
        return f"{Path(error.filename).name}, line {error.lineno}"
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(last.filename).name}, line {last.lineno}"


async def _close(websocket: WebSocket) -> None:
    with contextlib.suppress(Exception):  # the page has gone already
        await websocket.close()
