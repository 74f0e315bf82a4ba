"""Session options: nothing that is wrong about them raises anything but a `ConfigError` that says what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from gemini_realtime.checking import LONGEST_SHOWN
from gemini_realtime.errors import ConfigError
from gemini_realtime.protocol.messages import GenerationConfig, Message, Setup
from gemini_realtime.protocol.options import SessionOptions, check_options
from gemini_realtime.protocol.proto_json import fields_of
from tests.wrong import WRONG

OWN = ["instructions", "modalities", "tools", "tool_choice", "input_audio_format", "turn_detection", "voice",
       "language_code", "history", "setup"]  # fmt: skip
IN_LISTS = {"tools": {"name": "f"}, "history": {"role": "user", "text": "x"}}
FIELDS_OF_LISTS = {
    "tools": ["type", "function", "name", "description", "parameters", "parameters_json_schema", "response", "behavior",
              "inputSchema", "google_search", "function_declarations"],
    "history": ["role", "text", "parts", "time"],
}  # fmt: skip
SCHEMA_KEYWORDS = ["properties", "items", "type", "enum", "required", "anyOf", "allOf", "$ref", "$defs", "default",
                   "description", "format", "minimum", "const", "prefixItems", "additionalProperties"]  # fmt: skip


def places(struct: type[Message], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every field of the setup, however deep."""
    for name in struct.__struct_fields__:
        nested = fields_of(struct)[name].nested
        yield (*path, name)
        if nested is not None and len(path) < 4:
            yield from places(nested, (*path, name))


def at(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    for name in reversed(path[1:]):
        value = {name: value}
    return {path[0]: value}


def with_wrong_values(value: Any) -> Iterator[dict[str, Any]]:
    """Options that have the value at each place in turn."""
    for path in [*places(Setup), *((name,) for name in [*OWN, *GenerationConfig.__struct_fields__])]:
        yield at(path, value)
    for option, entry in IN_LISTS.items():
        yield {option: [value]}
        for field in FIELDS_OF_LISTS[option]:
            yield {option: [{**entry, field: value}]}
            yield {option: [{field: value}]}
    for keyword in SCHEMA_KEYWORDS:
        inside = {"type": "object", "properties": {"a": {keyword: value}}}
        yield {"tools": [{"name": "f", "parameters": inside}]}
        yield {"tools": [{"name": "f", "parameters": {**inside, keyword: value}}]}
    for field in ("type", "threshold", "prefix_padding_ms", "create_response", "interrupt_response", "x"):
        yield {"turn_detection": {field: value}}


def refusal_of(options: Any) -> ConfigError | None:
    try:
        check_options(options)
    except ConfigError as error:
        return error
    return None


@pytest.mark.parametrize("value", WRONG, ids=lambda value: type(value).__name__)
def test_a_wrong_value_anywhere_is_taken_or_a_config_error(value: Any) -> None:
    for options in [value, {value: 1} if value.__hash__ else {}, *with_wrong_values(value)]:
        error = refusal_of(options)
        assert error is None or error.remedy
        assert len(str(error)) < 400 + 2 * LONGEST_SHOWN


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["x"], "`session options` is a list → pass a dict"),
        ({"modle": "m"}, "did you mean 'model'?"),
        ({"temperature": "hot"}, "`temperature` is of the type str → pass a number"),
        ({"temperature": 3}, "`temperature` is 3.0 → pass a number from 0 to 2"),
        ({"speech_config": "Puck"}, "`speech_config` is of the type str → pass a dict"),
        (
            {"realtime_input_config": {"automatic_activity_detection": {"silence_duration_ms": "x"}}},
            "`realtime_input_config.automatic_activity_detection.silence_duration_ms` is of the type str",
        ),
        ({"thinking_config": {"thinking_level": "hgh"}}, "did you mean 'HIGH'?"),
        ({"labels": {"a": float("nan")}}, "`labels.a` is nan → pass a finite number"),
        ({"setup": {"a": [print]}}, "`setup.a[0]` is a builtin_function_or_method"),
        ({"instructions": "\ud800"}, "`instructions` holds half of a surrogate pair"),
    ],
)
def test_an_error_says_where_and_what_to_do(options: Any, says: str) -> None:
    with pytest.raises(ConfigError) as error:
        check_options(options)
    assert says in str(error.value)


class Typed:
    """As `LiveConnectConfig` of google-genai."""

    def model_dump(self, *, exclude_none: bool) -> Mapping[str, Any]:
        return {"temperature": 0.5} if exclude_none else {"temperature": 0.5, "top_p": None}


def test_the_config_object_of_google_genai_is_taken() -> None:
    assert check_options(Typed()) == {"temperature": 0.5}


def test_what_is_given_is_copied() -> None:
    tools = [{"name": "f", "parameters_json_schema": {"type": "object"}}]
    checked = check_options({"tools": tools})
    tools[0]["parameters_json_schema"]["type"] = "array"  # type: ignore[index]
    assert checked["tools"][0]["functionDeclarations"][0]["parametersJsonSchema"] == {"type": "object"}


def test_options_that_come_later_take_the_place_of_those_of_the_same_name() -> None:
    first = SessionOptions("charon", 0.8, check_options({"instructions": "a", "top_p": 0.5}))
    then = first.changed(check_options({"system_instruction": "b"}))
    assert then.given["system_instruction"] == {"parts": [{"text": "b"}]}
    assert then.given["top_p"] == 0.5
    assert first.given["system_instruction"] == {"parts": [{"text": "a"}]}
    assert then.changes_since(first) == {"system_instruction": {"parts": [{"text": "b"}]}}
