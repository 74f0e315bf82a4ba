from __future__ import annotations

from typing import Any

import pytest

from gemini_realtime.evaluation.expectations import (
    Answers,
    AnswersWithin,
    Calls,
    CallsOnly,
    Costs,
    Expectation,
    NeverSays,
    Resumes,
    SaysWords,
    StopsWithin,
    Understands,
    implied,
    percentile,
)
from gemini_realtime.evaluation.record import CallRecord, ToolRecord, TurnRecord

BOOKED = ToolRecord("book", {"guests": 2, "name": "Ada Lovelace", "at": {"hour": 8}})


def record(**given: Any) -> CallRecord:
    lines = [
        TurnRecord("caller", "A table for 2."),
        TurnRecord("agent", "It's twenty-five dollars."),
        TurnRecord("agent", "Booked!"),
    ]
    return CallRecord(**{"turns": lines, "tools": [BOOKED], **given})


@pytest.mark.parametrize(
    "expectation",
    [
        Calls("book"),
        Calls("book", {"guests": 2}),
        Calls("book", {"name": "ada lovelace"}),
        Calls("book", {"guests": "two"}),
        Calls("book", {"at": {"hour": 8}}),
        Calls("cancel", times=0),
        CallsOnly(["book"]),
        SaysWords("25 dollars"),
        SaysWords("twenty five"),
        SaysWords("dollars", times=1),
        NeverSays("book"),
        Understands("for two"),
        Answers(2, 2),
        AnswersWithin(0.9, 50),
        StopsWithin(0.3),
        Resumes(1),
        Costs(0.02),
    ],
    ids=repr,
)
def test_what_was_so_is_met(expectation: Expectation) -> None:
    seen = record(answered_after_s=[0.5, 0.9, 3.0], stopped_after_s=[0.3], resumed=1, cost_usd=0.01)
    assert expectation.check(seen).met


@pytest.mark.parametrize(
    ("expectation", "seen"),
    [
        (Calls("book", {"guests": 3}), "0 times; it called book(guests=2"),
        (Calls("book", {"time": 3}), "0 times"),
        (Calls("book", times=2), "1 times"),
        (CallsOnly([]), "it called book"),
        (SaysWords("five euros"), "it said"),
        (SaysWords("dollars", times=2), "1 times; it said"),
        (NeverSays("dollars"), "it said"),
        (Answers(3), "2 times"),
        (Answers(0, 1), "2 times"),
        (AnswersWithin(0.9), "after 3.00 s"),
        (StopsWithin(0.2), "it went on for 0.30 s"),
        (Resumes(2), "1 times"),
        (Costs(0.001), "it cost $0.0100"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_was_not_so_says_what_was(expectation: Expectation, seen: str) -> None:
    told = record(answered_after_s=[0.5, 0.9, 3.0], stopped_after_s=[0.3], resumed=1, cost_usd=0.01)
    verdict = expectation.check(told)
    assert not verdict.met
    assert seen in verdict.seen


def test_no_answer_and_no_price_are_not_as_good_as_none() -> None:
    assert not AnswersWithin(10).check(record()).met
    assert not Costs(10).check(record()).met


def test_a_percentile_is_one_of_the_values() -> None:
    values = [float(value) for value in range(1, 21)]
    assert (percentile(values, 50), percentile(values, 95), percentile(values, 100)) == (10, 19, 20)
    assert percentile([], 50) is None


def test_a_late_machine_is_named_beside_the_time_that_it_spoiled() -> None:
    verdict = AnswersWithin(1.0).check(record(answered_after_s=[1.4], late_s=0.5))
    assert verdict.timed
    assert verdict.seen == "after 1.40 s, and this machine was late by 0.50 s itself"


def test_a_program_that_failed_in_mid_call_is_told_with_its_last_words() -> None:
    failed = record(left_alone=True, failed_with="the program ended with 1: RuntimeError: no database")
    assert [verdict.seen for verdict in implied(failed, [])] == ["the program ended with 1: RuntimeError: no database"]
