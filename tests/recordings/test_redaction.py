"""What is left out of recordings."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gemini_realtime.recordings.redaction import Redaction

MCP = {"name": "docs", "streamableHttpTransport": {"url": "https://x", "headers": {"Authorization": "Bearer sesame"}}}
DECLARED = {"name": "f", "parameters": {"type": "OBJECT", "properties": {"headers": {"type": "STRING"}}}}


@pytest.mark.parametrize(
    "frame",
    [
        {"setup": {"tools": [{"mcpServers": [MCP]}]}},
        {"setup": {"tools": [{"googleMaps": {"authConfig": {"api_key": "sesame"}}}]}},
        {"setup": {"tools": [{"x": {"apiKeyString": "sesame", "accessToken": ["sesame"]}}]}},
        {"contextUpdate": {"tools": [{"mcp_servers": [MCP]}]}},
        {"setup": {"sessionResumption": {"handle": "sesame"}}},
        {"setup": {"session_resumption": {"handle": "sesame"}}},
        {"sessionResumptionUpdate": {"newHandle": "sesame"}},
        {"sessionResumptionUpdate": {"new_handle": "sesame"}},
        {"session_resumption_update": {"new_handle": "sesame"}},
    ],
)
def test_what_opens_doors_is_never_recorded(frame: dict[str, Any]) -> None:
    assert "sesame" not in json.dumps(Redaction().frame(frame))


def test_a_function_may_have_a_parameter_of_any_name() -> None:
    setup = {"setup": {"tools": [{"functionDeclarations": [DECLARED]}]}}
    assert Redaction().frame(json.loads(json.dumps(setup))) == setup


@pytest.mark.parametrize("setup", [None, 3, [], {"sessionResumption": 3}, {"sessionResumption": {"handle": 3}}])
def test_a_setup_that_is_none_is_kept_as_it_is(setup: Any) -> None:
    assert Redaction().frame({"setup": setup}) == {"setup": setup}


def test_one_handle_has_one_name() -> None:
    redaction = Redaction()
    names = [
        redaction.frame({"sessionResumptionUpdate": {"newHandle": handle}})["sessionResumptionUpdate"]["newHandle"]
        for handle in ("a", "b", "a")
    ]
    assert names == ["handle-1", "handle-2", "handle-1"]


@pytest.mark.parametrize(
    "frame",
    [
        {"serverContent": {"inputTranscription": {"text": "sesame"}}},
        {"serverContent": {"modelTurn": {"parts": [{"text": "sesame"}, {"executableCode": {"code": "sesame"}}]}}},
        {"serverContent": {"groundingMetadata": {"webSearchQueries": ["sesame"], "deep": [["sesame"]]}}},
        {"serverContent": {"ofNextYear": {"words": "sesame"}}},
        {"toolCall": {"functionCalls": [{"name": "f", "id": "1", "args": {"sesame": "sesame"}}]}},
        {"toolResponse": {"functionResponses": [{"name": "f", "response": {"sesame": {"id": "sesame"}}}]}},
        {"clientContent": {"turns": [{"role": "user", "parts": [{"text": "sesame"}]}]}},
        {"realtime_input": {"text": "sesame"}},
        {"setup": {"systemInstruction": {"parts": [{"text": "sesame"}]}}},
    ],
)
def test_words_are_left_out_wherever_they_stand(frame: dict[str, Any]) -> None:
    assert "sesame" not in json.dumps(Redaction(text=False).frame(frame))


def test_without_words_the_structure_is_kept() -> None:
    call = {"name": "f", "id": "call-1", "args": {"city": "London"}}
    frame = Redaction(text=False).frame({"toolCall": {"functionCalls": [call]}})
    assert frame == {"toolCall": {"functionCalls": [{"name": "f", "id": "call-1", "args": {}}]}}
    audio = {"mimeType": "audio/pcm;rate=16000", "data": "AAAA"}
    assert Redaction(text=False).frame({"realtimeInput": {"audio": dict(audio)}}) == {"realtimeInput": {"audio": audio}}


@pytest.mark.parametrize("options", [{}, {"audio": False}, {"text": False}])
def test_a_frame_may_nest_as_deeply_as_it_likes(options: dict[str, bool]) -> None:
    deep: dict[str, Any] = {}
    frame = {"setup": deep}
    for _ in range(100_000):
        deep["a"] = {}
        deep = deep["a"]
    Redaction(**options).frame(frame)
