"""Whether functions can be as a client declares them.

The words are those that users of Gemini's APIs were told, with the path to the fault ahead of them: AIStudioToAPI 154,
gemini-desktop 7, browser-use 7, LibreChat 6971, 2025-2026. That the Live API closes on all of them, as it was seen to
do on an array without items, is a guess.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from gemini_realtime.local.wire.refusals import FUNCTION_FAULT, Refused
from gemini_realtime.protocol import messages

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,63}", re.ASCII)
_NAME_FAULT: Final = "Invalid function name. Must start with a letter or an underscore."
_STRING_FORMATS: Final = ("", "enum", "date-time")
_UNSPECIFIED: Final = (None, "", "TYPE_UNSPECIFIED")


def check_declarations(tools: Sequence[messages.Tool], where: str) -> None:
    """Refuse the first fault.

    Args:
        tools: as they came.
        where: the path to them.

    Raises:
        Refused: a name that cannot be, or is there twice, or a schema that nothing fits.
    """
    names: set[str] = set()
    for number, tool in enumerate(tools):
        for index, function in enumerate(tool.function_declarations or []):
            path = f"{where}[{number}].function_declarations[{index}]"
            if not _NAME.fullmatch(function.name):
                raise _fault(f"{path}.name", _NAME_FAULT)
            if function.name in names:
                raise _fault(path, f"Duplicate function declaration found: {function.name}")
            names.add(function.name)
            if function.parameters is not None:
                _check(function.parameters, f"{path}.parameters", outermost=True)


def _check(schema: dict[str, Any], where: str, *, outermost: bool = False) -> None:
    kind, branches = schema.get("type"), schema.get("anyOf")
    if branches and set(schema) - {"anyOf"}:
        raise _fault(f"{where}.any_of", "when using any_of, it must be the only field set")
    if not branches and kind in _UNSPECIFIED and not outermost and "ref" not in schema:
        raise _fault(f"{where}.type", "must be specified")
    if kind == "ARRAY" and "items" not in schema:
        raise _fault(f"{where}.items", "missing field")
    if kind == "STRING" and schema.get("format", "") not in _STRING_FORMATS:
        raise _fault(f"{where}.format", "only 'enum' and 'date-time' are supported for STRING type")
    if schema.get("enum") and kind not in ("STRING", *_UNSPECIFIED):
        raise _fault(f"{where}.enum", "only allowed for STRING type")
    properties = schema.get("properties") or {}
    if "properties" in schema and not properties and not outermost:
        raise _fault(f"{where}.properties", "should be non-empty for OBJECT type")
    for index, name in enumerate(schema.get("required") or []):
        if name not in properties:
            raise _fault(f"{where}.required[{index}]", "property is not defined")
    for name, part in properties.items():
        _check(part, f"{where}.properties[{name}]")
    for index, part in enumerate(branches or []):
        _check(part, f"{where}.any_of[{index}]")
    if schema.get("items"):
        _check(schema["items"], f"{where}.items")


def _fault(where: str, problem: str) -> Refused:
    return Refused(FUNCTION_FAULT, where=where, problem=problem.rstrip("."))
