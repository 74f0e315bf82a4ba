"""Whether a client's JSON is what the service's types allow: proto3 JSON, strictly.

One liberty is left to the client: enums may be in lower case, as the service's own pages write them.
"""

from __future__ import annotations

import math
import re
from typing import Any, Final

from gemini_realtime.errors import AudioFormatError
from gemini_realtime.local.wire.fields import MESSAGES, Field, fields_of, values_of
from gemini_realtime.local.wire.refusals import BASE64, NOT_REPEATED, ONE_MEMBER, UNKNOWN_NAME, WRONG_VALUE, Refused
from gemini_realtime.protocol.codec import decode_base64

_PACKAGE: Final = "type.googleapis.com/google.ai.generativelanguage.v1beta."
_INT_BITS: Final = {"int32": 31, "int64": 63}
_FLOAT_MAX: Final = {"float": 3.4028234663852886e38, "double": math.inf}
_NOT_FINITE: Final = {"NaN", "Infinity", "-Infinity"}
_DURATION: Final = re.compile(r"-?\d{1,12}(\.\d{1,9})?s")
_TIMESTAMP: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")
_SHOWN: Final = re.compile(r"[\w.-]{1,40}", re.ASCII)


def conform(value: dict[str, Any], message: str, where: str = "") -> dict[str, Any]:
    """Read an object as this message: names in the wire's spelling, numbers as numbers, no nulls.

    Args:
        value: the JSON object.
        message: the type it has, as in `fields.py`.
        where: the path to it, in snake case.

    Raises:
        Refused: the service's types do not allow it.
    """
    fields, fitted, chosen = fields_of(message), dict[str, Any](), set[str]()
    for name, member in value.items():
        field = fields.get(name)
        if field is None:
            raise Refused(UNKNOWN_NAME, name=name, where=_at(where))
        if member is None and field.type != "Value":
            continue
        if field.oneof in chosen:
            raise Refused(ONE_MEMBER, where=_at(where), oneof=field.oneof, name=name)
        chosen |= {field.oneof} - {""}
        fitted[field.wire_name] = _field(member, field, f"{where}.{field.snake_name}" if where else field.snake_name)
    return fitted


def _field(value: Any, field: Field, where: str) -> Any:
    if field.repeated:
        if not isinstance(value, list):
            raise _wrong(value, field.type, where)
        return [_single(item, field.type, f"{where}[{index}]") for index, item in enumerate(value)]
    if field.mapped:
        if not isinstance(value, dict):
            raise _wrong(value, field.type, where)
        items = enumerate(value.items())
        return {name: _single(item, field.type, f"{where}[{index}].value") for index, (name, item) in items}
    return _single(value, field.type, where)


def _single(value: Any, kind: str, where: str) -> Any:
    if kind in ("Value", "Json"):
        return value
    if isinstance(value, list):
        parent, _, name = where.rpartition(".")
        raise Refused(NOT_REPEATED, name=name, where=_at(parent))
    if kind in MESSAGES or kind == "Struct":
        if not isinstance(value, dict):
            raise _wrong(value, kind, where)
        return value if kind == "Struct" else conform(value, kind, where)
    read = _SCALARS.get(kind, _enum)
    fitted = read(value, kind)
    if fitted is None:
        raise Refused(BASE64, where=where) if kind == "bytes" and isinstance(value, str) else _wrong(value, kind, where)
    return fitted


def _text(value: Any, kind: str) -> str | None:
    return value if isinstance(value, str) else None


def _bool(value: Any, kind: str) -> bool | None:
    return value if isinstance(value, bool) else None


def _bytes(value: Any, kind: str) -> str | None:
    if not isinstance(value, str):
        return None
    try:
        decode_base64(value)
    except AudioFormatError:
        return None
    return value


def _int(value: Any, kind: str) -> int | None:
    """Whole numbers, also as text and as floats. Source: https://protobuf.dev/programming-guides/json/."""
    if isinstance(value, str):
        value = int(value) if re.fullmatch(r"[+-]?\d{1,20}", value, re.ASCII) else None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if -(1 << _INT_BITS[kind]) <= value < 1 << _INT_BITS[kind] else None


def _float(value: Any, kind: str) -> float | None:
    if isinstance(value, str):
        if value in _NOT_FINITE:
            return float(value)
        value = (
            float(value) if re.fullmatch(r"[+-]?\d{1,40}(\.\d{1,40})?([eE][+-]?\d{1,3})?", value, re.ASCII) else None
        )
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if abs(value) <= min(_FLOAT_MAX[kind], 1.7976931348623157e308) else None


def _enum(value: Any, kind: str) -> str | None:
    """A name, or a number, of which a newer one than those known is taken for the first."""
    values = values_of(kind) or ()
    if isinstance(value, str) and value.upper() in values:
        return value.upper()
    number = _int(value, "int64")
    if number is None:
        return None
    return values[number] if 0 <= number < len(values) else values[0]


def _duration(value: Any, kind: str) -> str | None:
    return value if isinstance(value, str) and _DURATION.fullmatch(value) else None


def _timestamp(value: Any, kind: str) -> str | None:
    return value if isinstance(value, str) and _TIMESTAMP.fullmatch(value) else None


_SCALARS: Final = {
    "string": _text,
    "bytes": _bytes,
    "bool": _bool,
    "int32": _int,
    "int64": _int,
    "float": _float,
    "double": _float,
    "Duration": _duration,
    "Timestamp": _timestamp,
}


def _at(where: str) -> str:
    return f" at '{where}'" if where else ""


def _wrong(value: Any, kind: str, where: str) -> Refused:
    """The value is told when it is a word or a number: anything longer may be what the user said."""
    name = f"TYPE_{kind.upper()}" if kind in _SCALARS else _PACKAGE + kind
    shown = f', "{value}"' if isinstance(value, str) and _SHOWN.fullmatch(value) else ""
    if isinstance(value, (int, float)):
        shown = f", {str(value)[:40].lower()}"
    return Refused(WRONG_VALUE, where=where, type=name, value=shown)
