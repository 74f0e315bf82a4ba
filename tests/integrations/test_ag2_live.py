"""AG2 1.x, the real package: its `LiveAgent` through this package's client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gemini_realtime import ConfigError, LiveServer
from gemini_realtime.testing import ScriptedService, messages, speech_from_text

pytest.importorskip("ag2.live", reason="AG2 1.x")

from ag2 import events
from ag2.events import BaseEvent
from ag2.live import LiveAgent

from gemini_realtime.integrations import ag2_live
from gemini_realtime.integrations.ag2_live import RealtimeConfig


def get_weather(city: str) -> str:
    """Get the weather in a city."""
    return f"It is foggy and 12 degrees in {city}."


class Seen:
    """What AG2's stream carries."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self._came = asyncio.Condition()

    async def note(self, event: BaseEvent) -> None:
        async with self._came:
            self.events.append(event)
            self._came.notify_all()

    async def first(self, kind: type, **fields: Any) -> Any:
        def found() -> list[Any]:
            return [event for event in self.events if isinstance(event, kind) and
                    all(getattr(event, name) == value for name, value in fields.items())]  # fmt: skip

        async with self._came:
            await asyncio.wait_for(self._came.wait_for(found), 60)
        return found()[0]

    def all(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


@asynccontextmanager
async def scripted(
    monkeypatch: pytest.MonkeyPatch, tools: Any = (), **options: Any
) -> AsyncIterator[tuple[ScriptedService, Seen, Any]]:
    """A `LiveAgent` whose model the test plays."""
    service, seen = ScriptedService(), Seen()
    monkeypatch.setattr(ag2_live, "GeminiRealtimeClient", lambda *, llm_config: service.client())
    agent = LiveAgent("host", "Be brief.", config=RealtimeConfig(None, **options), tools=tools)
    async with agent.run() as context:
        context.stream.subscribe(seen.note)
        yield service, seen, context


async def test_a_spoken_question_is_answered_with_the_help_of_a_function() -> None:
    pytest.importorskip("hibari", reason="the question is spoken: the extra [local]")
    question, seen = speech_from_text("What is the weather in London?"), Seen()
    async with LiveServer(pace="instant") as server:
        agent = LiveAgent("host", "Be brief.", config=RealtimeConfig(server.llm_config()), tools=[get_weather])
        async with agent.run() as context:
            context.stream.subscribe(seen.note)
            for start in range(0, len(question) + 64_000, 640):
                chunk = question[start : start + 640].ljust(640, b"\0")
                await context.send(events.RecordedAudioEvent(chunk))
            answer = await seen.first(events.ModelResponse, content="It is foggy and 12 degrees in London.")
            report = await LiveAgent.usage_report(context)
    assert (await seen.first(events.TranscriptionCompletedEvent)).content == "what is the weather in london?"
    assert "".join(chunk.content for chunk in seen.all(events.ModelMessageChunk)) == answer.content
    assert sum(len(event.content) for event in seen.all(events.SynthesizedAudioEvent)) > 48_000
    assert report.total.total_tokens


async def test_an_interruption_reaches_the_player(monkeypatch: pytest.MonkeyPatch) -> None:
    async with scripted(monkeypatch) as (service, seen, _):
        service.say(messages.audio(messages.tone(40)))
        service.say(messages.interrupted())
        await seen.first(events.AudioInterruptedEvent)
        assert len(seen.all(events.SynthesizedAudioEvent)) == 1


async def test_a_function_that_takes_its_time_holds_up_no_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    finish = asyncio.Event()

    async def slow() -> str:
        """Take long."""
        await finish.wait()
        return "done"

    async with scripted(monkeypatch, tools=[slow]) as (service, seen, _):
        setup = await service.receive("setup")
        service.say(messages.tool_call("slow"))
        service.say(messages.audio(messages.tone(40)))
        await seen.first(events.SynthesizedAudioEvent)
        assert not seen.all(events.ToolResultEvent)
        finish.set()
        (response,) = (await service.receive("toolResponse"))["functionResponses"]
    assert "Be brief." in str(setup["systemInstruction"])
    assert "slow" in str(setup["tools"])
    assert "done" in str(response["response"])


async def test_a_function_that_still_runs_at_the_end_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    began, cancelled = asyncio.Event(), asyncio.Event()

    async def endless() -> str:
        """Never end."""
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        return "never"

    async with scripted(monkeypatch, tools=[endless]) as (service, _, _):
        service.say(messages.tool_call("endless"))
        await began.wait()
    assert cancelled.is_set()


async def test_the_options_of_a_session_are_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    async with scripted(monkeypatch, session_options={"voice": "kore"}) as (service, _, _):
        assert "kore" in str(await service.receive("setup")).lower()


async def test_what_goes_wrong_within_the_conversation_is_raised_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KeyError):
        async with scripted(monkeypatch):
            raise KeyError("of the application")


def test_a_configuration_that_cannot_work_is_refused_at_once() -> None:
    with pytest.raises(ConfigError):
        RealtimeConfig({"config_list": [{"model": 5}]})
