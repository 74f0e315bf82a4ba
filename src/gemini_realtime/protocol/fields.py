"""Values for the fields of the service's messages: plain JSON, known names, every type and range right."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Final

import msgspec

from gemini_realtime.checking import check_number, kind_of, near_name, shown, spelling_remedy
from gemini_realtime.errors import ConfigError
from gemini_realtime.protocol.codec import encode_base64
from gemini_realtime.protocol.messages import Message
from gemini_realtime.protocol.proto_json import UnknownField, fields_of, fit_object

Json = dict[str, Any]

WHERE_TO_LOOK: Final = "all of them are in docs/configuration.md; `setup` takes fields that are not"

MAX_DEPTH: Final = 100
"""Of objects and lists in each other; protobuf's parsers take no more."""


# --- plain JSON


def plain(path: str, value: Any, inside: tuple[int, ...] = ()) -> Any:
    """The value as JSON has it: enums as their values, bytes as base64, models (google-genai, pydantic) and any mapping
    as dicts, tuples as lists. What JSON has no form for stays as it is, for those who know what it means; `check_json`
    refuses what is left of it.

    Args:
        path: where it stands, for errors.
        value: anything.
        inside: the ids of what it stands in.

    Raises:
        ConfigError: it holds itself, or is deeper than the service reads.
    """
    if isinstance(value, Enum):
        return plain(path, value.value, inside)
    for kind, convert in _LEAVES.items():
        if isinstance(value, kind):
            return convert(value)
    if id(value) in inside or len(inside) >= MAX_DEPTH:
        raise ConfigError(f"`{path[:200]}` is too deep, or holds itself", remedy=f"pass {MAX_DEPTH} levels at most")
    inside = (*inside, id(value))
    value = dumped(path, value)
    if isinstance(value, Mapping):
        names = {name: name.value if isinstance(name, Enum) else name for name in value}
        return {names[name]: plain(_below(path, names[name]), item, inside) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(f"{path}[{index}]", item, inside) for index, item in enumerate(value)]
    return value


_LEAVES: Final[dict[Any, Callable[[Any], Any]]] = {
    bool: bool,
    str: str,
    int: int,
    float: float,
    (bytes, bytearray, memoryview): lambda data: encode_base64(data).decode("ascii"),
}


def dumped(path: str, value: Any) -> Any:
    """The fields of a model of google-genai or pydantic; any other value as it is.

    Raises:
        ConfigError: it has none.
    """
    if isinstance(value, type) or not callable(dump := getattr(value, "model_dump", None)):
        return value
    try:
        return dump(exclude_none=True)
    except Exception as error:  # somebody else's code
        raise ConfigError(
            f"`{path[:200]}` is {kind_of(value)} whose model_dump() raised {type(error).__name__}", remedy="pass a dict"
        ) from None


def check_json(path: str, value: Any) -> None:
    """Refuse what JSON, or the service, has no form for.

    Args:
        path: where it stands.
        value: as `plain` returns it.

    Raises:
        ConfigError: the first that is found.
    """
    if isinstance(value, dict):
        for name, item in value.items():
            if not isinstance(name, str):
                raise ConfigError(f"`{path[:200]}` has the key {shown(name)}", remedy="use strings as keys")
            _check_text(path, name)
            check_json(_below(path, name), item)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            check_json(f"{path}[{index}]", item)
    elif isinstance(value, str):
        _check_text(path, value)
    elif isinstance(value, int | float):
        if not (math.isfinite(value) if isinstance(value, float) else -(2**63) <= value < 2**64):
            raise ConfigError(f"`{path[:200]}` is {shown(value)}", remedy="pass a finite number of 64 bits at most")
    elif value is not None:
        raise ConfigError(
            f"`{path[:200]}` is {kind_of(value)}",
            remedy="pass what JSON has a form for: dicts, lists, strings, numbers, True, False and None",
        )


def _below(path: str, name: Any) -> str:
    return f"{path}.{name if isinstance(name, str) else shown(name)}"


def _check_text(path: str, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ConfigError(
            f"`{path[:200]}` holds half of a surrogate pair", remedy="encode the text with errors='replace' first"
        ) from None


# --- fields of the service's messages


def wire_name(struct: type[Message], name: str) -> str:
    """How the service spells a field."""
    return fields_of(struct)[name].wire_name


def fitted(name: str, value: Any, struct: type[Message]) -> Any:
    """The value of a field as the service spells it: camelCase, known fields only, every type and range right.

    Raises:
        ConfigError: it cannot be.
    """
    unknown: list[UnknownField] = []
    fit = fit_object({name: value}, struct, "", unknown)
    for field in unknown:
        names = [known.snake_name for known in fields_of(_struct_at(struct, field.path)).values()]
        raise ConfigError(
            f"`{field.path}` has no field {shown(field.name)}",
            remedy=spelling_remedy(field.name, dict.fromkeys(names), choice=WHERE_TO_LOOK),
        )
    try:
        built = msgspec.to_builtins(msgspec.convert(fit, struct))
    except (msgspec.ValidationError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise _misfit(name, str(error)) from None
    return _normal(built, struct)[wire_name(struct, name)]


def _misfit(name: str, said: str) -> ConfigError:
    """What msgspec said of a value, in our words."""
    match = re.fullmatch(r"Expected `(?P<wanted>.*)`, got `(?P<given>.*?)`(?: - at `\$\.(?P<place>.*)`)?", said)
    wanted = next((_WANTED[kind] for kind in match["wanted"].split(" | ") if kind in _WANTED), "") if match else ""
    if match is None or not wanted:
        return ConfigError(f"the option `{name}` does not fit: {said}", remedy=WHERE_TO_LOOK)
    place = re.sub(r"(?<=[a-z0-9])[A-Z]", lambda capital: f"_{capital[0].lower()}", match["place"] or name)
    return ConfigError(f"`{place}` is of the type {match['given']}", remedy=f"pass {wanted}")


_WANTED: Final = {
    "float": "a number", "int": "a whole number", "str": "a string", "bool": "True or False", "array": "a list",
    "object": "a dict",
}  # fmt: skip
"""By msgspec's names of types."""


def _struct_at(struct: type[Message], path: str) -> type[Message]:
    for step in filter(None, re.sub(r"\[\d+\]", "", path).split(".")):
        struct = fields_of(struct)[step].nested or struct
    return struct


def _normal(value: Json, struct: type[Message]) -> Json:
    """Enums in the service's spelling, numbers in their ranges, at any depth."""
    normal: Json = {}
    for name, item in value.items():
        nested = fields_of(struct)[name].nested
        if isinstance(item, dict) and nested is not None:
            normal[name] = _normal(item, nested)
        elif isinstance(item, list) and nested is not None:
            normal[name] = [_normal(each, nested) for each in item]
        elif name in _ENUMS:
            texts = item if isinstance(item, list) else [item]
            values = [enum_value(name, text) for text in texts]
            normal[name] = values if isinstance(item, list) else values[0]
        else:
            normal[name] = _in_range(name, item) if name in _RANGES else item
    return normal


def enum_value(name: str, text: str) -> str:
    """The enum value for `START_SENSITIVITY_LOW`, `start_sensitivity_low` or `low`.

    Raises:
        ConfigError: there is no such value.
    """
    prefix, values = _ENUMS[name]
    for spelling in (text.upper(), prefix + text.upper()):
        if spelling in (prefix + value for value in values):
            return spelling
    choices = [prefix + value for value in values]
    near = near_name(text, choices) or near_name(prefix + text, choices)
    meant = f"did you mean {near!r}? " if near else ""
    raise ConfigError(f"`{name}` cannot be {shown(text)}", remedy=f"{meant}use one of {', '.join(choices)}")


def _in_range(name: str, value: Any) -> Any:
    least, most, whole = _RANGES[name]
    number = int(value) if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,20}", value) else value
    if whole and isinstance(number, float) and number.is_integer():
        number = int(number)
    check_number(name, number, least, most, whole=whole)
    return number


_INT32 = 2**31 - 1
_INT64 = 2**63 - 1

_RANGES: Final[dict[str, tuple[float, float, bool]]] = {
    "temperature": (0, 2, False),
    "topP": (0, 1, False),
    "topK": (1, _INT32, True),
    "presencePenalty": (-2, 2, False),
    "frequencyPenalty": (-2, 2, False),
    "candidateCount": (1, _INT32, True),
    "maxOutputTokens": (1, _INT32, True),
    "seed": (-_INT32 - 1, _INT32, True),
    "thinkingBudget": (-1, _INT32, True),  # -1: as much as the model likes
    "prefixPaddingMs": (0, _INT32, True),
    "silenceDurationMs": (0, _INT32, True),
    "triggerTokens": (1, _INT64, True),
    "targetTokens": (0, _INT64, True),
}
"""Least, most, and whether only whole numbers fit."""

_ENUMS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "responseModalities": ("", ("AUDIO", "TEXT", "VIDEO", "IMAGE")),
    "mediaResolution": ("MEDIA_RESOLUTION_", ("LOW", "MEDIUM", "HIGH")),
    "thinkingLevel": ("", ("MINIMAL", "LOW", "MEDIUM", "HIGH", "XHIGH")),
    "activityHandling": ("", ("START_OF_ACTIVITY_INTERRUPTS", "NO_INTERRUPTION")),
    "turnCoverage": ("TURN_INCLUDES_", ("ONLY_ACTIVITY", "ALL_INPUT", "AUDIO_ACTIVITY_AND_ALL_VIDEO")),
    "startOfSpeechSensitivity": ("START_SENSITIVITY_", ("HIGH", "LOW")),
    "endOfSpeechSensitivity": ("END_SENSITIVITY_", ("HIGH", "LOW")),
    "mode": ("", ("VERBATIM", "SMART")),
}
"""What all values of an enum begin with, and how they end."""
