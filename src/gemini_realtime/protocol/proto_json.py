"""From JSON to the structs, for what a strict decode refuses.

The rules are those of proto3 JSON: names in lowerCamelCase or snake_case, mixed; `null` means unset; numbers also as
text, text of numbers also as numbers, enums also by number. Source: https://protobuf.dev/programming-guides/json/.

`fit_object` holds to names and nulls alone, for those who want to hear of what is wrong. `read_message` reads what
makes sense and leaves the rest out, value by value. The structs say what is expected; nothing here knows a field by
its name.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import cache, partial
from types import UnionType
from typing import Annotated, Any, Final, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import UNSET

from gemini_realtime.protocol.messages import EnumNames, Message

MAX_NESTING: Final = 100
"""Of JSON that is too deep to be parsed, so many levels are kept; protobuf's own parsers take no more.

Source: https://protobuf.dev/reference/cpp/api-docs/google.protobuf.io.coded_stream/, `SetRecursionLimit`.
"""

_Struct = TypeVar("_Struct", bound=Message)


class UnknownField(msgspec.Struct, frozen=True):
    """A field that is not read: its name as sent, and where (`setup.generation_config`), empty at the top."""

    path: str
    name: str


# --- text -> JSON ----------------------------------------------------------------------------------------------------


def parse_mended(data: bytes | str) -> Any:
    """Parse JSON whose flaws are in single values: each costs that value alone.

    Halves of surrogate pairs and bytes that are not UTF-8 become U+FFFD; numbers that Python has no form for stay the
    text they are; what is nested too deeply becomes null.

    Raises:
        ValueError: it is not JSON for any other reason.
    """
    text = data if isinstance(data, str) else data.decode("utf-8-sig", "replace")
    if "\\ud" in text or "\\uD" in text:
        text = _ESCAPE.sub(_paired, text)
    try:
        return _parse(text)
    except RecursionError:
        return _parse(_flattened(text))


_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)"
)
"""Escapes of JSON; the group is half a surrogate pair."""

_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[\]{}]')
"""What nests, and strings, which may hold brackets that do not; one that is not closed goes on to the end."""


def _paired(escape: re.Match[str]) -> str:
    return r"\ufffd" if escape[1] else escape[0]


def _parse(text: str) -> Any:
    import json  # nearly all that comes is well formed

    # strict=False: control characters within strings are no reason to lose them.
    return json.loads(text, strict=False, parse_int=_whole, parse_float=_real, parse_constant=lambda name: name)


def _whole(text: str) -> int | str:
    return int(text) if len(text) <= 20 else text


def _real(text: str) -> float | str:
    number = float(text)
    return number if math.isfinite(number) else text


def _flattened(text: str) -> str:
    """The text with null for what is nested too deeply.

    Raises:
        ValueError: something in it is not closed.
    """
    kept: list[str] = []
    depth = start = 0
    for token in _TOKEN.finditer(text):
        if token[0] in "[{":
            depth += 1
            if depth == MAX_NESTING + 1:
                kept.append(text[start : token.start()])
        elif token[0] in "]}":
            depth -= 1
            if depth == MAX_NESTING:
                kept.append("null")
                start = token.end()
    if depth > MAX_NESTING:
        raise ValueError("unbalanced brackets")
    return "".join([*kept, text[start:]])


# --- the fields of a struct ------------------------------------------------------------------------------------------

_Read = Callable[[Any, str, list[UnknownField]], Any]
"""Reads a value at a path; UNSET when it makes no sense there. What is left out inside it is added to the list."""


class Field(msgspec.Struct, frozen=True):
    """One field of a message: both spellings, the message inside it, if any, and what reads it."""

    wire_name: str
    snake_name: str
    nested: type[Message] | None
    read: _Read


@cache
def fields_of(struct: type[Message]) -> dict[str, Field]:
    """The struct's fields under both spellings."""
    hints = get_type_hints(struct, include_extras=True)
    fields: dict[str, Field] = {}
    for snake_name, wire_name in zip(struct.__struct_fields__, struct.__struct_encode_fields__, strict=True):
        hint = hints[snake_name]
        fields[snake_name] = fields[wire_name] = Field(wire_name, snake_name, _nested_struct(hint), _reader_of(hint))
    return fields


def _nested_struct(hint: Any) -> type[Message] | None:
    """The message inside `X`, `X | None` or `list[X]`; None for anything else."""
    if isinstance(hint, type) and issubclass(hint, Message):
        return hint
    if get_origin(hint) in (Union, UnionType, list):
        return next(filter(None, map(_nested_struct, get_args(hint))), None)
    return None


def _at(path: str, field: Field) -> str:
    return f"{path}.{field.snake_name}" if path else field.snake_name


# --- names and nulls -------------------------------------------------------------------------------------------------


def fit_object(value: dict[str, Any], struct: type[Message], path: str, unknown: list[UnknownField]) -> dict[str, Any]:
    """Rename fields to the wire's spelling, drop nulls, and move what the struct does not know to `unknown`."""
    fields = fields_of(struct)
    fitted = {}
    for name, member in value.items():
        if name not in fields:
            unknown.append(UnknownField(path, name))
        elif member is not None:
            field = fields[name]
            fitted[field.wire_name] = _fit(member, field.nested, _at(path, field), unknown)
    return fitted


def _fit(value: Any, nested: type[Message] | None, path: str, unknown: list[UnknownField]) -> Any:
    if nested is None:
        return value
    if isinstance(value, dict):
        return fit_object(value, nested, path, unknown)
    if isinstance(value, list):
        return [_fit(item, nested, f"{path}[{index}]", unknown) for index, item in enumerate(value)]
    return value


# --- values ----------------------------------------------------------------------------------------------------------


def read_message(value: dict[str, Any], struct: type[_Struct], path: str, unread: list[UnknownField]) -> _Struct:
    """Read a message, whatever its fields hold.

    Args:
        value: its JSON.
        struct: what it should be.
        path: where it stands, empty at the top.
        unread: takes the fields that are not known, or hold what makes no sense.
    """
    fields = fields_of(struct)
    read: dict[str, Any] = {}
    for name, member in value.items():
        field = fields.get(name)
        if field is None:
            unread.append(UnknownField(path, name))
        elif member is not None:
            leaf = field.read(member, _at(path, field), unread)
            if leaf is UNSET:
                unread.append(UnknownField(path, name))
            else:
                read[field.snake_name] = leaf
    return struct(**read)


def _reader_of(hint: Any) -> _Read:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return partial(_first_that_fits, [_reader_of(kind) for kind in arguments if kind is not type(None)])
    if origin is Annotated:
        names = next((extra for extra in arguments[1:] if isinstance(extra, EnumNames)), None)
        return _reader_of(arguments[0]) if names is None else partial(_enum, names)
    if origin is list:
        return partial(_list, _reader_of(arguments[0]))
    if origin is dict:
        return partial(_map, _reader_of(arguments[1]))
    if isinstance(hint, type) and issubclass(hint, Message):
        return partial(_message, hint)
    return _SCALARS[hint]


def _first_that_fits(readers: list[_Read], value: Any, path: str, unread: list[UnknownField]) -> Any:
    found = (read(value, path, unread) for read in readers)
    return next((leaf for leaf in found if leaf is not UNSET), UNSET)


def _message(struct: type[Message], value: Any, path: str, unread: list[UnknownField]) -> Any:
    if not isinstance(value, dict):
        return struct() if struct.tells_by_presence and value is not False else UNSET
    try:
        return msgspec.convert(value, struct)  # most of an odd message is as it should be, and this is faster
    except (msgspec.ValidationError, RecursionError):
        return read_message(value, struct, path, unread)


def _list(read: _Read, value: Any, path: str, unread: list[UnknownField]) -> Any:
    if not isinstance(value, list):
        return UNSET
    leaves = [read(item, f"{path}[{index}]", unread) for index, item in enumerate(value)]
    unread += [UnknownField(path, f"[{index}]") for index, leaf in enumerate(leaves) if leaf is UNSET]
    return [leaf for leaf in leaves if leaf is not UNSET]


def _map(read: _Read, value: Any, path: str, unread: list[UnknownField]) -> Any:
    if not isinstance(value, dict):
        return UNSET
    leaves = {name: read(item, f"{path}.{name}", unread) for name, item in value.items()}
    unread += [UnknownField(path, name) for name, leaf in leaves.items() if leaf is UNSET]
    return {name: leaf for name, leaf in leaves.items() if leaf is not UNSET}


def _anything(value: Any, path: str, unread: list[UnknownField]) -> Any:
    return value


def _text(value: Any, path: str, unread: list[UnknownField]) -> Any:
    if isinstance(value, str):
        return value
    return UNSET if _number(value) is None else str(value)


def _enum(names: EnumNames, value: Any, path: str, unread: list[UnknownField]) -> Any:
    number = _number(value)
    if isinstance(number, int) and 0 <= number < len(names):
        return names[number]
    return _text(value, path, unread)


def _bool(value: Any, path: str, unread: list[UnknownField]) -> Any:
    if isinstance(value, str):
        value = value.lower()
    return _TRUTH.get(value, UNSET) if isinstance(value, str | int | float) else UNSET


def _int(value: Any, path: str, unread: list[UnknownField]) -> Any:
    number = _number(value)
    if number is None or not -(2**63) <= number < 2**63 or number != int(number):
        return UNSET
    return int(number)


def _float(value: Any, path: str, unread: list[UnknownField]) -> Any:
    if isinstance(value, str) and value in _INFINITE:
        return float(value)
    number = _number(value)
    return UNSET if number is None else float(number)


def _number(value: Any) -> int | float | None:
    """A number that protobuf has a type for, also as text; None for anything else."""
    if isinstance(value, str):
        if not _NUMBER.fullmatch(value):
            return None
        value = int(value) if _WHOLE.fullmatch(value) else float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if isinstance(value, float) or value.bit_length() <= 64 else None


_TRUTH = {True: True, False: False, "true": True, "false": False}
"""It also holds 1 and 0, which equal them."""

_INFINITE = ("NaN", "Infinity", "-Infinity")
_WHOLE = re.compile(r"-?[0-9]{1,20}")
_NUMBER = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,20})?(?:[eE][+-]?[0-9]{1,2})?")
_SCALARS: dict[Any, _Read] = {str: _text, bool: _bool, int: _int, float: _float, Any: _anything}
