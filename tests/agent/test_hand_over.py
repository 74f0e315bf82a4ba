"""One agent hands the conversation over to another."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gemini_realtime import ConfigError, LiveServer, RealtimeAgent, SessionUpdated
from gemini_realtime.testing import caller, in_virtual_time
from tests.agent.test_functions import Scene, call
from tests.local.fakes import FakeHearing, FakeSpeaking


def billing_agent(llm_config: dict[str, Any]) -> RealtimeAgent:
    entry = {**llm_config["config_list"][0], "voice": "Puck"}
    agent = RealtimeAgent(name="billing", system_message="You are billing.", llm_config={"config_list": [entry]})

    @agent.register_realtime_function()
    async def get_balance(customer: str) -> str:
        """Get the balance of a customer."""
        return f"{customer} owes five euros"

    return agent


def front_desk(llm_config: dict[str, Any], **options: Any) -> RealtimeAgent:
    agent = RealtimeAgent(name="front", system_message="You are the front desk.", llm_config=llm_config)
    billing = billing_agent(llm_config)

    @agent.register_realtime_function()
    async def connect_to_billing() -> str:
        """Connect to billing."""
        opening = "What is two plus three?"
        await agent.hand_over(billing, summary="The caller asks for a balance.", opening=opening, **options)
        return "billing is on the line"

    return agent


async def test_the_other_agent_goes_on_with_its_functions_and_the_same_log() -> None:
    async with asyncio.timeout(60), caller(front_desk, hearing=FakeHearing(), speaking=FakeSpeaking()) as talk:
        await talk.types("Connect to billing.")
        assert (await talk.hears()).agent == "front"
        opened = await talk.hears()
        assert (opened.said, opened.agent) == ("Two plus three is five.", "billing")
        await talk.types("Get the balance of customer Miller.")
        answer = await talk.hears()
        assert "owes five euros" in answer.said
        assert answer.agent == "billing"
        assert talk.agent.active.name == "billing"
    assert [use.name for use in talk.tools] == ["connect_to_billing", "get_balance"]
    assert talk.agent.active is talk.agent


async def test_without_its_history_the_other_agent_knows_the_summary_alone() -> None:
    async with (
        asyncio.timeout(60),
        LiveServer(pace="instant", hearing=FakeHearing(), speaking=FakeSpeaking()) as server,
        caller(lambda llm_config: front_desk(llm_config, keep_history=False), server=server) as talk,
    ):
        await talk.types("My name is Ada.")
        await talk.hears()
        await talk.types("Connect to billing.")
        await talk.hears()
        opened = await talk.hears()
        assert (opened.said, opened.agent) == ("Two plus three is five.", "billing")
        await talk.types("What is my name?")
        assert "Ada" not in (await talk.hears()).said
        _, second = server.sessions
    assert "handle" not in second.setup["sessionResumption"]
    assert "The caller asks for a balance." in second.setup["systemInstruction"]["parts"][0]["text"]
    told = str([message for message in second.received if "realtimeInput" in message or "clientContent" in message])
    assert "Ada" not in told
    assert "Connect" not in told


async def test_a_client_without_new_sessions_hands_over_with_the_history_only() -> None:
    scene, config = Scene(), {"config_list": [{"model": "gemini-3.8-live", "api_key": "k", "api_type": "google"}]}
    async with scene:
        await scene.happens()
        with pytest.raises(ConfigError, match="opens no new sessions"):
            await scene.agent.hand_over(billing_agent(config), keep_history=False)


@in_virtual_time
async def test_instructions_functions_and_voice_change_and_come_back() -> None:
    scene, config = Scene(), {"config_list": [{"model": "gemini-3.8-live", "api_key": "k", "api_type": "google"}]}
    billing = billing_agent(config)

    @scene.tool()
    async def pay() -> str:
        await scene.agent.hand_over(billing, summary="They pay cash.", opening="Greet them.")
        return "done"

    async with scene:
        await scene.happens(call())
        options = scene.client.options
        assert options["instructions"] == "You are billing.\n\nWhat happened before you came: They pay cash."
        assert [tool["name"] for tool in options["tools"]] == ["get_balance"]
        assert options["voice"] == "Puck"
        assert scene.client.texts == []
        await scene.happens(SessionUpdated(), SessionUpdated())
        assert scene.client.texts == ["Greet them."]
        await scene.agent.hand_over(scene.agent)
        assert options["instructions"] == "You are a helpful AI Assistant."
        assert [tool["name"] for tool in options["tools"]] == ["pay"]
        assert options["voice"] is None


@in_virtual_time
async def test_functions_of_the_agent_before_run_until_the_change_is_in_force() -> None:
    scene, config = Scene(), {"config_list": [{"model": "gemini-3.8-live", "api_key": "k", "api_type": "google"}]}

    @scene.tool()
    async def pay() -> int:
        return 1

    async with scene:
        await scene.happens()
        await scene.agent.hand_over(billing_agent(config))
        assert await scene.happens(call("1")) == [("1", {"output": 1})]
        _, (_, result) = await scene.happens(SessionUpdated(), call("2"))
    assert result["error"] == "there is no function 'pay'; there are: get_balance"


@in_virtual_time
async def test_only_an_agent_that_runs_hands_over() -> None:
    scene = Scene()
    with pytest.raises(ConfigError, match="does not run"):
        await scene.agent.hand_over(scene.agent)
    with pytest.raises(ConfigError, match="`to` is a str → pass a RealtimeAgent"):
        await scene.agent.hand_over("billing")  # type: ignore[arg-type]
