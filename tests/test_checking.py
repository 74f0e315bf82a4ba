from __future__ import annotations

import pytest

from gemini_realtime.checking import check_choice, check_number, spelling_remedy
from gemini_realtime.errors import ConfigError

NAMES = ["temperature", "Puck", "tools"]


ALL = "choose one of temperature, Puck, tools"


@pytest.mark.parametrize(("given", "meant"), [("temperatur", "temperature"), ("puk", "Puck"), ("TOOLS", "tools")])
def test_a_near_name_is_suggested(given: str, meant: str) -> None:
    assert spelling_remedy(given, NAMES) == f"did you mean {meant!r}? {ALL}"


@pytest.mark.parametrize("given", ["", "xyz", 7, None, ["tools", "tools", "tools"]])
def test_where_none_is_near_all_are_named(given: object) -> None:
    assert spelling_remedy(given, NAMES) == ALL
    assert spelling_remedy(given, NAMES, choice="leave it out") == "leave it out"


def test_what_is_none_of_the_choices_is_refused() -> None:
    check_choice("option", "tools", NAMES)
    with pytest.raises(ConfigError, match=r"^`option` is 'tolls' → did you mean 'tools'\? choose one of "):
        check_choice("option", "tolls", NAMES)


@pytest.mark.parametrize("given", [0, 1.5, 10])
def test_a_number_in_range_is_taken(given: float) -> None:
    check_number("n", given, 0, 10)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("1", "`n` is a str → pass a number from 0 to 10"),
        (True, "`n` is a bool → pass a number from 0 to 10"),
        (None, "`n` is None → pass a number from 0 to 10"),
        (11, "`n` is 11 → pass a number from 0 to 10"),
        (float("nan"), "`n` is nan → pass a number from 0 to 10"),
    ],
)
def test_another_value_is_refused_with_the_range(given: object, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_number("n", given, 0, 10)
    assert str(caught.value) == problem


def test_where_whole_numbers_are_asked_for_fractions_are_refused() -> None:
    with pytest.raises(ConfigError, match="pass a whole number from 0"):
        check_number("n", 1.5, 0, whole=True)
