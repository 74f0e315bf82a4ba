"""The service's requests and schemas, spelled for a chat endpoint."""

from __future__ import annotations

from typing import Any

import pytest

from gemini_realtime.local.responders.chat_messages import chat_messages, chat_tools, json_schema
from gemini_realtime.local.thinking import Request, ToolResult, Turn


def test_a_conversation_becomes_messages_in_order() -> None:
    history = [Turn("user", "hi"), Turn("model", "Hello.")]
    assert chat_messages(Request("how are you", history, instructions="Be brief.")) == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": "how are you"},
    ]


def test_a_model_that_is_to_open_the_conversation_hears_silence() -> None:
    assert chat_messages(Request("")) == [{"role": "user", "content": "..."}]


def test_results_come_with_the_calls_that_they_answer() -> None:
    result = ToolResult("get_weather", {"output": "foggy"}, {"city": "Oslo"})
    earlier = ToolResult("get_time", {"output": "noon"})
    history = [Turn("user", "weather"), Turn("tool", "get_time: ...", earlier), Turn("model", "One moment.")]
    assert chat_messages(Request("weather", history, results=[result]))[1:] == [
        {"role": "assistant", "tool_calls": [_call("call_1", "get_time", "{}")]},
        {"role": "tool", "tool_call_id": "call_1", "content": '{"output":"noon"}'},
        {"role": "assistant", "content": "One moment."},
        {"role": "assistant", "tool_calls": [_call("call_4", "get_weather", '{"city":"Oslo"}')]},
        {"role": "tool", "tool_call_id": "call_4", "content": '{"output":"foggy"}'},
    ]


def _call(call_id: str, name: str, arguments: str) -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def test_functions_become_tools() -> None:
    parameters = {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}, "required": ["city"]}
    declared = [{"name": "get_weather", "description": "Weather", "parameters": parameters, "behavior": "BLOCKING"}]
    (tool,) = chat_tools(declared)
    assert tool == {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "Weather",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        },
    }


def test_a_function_without_parameters_has_an_empty_object() -> None:
    assert chat_tools([{"name": "now"}])[0]["function"]["parameters"] == {"type": "object", "properties": {}}


def test_parameters_that_are_json_schema_already_stay_as_they_are() -> None:
    schema = {"type": "object", "properties": {"x": {"$ref": "#/$defs/X"}}, "$defs": {"X": {"type": "null"}}}
    assert chat_tools([{"name": "f", "parametersJsonSchema": schema}])[0]["function"]["parameters"] == schema


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "INTEGER", "format": "int64", "minimum": 1}, {"type": "integer", "format": "int64", "minimum": 1}),
        ({"type": "TYPE_UNSPECIFIED", "description": "any"}, {"description": "any"}),
        ({"type": "STRING", "nullable": True}, {"type": ["string", "null"]}),
        (
            {"type": "STRING", "format": "enum", "enum": ["a"], "nullable": True},
            {"type": ["string", "null"], "enum": ["a", None]},
        ),
        (
            {"anyOf": [{"type": "STRING"}, {"type": "NUMBER"}], "nullable": True},
            {"anyOf": [{"type": "string"}, {"type": "number"}, {"type": "null"}]},
        ),
        (
            {"type": "ARRAY", "items": {"type": "NUMBER"}, "minItems": "1", "max_items": 3},
            {"type": "array", "items": {"type": "number"}, "minItems": 1, "maxItems": 3},
        ),
        (
            {"type": "OBJECT", "properties": {"type": {"type": "STRING"}}, "propertyOrdering": ["type"]},
            {"type": "object", "properties": {"type": {"type": "string"}}},
        ),
        (
            {"type": "STRING", "example": "Oslo", "default": "x"},
            {"type": "string", "default": "x", "examples": ["Oslo"]},
        ),
        ({"type": "object", "additionalProperties": False}, {"type": "object", "additionalProperties": False}),
        ({"any_of": [{"type": "STRING", "nullable": False}]}, {"anyOf": [{"type": "string"}]}),
        ({"type": "STRING", "items": None}, {"type": "string"}),
    ],
)
def test_a_schema_of_the_service_becomes_json_schema(schema: dict[str, Any], expected: dict[str, Any]) -> None:
    assert json_schema(schema) == expected


@pytest.mark.parametrize(
    "schema",
    [{"type": 7}, {"properties": []}, {"anyOf": {}}, {"items": "x"}, {"minItems": "-"}, {"enum": [[1]]}, {"type": [1]}],
)
def test_a_schema_that_is_none_is_left_to_the_endpoint(schema: dict[str, Any]) -> None:
    assert json_schema(schema) == schema
