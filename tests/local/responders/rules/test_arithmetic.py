from __future__ import annotations

import operator
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gemini_realtime.local.responders.rules.arithmetic import UndefinedError, calculate
from gemini_realtime.local.speech.numbers import to_words

OPERATORS = {"plus": operator.add, "minus": operator.sub, "times": operator.mul, "divided by": operator.truediv}


def result(text: str) -> Fraction | None:
    calculation = calculate(text.split())
    return calculation.value if calculation else None


@settings(derandomize=True, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(sorted(OPERATORS)), st.integers(1, 10**6))
def test_spoken_operations_are_exact(left: int, name: str, right: int) -> None:
    value = result(f"{to_words(left)} {name} {to_words(right)}")
    assert value == OPERATORS[name](Fraction(left), Fraction(right))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3 + 4 * 2", "11"),
        ("( 3 + 4 ) * 2", "14"),
        ("10 - 3 - 2", "5"),
        ("2 ^ 3 squared", "512"),
        ("- 2 + 5", "3"),
        ("the square root of 81", "9"),
        ("square root of 6.25", "2.5"),
        ("12.5 percent of 200", "25"),
        ("200 plus 10 %", "220"),
        ("0.1 + 0.2", "0.3"),
        ("five squared", "25"),
        ("open bracket three plus four close bracket over two", "3.5"),
        ("add three and four and five", "12"),
        ("subtract three from ten", "7"),
        ("multiply six by seven", "42"),
        ("divide ten by four", "2.5"),
        ("one hundred and five plus one", "106"),
    ],
)
def test_calculations_follow_the_usual_precedence(text: str, expected: str) -> None:
    assert result(text) == Fraction(expected)


@pytest.mark.parametrize(
    "text", ["five", "", "two plus", "plus", "( 1 + 2", "five apples", "what", "divide ten", "1 2 + 3"]
)
def test_what_is_no_calculation_is_left_alone(text: str) -> None:
    assert calculate(text.split()) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("5 / 0", "divide by zero"),
        ("0 to the power of minus 1", "divide by zero"),
        ("square root of minus four", "no real square root"),
        ("9 ^ 9 ^ 9", "power"),
        ("9 ^ 64", "too big"),
        (f"{'9' * 30} + 1", "too big"),
        ("999999999999 * 999999999999", "too big"),
    ],
)
def test_undefined_and_unbounded_results_are_refused_in_words(text: str, reason: str) -> None:
    with pytest.raises(UndefinedError, match=reason):
        calculate(text.split())


def test_very_long_calculations_are_not_tried() -> None:
    assert calculate(["("] * 2000 + ["1"]) is None
    assert calculate(["1", "+"] * 1000 + ["1"]) is None


def test_results_that_do_not_come_out_even_are_rounded_aloud() -> None:
    calculation = calculate(["one", "divided", "by", "three"])
    assert calculation is not None
    assert calculation.spoken_value == "about zero point three three three three"
