"""A call to an agent, from the caller's side, over real sockets to the embedded server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gemini_realtime import ConfigError, HandshakeError, LiveServer, RealtimeAgent, SessionResumed
from gemini_realtime.adapters.files import write_wav
from gemini_realtime.agent import RealtimeObserver
from gemini_realtime.testing import caller
from gemini_realtime.testing.calling import Calling
from tests.local.fakes import FakeHearing, FakeSpeaking, spoken

FAKES: dict[str, Any] = {"hearing": FakeHearing(), "speaking": FakeSpeaking()}


def agent_for(llm_config: dict[str, Any]) -> RealtimeAgent:
    agent = RealtimeAgent(name="host", llm_config=llm_config)

    @agent.register_realtime_function()
    async def get_weather(city: str) -> str:
        """Get the weather in a city."""
        return f"foggy in {city}"

    return agent


async def test_what_is_typed_is_answered_and_the_tools_are_seen() -> None:
    async with asyncio.timeout(30), caller(agent_for, **FAKES) as call:
        await call.types("What is the weather in London?")
        answer = await call.hears()
    assert "foggy in London" in answer.said
    assert [(use.name, use.arguments) for use in call.tools] == [("get_weather", {"city": "London"})]
    assert [turn.said for turn in call.turns if turn.role == "user"] == ["What is the weather in London?"]
    assert len(call.latencies_ms) >= 1


async def test_what_is_said_is_heard(tmp_path: Path) -> None:
    sound = tmp_path / "question.wav"
    write_wav(sound, spoken("What is two plus three?"), 16000)
    async with asyncio.timeout(30), caller(agent_for, **FAKES) as call:
        for speech in (spoken("What is two plus three?"), sound):
            await call.says(speech)
            assert (await call.hears()).said == "Two plus three is five."


async def test_an_answer_is_interrupted() -> None:
    async with asyncio.timeout(60), caller(agent_for, pace="realtime", hearing=FakeHearing()) as call:
        await call.types("Count from one to a hundred.")
        await call.interrupts(spoken("What is two plus three?"))
        assert (await call.hears()).interrupted
        assert (await call.hears()).said == "Two plus three is five."


class Resumptions(RealtimeObserver):
    """Waits for the conversation to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.resumed = asyncio.Event()

    async def initialize_session(self) -> None: ...

    async def run_loop(self) -> None: ...

    async def on_event(self, event: Any) -> None:
        if isinstance(event, SessionResumed):
            self.resumed.set()


@pytest.mark.parametrize("fault", ["cut", "close:code=1011", "go-away:time_left_s=1"])
async def test_a_call_survives_what_goes_wrong(fault: str) -> None:
    resumptions = Resumptions()

    def agent(llm_config: dict[str, Any]) -> RealtimeAgent:
        agent = agent_for(llm_config)
        agent.register_observer(resumptions)
        return agent

    async with asyncio.timeout(60), caller(agent, **FAKES) as call:
        await call.types("What is two plus three?")
        await call.hears()
        call.fault(fault)
        await resumptions.resumed.wait()
        await call.types("What is two plus four?")
        assert (await call.hears()).said == "Two plus four is six."
    assert call.log.resumed >= 1


async def test_a_call_that_is_awaited_goes_on_until_somebody_hangs_up() -> None:
    async with asyncio.timeout(30):
        call = await caller(agent_for, **FAKES)
        await call.types("What is two plus three?")
        await call.hears()
        await call.hangs_up()
        with pytest.raises(AssertionError, match=r"the call ended before an answer:[^|]*What is two plus three"):
            await call.hears()


async def test_an_agent_with_a_configuration_of_its_own_is_called() -> None:
    async with (
        asyncio.timeout(30),
        LiveServer(pace="instant", warm_up=False, **FAKES) as server,
        caller(agent_for(server.llm_config())) as call,
    ):
        await call.types("What is two plus three?")
        assert (await call.hears()).said == "Two plus three is five."
        with pytest.raises(ConfigError, match="does not know the server"):
            call.fault("cut")


async def test_no_answer_in_time_tells_the_conversation() -> None:
    async with asyncio.timeout(30), caller(agent_for, **FAKES) as call:
        with pytest.raises(AssertionError, match="no answer within"):
            await call.hears(timeout_s=0.05)


async def test_faults_are_called_by_their_names() -> None:
    async with asyncio.timeout(30), caller(agent_for, **FAKES) as call:
        with pytest.raises(ConfigError, match="cut"):
            call.fault("cutt")
        with pytest.raises(ConfigError, match="while a client connects"):
            call.fault("refuse")


async def test_who_makes_no_agent_is_told_so() -> None:
    with pytest.raises(ConfigError, match="the agent is a NoneType"):
        await caller(lambda llm_config: None, **FAKES)  # type: ignore[arg-type, return-value]


async def test_a_server_for_an_agent_that_cannot_be_made_is_left() -> None:
    urls: list[str] = []

    def broken(llm_config: dict[str, Any]) -> RealtimeAgent:
        urls.append(llm_config["config_list"][0]["base_url"])
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await caller(broken, **FAKES)
    host, port = urls[0].removeprefix("ws://").split(":")
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(host, int(port))


async def test_a_call_that_nobody_takes_says_why() -> None:
    agent = agent_for(
        {"config_list": [{"model": "m", "api_key": "k", "api_type": "google", "base_url": "ws://127.0.0.1:9"}]}
    )
    with pytest.raises(HandshakeError):
        await caller(agent)


@pytest.mark.live_server(hearing=FakeHearing(), speaking=FakeSpeaking())
async def test_the_fixture_calls_an_agent(caller: Callable[..., Calling[Any]]) -> None:
    async with asyncio.timeout(30), caller(agent_for) as call:
        await call.types("What is two plus three?")
        assert (await call.hears()).said == "Two plus three is five."
