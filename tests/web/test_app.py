from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from gemini_realtime import LiveServer
from gemini_realtime.recordings import ConversationRecording, RecordingOptions
from gemini_realtime.web.conversation import Limits
from tests.loop import until
from tests.web.pages import SECRET, Pages

websockets = pytest.importorskip("websockets", reason="the page's side")


async def ask(port: int, path: str, method: str = "GET", **headers: str) -> http.client.HTTPResponse:
    """What the server answers; `Host` and `Origin` are the page's own unless given."""

    def answer() -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request(method, path, headers={"Host": f"127.0.0.1:{port}", **headers})
        response = connection.getresponse()
        response.body = response.read()  # type: ignore[attr-defined]
        connection.close()
        return response

    return await asyncio.to_thread(answer)


NOWHERE: dict[str, Any] = {
    "config_list": [{"model": "gemini-3.8-live", "api_key": "k" * 20, "base_url": "ws://x.test"}]
}


async def test_the_page_comes_with_a_policy_that_lets_nothing_in_or_out() -> None:
    async with Pages(NOWHERE).served() as port:
        for path in ("/", "/static/main.js", "/static/page.css", "/static/inter/inter.woff2", "/nowhere"):
            answer = await ask(port, path)
            policy = answer.getheader("Content-Security-Policy") or ""
            assert policy.startswith("default-src 'none'; script-src 'self';"), path
            assert "unsafe" not in policy
            assert answer.getheader("X-Content-Type-Options") == "nosniff"
            assert answer.status == (404 if path == "/nowhere" else 200)


async def test_the_page_asks_for_nothing_from_elsewhere() -> None:
    async with Pages(NOWHERE).served() as port:
        html = (await ask(port, "/")).body.decode()  # type: ignore[attr-defined]
    assert "://" not in html


async def test_other_hosts_and_origins_are_turned_away() -> None:
    async with Pages(NOWHERE).served() as port:
        assert (await ask(port, "/", Host="evil.example")).status == 421
        assert (await ask(port, "/about", Origin="http://evil.example")).status == 403
        for headers in ({"Origin": "http://evil.example"}, {}):
            with pytest.raises(websockets.exceptions.InvalidStatus, match="403"):
                await websockets.connect(f"ws://127.0.0.1:{port}/talk", additional_headers=headers)


async def test_what_is_told_about_the_agent_takes_the_secret() -> None:
    async with Pages(NOWHERE).served() as port:
        assert (await ask(port, "/about")).status == 401
        told = await ask(port, "/about", Authorization=f"Bearer {quote(SECRET)}")
        about = json.loads(told.body)  # type: ignore[attr-defined]
    assert (about["agent"], about["voice"], about["talks_to"]) == ("guide", "charon", "the embedded server")
    assert "Kore" in about["voices"]
    assert "k" * 20 not in json.dumps(about)


async def test_a_ticket_gives_the_secret_once() -> None:
    pages = Pages(NOWHERE)
    async with pages.served() as port:
        ticket = pages.access.ticket()
        answers = [await ask(port, "/enter", "POST", **{"X-Ticket": ticket}) for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 401]
    assert json.loads(answers[0].body) == {"secret": SECRET}  # type: ignore[attr-defined]


class Talk:
    """A page's WebSocket.

    Attributes:
        messages: that came, sound left out.
    """

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self.messages: list[dict[str, Any]] = []

    async def say(self, **message: Any) -> None:
        await self.send(json.dumps(message))

    async def send(self, frame: str | bytes) -> None:
        await self._socket.send(frame)

    async def until(self, event: str) -> dict[str, Any]:
        """The next message of this kind."""
        async with asyncio.timeout(30):
            while True:
                frame = await self._socket.recv()
                if isinstance(frame, str):
                    self.messages.append(json.loads(frame))
                    if self.messages[-1]["event"] == event:
                        return self.messages[-1]


@asynccontextmanager
async def talk(port: int, **start: Any) -> AsyncIterator[Talk]:
    origin = {"Origin": f"http://127.0.0.1:{port}"}
    async with websockets.connect(f"ws://127.0.0.1:{port}/talk", additional_headers=origin) as socket:
        page = Talk(socket)
        await page.say(event="start", **{"secret": SECRET, "settings": {}, **start})
        yield page


async def test_a_typed_question_is_answered_by_the_function_and_the_end_is_said(live_server: LiveServer) -> None:
    async with Pages(live_server.llm_config()).served() as port, talk(port) as page:
        assert (await page.until("ready"))["model"] == "gemini-3.8-live"
        await page.say(event="text", text="What is the weather in London?")
        while (turn := (await page.until("turn"))["turn"])["complete_ms"] is None or not turn["said"]:
            pass
        assert "foggy and 12 degrees in London" in turn["said"]
        calls = [message for message in page.messages if message["event"] == "call" and message["result"]]
        call = calls[-1] if calls else await page.until("call")
        assert call["arguments"] == {"city": "London"}
        assert "foggy" in str(call["result"])
        await page.say(event="end")
        assert (await page.until("ended"))["why"] == "over"


async def test_a_wrong_secret_begins_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gemini_realtime.web.access.WRONG_SECRET_WAIT_S", 0)
    pages = Pages(NOWHERE)
    async with pages.served() as port, talk(port, secret="wrong") as page:
        assert (await page.until("ended"))["why"] == "secret"
    assert pages.agents == []


async def test_one_conversation_too_many_is_refused_and_the_next_is_not(live_server: LiveServer) -> None:
    async with Pages(live_server.llm_config(), limits=Limits(conversations=1)).served() as port:
        async with talk(port) as first:
            await first.until("ready")
            async with talk(port) as second:
                assert (await second.until("ended"))["conversations"] == 1
            await first.say(event="end")
            await first.until("ended")
        async with talk(port) as third:
            assert await third.until("ready")


async def test_a_conversation_ends_at_its_limit(live_server: LiveServer) -> None:
    limits = Limits(conversation_s=0.3)
    async with Pages(live_server.llm_config(), limits=limits).served() as port, talk(port) as page:
        assert (await page.until("ended"))["why"] == "limit"


async def test_settings_are_in_force_and_a_mistake_in_them_is_said(live_server: LiveServer) -> None:
    pages = Pages(live_server.llm_config())
    async with pages.served() as port:
        async with talk(port, settings={"voice": "Kore", "instructions": "Rhyme."}) as page:
            assert (await page.until("ready"))["voice"] == "Kore"
            await page.say(event="settings", settings={"silence_ms": -1})
            assert "silence_ms" in (await page.until("refused"))["problem"]
            await page.say(event="settings", settings={"instructions": "Do not rhyme."})
            while (await page.until("happened"))["type"] != "session.updated":
                pass
        async with talk(port, settings={"voice": 7}) as page:
            ended = await page.until("ended")
    assert (ended["why"], "voice" in ended["problem"]) == ("failed", True)
    first, second = live_server.sessions
    assert "Rhyme." in str(first.setup["systemInstruction"])
    assert "Do not rhyme." in str(second.setup["systemInstruction"])
    assert "Kore" in str(first.setup["generationConfig"])


async def test_a_page_that_comes_back_goes_on_with_what_was_said(live_server: LiveServer) -> None:
    history = [{"role": "user", "text": "My name is Ada."}, {"role": "assistant", "text": "Hello Ada."}]
    async with Pages(live_server.llm_config()).served() as port, talk(port, history=history) as page:
        await page.say(event="text", text="What is two plus three?")
        await page.until("turn")
        session = live_server.sessions[-1]
    assert "My name is Ada." in str(session.received)


async def test_a_service_out_of_reach_is_said_without_the_key(caplog: pytest.LogCaptureFixture) -> None:
    nowhere = {"config_list": [{**NOWHERE["config_list"][0], "base_url": "ws://127.0.0.1:9", "proxy": False}]}
    async with Pages(nowhere).served() as port, talk(port) as page:
        ended = await page.until("ended")
    assert ended["why"] == "failed"
    assert ended["problem"]
    assert "k" * 20 not in json.dumps(page.messages) + caplog.text


@pytest.mark.parametrize("first", ["hello", '{"event": "text"}', "[]", "{"])
async def test_what_is_no_page_is_closed(first: str) -> None:
    async with Pages(NOWHERE).served() as port:
        origin = {"Origin": f"http://127.0.0.1:{port}"}
        async with websockets.connect(f"ws://127.0.0.1:{port}/talk", additional_headers=origin) as socket:
            await socket.send(first)
            with pytest.raises(websockets.exceptions.ConnectionClosedOK):
                await socket.recv()


async def test_a_page_that_leaves_ends_its_conversation(live_server: LiveServer) -> None:
    pages = Pages(live_server.llm_config())
    async with pages.served() as port:
        async with talk(port) as page:
            await page.until("ready")
        await until(lambda: live_server.sessions[-1].closed is not None)


async def test_a_conversation_is_recorded_where_that_is_asked_for(live_server: LiveServer, tmp_path: Path) -> None:
    pages = Pages(live_server.llm_config(), recording=RecordingOptions(tmp_path))
    async with pages.served() as port, talk(port) as page:
        await page.say(event="text", text="What is two plus two?")
        while "four" not in (await page.until("turn"))["turn"]["said"]:
            pass
        await page.say(event="end")
        assert (await page.until("ended"))["why"] == "over"
    assert any("two plus two" in str(line.parsed()) for _, line in ConversationRecording(tmp_path).lines())


GARBAGE = (
    "[]", "{", "null", '{"event": ["text"]}', '{"event": {}}', '{"event": "text"}', '{"event": "text", "text": 7}',
    '{"event": "settings", "settings": 7}', '{"event": "settings"}', '{"event": "microphone"}', '{"event": "activity"}',
    '{"event": "activity", "active": true}', '{"event": "mark"}', '{"event": "mark", "mark": {"name": "x"}}',
    '{"event": "start", "start": 7}', '{"event": "\\ud800"}', "[" * 5000, b"", b"\x01", bytes(3), bytes(100_000),
)  # fmt: skip


async def test_garbage_of_a_page_costs_nothing_but_itself(live_server: LiveServer) -> None:
    async with Pages(live_server.llm_config()).served() as port, talk(port) as page:
        await page.until("ready")
        for garbage in GARBAGE:
            await page.send(garbage)
        await page.say(event="text", text="What is two plus two?")
        while "is four" not in (await page.until("turn"))["turn"]["said"]:
            pass


@pytest.mark.parametrize(
    "start",
    [
        {"settings": []},
        {"settings": {"model": 7}},
        {"settings": {"voise": "Kore"}},
        {"history": 7},
        {"history": [{"role": "system", "text": "x"}]},
    ],
)
async def test_a_beginning_that_cannot_be_is_explained(start: dict[str, Any]) -> None:
    async with Pages(NOWHERE).served() as port, talk(port, **start) as page:
        ended = await page.until("ended")
    assert ended["why"] == "failed"
    assert "raised" not in ended["problem"]


@pytest.mark.parametrize("secret", [None, 7, "", "\ud800", ["x"]])
async def test_a_secret_that_is_none_is_a_wrong_one(secret: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gemini_realtime.web.access.WRONG_SECRET_WAIT_S", 0)
    async with Pages(NOWHERE).served() as port, talk(port, secret=secret) as page:
        assert (await page.until("ended"))["why"] == "secret"
