"""Programs in the form of AG2's examples and of its own end-to-end test, with no more than their imports changed."""

from __future__ import annotations

import asyncio
import base64
import functools
import threading
from collections.abc import Callable, Iterator
from logging import getLogger
from typing import Annotated, Any
from unittest.mock import MagicMock

import pytest
from anyio import create_task_group

from gemini_realtime import LiveServer, RealtimeAgent, RealtimeObserver, WebSocketAudioAdapter
from gemini_realtime.testing import caller
from tests.local.fakes import FakeHearing, FakeSpeaking, spoken

fastapi = pytest.importorskip("fastapi")
testclient = pytest.importorskip("starlette.testclient")

SPEECH = base64.b64encode(spoken("How is the weather in Seattle?")).decode()
SILENCE = base64.b64encode(bytes(640)).decode()


@pytest.fixture
def llm_config() -> Iterator[dict[str, Any]]:
    """As `config_list_from_json` gives it: an entry with tags, and options beside the list."""
    with LiveServer(pace="instant", warm_up=False, hearing=FakeHearing(), speaking=FakeSpeaking()) as server:
        (entry,) = server.llm_config()["config_list"]
        yield {"timeout": 600, "temperature": 0.8, "config_list": [{**entry, "tags": ["gemini-realtime", "realtime"]}]}


def traced(called: MagicMock, event: threading.Event) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The decorator of AG2's test: it looks at how a function is called."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            called(*args, **kwargs)
            event.set()
            return function(*args, **kwargs)

        return wrapper

    return decorate


def call(app: Any) -> Any:
    """Ask about the weather as the browser of AG2's examples does."""
    return testclient.TestClient(app).websocket_connect("/media-stream")


def serve(app: Any, endpoint: Callable[..., Any]) -> None:
    """As `@app.websocket("/media-stream")`, which reads the type of the parameter."""
    endpoint.__annotations__["websocket"] = fastapi.WebSocket
    app.websocket("/media-stream")(endpoint)


def ask(websocket: Any) -> None:
    for payload in (SPEECH, *[SILENCE] * 3):
        websocket.send_json({"event": "media", "media": {"timestamp": 0, "payload": payload}})


def test_the_weather_bot_of_the_examples_runs(llm_config: dict[str, Any]) -> None:
    app, called = fastapi.FastAPI(), threading.Event()

    async def handle_media_stream(websocket: Any) -> None:
        await websocket.accept()
        logger = getLogger("uvicorn.error")
        audio_adapter = WebSocketAudioAdapter(websocket, logger=logger)
        realtime_agent = RealtimeAgent(
            name="Weather Bot",
            system_message="You can ask me about weather.",
            llm_config=llm_config,
            audio_adapter=audio_adapter,
            logger=logger,
        )

        @realtime_agent.register_realtime_function(name="get_weather", description="Get the current weather")
        def get_weather(location: Annotated[str, "city"]) -> str:
            called.set()
            return "The weather is cloudy." if location == "Seattle" else "The weather is sunny."

        await realtime_agent.run()

    serve(app, handle_media_stream)
    with call(app) as websocket:
        ask(websocket)
        assert called.wait(30)
        assert websocket.receive_json()["event"] == "media"


def test_the_end_to_end_test_of_ag2_passes(llm_config: dict[str, Any]) -> None:
    app, called, event = fastapi.FastAPI(), MagicMock(), threading.Event()
    observer = MagicMock(spec=RealtimeObserver)
    over = threading.Event()

    async def handle_media_stream(websocket: Any) -> None:
        await websocket.accept()
        agent = RealtimeAgent(name="Weather Bot", llm_config=llm_config, audio_adapter=WebSocketAudioAdapter(websocket))
        agent.register_observer(observer)

        @agent.register_realtime_function(name="get_weather", description="Get the current weather")
        @traced(called, event)
        def get_weather(location: Annotated[str, "city"]) -> str:
            return "The weather is cloudy." if location == "Seattle" else "The weather is sunny."

        async with create_task_group() as tg:
            tg.start_soon(agent.run)
            await asyncio.to_thread(event.wait, 30)
            tg.cancel_scope.cancel()
        await websocket.close()
        over.set()

    serve(app, handle_media_stream)
    with call(app) as websocket:
        ask(websocket)
        assert event.wait(30)
        assert over.wait(30)
    called.assert_called_with(location="Seattle")
    assert observer.on_event.called


async def test_the_airline_of_the_swarm_hands_over(llm_config: dict[str, Any]) -> None:
    def agent(name: str, *functions: Callable[..., Any]) -> RealtimeAgent:
        made = RealtimeAgent(name=name, system_message=f"You are {name}.", llm_config=llm_config)
        for function in functions:
            made.register_realtime_function()(function)
        return made

    def initiate_baggage_search() -> str:
        return "Baggage was found!"

    def escalate_to_agent(reason: str = None) -> str:  # type: ignore[assignment]  # noqa: RUF013
        """Escalating to human agent to confirm the request."""
        return f"Escalating to agent: {reason}" if reason else "Escalating to agent"

    lost_baggage = agent("Lost_Baggage", initiate_baggage_search, escalate_to_agent)
    triage = agent("Triage")

    @triage.register_realtime_function()
    async def transfer_to_lost_baggage() -> str:
        """Transfer to lost baggage."""
        await triage.hand_over(lost_baggage, opening="What is two plus three?")
        return "Lost baggage takes over."

    async with caller(triage) as talk:
        await talk.types("Transfer to lost baggage.")
        assert (await talk.hears()).agent == "Triage"
        assert (await talk.hears()).agent == "Lost_Baggage"
        await talk.types("Initiate baggage search.")
        assert (await talk.hears()).said == "Baggage was found!"
