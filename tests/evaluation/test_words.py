from __future__ import annotations

from random import Random

import pytest

from gemini_realtime.evaluation.words import contains, misspoken, occurrences


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("A table for 8.", "table for eight"),
        ("It's twenty-five dollars.", "$25"),
        ("It is $1 more.", "one dollar more"),
        ("It is $5 million.", "five million dollars"),
        ("It is $4.50.", "four dollars and fifty cents"),
        ("It is $1,050.00.", "one thousand and fifty dollars"),
        ("A hundred and five guests.", "105 guests"),
        ("That is 20%.", "twenty percent"),
        ("At 8 p.m., please.", "at eight PM please"),
        ("At 8:00.", "eight o'clock"),
        ("At 8:05.", "eight oh five"),
        ("At half past, 8:30.", "eight thirty"),
        ("On the 22nd.", "the twenty second"),
        ("Call 555 0199.", "zero one nine nine"),
        ("Fish & chips at the Café Zoë.", "fish and chips at the cafe zoe"),
        ("Don’t worry.", "don't worry"),
        ("八時に二名様でご予約しました。", "二名様"),
        ("आठ बजे मेज बुक है।", "मेज बुक है"),
        ("Schöne Grüße", "schone gruße"),
    ],
)
def test_what_sounds_the_same_is_the_same(text: str, phrase: str) -> None:
    assert contains(text, phrase)
    assert contains(phrase, phrase)


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("It costs twenty-five dollars.", "five"),
        ("It costs twenty-five dollars.", "twenty"),
        ("It costs 105 dollars.", "100"),
        ("It is 0.5 miles.", "five"),
        ("Booked.", "book"),
        ("मां", "में"),
        ("三名様", "二名様"),
    ],
)
def test_a_part_of_a_number_or_a_word_is_another(text: str, phrase: str) -> None:
    assert not contains(text, phrase)


def test_each_place_counts() -> None:
    assert occurrences("Two, 2 and twenty two.", "two") == 2


def test_slips_of_the_tongue_leave_times_and_prices_alone() -> None:
    said = misspoken("Two at 8:30 for $12.50, call 555-0199, one more.", 1.0, Random(0))
    assert said.endswith(", no, Two at 8:30 for $12.50, call 555-0199, one more.")
