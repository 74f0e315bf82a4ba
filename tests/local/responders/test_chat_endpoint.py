"""A chat endpoint on loopback that is asked for whole answers."""

from __future__ import annotations

import asyncio
import json

import pytest

from gemini_realtime.errors import ConfigError
from gemini_realtime.local.responders.chat_endpoint import ChatEndpoint, NoAnswer
from tests.local.responders.endpoint import Answer, Endpoint, completion, delta, endpoint, words

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


async def test_an_endpoint_that_only_streams_is_asked_for_a_stream() -> None:
    refused = [Answer(status=400, body="{}")] * 2
    text, served = await answered(*refused, Answer(words("<think>Hm.</think>", "Good ", "evening.")))
    assert (text, served.asked[2]["stream"]) == ("Good evening.", True)


async def test_a_stream_that_nobody_asked_for_is_asked_for() -> None:
    text, _ = await answered(Answer([delta(content="Good")]), Answer(words("Good evening.")))
    assert text == "Good evening."


async def test_an_endpoint_at_its_limit_is_asked_again_when_it_says() -> None:
    busy = [Answer(status=status, body="{}", head="retry-after-ms: 1") for status in (429, 503, 529, 429)]
    text, served = await answered(*busy, Answer(whole="Hello."))
    assert (text, len(served.asked)) == ("Hello.", 5)


@pytest.mark.parametrize("thoughts", ["They greet me.</think>", "<think>One.</think><think>Two.</think>"])
async def test_thoughts_are_left_out_however_they_are_marked(thoughts: str) -> None:
    text, _ = await answered(Answer(whole=f"{thoughts}\nGood evening."))
    assert text == "Good evening."


async def test_an_answer_in_parts_is_its_text() -> None:
    parts = [{"type": "thinking", "thinking": "They greet me."}, {"type": "text", "text": "Good evening."}]
    text, _ = await answered(Answer(body=completion(parts)))
    assert text == "Good evening."


FUNCTION = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (completion(""), "answers nothing"),
        (completion(None), "answers nothing"),
        (completion(None, reasoning_content="They greet me."), "answers nothing"),
        (completion("Good", "length"), "limit of tokens"),
        (completion("<think>They greet"), "thinks, and does not answer"),
        (completion("", "content_filter"), "filter"),
        (completion(None, refusal="I will not."), "refuses"),
        (completion(None, "tool_calls", tool_calls=[FUNCTION]), "calls a function"),
        (json.dumps({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": []}), "is empty"),
    ],
)
async def test_what_is_no_answer_says_how(body: str, problem: str) -> None:
    with pytest.raises(NoAnswer, match=problem):
        await answered(Answer(body=body))


def test_an_address_without_a_scheme_is_refused_and_not_repeated() -> None:
    with pytest.raises(ConfigError, match="http://") as error:
        ChatEndpoint("m", base_url="user:sesame@localhost/v1")
    assert "sesame" not in str(error.value)
