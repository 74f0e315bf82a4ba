"""The conversation and its functions, as an OpenAI-compatible endpoint spells them.

Source: https://platform.openai.com/docs/api-reference/chat/create.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from gemini_realtime.local.thinking import Request, ToolResult, Turn
from gemini_realtime.protocol.codec import encode

Message = dict[str, Any]

_SILENCE: Final = "..."  # what the user says who says nothing: some endpoints refuse a message without content

_CAMEL: Final = {
    "any_of": "anyOf",
    "max_items": "maxItems",
    "min_items": "minItems",
    "max_length": "maxLength",
    "min_length": "minLength",
    "max_properties": "maxProperties",
    "min_properties": "minProperties",
}
_COUNTS: Final = frozenset({"maxItems", "minItems", "maxLength", "minLength", "maxProperties", "minProperties"})
_SERVICE_ONLY: Final = frozenset({"nullable", "propertyOrdering", "property_ordering", "example"})


def chat_messages(request: Request) -> list[Message]:
    """The conversation up to what is to be answered, as messages of the endpoint."""
    messages: list[Message] = []
    if request.instructions:
        messages.append({"role": "system", "content": request.instructions})
    for turn in request.history:
        messages += _turn(turn, len(messages))
    for result in request.results:
        messages += _call_and_result(result, len(messages))
    if not request.results:
        messages.append({"role": "user", "content": request.heard or _SILENCE})
    return messages


def chat_tools(declarations: Sequence[dict[str, Any]]) -> list[Message]:
    """The functions that the client declared, as tools of the endpoint."""
    return [{"type": "function", "function": _function(declaration)} for declaration in declarations]


def json_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """A `Schema` of the service as JSON Schema.

    The service writes types in capitals, counts as text (proto3 JSON does so with 64 bits), `nullable` beside a type
    and `example` for one; what it has for its own use is left out. Names in snake_case are read too.
    """
    translated = dict(_translated(schema))
    if "example" in schema:
        translated["examples"] = [schema["example"]]
    return _with_null(translated) if schema.get("nullable") else translated


def _turn(turn: Turn, number: int) -> list[Message]:
    match turn.role:
        case "user":
            return [{"role": "user", "content": turn.text}]
        case "model":
            return [{"role": "assistant", "content": turn.text}]
        case "tool":
            return _call_and_result(turn.result, number) if turn.result is not None else []


def _call_and_result(result: ToolResult, number: int) -> list[Message]:
    """A result is refused without its call; any id does that both have."""
    call_id = f"call_{number}"
    function = {"name": result.name, "arguments": encode(result.args).decode()}
    return [
        {"role": "assistant", "tool_calls": [{"id": call_id, "type": "function", "function": function}]},
        {"role": "tool", "tool_call_id": call_id, "content": encode(result.response).decode()},
    ]


def _function(declaration: dict[str, Any]) -> Message:
    function = {key: declaration[key] for key in ("name", "description") if declaration.get(key)}
    parameters = declaration.get("parametersJsonSchema")
    if parameters is None:
        parameters = json_schema(declaration.get("parameters") or {})
    return {**function, "parameters": {"type": "object", "properties": {}, **parameters}}


def _translated(schema: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in schema.items():
        key = _CAMEL.get(name, name)
        if key in _SERVICE_ONLY or value in ("TYPE_UNSPECIFIED", None) or (key == "format" and value == "enum"):
            continue
        translate = _VALUES.get(key)
        yield key, translate(value) if translate is not None else value


def _type(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _count(value: Any) -> Any:
    return int(value) if isinstance(value, str) and value.isdecimal() else value


def _inner(value: Any) -> Any:
    return json_schema(value) if isinstance(value, dict) else value


def _properties(value: Any) -> Any:
    return {name: _inner(inner) for name, inner in value.items()} if isinstance(value, dict) else value


def _branches(value: Any) -> Any:
    return [_inner(inner) for inner in value] if isinstance(value, list) else value


_VALUES: Final[dict[str, Callable[[Any], Any]]] = {
    "type": _type,
    "items": _inner,
    "properties": _properties,
    "anyOf": _branches,
    **dict.fromkeys(_COUNTS, _count),
}


def _with_null(schema: dict[str, Any]) -> dict[str, Any]:
    if "anyOf" in schema:
        return {**schema, "anyOf": [*schema["anyOf"], {"type": "null"}]}
    nullable = dict(schema)
    if isinstance(schema.get("type"), str):
        nullable["type"] = [schema["type"], "null"]
    if "enum" in schema:
        nullable["enum"] = [*schema["enum"], None]
    return nullable
