from __future__ import annotations

import asyncio
import base64

import pytest

from gemini_realtime import GeminiRealtimeClient, LiveServer
from gemini_realtime.testing import (
    ScriptedService,
    in_virtual_time,
    messages,
    next_answer,
    say,
    speech_from_text,
)


@in_virtual_time
async def test_speech_is_sent_in_pieces_of_20_ms_as_it_is_spoken_and_silence_follows() -> None:
    service = ScriptedService()
    client = service.client()
    async with client.connect():
        reading = asyncio.create_task(next_answer(client))
        began = asyncio.get_running_loop().time()
        await say(client, b"\x01\x00" * 8000, silence_ms=500)
        assert asyncio.get_running_loop().time() - began == pytest.approx(1.0)
        service.answer("Yes?")
        await reading
    audio = [base64.b64decode(m["realtimeInput"]["audio"]["data"]) for m in service.received if "realtimeInput" in m]
    assert {len(piece) for piece in audio} == {640}
    assert b"".join(audio) == b"\x01\x00" * 8000 + bytes(16_000)


@in_virtual_time
async def test_an_answer_ends_with_its_turn_and_tells_what_was_heard() -> None:
    service = ScriptedService()
    client = service.client()
    async with client.connect():
        reading = asyncio.create_task(next_answer(client))
        await service.receive("setup")
        for message in (messages.input_transcript("Good "), messages.input_transcript("morning.")):
            service.say(message)
        service.answer("Good morning to you.")
        answer = await reading
    assert (answer.heard, answer.text, answer.calls) == ("Good morning.", "Good morning to you.", [])


@in_virtual_time
async def test_an_interrupted_answer_says_so() -> None:
    service = ScriptedService()
    client = service.client()
    async with client.connect():
        reading = asyncio.create_task(next_answer(client))
        await service.receive("setup")
        service.say(messages.output_transcript("Once upon a"))
        service.say(messages.interrupted())
        service.say(messages.turn_complete())
        answer = await reading
    assert (answer.text, answer.interrupted) == ("Once upon a", True)


@in_virtual_time
async def test_calls_that_come_together_are_in_one_answer_and_their_empty_turn_is_passed_over() -> None:
    service = ScriptedService()
    client = service.client()
    both = messages.tool_call("get_time", call_id="1")["toolCall"]["functionCalls"]
    both += messages.tool_call("get_date", call_id="2")["toolCall"]["functionCalls"]
    async with client.connect():
        reading = asyncio.create_task(next_answer(client))
        await service.receive("setup")
        service.say({"toolCall": {"functionCalls": both}})
        assert [call.name for call in (await reading).calls] == ["get_time", "get_date"]
        service.say(messages.turn_complete())
        service.answer("Nine o'clock on Sunday.")
        assert (await next_answer(client)).text == "Nine o'clock on Sunday."


@in_virtual_time
async def test_no_answer_is_an_error_that_says_what_came_instead() -> None:
    service = ScriptedService()
    client = service.client()
    async with client.connect():
        with pytest.raises(AssertionError, match=r"no whole answer within 5 s; there came 1 SessionCreated"):
            await next_answer(client, timeout_s=5)


@in_virtual_time
async def test_a_conversation_that_ends_without_an_answer_is_an_error() -> None:
    service = ScriptedService()
    client = service.client(reconnect="off")
    async with client.connect():
        reading = asyncio.create_task(next_answer(client))
        await service.receive("setup")
        service.say(messages.output_transcript("I"))
        service.end(1000)
        with pytest.raises(AssertionError, match=r"ended before an answer did; there came .*1 OutputTranscript"):
            await reading


def test_speech_from_text_is_sound_at_the_rate_asked_for() -> None:
    pytest.importorskip("espeakng_loader", reason="speech needs the extra [local]")
    at_16_khz, at_8_khz = speech_from_text("Good morning."), speech_from_text("Good morning.", rate_hz=8000)
    assert len(at_16_khz) == pytest.approx(2 * len(at_8_khz), rel=0.01)
    assert 0.5 < len(at_16_khz) / 32_000 < 2


async def test_what_is_said_is_heard_and_answered_by_the_embedded_server() -> None:
    pytest.importorskip("pocketsphinx", reason="hearing needs the extra [local]")
    async with LiveServer(pace="instant") as server:
        client = GeminiRealtimeClient(llm_config=server.llm_config())
        async with client.connect():
            reading = asyncio.create_task(next_answer(client))
            await say(client, "What is two plus three?", realtime=False)
            answer = await reading
    assert answer.text == "Two plus three is five."
    assert "two plus three" in answer.heard.lower()
