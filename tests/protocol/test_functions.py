"""Python functions as the model is told of them."""

from __future__ import annotations

import enum
import functools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal, TypedDict

import msgspec
import pytest

from gemini_realtime.errors import ConfigError
from gemini_realtime.protocol.functions import declaration_of


class Unit(enum.Enum):
    CELSIUS = "celsius"
    KELVIN = "kelvin"


@dataclass
class Place:
    city: str
    country: str = "DE"


class Guest(TypedDict):
    name: str


class Described:
    """As pydantic's models, it knows its schema."""

    @classmethod
    def model_json_schema(cls) -> dict[str, Any]:
        return {"type": "object", "properties": {"a": {"type": "string"}}}


def get_weather(city: str, days: int = 1, unit: Unit = Unit.CELSIUS) -> str:
    """Look the weather up.

    In any city.

    Args:
        city: its name,
            in any language.
        days (int): how far ahead.

    Returns:
        A sentence: one, not more.
    """
    return f"{city} {days} {unit}"


def declared(function: Callable[..., Any]) -> dict[str, Any]:
    return declaration_of("tools[0]", function)


def test_a_function_is_declared_from_its_signature_and_docstring() -> None:
    assert declared(get_weather) == {
        "name": "get_weather",
        "description": "Look the weather up.\n\nIn any city.",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "its name, in any language."},
                "days": {"type": "integer", "description": "how far ahead.", "default": 1},
                "unit": {"$ref": "#/$defs/Unit", "$defs": {"Unit": {"title": "Unit", "enum": ["celsius", "kelvin"]}}},
            },
            "required": ["city"],
        },
    }


def sphinx(city: str) -> None:
    """Look up.

    :param str city: its name,
        in any language
    :returns: nothing
    """


def numpy(city: str) -> None:
    """Look up.

    Parameters
    ----------
    city : str
        its name,
        in any language

    Returns
    -------
    str
        nothing
    """


@pytest.mark.parametrize("function", [sphinx, numpy])
def test_docstrings_may_be_written_in_other_ways(function: Callable[..., Any]) -> None:
    declaration = declared(function)
    assert declaration["description"] == "Look up."
    assert declaration["parameters"]["properties"]["city"]["description"] == "its name, in any language"


@pytest.mark.parametrize(
    ("hint", "schema"),
    [
        (Literal["a", "b"], {"enum": ["a", "b"]}),
        (str | None, {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        (list[float], {"type": "array", "items": {"type": "number"}}),
        (date, {"type": "string", "format": "date"}),
        (Any, {}),
        (Described, Described.model_json_schema()),
        (Annotated[int, "how many"], {"type": "integer", "description": "how many"}),
        (Annotated[int, msgspec.Meta(description="how many", ge=1)], {"minimum": 1, "description": "how many"}),
    ],
    ids=str,
)
def test_the_type_hint_of_a_parameter_is_its_schema(hint: Any, schema: dict[str, Any]) -> None:
    def function(a: Any) -> None: ...

    function.__annotations__["a"] = hint
    described = declared(function)["parameters"]["properties"]["a"]
    assert {name: described.get(name) for name in schema} == schema


@pytest.mark.parametrize("hint", [Place, Guest, list[Place]], ids=str)
def test_structured_types_have_their_fields(hint: Any) -> None:
    def function(a: Any) -> None: ...

    function.__annotations__["a"] = hint
    assert "$defs" in declared(function)["parameters"]["properties"]["a"]


class Shop:
    def order(self, what: str, *args: Any, **more: Any) -> None:
        """Order something."""


async def nothing() -> None: ...


def test_methods_partials_and_coroutines_are_functions_too() -> None:
    assert declared(Shop().order)["parameters"]["properties"].keys() == {"what"}
    assert declared(nothing) == {"name": "nothing"}
    partial = declared(functools.partial(get_weather, unit=Unit.KELVIN))
    assert partial["name"] == "get_weather"
    assert "unit" not in partial["parameters"]["properties"]


def unknown_hint(a: Nowhere) -> None: ...  # type: ignore[name-defined]  # noqa: F821


def strange_hint(a: object) -> None: ...


@pytest.mark.parametrize(
    "function", [lambda a: a, Place, unknown_hint, strange_hint, Shop(), functools.partial(lambda: 0)]
)
def test_what_cannot_be_declared_is_an_error_with_a_remedy(function: Any) -> None:
    with pytest.raises(ConfigError) as error:
        declared(function)
    assert error.value.remedy
