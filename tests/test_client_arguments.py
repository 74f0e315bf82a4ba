"""What an application passes by mistake: refused in words of ours, before anything is noted, and nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest

from gemini_realtime import ConfigError, GeminiRealtimeClient, GeminiRealtimeError, RealtimeEvent, SessionCreated
from gemini_realtime.testing import ScriptedService, in_virtual_time
from tests.wrong import WRONG

MODELS = ("gemini-2.5-flash-native-audio", "gemini-3.1-flash-live", "gemini-3.8-live")

Verb = Callable[[GeminiRealtimeClient, Any], Awaitable[None]]
VERBS: dict[str, Verb] = {
    "text": lambda client, given: client.send_text(role="user", text=given),
    "role of a text": lambda client, given: client.send_text(role=given, text="hi"),
    "turn_complete": lambda client, given: client.send_text(role="user", text="hi", turn_complete=given),
    "parts": lambda client, given: client.send_turn(given),
    "one of the parts": lambda client, given: client.send_turn(["hi", given]),
    "text of a part": lambda client, given: client.send_turn({"text": given}),
    "data of a part": lambda client, given: client.send_turn({"inline_data": {"data": given}}),
    "type of a part": lambda client, given: client.send_turn({"inline_data": {"data": b"x", "mime_type": given}}),
    "role of a turn": lambda client, given: client.send_turn("hi", role=given),
    "audio": lambda client, given: client.send_audio(given),
    "rate_hz": lambda client, given: client.send_audio(bytes(2), rate_hz=given),
    "echo": lambda client, given: client.queue_input_audio_buffer_delta(given),
    "audio_end_ms": lambda client, given: client.truncate_audio(given, 0, "item"),
    "image": lambda client, given: client.send_video(given),
    "mime_type": lambda client, given: client.send_video(b"x", mime_type=given),
    "call_id": lambda client, given: client.send_function_result(given, "fog"),
    "result": lambda client, given: client.send_function_result("c1", given),
    "scheduling": lambda client, given: client.send_function_result("c1", "fog", scheduling=given),
    "will_continue": lambda client, given: client.send_function_result("c1", "fog", will_continue=given),
    "parts of a result": lambda client, given: client.send_function_result("c1", "fog", parts=given),
    "instructions": lambda client, given: client.send_context_update(instructions=given),
    "tools": lambda client, given: client.send_context_update(tools=given),
    "options": lambda client, given: client.session_update(given),
    "history": lambda client, given: client.session_update({"history": given}),
    "turn": lambda client, given: client.session_update({"history": [given]}),
    "role": lambda client, given: client.session_update({"history": [(given, "hi")]}),
    "call": lambda client, given: client.session_update({"history": [("model", [{"function_call": given}])]}),
    "arguments": lambda client, given: client.session_update(
        {"history": [("model", [{"function_call": {"name": "f", "args": given}}])]}
    ),
}


async def read_until(client: GeminiRealtimeClient, kind: type[RealtimeEvent]) -> None:
    async for event in client.read_events():
        if isinstance(event, kind):
            return


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("verb", VERBS)
@in_virtual_time
async def test_a_wrong_argument_is_refused_before_anything_is_noted(verb: str, model: str) -> None:
    for given in WRONG:
        service = ScriptedService()
        client = service.client(model=model)
        async with client.connect():
            await read_until(client, SessionCreated)
            service.say({"toolCall": {"functionCalls": [{"id": "c1", "name": "f"}]}})
            sent = len(service.received)
            try:
                await VERBS[verb](client, given)
            except GeminiRealtimeError:
                await asyncio.sleep(0.1)
                assert len(service.received) == sent
                assert not client._session.waits
            with suppress(GeminiRealtimeError):  # it would be refused on Vertex AI only
                await client.send_context_update(instructions="Be brief.")
            await client.send_function_result("c1", "fog")
            await client.send_text(role="user", text="And now?")
            await asyncio.sleep(1.0)
            assert "And now?" in str(service.received[sent:])


MANUAL: dict[str, Any] = {"turn_detection": None}
DETECTED: dict[str, Any] = {"temperature": 0.5}


@pytest.mark.parametrize(
    ("mark", "travels_as", "allowed", "forbidden"),
    [
        ("activity_start", "activityStart", MANUAL, DETECTED),
        ("activity_end", "activityEnd", MANUAL, DETECTED),
        ("audio_stream_end", "audioStreamEnd", DETECTED, MANUAL),
    ],
)
@in_virtual_time
async def test_a_mark_that_the_options_forbid_is_refused_before_connecting_too(
    mark: str, travels_as: str, allowed: dict[str, Any], forbidden: dict[str, Any]
) -> None:
    service = ScriptedService()
    client = service.client()
    await client.session_update(forbidden)
    with pytest.raises(ConfigError, match="automatic detection"):
        await getattr(client, mark)()
    client = service.client()
    await client.session_update(allowed)
    await getattr(client, mark)()
    async with client.connect():
        await read_until(client, SessionCreated)
        await asyncio.sleep(0.1)
    assert [[*said["realtimeInput"]] for said in service.received if "realtimeInput" in said] == [[travels_as]]
