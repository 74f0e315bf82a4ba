"""The scripted service, with the client that it is made for."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gemini_realtime import (
    ConfigError,
    ConnectionLost,
    GeminiRealtimeError,
    SessionCreated,
    SessionResumed,
)
from gemini_realtime.testing import (
    Cut,
    ScriptedService,
    in_virtual_time,
    messages,
    next_answer,
)


@in_virtual_time
async def test_without_a_script_setups_are_confirmed_and_the_test_does_the_rest() -> None:
    service = ScriptedService()
    client = service.client(voice="kore")
    async with client.connect():
        reading = asyncio.create_task(next_answer(client))
        await client.send_text(role="user", text="What time is it?")
        setup = await service.receive("setup")
        assert setup["model"] == "models/gemini-3.8-live"
        question = await service.receive("clientContent")
        assert question["turns"][0]["parts"] == [{"text": "What time is it?"}]
        service.answer("It is nine.")
        answer = await reading
    assert (answer.text, answer.interrupted) == ("It is nine.", False)
    assert len(answer.audio) == 48 * messages.MS_PER_CHARACTER * len("It is nine.")


async def tells_the_time(service: ScriptedService) -> None:
    await service.receive("setup")
    service.say(messages.setup_complete())
    await service.receive("clientContent")
    service.say(messages.tool_call("get_time", {"city": "Paris"}))
    response = await service.receive("toolResponse")
    assert response["functionResponses"][0]["response"] == {"output": "nine"}
    service.answer("It is nine.")


@in_virtual_time
async def test_a_script_plays_a_conversation_message_by_message() -> None:
    service = ScriptedService(tells_the_time)
    client = service.client()
    async with client.connect():
        await client.send_text(role="user", text="What time is it in Paris?")
        (call,) = (await next_answer(client)).calls
        assert (call.name, call.arguments) == ("get_time", {"city": "Paris"})
        await client.send_function_result(call.call_id, "nine")
        assert (await next_answer(client)).text == "It is nine."
    assert [next(iter(message)) for message in service.received] == ["setup", "clientContent", "toolResponse"]


@in_virtual_time
async def test_a_script_that_fails_ends_the_conversation_with_its_own_error() -> None:
    service = ScriptedService(tells_the_time)
    client = service.client()
    async with client.connect():
        await client.send_text(role="user", text="What time is it in Paris?")
        (call,) = (await next_answer(client)).calls
        await client.send_function_result(call.call_id, "ten")
        with pytest.raises(GeminiRealtimeError, match="the script failed: AssertionError") as caught:
            await next_answer(client)
    assert isinstance(caught.value.__cause__, AssertionError)


@in_virtual_time
async def test_a_script_that_was_played_to_its_end_passes() -> None:
    service = ScriptedService(tells_the_time)
    with pytest.raises(AssertionError, match="nobody connected"):
        await service.finished()
    client = service.client()
    async with client.connect():
        await client.send_text(role="user", text="What time is it in Paris?")
        (call,) = (await next_answer(client)).calls
        await client.send_function_result(call.call_id, "nine")
    await service.finished()  # though the client left at once


@in_virtual_time
async def test_a_client_that_leaves_before_the_end_of_the_script_is_found_out() -> None:
    service = ScriptedService(tells_the_time)
    client = service.client()
    async with client.connect():
        await client.send_text(role="user", text="What time is it in Paris?")
        await next_answer(client)
    with pytest.raises(AssertionError, match="still waited for toolResponse; the client sent 1 setup, 1 clientContent"):
        await service.finished()


@in_virtual_time
async def test_a_script_that_failed_was_not_played() -> None:
    async def fails(service: ScriptedService) -> None:
        setup = await service.receive("setup")
        assert setup["model"] == "models/another"

    service = ScriptedService(fails)
    client = service.client()
    async with client.connect():
        with pytest.raises(GeminiRealtimeError):
            await next_answer(client)
    with pytest.raises(AssertionError, match="the script failed"):
        await service.finished()


@in_virtual_time
async def test_what_does_not_come_is_an_error_that_says_what_came() -> None:
    service = ScriptedService()
    client = service.client()
    async with client.connect():
        reading = asyncio.create_task(next_answer(client))
        await client.send_audio(bytes(640))
        with pytest.raises(AssertionError, match=r"no toolResponse within 5 s; it sent 1 setup, 1 realt"):
            await service.receive("toolResponse", timeout_s=5)
        service.answer("Hello.")
        await reading


@in_virtual_time
async def test_a_part_of_a_message_can_be_waited_for() -> None:
    service = ScriptedService()
    client = service.client()
    async with client.connect():
        reading = asyncio.create_task(next_answer(client))
        await client.send_audio(bytes(640))
        await client.audio_stream_end()
        assert await service.receive("realtimeInput.audioStreamEnd") is True
        service.answer("Hello.")
        await reading


async def test_a_kind_that_clients_do_not_send_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"no 'clientContents' → wait for one of setup, clientContent, "):
        await ScriptedService().receive("clientContents")


async def resumes(service: ScriptedService) -> None:
    setup = await service.receive("setup")
    service.say(messages.setup_complete())
    if service.connections == 1:
        service.say(messages.resumption_handle("h1"))
        service.end(1006)
    else:
        assert setup["sessionResumption"]["handle"] == "h1"
        service.answer("There you are again.")


@in_virtual_time
async def test_the_script_plays_every_connection_anew() -> None:
    service = ScriptedService(resumes)
    client = service.client()
    async with client.connect():
        answer = await next_answer(client)
    assert answer.text == "There you are again."
    assert {ConnectionLost, SessionResumed} < {type(event) for event in answer.events}


@in_virtual_time
async def test_the_network_of_a_client_can_be_a_bad_one() -> None:
    service = ScriptedService(resumes)
    client = service.client(faults=[Cut(after_frames=2, connection=1)])
    async with client.connect():
        assert (await next_answer(client)).text == "There you are again."
    assert service.connections == 2


@pytest.mark.parametrize(
    ("message", "event", "attributes"),
    [
        (messages.text("Hi."), "TextDelta", {"text": "Hi."}),
        (messages.thought("Hm."), "ThoughtDelta", {"text": "Hm."}),
        (messages.audio(b"\x01\x00", rate_hz=16000), "AudioDelta", {"audio": b"\x01\x00", "rate_hz": 16000}),
        (messages.output_transcript("Hi."), "OutputTranscript", {"text": "Hi."}),
        (messages.input_transcript("Hi."), "InputTranscript", {"text": "Hi."}),
        (messages.tool_call("f", {"a": 1}), "FunctionCall", {"name": "f", "arguments": {"a": 1}, "call_id": "call-1"}),
        (messages.interrupted(), "Interrupted", {}),
        (messages.generation_complete(), "GenerationComplete", {}),
        (messages.turn_complete("OTHER"), "TurnComplete", {"reason": "OTHER"}),
        (messages.go_away(5), "GoAway", {"time_left_ms": 5000}),
        (messages.resumption_handle("h"), "RealtimeEvent", {}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@in_virtual_time
async def test_every_message_is_the_event_that_it_means(
    message: messages.Json, event: str, attributes: dict[str, Any]
) -> None:
    service = ScriptedService()
    client = service.client()
    async with client.connect():
        events = client.read_events()
        assert isinstance(await anext(events), SessionCreated)
        service.say(message)
        happened = await anext(events)
        await events.aclose()
    assert type(happened).__name__ == event
    assert {name: getattr(happened, name) for name in attributes} == attributes


@in_virtual_time
async def test_calls_are_cancelled_by_their_ids() -> None:
    service = ScriptedService()
    client = service.client()
    async with client.connect():
        events = client.read_events()
        await anext(events)
        service.say(messages.tool_call("f", call_id="a"))
        service.say(messages.tool_call_cancellation("a"))
        assert [type(await anext(events)).__name__ for _ in range(2)] == ["FunctionCall", "FunctionCallCancelled"]
        await events.aclose()
