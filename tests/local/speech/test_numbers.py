from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gemini_realtime.local.speech.numbers import (
    LIMIT,
    clock_words,
    find_numbers,
    ordinal_words,
    to_words,
    year_words,
)

SPOKEN = "one ten twenty hundred thousand million and a half point minus oh 5 .5"


def values(text: str) -> list[Decimal]:
    return [number.value for number in find_numbers(text.split())]


@settings(derandomize=True, deadline=None)
@given(st.integers(-LIMIT + 1, LIMIT - 1))
def test_whole_numbers_read_back_as_they_were_written(value: int) -> None:
    words = to_words(value).split()
    (number,) = find_numbers(words)
    assert (number.start, number.stop) == (0, len(words))
    assert number.value == value


@settings(derandomize=True, deadline=None)
@given(st.decimals(-(10**15), 10**15, allow_nan=False, places=4))
def test_decimals_read_back_as_they_were_written(value: Decimal) -> None:
    assert values(to_words(value)) == [value]


@settings(derandomize=True, deadline=None)
@given(st.lists(st.sampled_from(SPOKEN.split())))
def test_numbers_found_in_any_words_lie_side_by_side_inside_the_text(words: list[str]) -> None:
    stop = 0
    for number in find_numbers(words):
        assert stop <= number.start < number.stop <= len(words)
        assert number.value.is_finite()
        stop = number.stop


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("two hundred and five", ["205"]),
        ("minus three point five", ["-3.5"]),
        ("1,234.5", ["1234.5"]),
        ("one thousand and five", ["1005"]),
        ("a hundred", ["100"]),
        ("twelve hundred", ["1200"]),
        ("ninety nine hundred and one", ["9901"]),
        ("3.5 million", ["3500000"]),
        ("two hundred five thousand three hundred and one", ["205301"]),
        ("zero point oh five", ["0.05"]),
        ("three point twenty five", ["3.25"]),
        ("point five", ["0.5"]),
        ("two and a half", ["2.5"]),
    ],
)
def test_spoken_and_written_forms_are_one_number(text: str, expected: list[str]) -> None:
    assert values(text) == [Decimal(value) for value in expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nine fifteen", [9, 15]),
        ("one two three", [1, 2, 3]),
        ("one hundred two hundred", [100, 200]),
        ("one thousand two thousand", [1000, 2000]),
        ("one hundred and two hundred", [100, 200]),
        ("five minus three", [5, 3]),
    ],
)
def test_neighbouring_numbers_stay_apart(text: str, expected: list[int]) -> None:
    assert values(text) == expected


def test_what_is_not_a_number_is_not_found() -> None:
    assert values("a cat and the point of minus") == []
    assert values("9" * 40) == []


@pytest.mark.parametrize("value", [LIMIT, -LIMIT, float("inf"), float("nan")])
def test_numbers_without_words_are_refused(value: float) -> None:
    with pytest.raises(ValueError, match="outside"):
        to_words(value)


def test_floats_are_written_as_they_are_printed() -> None:
    assert to_words(0.1) == "zero point one"
    assert to_words(-2.0) == "minus two"


def test_positions_years_and_clock_times_are_read_as_people_do() -> None:
    assert [ordinal_words(day) for day in (1, 12, 20, 22, 31)] == [
        *("first", "twelfth", "twentieth", "twenty second", "thirty first"),
    ]
    assert [year_words(year) for year in (1900, 1905, 1984, 2000, 2005, 2025)] == [
        *("nineteen hundred", "nineteen oh five", "nineteen eighty four"),
        *("two thousand", "two thousand five", "twenty twenty five"),
    ]
    assert [clock_words(*time) for time in ((0, 0), (9, 5), (12, 30), (21, 15))] == [
        *("twelve o'clock", "nine oh five", "twelve thirty", "nine fifteen"),
    ]
