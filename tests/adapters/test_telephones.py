"""Calls by Twilio, Telnyx and Plivo, over a real server, from services that behave as they document."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from gemini_realtime import (
    AudioFormatError,
    ConfigError,
    ConversationLog,
    DigitPressed,
    LiveServer,
    PlaybackStopped,
)
from gemini_realtime.adapters.media_stream import MediaStreamAdapter
from gemini_realtime.adapters.plivo import PlivoAudioAdapter
from gemini_realtime.adapters.telnyx import TelnyxAudioAdapter
from gemini_realtime.adapters.twilio import TwilioAudioAdapter
from gemini_realtime.agent import RealtimeAgent
from gemini_realtime.audio.g711 import mulaw_encode
from gemini_realtime.testing import in_virtual_time, speech_from_text
from tests.adapters.telephones import Plivo, Telnyx, Twilio
from tests.adapters.test_websocket import Call, Everything
from tests.serving import serving

starlette = pytest.importorskip("starlette", reason="the server of the telephone needs the group `test`")
websockets = pytest.importorskip("websockets", reason="the telephone service's WebSocket")
pytest.importorskip("hibari", reason="callers speak: they need the extra [local]")

SERVICES: list[tuple[type[Twilio], type[MediaStreamAdapter]]] = [
    (Twilio, TwilioAudioAdapter),
    (Telnyx, TelnyxAudioAdapter),
    (Plivo, PlivoAudioAdapter),
]


@dataclass
class Line:
    """A call: the caller, and what the agent's side noted."""

    caller: Twilio
    log: ConversationLog
    events: Everything

    def say(self, words: str) -> None:
        line = self.caller.line
        speech = speech_from_text(words, rate_hz=line.rate_hz)
        self.caller.say(mulaw_encode(speech) if line.encoding == "mulaw" else speech)


@asynccontextmanager
async def call(live: LiveServer, service: type[Twilio], adapter: type[MediaStreamAdapter]) -> AsyncIterator[Line]:
    """Somebody calls a number behind which an agent answers."""
    from starlette.applications import Starlette
    from starlette.routing import WebSocketRoute
    from starlette.websockets import WebSocket

    log, events = ConversationLog(), Everything()

    async def answer(websocket: WebSocket) -> None:
        await websocket.accept()
        agent = RealtimeAgent(
            name="host", audio_adapter=adapter(websocket), llm_config=live.llm_config(), observers=[log, events]
        )
        await agent.run()

    app = Starlette(routes=[WebSocketRoute("/call", answer)])
    async with (
        serving(app) as host,
        websockets.connect(f"ws://{host}/call") as websocket,
    ):
        caller = service(websocket)
        calling = asyncio.create_task(caller.run())
        try:
            yield Line(caller, log, events)
        finally:
            calling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await calling


async def test_callers_of_every_service_ask_interrupt_and_are_answered() -> None:
    async with LiveServer() as live, asyncio.timeout(120), asyncio.TaskGroup() as calls:
        for service, adapter in SERVICES:
            calls.create_task(asks_interrupts_and_is_answered(live, service, adapter), name=service.__name__)


async def asks_interrupts_and_is_answered(
    live: LiveServer, service: type[Twilio], adapter: type[MediaStreamAdapter]
) -> None:
    async with call(live, service, adapter) as line:
        caller = line.caller
        line.say("Tell me a long story.")
        await caller.until_heard(1500)
        before_ms = caller.now_ms
        line.say("Stop. What is two plus two?")
        await caller.until_cleared()
        cleared_ms = caller.now_ms
        stopped = await line.events.first(PlaybackStopped)
        await line.log.next_answer()  # the story, as far as it came
        await caller.until_heard(600, since_ms=cleared_ms + 40)
        answer = (await line.log.next_answer()).said
        await caller.press("5")
        assert (await line.events.first(DigitPressed)).digit == "5"
    assert "four" in answer.lower()
    assert caller.clears == 1
    assert before_ms < cleared_ms
    (story,) = [turn for turn in line.log.turns if turn.interrupted]
    assert story.heard is not None
    assert story.said.startswith(story.heard.rstrip())
    assert len(story.heard) < len(story.said)
    assert stopped.played_ms == pytest.approx(caller.speech_until(cleared_ms), abs=300)


@in_virtual_time
async def test_a_sound_that_cannot_be_carried_ends_the_call_with_a_reason() -> None:
    call = Call(TelnyxAudioAdapter)
    start = {"event": "start", "stream_id": "1", "start": {"media_format": {"encoding": "G722", "sample_rate": 8000}}}
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(pytest.raises(AudioFormatError, match=r"G722.*stream one of"))
        await stack.enter_async_context(call)
        await call.says(start, after_s=0.1)


@pytest.mark.parametrize(
    "announced",
    [
        "mulaw",
        [1],
        {"encoding": 5},
        {"encoding": "PCMU", "sample_rate": "fast"},
        {"encoding": "PCMU", "sample_rate": float("inf")},
        {"encoding": "PCMU", "sample_rate": 1},
        {"encoding": "PCMU", "sample_rate": 8000, "channels": 2},
    ],
)
def test_what_is_announced_in_no_known_way_is_refused(announced: Any) -> None:
    with pytest.raises(AudioFormatError):
        TwilioAudioAdapter(None).started({"event": "start", "start": {"mediaFormat": announced}})


def test_a_codec_that_plivo_cannot_play_is_refused() -> None:
    start = {"event": "start", "start": {"mediaFormat": {"encoding": "audio/x-alaw", "sampleRate": 8000}}}
    with pytest.raises(AudioFormatError, match="Plivo plays no"):
        PlivoAudioAdapter(None).started(start)


def test_a_codec_that_is_not_known_is_refused() -> None:
    with pytest.raises(ConfigError, match="PCMU, PCMA"):
        TelnyxAudioAdapter(None, codec="G722")  # type: ignore[arg-type]


@in_virtual_time
async def test_a_number_that_is_none_costs_its_piece_alone(caplog: pytest.LogCaptureFixture) -> None:
    async with Call(TelnyxAudioAdapter) as call:
        for chunk in ("1", "1e400", "NaN", "7" * 5000, '"x"', "[]", "2"):
            await call.says(f'{{"event": "media", "media": {{"chunk": {chunk}, "payload": "{"/" * 216}"}}}}')
    assert len(call.client.audio) == 2
    assert "5 messages of the stream could not be read" in caplog.text


@in_virtual_time
async def test_errors_that_telnyx_reports_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    async with Call(TelnyxAudioAdapter) as call:
        await call.says({"event": "error", "payload": {"code": 100003, "title": "malformed_frame", "detail": "..."}})
    assert "Telnyx reports error 100003: malformed_frame" in caplog.text
