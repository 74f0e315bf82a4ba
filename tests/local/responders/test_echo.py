"""The echo."""

from __future__ import annotations

import pytest

from gemini_realtime.local.responders.echo import Echo
from gemini_realtime.local.serve import LiveServer
from gemini_realtime.local.thinking import Request, Say, ToolResult
from tests.local.fakes import SILENCE, FakeHearing, FakeSpeaking, spoken
from tests.local.test_serve import dialled, transcript


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (Request("good morning"), [Say("good morning")]),
        (Request(""), []),
        (Request("weather", results=[ToolResult("get_weather", {})]), []),
    ],
)
async def test_what_was_heard_is_said(request_: Request, said: list[Say]) -> None:
    assert [item async for item in Echo().respond(request_)] == said


async def test_a_server_says_back_what_it_hears() -> None:
    server = LiveServer(responder=Echo(), hearing=FakeHearing(), speaking=FakeSpeaking(), pace="instant")
    async with server, dialled(server, outputAudioTranscription={}) as client:
        for pcm in (spoken("good morning"), SILENCE, SILENCE):
            client.says(pcm)
        assert transcript(await client.until("turnComplete")) == "good morning"
