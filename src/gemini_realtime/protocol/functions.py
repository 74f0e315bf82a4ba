"""Python functions as declarations: name, description and parameters from signature, type hints and docstring.

    def get_weather(city: str, days: Annotated[int, "how far ahead"] = 1) -> str:
        \"\"\"Look the weather up.

        Args:
            city: its name, in any language.
        \"\"\"

Type hints may be whatever msgspec has a JSON Schema for (builtins, `Literal`, unions, enums, dates, dataclasses,
`TypedDict`, `NamedTuple`, its own structs), and classes with a `model_json_schema()`, such as pydantic's models.
Docstrings may be written as Google, Sphinx or NumPy do.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Annotated, Any, Final, NamedTuple, get_args, get_origin, get_type_hints

import msgspec

from gemini_realtime.checking import shown
from gemini_realtime.errors import ConfigError
from gemini_realtime.protocol.fields import plain

Json = dict[str, Any]


def declaration_of(where: str, function: Callable[..., Any]) -> Json:
    """The declaration of a function, its parameters as JSON Schema.

    Args:
        where: what errors call it.
        function: sync or async.

    Raises:
        ConfigError: it has no name or no signature, or a type hint that cannot be described.
    """
    name = getattr(_unwrapped(function), "__name__", None)
    if isinstance(function, type) or not isinstance(name, str) or not name.isidentifier():
        raise ConfigError(
            f"`{where}` is {'a class' if isinstance(function, type) else 'a function without a name'}",
            remedy="pass a function that was made with `def`",
        )
    try:
        signature = inspect.signature(function)
        hints = get_type_hints(_unwrapped(function), include_extras=True)
    except (TypeError, ValueError, NameError, AttributeError) as error:
        raise ConfigError(
            f"the signature of {name} cannot be read: {error}", remedy="describe the function with a dict"
        ) from None
    documented = _read_docstring(inspect.getdoc(_unwrapped(function)) or "")
    declaration: Json = {"name": name}
    if documented.description:
        declaration["description"] = documented.description
    given = getattr(function, "keywords", {})  # of `functools.partial`: the application's own affair
    parameters = [
        each for name, each in signature.parameters.items() if each.kind not in _VARIADIC and name not in given
    ]
    if parameters:
        declaration["parameters"] = {
            "type": "object",
            "properties": {
                each.name: _property(f"{each.name} of {name}", each, hints.get(each.name, Any), documented)
                for each in parameters
            },
            "required": [each.name for each in parameters if each.default is inspect.Parameter.empty],
        }
    return declaration


_VARIADIC: Final = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def _unwrapped(function: Any) -> Any:
    """What `functools.partial` was made of."""
    while isinstance(function, functools.partial):
        function = function.func
    return function


def _property(where: str, parameter: inspect.Parameter, hint: Any, documented: _Documented) -> Json:
    try:
        schema: Json = plain(where, msgspec.json.schema(hint, schema_hook=_described_by_itself))
    except (TypeError, ValueError, RecursionError):
        raise ConfigError(
            f"the type of {where} is {shown(hint)}, which has no JSON Schema",
            remedy="use builtins, Literal, enums, dataclasses or pydantic models; or describe the function with a dict",
        ) from None
    said = next(filter(None, _described(hint)), None) or documented.parameters.get(parameter.name)
    if said:
        schema["description"] = said
    if parameter.default not in (inspect.Parameter.empty, None) and _is_plain(parameter.default):
        schema["default"] = parameter.default
    return schema


def _described_by_itself(kind: Any) -> Any:
    described = getattr(kind, "model_json_schema", None)
    if not callable(described):
        raise NotImplementedError
    return described()


def _described(hint: Any) -> Iterator[str | None]:
    """What `Annotated` says of a parameter: text, or the description of a `Field` or a `Meta`."""
    for extra in get_args(hint)[1:] if get_origin(hint) is Annotated else ():
        said = extra if isinstance(extra, str) else getattr(extra, "description", None)
        yield said if isinstance(said, str) else None


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | bool | int | float)


# --- docstrings


class _Documented(NamedTuple):
    description: str
    parameters: dict[str, str]


_HEADING: Final = re.compile(
    r"(args|arguments|parameters|params|returns?|raises|yields?|examples?|notes?|attributes|see also)\s*:?", re.I
)
_PARAMETER_HEADINGS: Final = ("args", "arguments", "parameters", "params")
_SPHINX: Final = re.compile(r":(?P<field>\w+)(?:\s+[^:]*?(?P<name>\w+))?:\s*(?P<said>.*)")
_GOOGLE: Final = re.compile(r"\s+(?P<name>\w+)\s*(?:\([^)]*\))?\s*:\s+(?P<said>.*)")
_NUMPY: Final = re.compile(r"(?P<name>\w+)(?:\s*:.*)?")


def _read_docstring(text: str) -> _Documented:
    """The description, and what is said of each parameter."""
    description: list[str] = []
    said: dict[str, list[str]] = {}
    section, name = "", ""
    for line, following in pairwise([*text.splitlines(), ""]):
        underlined = bool(re.fullmatch(r"-{3,}\s*", following))
        if _HEADING.fullmatch(line) and (line.rstrip().endswith(":") or underlined):
            section, name = line.strip(" :").lower(), ""
        elif sphinx := _SPHINX.match(line):
            section, name = "sphinx", sphinx["name"] if sphinx["field"] in ("param", "parameter", "arg") else ""
            said.setdefault(name or "", []).append(sphinx["said"])
        elif not section:
            description.append(line)
        elif started := _parameter(section, line):
            name = started["name"]
            said[name] = [started.groupdict().get("said") or ""]
        elif name:
            said[name].append(line.strip())
    return _Documented(
        "\n".join(description).strip(),
        {name: " ".join(filter(None, words)) for name, words in said.items() if name},
    )


def _parameter(section: str, line: str) -> re.Match[str] | None:
    """The line that begins what is said of a parameter, in a section of parameters."""
    if section not in _PARAMETER_HEADINGS or re.fullmatch(r"-+", line):
        return None
    return _NUMPY.fullmatch(line) or _GOOGLE.fullmatch(line)
