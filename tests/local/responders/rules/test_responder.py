from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gemini_realtime.local.responders.rules import Rules
from gemini_realtime.local.responders.rules.responder import reply
from gemini_realtime.local.thinking import Call, Request, Responder, Say, ToolResult, Turn

from .replies import NOW, function, said

SAID = """
what is the weather in london Paris and count to ten five hundred minus point turn on off lights with note say
"steady" spell 5 7.5 -3 " ? . , ( ) % my name is Bob what time tomorrow at monday yes no 03/27/2025 10:00 AM
true red green a x from for of city size 1,234 3rd İ 😀 ß not Alice
"""
NAMED = """
city note size count on items user name id date time when query from to power level tags color zqx
"""
SCHEMA_KEYS = "type properties required enum items anyOf name $ref allOf minimum maxLength const"
WORDS, NAMES = SAID.split(), NAMED.split()
FUNCTIONS = ["get_weather", "setLight", "turn_on_the_lights", "add", "record_reading", "count_to", "book"]

texts = st.text(max_size=60) | st.lists(st.sampled_from(WORDS + NAMES), max_size=25).map(" ".join)
scalars = st.one_of(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["STRING", "string"])},
        optional={
            "enum": st.lists(st.sampled_from(["red", "green", "a b", "Paris"]), min_size=1, max_size=3),
            "minLength": st.sampled_from([0, 3, "2"]),
            "maxLength": st.integers(3, 9),
            "nullable": st.booleans(),
            "format": st.sampled_from(["date", "date-time", "enum"]),
        },
    ),
    st.fixed_dictionaries(
        {"type": st.sampled_from(["NUMBER", "INTEGER", "integer"])},
        optional={"minimum": st.integers(-5, 10), "maximum": st.integers(0, 100)},
    ),
    st.just({"type": "BOOLEAN"}),
    st.just({"type": ["string", "null"]}),
)


def objects(members: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(NAMES), members, min_size=1, max_size=4).flatmap(
        lambda properties: st.lists(st.sampled_from(sorted(properties)), unique=True).map(
            lambda required: {"type": "OBJECT", "properties": properties, "required": required}
        )
    )


def arrays(items: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    bounds: dict[str, st.SearchStrategy[Any]] = {"minItems": st.integers(0, 2), "maxItems": st.sampled_from([2, "3"])}
    return st.fixed_dictionaries({"type": st.just("ARRAY"), "items": items}, optional=bounds)


parameters = objects(st.recursive(scalars, lambda inner: arrays(inner) | objects(inner), max_leaves=4))
declarations = st.fixed_dictionaries(
    {"name": st.sampled_from(FUNCTIONS), "description": st.sampled_from(["", "Adds things to a city"])},
    optional={"parameters": parameters},
)
junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "properties",
                    "required",
                    "enum",
                    "items",
                    "anyOf",
                    "name",
                    "$ref",
                    "allOf",
                    "minimum",
                    "maxLength",
                    "const",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
junk_declarations = junk | st.fixed_dictionaries(
    {"name": st.sampled_from(FUNCTIONS), "parametersJsonSchema": junk, "description": junk}
)
turns = st.builds(Turn, st.sampled_from(["user", "model", "tool"]), texts | st.just("Which city?"))
bounded = settings(derandomize=True, deadline=None, max_examples=300, suppress_health_check=list(HealthCheck))


def is_valid(value: Any, schema: Mapping[str, Any]) -> bool:
    """Validate by the part of JSON schema that the strategies above use."""
    types = [str(name).lower() for name in [schema["type"]] if isinstance(name, str)] or schema["type"]
    if value is None:
        return "null" in types or schema.get("nullable") is True
    if "enum" in schema and value not in schema["enum"]:
        return False
    size = value if isinstance(value, (int, float)) else len(value)
    if not all(size >= float(schema.get(key, size)) for key in ("minimum", "minLength", "minItems")):
        return False
    if not all(size <= float(schema.get(key, size)) for key in ("maximum", "maxLength", "maxItems")):
        return False
    if isinstance(value, dict):
        members = schema.get("properties", {})
        known = value.keys() <= members.keys() and set(schema.get("required", [])) <= value.keys()
        return "object" in types and known and all(is_valid(inner, members[name]) for name, inner in value.items())
    if isinstance(value, list):
        return "array" in types and all(is_valid(inner, schema["items"]) for inner in value)
    if isinstance(value, bool):
        return "boolean" in types
    kinds: dict[type, set[str]] = {str: {"string"}, int: {"integer", "number"}, float: {"number"}}
    return bool(kinds[type(value)] & set(types))


@bounded
@given(texts, st.lists(declarations, max_size=3, unique_by=lambda tool: str(tool["name"])), st.lists(turns, max_size=4))
def test_every_reply_says_something_or_calls_by_the_schema(
    heard: str, tools: list[dict[str, Any]], history: list[Turn]
) -> None:
    declared = {tool["name"]: tool.get("parameters", {"type": "object"}) for tool in tools}
    items = list(reply(Request(heard, history, tools), NOW))
    assert items
    for item in items:
        if isinstance(item, Call):
            assert is_valid(item.args, declared[item.name]), (item, declared[item.name])
        else:
            assert item.text.strip()


@bounded
@given(st.sampled_from(FUNCTIONS), texts, parameters)
def test_a_function_that_is_named_is_called_by_its_schema_or_asks(
    name: str, heard: str, schema: dict[str, Any]
) -> None:
    words = name.replace("_", " ").replace("setLight", "set light")
    items = list(reply(Request(f"{words} {heard}", (), [{"name": name, "parameters": schema}]), NOW))
    assert all(is_valid(item.args, schema) for item in items if isinstance(item, Call))
    assert any(isinstance(item, Call) or item.text.endswith("?") for item in items)


@bounded
@given(texts, st.lists(junk_declarations, max_size=3), texts, st.lists(turns, max_size=3))
def test_no_declaration_whatever_breaks_a_reply(
    heard: str, tools: list[Any], instructions: str, history: list[Turn]
) -> None:
    items = list(reply(Request(heard, history, tools, instructions), NOW))
    assert items
    assert all(json.dumps(item.args) for item in items if isinstance(item, Call))
    assert Rules().grammar(tools).startswith("#JSGF")


@bounded
@given(st.text(max_size=8), st.dictionaries(st.sampled_from(["output", "result", "error", "x"]), junk))
def test_any_result_can_be_told(name: str, response: dict[str, Any]) -> None:
    items = list(reply(Request("", results=[ToolResult(name, response)]), NOW))
    assert items
    assert all(isinstance(item, Say) and item.text.strip() for item in items)


async def test_rules_are_a_responder_that_can_be_interrupted() -> None:
    rules: Responder = Rules(lambda: NOW)
    stream = rules.respond(Request("tell me a story"))
    first = await anext(stream)
    assert isinstance(first, Say)
    await stream.aclose()  # type: ignore[attr-defined]
    assert [item async for item in stream] == []


async def test_the_same_request_gets_the_same_reply() -> None:
    request = Request("what time is it and what is the weather in Rome", (), [{"name": "get_weather"}])
    replies = [[item async for item in Rules(lambda: NOW).respond(request)] for _ in range(2)]
    assert replies[0] == replies[1]


async def test_what_was_given_to_another_agent_is_no_request() -> None:
    told = (
        "Transfer me to the poet. For context: below is a transcript of what another agent did, quoted between"
        " <<<BEGIN_QUOTED_AGENT_CONTENT>>> and <<<END_QUOTED_AGENT_CONTENT>>>. [host] called tool `transfer_to_agent`"
        " with parameters: <<<BEGIN_QUOTED_AGENT_CONTENT>>> {'agent_name': 'poet'} <<<END_QUOTED_AGENT_CONTENT>>>"
    )
    transfer = function("transfer_to_agent", "Transfer the query to another agent.", agent_name="string")
    assert await said(told, transfer) == "Hello! How can I help you?"
