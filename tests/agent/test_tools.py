"""Functions as tools: declared from their signature, called with checked arguments."""

from __future__ import annotations

import asyncio
import functools
import math
from collections.abc import AsyncIterator, Iterator
from datetime import date
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from gemini_realtime import ConfigError
from gemini_realtime.agent import CallContext, Tool, ToolError, tool
from gemini_realtime.agent.results import to_result


class Guest(BaseModel):
    name: str
    vegetarian: bool = False


def book(
    day: date,
    guests: Annotated[int, Field(ge=1, le=12)],
    window: bool = False,
    kind: Literal["lunch", "dinner"] = "dinner",
) -> str:
    """Book a table.

    Only for the present year.

    Args:
        day: when they come.
        guests: how many people come.
    """
    return f"{day.isoformat()} {guests} {window} {kind}"


def results(tool: Tool, **arguments: Any) -> list[dict[str, Any]]:
    async def run() -> list[dict[str, Any]]:
        return [result.response async for result in tool.results(tool.check(arguments), CallContext("1", "key"))]

    return asyncio.run(run())


def test_a_declaration_has_types_defaults_and_the_words_of_the_docstring() -> None:
    declared = Tool(book).declaration
    properties = declared["parameters"]["properties"]
    assert declared["name"] == "book"
    assert declared["description"] == "Book a table.\n\nOnly for the present year."
    assert declared["parameters"]["required"] == ["day", "guests"]
    assert properties["day"]["description"] == "when they come."
    assert properties["guests"] | {"title": ""} == {
        "description": "how many people come.", "maximum": 12, "minimum": 1, "title": "", "type": "integer",
    }  # fmt: skip
    assert properties["kind"]["enum"] == ["lunch", "dinner"]


def test_words_in_annotated_describe_the_argument_as_in_ag2() -> None:
    def weather(city: Annotated[str, "the city"]) -> str:
        return city

    assert Tool(weather).declaration["parameters"]["properties"]["city"]["description"] == "the city"


def test_a_function_without_arguments_has_no_parameters() -> None:
    assert "parameters" not in Tool(lambda: 1, name="now").declaration


def test_arguments_come_as_the_types_of_the_function() -> None:
    assert results(Tool(book), day="2026-11-28", guests="3")[0] == {"output": "2026-11-28 3 False dinner"}


def test_wrong_arguments_are_named_for_the_model() -> None:
    with pytest.raises(ToolError) as caught:
        Tool(book).check({"day": "soon", "guests": 40, "chairs": 2})
    assert str(caught.value).startswith("wrong arguments: ")
    assert all(name in str(caught.value) for name in ("day", "guests", "chairs"))


def test_arguments_may_be_models_and_lists_of_them() -> None:
    def seat(guests: list[Guest]) -> list[str]:
        return [guest.name for guest in guests if guest.vegetarian]

    assert results(Tool(seat), guests=[{"name": "Ann", "vegetarian": True}, {"name": "Bob"}]) == [{"output": ["Ann"]}]


@pytest.mark.parametrize("name", ["schema", "copy", "model_config", "_hidden", "json", "self_", "class_"])
def test_any_name_may_be_an_arguments(name: str) -> None:
    namespace: dict[str, Any] = {}
    exec(f"def f({name}: int): return {name}", namespace)
    declared = Tool(namespace["f"])
    assert list(declared.declaration["parameters"]["properties"]) == [name]
    assert results(declared, **{name: 7}) == [{"output": 7}]


def test_arguments_may_be_positional_only_and_keyword_only() -> None:
    def minus(a: int, /, *, b: int = 1) -> int:
        return a - b

    assert results(Tool(minus), a=5) == [{"output": 4}]


def test_the_context_of_a_call_is_no_argument_of_the_model() -> None:
    def key(city: str, context: CallContext) -> str:
        return f"{context.call_id} {context.idempotency_key}"

    declared = Tool(key)
    assert list(declared.declaration["parameters"]["properties"]) == ["city"]
    assert results(declared, city="Rome") == [{"output": "1 key"}]


@pytest.mark.parametrize("signature", ["*args", "**kwargs", "a: 'Nowhere'", "a: object()"])
def test_what_cannot_be_declared_is_refused_when_it_is_registered(signature: str) -> None:
    namespace: dict[str, Any] = {}
    exec(f"def f({signature}): ...", namespace)
    with pytest.raises(ConfigError):
        Tool(namespace["f"])


def test_the_last_value_of_a_generator_is_the_result() -> None:
    def steps() -> Iterator[str]:
        yield "looking"
        yield "found"

    async def asynchronous_steps() -> AsyncIterator[str]:
        yield "looking"
        yield "found"

    assert results(Tool(asynchronous_steps)) == [{"output": "looking"}, {"output": "found"}]
    assert Tool(steps).name == "steps"


def test_methods_and_callable_objects_are_tools() -> None:
    class Table:
        def __call__(self, seats: int) -> int:
            return seats

        async def reserve(self, seats: int) -> int:
            return seats + 1

    assert results(Tool(Table().reserve), seats=1) == [{"output": 2}]
    assert Tool(Table(), name="table").declaration["parameters"]["required"] == ["seats"]


def test_a_tool_is_still_the_function() -> None:
    @tool
    def double(number: int) -> int:
        """Twice as much."""
        return 2 * number

    assert double(4) == 8
    assert Tool(double, name="twice").description == "Twice as much."


@pytest.mark.parametrize(
    ("value", "response"),
    [
        ("words", {"output": "words"}),
        (None, {"output": "done"}),
        ({"a": 1}, {"a": 1}),
        (Guest(name="Ann"), {"name": "Ann", "vegetarian": False}),
        ([date(2026, 1, 2)], {"output": ["2026-01-02"]}),
        (math.nan, {"output": "NaN"}),
        (b"\xff", {"output": "_w=="}),
        ({1: {2, 3}}, {"1": [2, 3]}),
    ],
)
def test_whatever_a_function_returns_becomes_an_object(value: Any, response: dict[str, Any]) -> None:
    assert to_result(value).response == response


def test_a_default_of_none_makes_an_argument_optional() -> None:
    def escalate(reason: str = None, *, to: Annotated[str, "whom"] = None) -> str:  # type: ignore[assignment]  # noqa: RUF013
        return f"{reason} {to}"

    assert results(Tool(escalate)) == [{"output": "None None"}]
    assert results(Tool(escalate), reason=None, to="Ann") == [{"output": "None Ann"}]
    assert Tool(escalate).declaration["parameters"]["properties"]["to"]["description"] == "whom"


def test_arguments_are_passed_by_name_as_a_decorator_expects() -> None:
    called: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    def traced(function: Any) -> Any:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            called.append((args, kwargs))
            return function(*args, **kwargs)

        return wrapper

    @traced
    def get_weather(location: Annotated[str, "city"]) -> str:
        return f"cloudy in {location}"

    assert results(Tool(get_weather), location="Seattle") == [{"output": "cloudy in Seattle"}]
    assert called == [((), {"location": "Seattle"})]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"timeout_s": "60"}, "`timeout_s` is a str"),
        ({"timeout_s": -1}, "`timeout_s` is -1"),
        ({"background": "yes"}, "`background` is a str"),
        ({"approve": True}, "`approve` is a bool"),
    ],
)
def test_options_that_cannot_be_are_refused_when_it_is_declared(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        Tool(book, **options)
