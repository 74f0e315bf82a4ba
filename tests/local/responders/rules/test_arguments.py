from __future__ import annotations

from typing import Any

import pytest

from .replies import called, function, reply, said

CURRENT_WEATHER = function(
    "get_current_weather",
    "Get the current weather in a given location",
    ["location"],
    location={"type": "STRING", "description": "The city and state, e.g. San Francisco, CA"},
    unit={"type": "STRING", "enum": ["celsius", "fahrenheit"]},
)
READING = function(
    "record_reading",
    "Store the supplied sensor value.",
    ["zqx_measurement"],
    zqx_measurement="NUMBER",
    qbf_note="STRING",
)
SET_LIGHT = function(
    "set_light",
    "Set the brightness and color temperature of a room light.",
    brightness={"type": "INTEGER", "minimum": 0, "maximum": 100},
    color_temp={"type": "STRING", "enum": ["daylight", "cool", "warm"]},
)
MEETING = function(
    "schedule_meeting",
    "Schedules a meeting with specified attendees at a given time and date.",
    attendees={"type": "ARRAY", "items": {"type": "STRING"}},
    date="STRING",
    time="STRING",
    topic="STRING",
)
FLIGHT = function(
    "book_flight", "Book a flight", origin="STRING", destination="STRING", date="STRING", passengers="INTEGER"
)


@pytest.mark.parametrize(
    ("heard", "location"),
    [
        ("what is the weather in Redmond Washington", "Redmond Washington"),
        ("What is the weather in London?", "London"),
        ("what is the weather in london", "London"),
        ("what's the weather like in san francisco right now", "San Francisco"),
        ("weather in San Francisco, CA please", "San Francisco, CA"),
        ("london weather", "London"),
        ("What's London's weather?", "London"),
        ("will it rain in New York City tomorrow?", "New York City"),
        ("weather in poznan", "Poznan"),
    ],
)
async def test_places_are_found_and_spelled_as_names(heard: str, location: str) -> None:
    assert await called(heard, CURRENT_WEATHER) == {"location": location}


@pytest.mark.parametrize(
    ("heard", "value"),
    [
        ("record a reading of 5", 5),
        ("record a reading of -2.5", -2.5),
        ("record a reading of twenty three point five", 23.5),
        ("record a reading of minus two hundred and five", -205),
        ("record a reading of 1,234.5", 1234.5),
    ],
)
async def test_numbers_are_read_from_digits_and_words(heard: str, value: float) -> None:
    assert await called(heard, READING) == {"zqx_measurement": value}


@pytest.mark.parametrize(
    "heard",
    ['Please record a reading of 5 with the note "steady".', "please record a reading of five with the note steady"],
)
async def test_a_note_is_found_in_quotes_and_behind_its_name(heard: str) -> None:
    assert await called(heard, READING) == {"zqx_measurement": 5, "qbf_note": "steady"}


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        ("set the light to fifty percent warm", {"brightness": 50, "color_temp": "warm"}),
        ("Set light brightness 20 and color temperature to Cool.", {"brightness": 20, "color_temp": "cool"}),
        ("dim the light to ten with dailight", {"brightness": 10, "color_temp": "daylight"}),
    ],
)
async def test_enums_take_the_value_that_is_nearest(heard: str, expected: dict[str, Any]) -> None:
    assert await called(heard, SET_LIGHT) == expected


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        (
            "Schedule a meeting with Bob and Alice for 03/27/2025 at 10:00 AM about the Q3 planning.",
            {"attendees": ["Bob", "Alice"], "date": "03/27/2025", "time": "10:00 AM", "topic": "the Q3 planning"},
        ),
        (
            "schedule a meeting with bob alice and carol on monday at half past nine about the budget",
            {"attendees": ["Bob", "Alice", "Carol"], "date": "monday", "time": "half past nine", "topic": "the budget"},
        ),
    ],
)
async def test_lists_dates_and_times_are_taken_as_they_were_said(heard: str, expected: dict[str, Any]) -> None:
    assert await called(heard, MEETING) == expected


async def test_from_and_to_tell_two_places_apart() -> None:
    assert await called("book a flight to new york from san francisco tomorrow for two people", FLIGHT) == {
        **{"origin": "San Francisco", "destination": "New York", "date": "tomorrow", "passengers": 2},
    }


@pytest.mark.parametrize(
    ("declaration", "heard", "expected"),
    [
        (
            function("send_message", "Send a message to someone", recipient="STRING", message="STRING"),
            "send a message to bob saying i will be late",
            {"recipient": "Bob", "message": "i will be late"},
        ),
        (
            function("send_email", to="STRING", subject="STRING", body="STRING"),
            "send an email to alice with the subject lunch and the body see you at noon",
            {"to": "Alice", "subject": "lunch", "body": "see you at noon"},
        ),
        (
            function("search_web", "Search the web", query="STRING"),
            "search the web for cheap flights to rome",
            {"query": "cheap flights to rome"},
        ),
        (
            function("create_reminder", "Remind the user about a task", task="STRING", time="STRING"),
            "remind me to call mom at 5 pm",
            {"task": "call mom", "time": "5 pm"},
        ),
        (
            function("translate", text="STRING", target_language="STRING"),
            "translate good morning into french",
            {"text": "good morning", "target_language": "French"},
        ),
        (
            function(
                "add_items", "Add items to the shopping list", items={"type": "ARRAY", "items": {"type": "STRING"}}
            ),
            "add milk, eggs and bread to the shopping list",
            {"items": ["milk", "eggs", "bread"]},
        ),
        (
            function("create_booking", guest="STRING", size="INTEGER"),
            "create a booking with size 4 for bob",
            {"guest": "Bob", "size": 4},
        ),
    ],
)
async def test_free_texts_end_where_another_argument_begins(
    declaration: dict[str, Any], heard: str, expected: dict[str, Any]
) -> None:
    assert await called(heard, declaration) == expected


@pytest.mark.parametrize(("heard", "power"), [("turn on the disco ball", True), ("Turn the disco ball off", False)])
async def test_switches_follow_on_and_off(heard: str, power: bool) -> None:
    assert await called(heard, function("power_disco_ball", power="BOOLEAN")) == {"power": power}


async def test_named_booleans_follow_not() -> None:
    music = function("start_music", "Play some music", energetic="BOOLEAN", loud="BOOLEAN")
    heard = "play some loud music that is not energetic"
    assert await called(heard, music) == {"energetic": False, "loud": True}


async def test_durations_are_counted_in_the_unit_of_the_parameter() -> None:
    assert await called("set a timer for ten minutes", function("set_timer", seconds="INTEGER")) == {"seconds": 600}


@pytest.mark.parametrize("counted", ["people", "guests", "persons", "of us"])
async def test_what_a_number_counts_is_nobodys_name(counted: str) -> None:
    book = function("book_table", "Book a table.", guests="INTEGER", time="STRING", name="STRING")
    assert await said(f"book a table for four {counted} at half past seven", book) == "Which name?"


@pytest.mark.parametrize(
    "heard",
    ["table for two at eight o'clock, my name is Curie", "book a table for two at eight o'clock and my name is Curie"],
)
async def test_my_name_is_said_for_the_function_that_wants_it(heard: str) -> None:
    book = function("book_table", "Book a table.", guests="INTEGER", time="STRING", name="STRING")
    assert await called(heard, book) == {"guests": 2, "time": "eight o'clock", "name": "Curie"}


async def test_my_name_answers_the_question_for_it() -> None:
    book = function("book_table", "Book a table.", guests="INTEGER", time="STRING", name="STRING")
    history = [("book a table for two at eight o'clock", "Which name?")]
    assert (await called("my name is Curie", book, history=history))["name"] == "Curie"


@pytest.mark.parametrize(
    ("heard", "order"),
    [
        ("what is the status of order AB-12345?", "AB-12345"),
        ("what is the status of my order one two three four five", "12345"),
        ("what is the status of my order: seven, seven, seven, seven.", "7777"),
        ("what is the status of order nine-oh-double one?", "9011"),
    ],
)
async def test_codes_keep_their_digits(heard: str, order: str) -> None:
    assert await called(heard, function("get_order_status", order_id="STRING")) == {"order_id": order}


@pytest.mark.parametrize("heard", ["set my pin to four, four, two, two.", "set the pin: four four double two"])
async def test_a_code_that_is_a_number_is_all_of_its_digits(heard: str) -> None:
    assert await called(heard, function("set_pin", pin="INTEGER")) == {"pin": 4422}


async def test_numbers_in_a_row_are_several_where_several_are_wanted() -> None:
    add = function("add_numbers", numbers={"type": "ARRAY", "items": {"type": "INTEGER"}})
    assert await called("add the numbers four, four, two and two", add) == {"numbers": [4, 4, 2, 2]}


async def test_nested_objects_are_filled_from_the_same_words() -> None:
    user = {
        "type": "OBJECT",
        "properties": {"name": {"type": "STRING"}, "age": {"type": "INTEGER"}, "home": {"type": "OBJECT"}},
        "required": ["name", "age"],
    }
    heard = "create a user named Bob with age 42"
    assert await called(heard, function("create_user", user=user)) == {"user": {"name": "Bob", "age": 42}}


async def test_json_schema_with_references_and_optional_values_is_understood() -> None:
    schema = {
        "$defs": {"Unit": {"type": "string", "enum": ["celsius", "fahrenheit"]}},
        "type": "object",
        "properties": {
            "city": {"type": ["string", "null"]},
            "unit": {"$ref": "#/$defs/Unit"},
            "days": {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None},
        },
        "required": ["city", "unit", "days"],
    }
    forecast = {"name": "get_forecast", "description": "Weather forecast", "parametersJsonSchema": schema}
    heard = "get the forecast for Rome in celsius"
    assert await called(heard, forecast) == {"city": "Rome", "unit": "celsius", "days": None}


async def test_values_outside_of_the_bounds_are_asked_for() -> None:
    assert await said("set the light to 300 warm", SET_LIGHT) == "Which brightness?"
    assert await said("set the light to 7.5 warm", SET_LIGHT) == "Which brightness?"


@pytest.mark.parametrize(
    ("heard", "question"),
    [
        ("what is the weather today", "Which location?"),
        ("set the brightness to 50", "Which color temp: daylight, cool or warm?"),
        ("record a reading", "Which zqx measurement?"),
        ("turn the fan", "Yes or no: power?"),
    ],
)
async def test_what_is_needed_and_was_not_said_is_asked_for(heard: str, question: str) -> None:
    tools = (CURRENT_WEATHER, SET_LIGHT, READING, function("turn_fan", power="BOOLEAN"))
    assert await said(heard, *tools) == question


@pytest.mark.parametrize("heard", ["Paris", "in paris please", "I would like to go to paris", "the city of Paris."])
async def test_the_answer_to_a_question_completes_the_call(heard: str) -> None:
    history = [("what is the weather", "Which location?")]
    assert await called(heard, CURRENT_WEATHER, history=history) == {"location": "Paris"}


async def test_several_questions_are_answered_one_after_the_other() -> None:
    history = [("Book a flight", "Which origin?"), ("from paris", "Which destination?"), ("rome", "Which date?")]
    assert await said("tomorrow", FLIGHT, history=history) == "Which passengers?"
    assert await called("next friday for three passengers", FLIGHT, history=history) == {
        **{"origin": "Paris", "destination": "Rome", "date": "next friday", "passengers": 3},
    }


@pytest.mark.parametrize(("heard", "power"), [("yes", True), ("no thanks", False)])
async def test_yes_and_no_answer_the_question_for_a_boolean(heard: str, power: bool) -> None:
    fan = function("turn_fan", power="BOOLEAN")
    assert await called(heard, fan, history=[("turn the fan", "Yes or no: power?")]) == {"power": power}


async def test_something_else_in_place_of_an_answer_is_answered() -> None:
    history = [("what is the weather", "Which location?")]
    assert await said("what time is it", CURRENT_WEATHER, history=history) == "It is nine fifteen."
    assert await said("never mind", CURRENT_WEATHER, history=history) == "All right."
    assert await called("weather in rome", CURRENT_WEATHER, history=history) == {"location": "Rome"}


async def test_a_question_that_was_left_for_another_request_is_not_taken_up_again() -> None:
    history = [
        ("what is the weather", "Which location?"),
        ("set the brightness to 50", "Which color temp: daylight, cool or warm?"),
    ]
    assert await called("warm", CURRENT_WEATHER, SET_LIGHT, history=history) == {"brightness": 50, "color_temp": "warm"}


async def test_an_answer_that_does_not_fit_is_asked_for_again() -> None:
    history = [("set the brightness to 50", "Which color temp: daylight, cool or warm?")]
    assert await said("purple", SET_LIGHT, history=history) == history[0][1]
    again = [*history, ("purple", history[0][1])]
    assert await called("the cool one please", SET_LIGHT, history=again) == {"brightness": 50, "color_temp": "cool"}


async def test_a_question_comes_after_the_other_answers() -> None:
    items = await reply("what is the weather and what time is it", CURRENT_WEATHER)
    assert [getattr(item, "text", "") for item in items] == ["It is nine fifteen.", "Which location?"]
