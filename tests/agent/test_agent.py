"""`RealtimeAgent`, as AG2 documented it, against the embedded server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, Any

import pytest

from gemini_realtime import (
    AudioFormatError,
    ConfigError,
    ConversationLog,
    FunctionCall,
    FunctionObserver,
    GeminiRealtimeClient,
    HandshakeError,
    LiveServer,
    NotConnectedError,
    RealtimeAgent,
    RealtimeEvent,
    RealtimeObserver,
)
from gemini_realtime.adapters.adapter import AudioAdapter
from gemini_realtime.testing import in_virtual_time
from tests.agent.test_functions import Scene
from tests.local.fakes import FakeSpeaking

FAMILIES = [
    "gemini-2.5-flash-native-audio-preview-12-2025",
    "gemini-3.1-flash-live-preview",
    "gemini-3.8-live",
    "gemini-3.8-live-extended-thinking",
]


@pytest.mark.parametrize("model", FAMILIES)
async def test_a_function_is_called_and_spoken_about(model: str) -> None:
    async with LiveServer(pace="instant", warm_up=False, speaking=FakeSpeaking()) as server:
        log = ConversationLog()
        agent = RealtimeAgent(name="weather", llm_config=server.llm_config(model=model), observers=[log])

        @agent.register_realtime_function(description="Get the weather")
        def get_weather(city: Annotated[str, "the city"]) -> str:
            return f"foggy in {city}"

        async with asyncio.timeout(30), agent.running():
            await agent.realtime_client.send_text(role="user", text="What is the weather in London?")
            answer = await log.next_answer()
            while "foggy" not in answer.said:
                answer = await log.next_answer()
    assert [use.arguments for turn in log.turns for use in turn.tools] == [{"city": "London"}]


def test_the_members_that_ag2_documented_are_there() -> None:
    config = {"config_list": [{"model": "gemini-3.8-live", "api_key": "k", "api_type": "google"}]}
    agent = RealtimeAgent(name="host", llm_config=config)
    assert agent.system_message == "You are a helpful AI Assistant."
    assert agent.registered_realtime_tools == {}
    assert agent.logger.name == "gemini_realtime.agent"
    assert callable(agent.callbacks.on_observers_ready)
    assert agent.realtime_client is not None


def test_two_functions_of_one_name_are_refused() -> None:
    agent = Scene().agent
    agent.register_realtime_function(name="pay")(lambda: 1)
    with pytest.raises(ConfigError, match="two functions called 'pay'"):
        agent.register_realtime_function(name="pay")(lambda: 2)


def test_a_function_is_registered_with_parentheses_or_without() -> None:
    agent = Scene().agent

    @agent.register_realtime_function
    def pay(euros: int) -> str:
        """Pay."""
        return f"{euros} paid"

    assert agent.registered_realtime_tools == {"pay": pay}
    assert pay(5) == "5 paid"


@pytest.mark.parametrize(
    ("mistake", "told"),
    [
        (lambda agent: agent.register_realtime_function(timeout=3), "did you mean 'timeout_s'"),
        (lambda agent: agent.register_realtime_function()(lambda: 1), "has the name '<lambda>'"),
        (lambda agent: agent.register_observer(ConversationLog), "the class ConversationLog"),
        (lambda agent: agent.register_observer("log"), "an observer is a str"),
        (lambda agent: RealtimeAgent(name="x", observers=ConversationLog()), "a list of"),  # type: ignore[arg-type]
        (lambda agent: RealtimeAgent(name="x", llm_config={}, observer=[]), "did you mean 'observers'"),
    ],
)
def test_mistakes_are_told_in_words(mistake: Callable[[RealtimeAgent], Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        mistake(Scene().agent)


async def test_a_run_that_cannot_connect_says_why() -> None:
    config = {"config_list": [{"model": "gemini-3.8-live", "api_key": "k", "api_type": "google",
                               "base_url": "ws://127.0.0.1:9"}]}  # fmt: skip
    agent = RealtimeAgent(name="host", llm_config=config)
    with pytest.raises(HandshakeError):
        async with agent.running():
            pytest.fail("it is not ready")


@in_virtual_time
async def test_the_session_is_prepared_before_the_first_event_is_read() -> None:
    scene = Scene()
    order: list[str] = []

    class Preparing(RealtimeObserver):
        async def initialize_session(self) -> None:
            await asyncio.sleep(1)
            order.append("prepared")

        async def run_loop(self) -> None: ...

        async def on_event(self, event: RealtimeEvent) -> None:
            order.append("event")

    async def ready() -> None:
        order.append("ready")

    scene.agent.register_observer(Preparing())
    scene.agent.callbacks.on_observers_ready = ready
    async with scene:
        await scene.happens(RealtimeEvent(), after_s=3)
    assert order == ["prepared", "ready", "event"]


@in_virtual_time
async def test_what_is_called_when_observers_are_ready_need_not_be_async() -> None:
    scene = Scene()
    called: list[str] = []
    scene.agent.callbacks.on_observers_ready = lambda: called.append("ready")
    async with scene.agent.running():
        assert called == ["ready"]


@in_virtual_time
async def test_an_agent_stops_and_runs_again() -> None:
    scene = Scene()
    for _ in range(2):
        async with scene.agent.running():
            pass
    assert scene.client.options["instructions"] == "You are a helpful AI Assistant."


@in_virtual_time
async def test_stop_before_run_and_while_it_opens_ends_it() -> None:
    scene = Scene()
    scene.agent.stop()
    await scene.agent.run()

    class NeverReady(Counting):
        async def initialize_session(self) -> None:
            await asyncio.Event().wait()

    scene.agent.register_observer(NeverReady())
    run = asyncio.create_task(scene.agent.run())
    await asyncio.sleep(1)
    scene.agent.stop()
    await run


@in_virtual_time
async def test_a_conversation_that_is_over_before_it_is_ready_says_so() -> None:
    scene = Scene()
    scene.agent.stop()
    with pytest.raises(NotConnectedError, match="before it was ready"):
        async with scene.agent.running():
            pytest.fail("it is not ready")


@pytest.mark.parametrize("registered", [False, True])
@in_virtual_time
async def test_an_own_function_observer_takes_the_place_of_the_agents(registered: bool) -> None:
    observer, ran = FunctionObserver(), []
    scene = Scene(observers=[] if registered else [observer])
    scene.agent.register_observer(observer)

    @scene.tool()
    async def pay() -> None:
        ran.append(1)

    async with scene:
        await scene.happens(FunctionCall(name="pay", arguments={}, call_id="1"))
    assert ran == [1]


async def test_two_agents_on_one_client_take_turns() -> None:
    async with LiveServer(pace="instant", warm_up=False, speaking=FakeSpeaking()) as server:
        client = GeminiRealtimeClient(llm_config=server.llm_config())
        first, second = RealtimeAgent(name="a", client=client), RealtimeAgent(name="b", client=client)
        async with asyncio.timeout(30), first.running():
            with pytest.raises(ConfigError, match="connected already"):
                await second.run()
        async with asyncio.timeout(30), second.running():
            pass


@in_virtual_time
async def test_an_error_that_ends_the_conversation_is_raised_by_run() -> None:
    class Broken(Scene):
        def __init__(self) -> None:
            super().__init__()

            async def read() -> Any:
                raise ConnectionResetError("gone")
                yield

            self.client.read_events = read  # type: ignore[method-assign]

    with pytest.raises(ConnectionResetError):
        await Broken().agent.run()


class Counting(RealtimeObserver):
    """Counts the events it is told of."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    async def initialize_session(self) -> None: ...

    async def run_loop(self) -> None: ...

    async def on_event(self, event: RealtimeEvent) -> None:
        self.count += 1


class Line(AudioAdapter):
    """A telephone on which the caller hangs up after a while, or whose line fails."""

    def __init__(self, after_s: float, failure: Exception | None = None) -> None:
        super().__init__()
        self._after_s = after_s
        self._failure = failure

    async def initialize_session(self) -> None: ...

    async def run_loop(self) -> None:
        await asyncio.sleep(self._after_s)
        if self._failure is not None:
            raise self._failure

    async def play(self, audio: bytes) -> None: ...

    async def end_turn(self) -> None: ...

    async def flush(self) -> tuple[float, float]:
        return 0.0, 0.0


GIVEN: dict[str, Callable[[Line], RealtimeAgent]] = {
    "audio_adapter": lambda line: Scene(audio_adapter=line).agent,
    "observers": lambda line: Scene(observers=[line]).agent,
    "register_observer": lambda line: _registered(line),
}
"""The ways in which an agent gets its audio adapter."""


def _registered(line: Line, **options: Any) -> RealtimeAgent:
    agent = Scene(**options).agent
    agent.register_observer(line)
    return agent


@pytest.mark.parametrize("way", GIVEN)
@in_virtual_time
async def test_the_conversation_ends_when_the_caller_hangs_up(way: str) -> None:
    await GIVEN[way](Line(3)).run()
    assert asyncio.get_running_loop().time() == pytest.approx(3)


@pytest.mark.parametrize("way", GIVEN)
@in_virtual_time
async def test_what_the_audio_adapter_raises_is_raised_by_run(way: str) -> None:
    with pytest.raises(AudioFormatError, match="no mu-law"):
        await GIVEN[way](Line(3, AudioFormatError("the stream is no mu-law"))).run()


@in_virtual_time
async def test_whoever_listens_in_may_leave_before_the_caller() -> None:
    await _registered(Line(1), audio_adapter=Line(3)).run()
    assert asyncio.get_running_loop().time() == pytest.approx(3)


@in_virtual_time
async def test_an_observer_registered_twice_is_told_once() -> None:
    scene, observer = Scene(), Counting()
    scene.agent.register_observer(observer)
    scene.agent.register_observer(observer)
    async with scene:
        await scene.happens(RealtimeEvent())
    assert observer.count == 1


@in_virtual_time
async def test_what_the_agent_says_in_writing_is_told_to_the_observers() -> None:
    scene, log = Scene(), ConversationLog()
    scene.agent.register_observer(log)
    async with scene:
        await scene.happens()
        await scene.agent.send_text("A table for two, please.")
        await scene.happens()
    assert [(turn.role, turn.said) for turn in log.turns] == [("user", "A table for two, please.")]


@in_virtual_time
async def test_an_agent_that_runs_takes_no_second_run_and_no_observer() -> None:
    scene = Scene()
    async with scene:
        await scene.happens()
        with pytest.raises(ConfigError, match="runs already"):
            await scene.agent.run()
        with pytest.raises(ConfigError, match="register it before"):
            scene.agent.register_observer(Counting())
        with pytest.raises(ConfigError, match="the function 'late' came while the agent runs"):
            scene.tool(name="late")(lambda: 1)
