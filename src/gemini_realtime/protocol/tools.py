"""The tools of a session, in whichever form an application has them, in the service's.

    a Python function                       declared from its signature and docstring, see `functions.py`
    `{"type": "function", "name": ...}`     as OpenAI (both of its forms), AG2, LangChain
    `{"name": ..., "inputSchema": ...}`     as MCP lists them; Anthropic's `input_schema` too
    `{"function_declarations": [...]}`      as Gemini; `types.Tool` and `types.FunctionDeclaration` of google-genai
    `{"google_search": {}}`                 the service's own tools

Parameters are JSON Schema, or a class that has one (`model_json_schema()`, as pydantic's models do).
"""

from __future__ import annotations

import re
from typing import Any, Final

from gemini_realtime.checking import check_choice, check_type, kind_of, shown, spelling_remedy
from gemini_realtime.errors import ConfigError
from gemini_realtime.protocol.fields import check_json, fitted, plain, wire_name
from gemini_realtime.protocol.messages import FunctionDeclaration, Setup, Tool
from gemini_realtime.protocol.proto_json import fields_of

Json = dict[str, Any]


def read_tools(name: str, value: Any) -> list[Json]:
    """Tools in the service's form: all functions in one, then the rest in order.

    Args:
        name: of the option, for errors.
        value: a list of tools.

    Raises:
        ConfigError: something in it is no tool of the Live API.
    """
    check_type(name, value, (list, tuple), "a list of tools")
    functions: list[Json] = []
    others: list[Json] = []
    for index, item in enumerate(value):
        where = f"{name}[{index}]"
        given = _described(where, item)
        function = given["function"] if isinstance(given.get("function"), dict) else given
        if given.get("type", "function") in _FUNCTION_TYPES and "name" in function:
            functions.append(_declaration(where, function))
        elif given.keys() & fields_of(Tool).keys():
            declared, other = _gemini_tool(where, given)
            functions += declared
            others += [other] if other else []
        else:
            raise ConfigError(f"`{where}` is not a tool of the Live API", remedy=_meant(given) + _FORMS)
    _no_twins(functions)
    tools = [{"functionDeclarations": functions}, *others] if functions else others
    check_json(name, tools)
    return tools


_FUNCTION_TYPES: Final = ("function", "custom")
"""OpenAI's and Anthropic's."""

_FORMS: Final = (
    'pass Python functions, functions as {"type": "function", "name": ..., "description": ..., "parameters": ...}, '
    'and tools of the service as {"google_search": {}}'
)


def _described(where: str, item: Any) -> Json:
    """A tool as a dict, whatever describes it."""
    declared = getattr(item, "declaration", None)  # `gemini_realtime.agent.Tool`
    described = plain(where, declared if isinstance(declared, dict) else item)
    if isinstance(described, dict):
        return described
    if callable(item):
        from gemini_realtime.protocol.functions import declaration_of  # not every session has functions

        return declaration_of(where, item)
    raise ConfigError(f"`{where}` is {kind_of(item)}", remedy=_FORMS)


def _meant(item: Json) -> str:
    names = [field.snake_name for field in fields_of(Tool).values()]
    asked = [spelling_remedy(name, dict.fromkeys(["name", *names]), choice=" ") for name in item]
    return next((remedy.rstrip() + " " for remedy in asked if remedy.strip()), "")


def _gemini_tool(where: str, item: Json) -> tuple[list[Json], Json]:
    """A tool in Gemini's form, its functions apart."""
    rest = dict(item)
    declared = [each for name in _DECLARATIONS for each in _listed(where, rest.pop(name, None))]
    functions = [
        _declaration(f"{where}.function_declarations[{index}]", _described(where, each))
        for index, each in enumerate(declared)
    ]
    check_json(where, rest)
    tools = fitted("tools", [rest], Setup)
    return functions, tools[0]


_DECLARATIONS: Final = ("functionDeclarations", "function_declarations")


def _listed(where: str, declared: Any) -> list[Any]:
    if declared is not None and not isinstance(declared, list):
        raise ConfigError(f"`{where}.function_declarations` is not a list of functions", remedy=_FORMS)
    return declared or []


def check_function_name(where: str, name: Any) -> str:
    """Refuse what cannot be the name of a function.

    Raises:
        ConfigError: it cannot.
    """
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z_][\w.:-]{0,127}", name, re.ASCII):
        raise ConfigError(
            f"`{where}` has the name {shown(name)}",
            remedy="begin with a letter or `_`; then letters, digits, `_`, `.`, `:` and `-`, up to 128 in all",
        )
    return name


def _declaration(where: str, function: Json) -> Json:
    """A function, however it is described, in the service's form."""
    from gemini_realtime.protocol.schema import to_parameters, to_schema  # not every session has functions

    spelled = _spelled(where, function)
    name = check_function_name(where, spelled.get("name"))
    for field, convert in (("parameters", to_parameters), ("response", to_schema)):
        if field in spelled:
            if f"{field}JsonSchema" in spelled:
                raise ConfigError(f"`{where}` has both {field} and {field}JsonSchema", remedy="keep one of the two")
            spelled[field] = convert(_schema(spelled[field]), f"{field} of {name}")
        elif (schema := spelled.get(f"{field}JsonSchema")) is not None:
            spelled[f"{field}JsonSchema"] = plain(f"{where}.{field}_json_schema", _schema(schema))
    if "description" in spelled:
        check_type(f"{where}.description", spelled["description"], str, "a string")
    if "behavior" in spelled:
        behavior = spelled["behavior"]
        spelled["behavior"] = behavior.upper() if isinstance(behavior, str) else behavior
        check_choice(f"{where}.behavior", spelled["behavior"], ("BLOCKING", "NON_BLOCKING"))
    return {field: value for field, value in spelled.items() if value is not None}


def _spelled(where: str, function: Json) -> Json:
    """The fields of a declaration that the service has a word for, in its spelling."""
    spelled: Json = {}
    for given, value in function.items():
        if given in _OF_OTHERS or value is None:
            continue
        name = _SYNONYMS.get(given, given)
        if name not in fields_of(FunctionDeclaration):
            names = dict.fromkeys(field.snake_name for field in fields_of(FunctionDeclaration).values())
            raise ConfigError(
                f"`{where}` has no field {shown(given)}", remedy=spelling_remedy(given, names, choice=_FORMS)
            )
        wire = wire_name(FunctionDeclaration, name)
        if wire in spelled:
            raise ConfigError(f"`{where}` has {name} twice, once as {given!r}", remedy="keep one of the two")
        spelled[wire] = value
    return spelled


def _schema(given: Any) -> Any:
    """A JSON Schema, also of a class that knows its own."""
    described = getattr(given, "model_json_schema", None)
    return described() if isinstance(given, type) and callable(described) else given


_SYNONYMS: Final = {"inputSchema": "parameters", "input_schema": "parameters"}
"""MCP's and Anthropic's word."""

_OF_OTHERS: Final = {
    "type", "strict",  # OpenAI
    "title", "annotations", "outputSchema", "output_schema", "icons", "execution", "meta", "_meta",  # MCP
    "cache_control", "defer_loading", "allowed_callers", "input_examples", "eager_input_streaming",  # Anthropic
}  # fmt: skip
"""What other services know of a function, and the Live API does not. Sources: function tools of
https://platform.openai.com/docs/api-reference/realtime, `Tool` of https://modelcontextprotocol.io/specification,
`tools` of https://docs.claude.com/en/api/messages."""


def _no_twins(functions: list[Json]) -> None:
    names = [function["name"] for function in functions]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"there are two functions called {name!r}", remedy="rename or drop one of them")
