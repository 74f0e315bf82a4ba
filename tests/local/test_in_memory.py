from __future__ import annotations

import asyncio

import pytest

from gemini_realtime import (
    ConnectionLost,
    GeminiRealtimeClient,
    HandshakeError,
    SessionResumed,
)
from gemini_realtime.local import InMemoryServer
from gemini_realtime.local.speech.spelled import spell
from gemini_realtime.testing import in_virtual_time, next_answer, say


@in_virtual_time
async def test_a_spoken_conversation_is_held_without_a_network() -> None:
    client = GeminiRealtimeClient(llm_config=InMemoryServer().llm_config())
    async with client.connect():
        await say(client, spell("What is two plus three?"))
        answer = await next_answer(client)
    assert (answer.heard, answer.text) == ("What is two plus three?", "Two plus three is five.")


@in_virtual_time
async def test_a_conversation_survives_its_connection() -> None:
    server = InMemoryServer()
    client = GeminiRealtimeClient(llm_config=server.llm_config())
    async with client.connect():
        await client.send_text(role="user", text="What is two plus three?")
        await next_answer(client)
        server.misbehave("cut")
        await client.send_text(role="user", text="What is two plus four?")
        answer = await next_answer(client)
    assert answer.text == "Two plus four is six."
    assert {type(event) for event in answer.events} >= {ConnectionLost, SessionResumed}


@in_virtual_time
async def test_a_service_that_says_goodbye_is_left_in_time() -> None:
    server = InMemoryServer(connection_lifetime_s=60, go_away_before_s=20)
    client = GeminiRealtimeClient(llm_config=server.llm_config())
    async with client.connect():
        await client.send_text(role="user", text="What is two plus three?")
        await next_answer(client)
        await asyncio.sleep(90)
        await client.send_text(role="user", text="What is two plus four?")
        assert (await next_answer(client)).text == "Two plus four is six."


@pytest.mark.parametrize(
    ("fault", "status"), [("reject:status=403", 403), ("refuse", None)], ids=["an HTTP status", "no answer"]
)
def test_a_client_is_turned_away_as_over_a_network(fault: str, status: int | None) -> None:
    @in_virtual_time
    async def refused() -> HandshakeError:
        config = InMemoryServer(faults=[fault]).llm_config(reconnect=False)
        client = GeminiRealtimeClient(llm_config=config)
        with pytest.raises(HandshakeError) as error:
            async with client.connect():
                pass
        return error.value

    assert refused().status == status


@in_virtual_time
async def test_a_close_of_the_service_reaches_the_client_with_code_and_reason() -> None:
    server = InMemoryServer()
    client = GeminiRealtimeClient(llm_config=server.llm_config())
    async with client.connect():
        await client.send_text(role="user", text="What is two plus three?")
        await next_answer(client)
        server.misbehave("close:code=1011,reason=overloaded")
        await client.send_text(role="user", text="What is two plus four?")
        (lost,) = [event for event in (await next_answer(client)).events if isinstance(event, ConnectionLost)]
    assert (lost.code, lost.reason) == (1011, "overloaded")


@in_virtual_time
async def test_a_reader_that_stops_stops_the_service_and_loses_nothing() -> None:
    told = []
    for pause_s in (0, 300):
        client = GeminiRealtimeClient(llm_config=InMemoryServer(pace="instant").llm_config())
        async with client.connect():
            await anext(client.read_events())
            await client.send_text(role="user", text="Tell me a long story.")
            await asyncio.sleep(pause_s)
            told.append(await next_answer(client))
    assert told[0].text == told[1].text
    assert told[0].audio == told[1].audio
