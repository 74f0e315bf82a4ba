"""Tools in the forms that applications have them in."""

from __future__ import annotations

from enum import Enum
from typing import Any

import pytest

from gemini_realtime.errors import ConfigError
from gemini_realtime.protocol.options import check_options


class Model:
    """As google-genai's and pydantic's models."""

    def __init__(self, **fields: Any) -> None:
        self._fields = fields

    def model_dump(self, *, exclude_none: bool) -> dict[str, Any]:
        return {name: value for name, value in self._fields.items() if not (exclude_none and value is None)}


class Type(Enum):
    OBJECT = "OBJECT"
    STRING = "STRING"


class Arguments:
    """As a pydantic class."""

    @classmethod
    def model_json_schema(cls) -> dict[str, Any]:
        return {"type": "object", "properties": {"a": {"type": "string"}}}


class Declared:
    """As a tool of the agent."""

    @property
    def declaration(self) -> dict[str, Any]:
        return {"type": "function", "name": "f", "parameters": Arguments.model_json_schema()}

    def __call__(self, *args: Any) -> None: ...


def f(a: str) -> None: ...


F = {"name": "f", "parameters": {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}}}
ARGUMENTS = {"type": Type.OBJECT, "properties": {"a": {"type": Type.STRING}}}
SCHEMA = Arguments.model_json_schema()


def tools_of(*given: Any) -> Any:
    return check_options({"tools": list(given)})["tools"]


@pytest.mark.parametrize(
    "tool",
    [
        {"type": "function", "name": "f", "parameters": SCHEMA, "strict": True},
        {"name": "f", "inputSchema": SCHEMA, "annotations": {"readOnlyHint": True}, "title": "F", "_meta": {}},
        {"type": "custom", "name": "f", "input_schema": SCHEMA, "cache_control": {"type": "ephemeral"}},
        {"name": "f", "parameters": Arguments},
        Model(name="f", inputSchema=SCHEMA, description=None),
        Model(function_declarations=[Model(name="f", parameters=ARGUMENTS)]),
        Declared(),
    ],
    ids=["OpenAI", "MCP", "Anthropic", "pydantic", "model of MCP", "google-genai", "agent"],
)  # fmt: skip
def test_a_function_of_other_services_is_taken_as_it_is(tool: Any) -> None:
    assert tools_of(tool) == [{"functionDeclarations": [F]}]


def test_a_python_function_is_declared() -> None:
    required = {"name": "f", "parameters": {**F["parameters"], "required": ["a"]}}  # type: ignore[dict-item]
    assert tools_of(f) == [{"functionDeclarations": [required]}]
    assert tools_of({"function_declarations": [f]}) == [{"functionDeclarations": [required]}]


def test_a_tool_of_the_service_may_be_an_object() -> None:
    assert tools_of(Model(google_search=Model(), code_execution=None)) == [{"googleSearch": {}}]


@pytest.mark.parametrize(
    ("tool", "words"),
    [
        ({"gogle_search": {}}, "did you mean 'google_search'?"),
        ({"nam": "f"}, "did you mean 'name'?"),
        ({"name": "f", "paramaters": {}}, "did you mean 'parameters'?"),
        ({"name": "f", "behavior": "non-blocking"}, "did you mean 'NON_BLOCKING'?"),
        ({"name": "f", "parameters": {"type": "object"}, "inputSchema": {}}, "keep one of the two"),
        (5, "pass Python functions"),
        (Arguments, "`def`"),
        ({"name": "f", "parameters_json_schema": {"a": float("nan")}}, "finite"),
        ({"name": "f", "parameters_json_schema": {"a": print}}, "dicts, lists, strings"),
    ],
)
def test_an_error_says_what_was_meant_or_what_to_do(tool: Any, words: str) -> None:
    with pytest.raises(ConfigError) as error:
        tools_of(tool)
    assert words in error.value.remedy


def test_the_official_objects_are_taken() -> None:
    types = pytest.importorskip("google.genai.types")
    search = types.Tool(google_search=types.GoogleSearch())
    declared = types.Tool(function_declarations=[types.FunctionDeclaration(name="f", behavior="NON_BLOCKING")])
    assert tools_of(search, declared) == [
        {"functionDeclarations": [{"name": "f", "behavior": "NON_BLOCKING"}]},
        {"googleSearch": {}},
    ]
    speech = types.SpeechConfig(
        voice_config=types.VoiceConfig(prebuilt_voice_config=types.PrebuiltVoiceConfig(voice_name="Kore"))
    )
    assert check_options({"speech_config": speech})["speech_config"] == {
        "voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}
    }
    whole = types.LiveConnectConfig(thinking_config=types.ThinkingConfig(thinking_level="LOW"), temperature=0.5)
    assert check_options(whole) == {"thinking_config": {"thinkingLevel": "LOW"}, "temperature": 0.5}
