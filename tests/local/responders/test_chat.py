"""The chat responder with a real endpoint on loopback."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest

from gemini_realtime.errors import ConfigError, MissingDependencyError
from gemini_realtime.local.responders.chat import APOLOGY, Chat
from gemini_realtime.local.serve import LiveServer
from gemini_realtime.local.thinking import Call, Request, Say
from tests.local.fakes import FakeHearing, FakeSpeaking
from tests.local.line import WEATHER
from tests.local.responders.endpoint import Answer, Endpoint, Step, call, delta, endpoint, words
from tests.local.test_serve import TEXT, dialled, text_of, transcript

pytest.importorskip("openai", reason="the extra [chat]")

WAIT_S = 20.0


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_MODEL", "OPENAI_BASE_URL", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@asynccontextmanager
async def asked(*answers: Answer) -> AsyncIterator[tuple[Endpoint, Chat]]:
    async with asyncio.timeout(WAIT_S), endpoint(*answers) as served:
        chat = Chat("test-model", base_url=served.url, api_key="sk-sesame")
        try:
            yield served, chat
        finally:
            await chat.close()


async def answer(steps: Sequence[Step], request: Request | None = None, **how: Any) -> list[Say | Call]:
    async with asked(Answer(steps, **how)) as (_, chat):
        return [item async for item in chat.respond(request or Request("hello"))]


# --- words ----------------------------------------------------------------------------------------------------------


async def test_each_sentence_is_given_as_soon_as_it_is_complete() -> None:
    more = asyncio.Event()
    steps: list[Step] = [
        delta(content="It is sun"),
        delta(content="ny. And"),
        more,
        delta(content=" warm"),
        delta("stop"),
    ]
    async with asked(Answer(steps)) as (_, chat), aclosing(chat.respond(Request("weather"))) as reply:
        assert await anext(reply) == Say("It is sunny.")
        more.set()
        assert [item async for item in reply] == [Say("And warm")]


async def test_the_endpoint_is_asked_for_a_stream_of_the_model_with_the_key() -> None:
    async with asked(Answer(words("Hi."))) as (served, chat):
        assert [item async for item in chat.respond(Request("hello", instructions="Be brief."))] == [Say("Hi.")]
    assert served.asked == [
        {
            "model": "test-model",
            "stream": True,
            "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hello"}],
        }
    ]
    assert "authorization: bearer sk-sesame" in served.heads[0]


async def test_a_refusal_is_said_too() -> None:
    assert await answer([delta(refusal="I will not"), delta(refusal=" do that.")]) == [Say("I will not do that.")]


async def test_chunks_without_a_choice_are_passed_over() -> None:
    usage = {**delta(), "choices": []}
    assert await answer([delta(content="Hi."), usage]) == [Say("Hi.")]


async def test_thoughts_in_front_of_an_answer_are_not_said() -> None:
    pieces = ["<thi", "nk>They ask. I", " look.</thi", "nk>\n\nIt is sunny. ", "Very."]
    assert await answer(words(*pieces)) == [Say("It is sunny."), Say("Very.")]
    assert await answer(words("<think>They ask. Hm.")) == []


async def test_an_answer_of_nothing_is_nothing() -> None:
    assert await answer([delta(content="  \n ")]) == []


async def test_one_connection_serves_many_requests() -> None:
    async with asked(Answer(words("One.")), Answer(words("Two."))) as (served, chat):
        for expected in ("One.", "Two."):
            assert [item async for item in chat.respond(Request("count"))] == [Say(expected)]
    assert len(served.asked) == 2


# --- functions ------------------------------------------------------------------------------------------------------


async def test_a_call_is_put_together_from_many_pieces() -> None:
    pieces = ['{"ci', 'ty": "', "Os", 'lo"}']
    steps = [call(0, "", id="a", name="get_weather"), *(call(0, piece) for piece in pieces), delta("tool_calls")]
    assert await answer([delta(content="One moment."), *steps]) == [
        Say("One moment."),
        Call("get_weather", {"city": "Oslo"}),
    ]


async def test_calls_may_arrive_interleaved() -> None:
    steps = [
        call(0, '{"a"', id="a", name="first"),
        call(1, '{"b"', id="b", name="second"),
        call(0, ": 1}"),
        call(1, ": 2}"),
    ]
    assert await answer(steps) == [Call("first", {"a": 1}), Call("second", {"b": 2})]


async def test_whole_calls_with_one_index_are_told_apart_by_their_ids() -> None:
    steps = [call(0, '{"a": 1}', id="a", name="first"), call(0, "{}", id="b", name="second")]
    assert await answer(steps) == [Call("first", {"a": 1}), Call("second")]


async def test_an_id_and_a_name_in_every_piece_do_no_harm() -> None:
    steps = [call(0, '{"a"', id="a", name="first"), call(0, ": 1}", id="a", name="first")]
    assert await answer(steps) == [Call("first", {"a": 1})]


async def test_no_arguments_are_an_empty_object() -> None:
    assert await answer([call(0, "", id="a", name="now")]) == [Call("now")]


@pytest.mark.parametrize("arguments", ['{"city": ', "[1]"])
async def test_arguments_that_are_no_object_are_an_error_of_the_endpoint(arguments: str) -> None:
    assert await answer([call(0, arguments, id="a", name="get_weather")]) == [Say(APOLOGY)]


# --- what goes wrong ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "logged"),
    [
        (401, "HTTP status 401 → check OPENAI_API_KEY"),
        (404, "HTTP status 404 → check the model's name and OPENAI_BASE_URL"),
        (503, "HTTP status 503"),
    ],
)
async def test_an_error_status_is_apologised_for_and_logged_without_secrets(
    status: int, logged: str, caplog: pytest.LogCaptureFixture
) -> None:
    body = '{"error": {"message": "Incorrect API key provided: sk-sesame", "code": "invalid_api_key"}}'
    assert await answer([], status=status, body=body) == [Say(APOLOGY)]
    assert [record.getMessage() for record in caplog.records if record.name.startswith("gemini_realtime")] == [
        f"the chat endpoint failed: {logged}"
    ]
    assert "sesame" not in caplog.text


async def test_what_was_said_before_the_stream_broke_is_said() -> None:
    steps = [delta(content="It is sunny. And it"), delta(content=" will")]
    assert await answer(steps, ends=False) == [Say("It is sunny."), Say(APOLOGY)]


@pytest.mark.parametrize("broken", [b"data: {nonsense\n\n", b'data: {"error": {"message": "overloaded"}}\n\n'])
async def test_an_error_in_the_stream_is_apologised_for(broken: bytes) -> None:
    assert await answer([delta(content="Well. "), broken]) == [Say("Well."), Say(APOLOGY)]


async def test_an_endpoint_that_is_not_there_is_apologised_for(caplog: pytest.LogCaptureFixture) -> None:
    async with endpoint() as gone:
        pass
    chat = Chat("test-model", base_url=gone.url)
    chat._endpoint._client.max_retries = 0
    assert [item async for item in chat.respond(Request("hello"))] == [Say(APOLOGY)]
    assert "the chat endpoint failed: it cannot be reached" in caplog.text
    await chat.close()


async def test_an_interruption_ends_the_request_to_the_endpoint() -> None:
    never = asyncio.Event()
    async with asked(Answer([delta(content="Once. Upon"), never])) as (served, chat):
        async with aclosing(chat.respond(Request("a story"))) as reply:
            assert await anext(reply) == Say("Once.")
        await served.left.wait()


async def test_cancellation_while_the_endpoint_is_silent_ends_the_request_too() -> None:
    never = asyncio.Event()
    async with asked(Answer([never])) as (served, chat):
        thinking = asyncio.ensure_future(anext(chat.respond(Request("a story"))))
        await served.waits.wait()
        thinking.cancel()
        await served.left.wait()


# --- in the server --------------------------------------------------------------------------------------------------


async def test_a_client_talks_to_the_endpoint_through_the_server() -> None:
    steps = [call(0, '{"city": "Oslo"}', id="a", name="get_weather"), delta("tool_calls")]
    async with asked(Answer(steps), Answer(words("It is ", "foggy. Take", " a coat."))) as (served, chat):
        server = LiveServer(responder=chat, hearing=FakeHearing(), speaking=FakeSpeaking(), pace="instant")
        async with server, dialled(server, outputAudioTranscription={}, tools=[WEATHER]) as client:
            client.types("weather in Oslo")
            ((asked_call,),) = [f["toolCall"]["functionCalls"] for f in await client.until("toolCall")]
            assert (asked_call["name"], asked_call["args"]) == ("get_weather", {"city": "Oslo"})
            response = {"id": asked_call["id"], "response": {"output": "foggy"}}
            client.send({"toolResponse": {"functionResponses": [response]}})
            assert transcript(await client.until("turnComplete")) == "It is foggy. Take a coat."
    assert [tool["function"]["name"] for tool in served.asked[0]["tools"]] == ["get_weather"]
    assert [message["role"] for message in served.asked[1]["messages"]] == ["user", "assistant", "tool"]
    assert served.asked[1]["messages"][2]["content"] == '{"output":"foggy"}'


async def test_speaking_up_stops_the_endpoint() -> None:
    never = asyncio.Event()
    async with asked(Answer([delta(content="Once. Upon"), never]), Answer(words("Fine."))) as (served, chat):
        server = LiveServer(responder=chat, hearing=FakeHearing(), speaking=FakeSpeaking(), pace="instant")
        async with server, dialled(server, **TEXT) as client:
            client.types("a story")
            await client.until("modelTurn")
            client.types("stop")
            await client.until("interrupted")
            await served.left.wait()
            assert text_of(await client.until("turnComplete")) == ""
            assert text_of(await client.until("turnComplete")) == "Fine."


# --- making one -----------------------------------------------------------------------------------------------------


def test_model_endpoint_and_key_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_MODEL", "m")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-environment")
    chat = Chat()
    assert (str(chat._endpoint._client.base_url), chat._endpoint._client.api_key) == (
        "http://127.0.0.1:9/v1/",
        "sk-environment",
    )
    assert str(Chat("other", base_url="http://127.0.0.1:8/v1")._endpoint._client.base_url) == "http://127.0.0.1:8/v1/"


def test_without_a_model_it_is_not_made() -> None:
    with pytest.raises(ConfigError, match="OPENAI_MODEL"):
        Chat(api_key="sk-x")


def test_without_endpoint_and_key_it_is_not_made() -> None:
    with pytest.raises(ConfigError, match="OPENAI_API_KEY"):
        Chat("m")


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(MissingDependencyError, match=r"gemini-realtime\[chat\]"):
        Chat("m", api_key="sk-x")
