"""A chat endpoint on loopback that is asked for whole answers."""

from __future__ import annotations

import asyncio

import pytest

from gemini_realtime.errors import ConfigError
from gemini_realtime.local.responders.chat_endpoint import ChatEndpoint
from tests.local.responders.endpoint import Answer, Endpoint, endpoint

pytest.importorskip("openai", reason="the extra [chat]")

HELLO = [{"role": "user", "content": "Hello."}]


async def answered(*answers: Answer) -> tuple[str, Endpoint]:
    async with asyncio.timeout(20), endpoint(*answers) as served:
        asked = ChatEndpoint("test-model", base_url=served.url, api_key="sk-sesame")
        try:
            return await asked.answer(HELLO, seed=3), served
        finally:
            await asked.close()


async def test_an_answer_is_given_whole_and_the_wishes_are_sent() -> None:
    text, served = await answered(Answer(whole=" Good evening. \n"))
    assert text == "Good evening."
    assert served.asked == [{"model": "test-model", "messages": HELLO, "seed": 3}]


async def test_thoughts_in_front_of_an_answer_are_left_out() -> None:
    text, _ = await answered(Answer(whole="<think>They greet me.\nI greet.</think>\n\nGood evening."))
    assert text == "Good evening."


async def test_an_endpoint_that_refuses_a_wish_is_asked_without() -> None:
    text, served = await answered(Answer(status=400, body="{}"), Answer(whole="Hello."))
    assert (text, served.asked[1]) == ("Hello.", {"model": "test-model", "messages": HELLO})


def test_an_address_without_a_scheme_is_refused_and_not_repeated() -> None:
    with pytest.raises(ConfigError, match="http://") as error:
        ChatEndpoint("m", base_url="user:sesame@localhost/v1")
    assert "sesame" not in str(error.value)
