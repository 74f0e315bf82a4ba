"""Parameter schemas as the service takes them: Schema with UPPER-case types, or JSON schema."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

DEPTH_MAX = 6
_TYPES = {"string": str, "boolean": bool, "array": list, "object": dict}


ENUM_MAX = 256
"""Values that can be told from each other by ear; of more than these any text is taken for one."""


@dataclass(frozen=True)
class Schema:
    """What one value has to be.

    Attributes:
        type: lower case; "" when the schema allows anything, "unknown" when it is not understood.
        limits: the schema as it was written, for bounds and lengths.
    """

    type: str = ""
    description: str = ""
    enum: tuple[Any, ...] = ()
    nullable: bool = False
    properties: Mapping[str, Schema] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    items: Schema | None = None
    limits: Mapping[str, Any] = field(default_factory=dict)

    @property
    def numeric(self) -> bool:
        return self.type in ("number", "integer")


def read_parameters(declaration: Mapping[str, Any]) -> Schema:
    """Read the schema of a function's parameters, an object; without one the function takes nothing."""
    for key in ("parameters", "parametersJsonSchema", "parameters_json_schema"):
        if isinstance(declaration.get(key), Mapping):
            raw = declaration[key]
            schema = _read(raw, raw, DEPTH_MAX)
            return schema if schema.type == "object" else Schema("object")
    return Schema("object")


def fits(value: Any, schema: Schema) -> bool:
    """Tell whether a value keeps to the type, the enum and the bounds of a schema."""
    if value is None:
        return schema.nullable or schema.type == "null"
    if not _is_type(value, schema.type) or (schema.enum and value not in schema.enum):
        return False
    if isinstance(value, str):
        return _within(len(value), schema, "minLength", "maxLength") and _has_pattern(value, schema)
    if isinstance(value, list):
        return _within(len(value), schema, "minItems", "maxItems") and all(
            fits(item, schema.items or Schema()) for item in value
        )
    if isinstance(value, dict):
        return schema.required <= value.keys() and all(
            fits(item, schema.properties.get(name, Schema())) for name, item in value.items()
        )
    return isinstance(value, bool) or _within(value, schema, "minimum", "maximum", strict=True)


def _is_type(value: Any, type_name: str) -> bool:
    if type_name in ("number", "integer"):
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return is_number and (type_name == "number" or isinstance(value, int))
    return type_name == "" or isinstance(value, _TYPES.get(type_name, ()))


def _within(size: float, schema: Schema, low: str, high: str, *, strict: bool = False) -> bool:
    """Compare with both bounds; a bound may be a string, which is how JSON of protobuf writes int64."""
    lowest, highest = _bound(schema, low, -math.inf), _bound(schema, high, math.inf)
    if not lowest <= size <= highest:
        return False
    above, below = _bound(schema, "exclusiveMinimum", -math.inf), _bound(schema, "exclusiveMaximum", math.inf)
    return not strict or above < size < below


def _bound(schema: Schema, key: str, otherwise: float) -> float:
    bound = schema.limits.get(key)
    if isinstance(bound, bool) or not isinstance(bound, (int, float, str)):
        return otherwise
    try:
        return float(bound)
    except (ValueError, OverflowError):
        return otherwise


def _has_pattern(value: str, schema: Schema) -> bool:
    pattern = schema.limits.get("pattern")
    try:
        return not isinstance(pattern, str) or re.search(pattern, value) is not None
    except (re.error, RecursionError, OverflowError):
        return True


def _read(raw: object, root: Mapping[str, Any], depth: int) -> Schema:
    if raw is True or raw == {}:
        return Schema()
    if depth == 0 or not isinstance(raw, Mapping):
        return Schema("unknown")
    merged = _merged(cast("Mapping[str, Any]", raw), root, DEPTH_MAX)
    type_name, nullable = _type(merged)
    properties, items = merged.get("properties"), merged.get("items")
    if type_name == "" and isinstance(properties, Mapping):
        type_name = "object"
    return Schema(
        type_name,
        str(merged.get("description", "")),
        _enum(merged, type_name),
        nullable,
        {
            str(name): _read(sub, root, depth - 1)
            for name, sub in (properties.items() if isinstance(properties, Mapping) else ())
        },
        frozenset(str(name) for name in _list(merged.get("required"))),
        None if items is None else _read(items, root, depth - 1),
        merged,
    )


def _merged(raw: Mapping[str, Any], root: Mapping[str, Any], depth: int) -> Mapping[str, Any]:
    """Follow $ref, add every allOf, and choose the first alternative of anyOf and oneOf that is not null."""
    parts: list[Mapping[str, Any]] = []
    nullable = False
    if isinstance(raw.get("$ref"), str):
        parts.append(_resolved(raw["$ref"], root))
    parts += [part for part in _list(raw.get("allOf")) if isinstance(part, Mapping)]
    for key in ("anyOf", "oneOf"):
        options = [option for option in _list(raw.get(key)) if isinstance(option, Mapping)]
        chosen = [option for option in options if str(option.get("type")).lower() != "null"]
        nullable = nullable or len(chosen) < len(options)
        parts += chosen[:1]
    whole: dict[str, Any] = {}
    for part in parts if depth else ():
        whole.update(_merged(part, root, depth - 1))
    whole.update(raw)
    return {**whole, "nullable": True} if nullable else whole


def _resolved(reference: str, root: Mapping[str, Any]) -> Mapping[str, Any]:
    target: object = root
    for name in reference.removeprefix("#").strip("/").split("/"):
        target = target.get(name) if isinstance(target, Mapping) else None
    return target if isinstance(target, Mapping) else {"type": "unknown"}


def _type(raw: Mapping[str, Any]) -> tuple[str, bool]:
    names = [str(name).lower() for name in _list(raw.get("type"))]
    if isinstance(raw.get("type"), str):
        names = [raw["type"].lower()]
    nullable = raw.get("nullable") is True or "null" in names
    name = next((name for name in names if name != "null"), "null" if names else "")
    known = name in _TYPES or name in ("number", "integer", "null", "")
    return ("" if name == "type_unspecified" else name if known else "unknown"), nullable


def _enum(raw: Mapping[str, Any], type_name: str) -> tuple[Any, ...]:
    """Give the allowed values; the service writes those of numbers as strings."""
    values = [raw["const"]] if "const" in raw else _list(raw.get("enum"))
    if len(values) > ENUM_MAX:
        return ()
    if type_name in ("number", "integer"):
        return tuple(_number(value) for value in values)
    return tuple(values)


def _number(value: object) -> object:
    try:
        return int(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _list(value: object) -> Sequence[Any]:
    return value if isinstance(value, (list, tuple)) else ()
