from __future__ import annotations

import pytest

from gemini_realtime.local.thinking import Call, Say

from .replies import called, function, reply, said

WEATHER = function("get_weather", "Look up the weather for a city.", city="STRING")
ON, OFF = function("turn_on_the_lights"), function("turn_off_the_lights")


@pytest.mark.parametrize(
    ("heard", "name"),
    [
        ("turn on the lights", "turn_on_the_lights"),
        ("turn_on_the_lights", "turn_on_the_lights"),
        ("Turn the lights off, please.", "turn_off_the_lights"),
        ("could you switch on the lamp", "turn_on_the_lights"),
    ],
)
async def test_the_function_that_is_named_is_called(heard: str, name: str) -> None:
    assert await reply(heard, ON, OFF) == [Call(name, {})]


async def test_the_opposite_of_what_was_said_is_not_called() -> None:
    assert "You said" in await said("turn off the lights", ON)
    assert "You said" in await said("please don't turn on the lights", ON)


async def test_a_description_is_enough_to_find_a_function() -> None:
    lookup = function("lookup_17", "Returns the population of a city", city="STRING")
    assert await called("what is the population of paris", lookup) == {"city": "Paris"}


async def test_instructions_that_name_a_function_help_to_find_it() -> None:
    tool = function("tool_7", size={"type": "STRING", "enum": ["small", "large"]})
    heard = "i would like a large pizza"
    assert await called(heard, tool, instructions="Use tool_7 when the user wants a pizza.") == {"size": "large"}


async def test_what_instructions_say_about_the_answer_does_not_call() -> None:
    instructions = "Always call get_weather for a weather question, then answer in one short sentence."
    assert "You said" in await said("give me a short sentence", WEATHER, instructions=instructions)


async def test_an_operator_between_numbers_does_not_name_a_function() -> None:
    time = function("get_time", "Get the time in a city.", city="STRING")
    assert await said("what is twelve times seven", time, WEATHER) == "Twelve times seven is eighty four."
    assert await called("what is the time in Paris", time, WEATHER) == {"city": "Paris"}
    multiply = function("multiply", a="INTEGER", b="INTEGER")
    assert await called("what is twelve times seven", multiply) == {"a": 12, "b": 7}


@pytest.mark.parametrize("heard", ["hello", "what is twelve times seven", "tell me a story", "count to ten"])
async def test_builtin_requests_are_answered_although_functions_are_declared(heard: str) -> None:
    await said(heard, WEATHER, ON, function("add_to_cart", item="STRING", quantity="INTEGER"))


async def test_a_function_that_is_named_goes_before_a_builtin_answer() -> None:
    assert await reply("what time is it", function("get_current_time")) == [Call("get_current_time", {})]
    add = function("add", "Add two numbers", a="INTEGER", b="INTEGER")
    assert await called("what is 3 plus 4", add) == {"a": 3, "b": 4}
    assert await said("what is 3 times 4", add) == "Three times four is twelve."


async def test_repeating_words_does_not_call_what_they_name() -> None:
    assert await said("repeat after me turn on the lights", ON) == "turn on the lights"


async def test_two_functions_and_a_question_are_taken_in_order() -> None:
    items = await reply("turn on the lights, tell me the time and what is the weather in Rome?", ON, WEATHER)
    assert items == [
        Call("turn_on_the_lights", {}),
        Say("It is nine fifteen."),
        Call("get_weather", {"city": "Rome"}),
    ]


@pytest.mark.parametrize("times", [1, 2, 5])
async def test_what_is_asked_again_in_the_same_breath_is_done_once(times: int) -> None:
    assert await reply("Turn on the lights. " * times, ON) == [Call("turn_on_the_lights", {})]
    assert await said("What time is it? " * times) == "It is nine fifteen."
    assert await said("no, " * times) == "All right, no problem."


@pytest.mark.parametrize("heard", ["what is the weather in London and Paris", "weather in london and in paris please"])
async def test_two_places_are_two_calls(heard: str) -> None:
    assert await reply(heard, WEATHER) == [Call("get_weather", {"city": city}) for city in ("London", "Paris")]


@pytest.mark.parametrize(
    "declaration",
    [{}, {"name": None}, {"name": ""}, {"name": "x", "parameters": 5}, {"name": "_", "description": ["a"]}],
)
async def test_declarations_that_make_no_sense_do_no_harm(declaration: dict[str, object]) -> None:
    assert await said("what time is it", declaration) == "It is nine fifteen."
