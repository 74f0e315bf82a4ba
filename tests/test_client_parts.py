"""Turns and results of several parts, as a client sends them."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gemini_realtime import ConfigError, FunctionCall, GeminiRealtimeClient, Media, SessionResumed, UnsupportedByModel
from gemini_realtime.testing import ScriptedService, in_virtual_time, messages

PNG = b"\x89PNG\r\n\x1a\n" + bytes(8)
BLOB = {"mimeType": "image/png", "data": base64.b64encode(PNG).decode()}


@asynccontextmanager
async def conversation(service: ScriptedService, **entry: Any) -> AsyncIterator[GeminiRealtimeClient]:
    """A client whose session is set up."""
    client = service.client(**entry)
    async with client.connect():
        await anext(client.read_events())
        yield client


async def until(client: GeminiRealtimeClient, kind: type[Any]) -> Any:
    """The next event of a kind."""
    async for event in client.read_events():
        if isinstance(event, kind):
            return event
    raise AssertionError(f"no {kind.__name__} came")


@pytest.mark.parametrize("model", ["gemini-3.8-live", "gemini-3.1-flash-live-preview", "gemini-2.5-flash-native-audio"])
@in_virtual_time
async def test_a_question_and_its_picture_travel_in_one_turn(model: str) -> None:
    service = ScriptedService()
    async with conversation(service, model=model) as client:
        await client.send_turn(["What is this?", PNG])
        content = await service.receive("clientContent")
    parts = [{"text": "What is this?"}, {"inlineData": BLOB}]
    assert content == {"turns": [{"role": "user", "parts": parts}], "turnComplete": True}


@in_virtual_time
async def test_a_turn_may_add_to_the_history_only() -> None:
    service = ScriptedService()
    async with conversation(service) as client:
        sound = Media(bytes(320), "audio/pcm;rate=16000")
        await client.send_turn([sound], turn_complete=False)
        await client.send_turn("I see.", role="assistant", turn_complete=False)
        first, second = await service.receive("clientContent"), await service.receive("clientContent")
    assert first["turns"][0]["parts"][0]["inlineData"]["mimeType"] == "audio/pcm;rate=16000"
    assert second == {"turns": [{"role": "model", "parts": [{"text": "I see."}]}]}


@in_virtual_time
async def test_a_turn_that_cannot_be_sent_leaves_the_conversation_as_it_was() -> None:
    service = ScriptedService()
    async with conversation(service) as client:
        with pytest.raises(ConfigError, match="application/pdf"):
            await client.send_turn(["Read this.", Media(b"%PDF", "application/pdf")])
        with pytest.raises(ConfigError, match="role"):
            await client.send_turn(["hi"], role="nobody")  # type: ignore[arg-type]
        await client.send_text(role="user", text="hello")
        assert (await service.receive("clientContent"))["turns"][0]["parts"] == [{"text": "hello"}]


@in_virtual_time
async def test_a_model_that_only_listens_takes_no_turn() -> None:
    async with conversation(ScriptedService(), model="gemini-3.5-transcribe-live") as client:
        with pytest.raises(UnsupportedByModel, match="takes no text"):
            await client.send_turn(["hi", PNG])


@in_virtual_time
async def test_a_turn_that_was_lost_with_its_connection_is_resent_whole() -> None:
    service = ScriptedService()
    async with conversation(service) as client:
        service.say(messages.resumption_handle("h"))
        await client.send_turn(["What is this?", PNG])
        sent = await service.receive("clientContent")
        service.end(1006)
        resumed = await until(client, SessionResumed)
        assert await service.receive("clientContent") == sent
        assert [item.text for item in resumed.items] == ["What is this?\n[image/png]"]


@in_virtual_time
async def test_a_result_holds_pictures() -> None:
    service = ScriptedService()
    async with conversation(service) as client:
        service.say(messages.tool_call("photograph", call_id="1"))
        call = await until(client, FunctionCall)
        await client.send_function_result(call.call_id, {"taken": True}, parts=[PNG])
        (result,) = (await service.receive("toolResponse"))["functionResponses"]
    assert result == {"id": "1", "name": "photograph", "response": {"taken": True}, "parts": [{"inlineData": BLOB}]}


@in_virtual_time
async def test_a_result_with_parts_that_close_the_connection_keeps_its_call_open() -> None:
    service = ScriptedService()
    async with conversation(service) as client:
        service.say(messages.tool_call("read", call_id="1"))
        call = await until(client, FunctionCall)
        with pytest.raises(ConfigError, match="application/pdf"):
            await client.send_function_result(call.call_id, "here", parts=[Media(b"%PDF", "application/pdf")])
        await client.send_function_result(call.call_id, "in words")
        (result,) = (await service.receive("toolResponse"))["functionResponses"]
    assert result == {"id": "1", "name": "read", "response": {"output": "in words"}}


@pytest.mark.parametrize("model", ["gemini-3.8-live", "gemini-3.1-flash-live-preview", "gemini-2.5-flash-native-audio"])
@in_virtual_time
async def test_a_typed_question_takes_the_image_just_shown_along_once(model: str) -> None:
    service = ScriptedService()
    async with conversation(service, model=model) as client:
        await client.send_video(b"\xff\xd8 earlier")
        await client.send_video(PNG, mime_type="image/png")
        await client.send_text(role="assistant", text="I see.", turn_complete=False)
        await client.send_text(role="user", text="What is this?")
        await client.send_text(role="user", text="And now?")
        _, asked = await service.receive("clientContent"), await service.receive("clientContent")
        await asyncio.sleep(1)
    assert asked["turns"][0]["parts"] == [{"inlineData": BLOB}, {"text": "What is this?"}]
    assert "inlineData" not in str(service.received[-1])


@in_virtual_time
async def test_a_typed_question_long_after_an_image_is_not_about_it() -> None:
    service = ScriptedService()
    async with conversation(service) as client:
        await client.send_video(PNG, mime_type="image/png")
        await asyncio.sleep(11)
        await client.send_text(role="user", text="hello")
        assert (await service.receive("clientContent"))["turns"][0]["parts"] == [{"text": "hello"}]
