from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest

from gemini_realtime.evaluation.comparison import CallWaits, compare
from gemini_realtime.evaluation.record import CallRecord, CallResult, Judgement


def calls(passed: int, failed: int, wait_s: float = 0.5, scene: str = "scene") -> list[CallResult]:
    record = CallRecord(answered_after_s=[wait_s, wait_s + 0.1])
    return [
        CallResult(scene, seed, record=record, error="" if seed < passed else "it said nothing")
        for seed in range(passed + failed)
    ]


def judged(holds: int, fails: int, *, unjudged: int = 0) -> list[CallResult]:
    votes = [[True, True, False]] * holds + [[False, False, False]] * fails
    judgements = [Judgement("It is polite.", vote, ["for a reason"] * 3) for vote in votes]
    judgements += [Judgement("It is polite.", missing="nobody answers")] * unjudged
    return [CallResult("scene", seed, judgements=[judgement]) for seed, judgement in enumerate(judgements)]


def waiting(random: Random, calls: int, *, pace_s: float = 0.6) -> list[CallResult]:
    """Calls each of which has a pace of its own, as calls on a busy machine or with talkative callers do."""
    paces = [random.gauss(pace_s, 0.1) for _ in range(calls)]
    return [
        CallResult("scene", seed, record=CallRecord(answered_after_s=[pace + random.gauss(0, 0.02) for _ in range(8)]))
        for seed, pace in enumerate(paces)
    ]


def test_a_change_that_may_be_noise_is_none() -> None:
    (change,) = compare(calls(8, 2), calls(6, 4))
    assert change.outcome == "same"


def test_a_change_of_many_calls_is_one() -> None:
    (change,) = compare(calls(80, 20), calls(50, 50))
    assert change.outcome == "worse"
    (change,) = compare(calls(50, 50), calls(80, 20))
    assert change.outcome == "better"


def test_slower_answers_are_worse() -> None:
    (change,) = compare(calls(10, 0, wait_s=0.5), calls(10, 0, wait_s=2.5))
    assert (change.outcome, change.speed) == ("same", "worse")


def test_a_statement_that_holds_more_seldom_is_worse_unless_it_may_be_noise() -> None:
    (change,) = compare(judged(80, 20), judged(50, 50))
    assert (change.outcome, change.judged[0].rates, change.judged[0].outcome) == ("same", (0.8, 0.5), "worse")
    (change,) = compare(judged(8, 2), judged(6, 4))
    assert change.judged[0].outcome == "same"
    (change,) = compare(judged(0, 0, unjudged=5), judged(5, 0))
    assert change.judged == []


def test_only_scenes_of_both_runs_are_compared() -> None:
    assert compare(calls(1, 0, scene="a"), calls(1, 0, scene="b")) == []


@pytest.mark.parametrize("number", [3, 10, 30])
def test_equal_agents_whose_calls_differ_are_not_told_apart(number: int) -> None:
    random = Random(number)
    runs = [waiting(random, number) for _ in range(101)]
    news = [compare(before, after)[0].speed for before, after in pairwise(runs)]
    assert news.count("same") >= 95


def test_answers_that_come_later_in_every_call_are_told_from_noise() -> None:
    random = Random(1)
    before, slower = waiting(random, 20, pace_s=0.6), waiting(random, 20, pace_s=0.9)
    assert (compare(before, slower)[0].speed, compare(slower, before)[0].speed) == ("worse", "better")


def test_two_calls_with_many_answers_tell_nothing_of_a_median() -> None:
    (change,) = compare(calls(2, 0, wait_s=0.5), calls(2, 0, wait_s=2.5))
    assert (change.p50_s, change.p50_interval_s, change.speed) == ((0.5, 2.5), None, "same")


def test_a_difference_that_nobody_hears_is_none() -> None:
    (change,) = compare(calls(20, 0, wait_s=0.5), calls(20, 0, wait_s=0.503))
    assert (change.p50_interval_s, change.speed) == ((0.0, 0.0), "same")


def test_calls_without_an_answer_are_none_of_a_median() -> None:
    waits = CallWaits()
    for call in ([0.5], [], [0.5], []):
        waits.add(call)
    assert waits.median(1.96) is None
    waits.add([0.5])
    assert waits.median(1.96) == (0.5, 0.5, 0.5)


def test_of_more_scenes_each_has_to_differ_more() -> None:
    before, after = calls(20, 0), calls(13, 7)
    (alone,) = compare(before, after)
    others = [call for number in range(20) for call in calls(20, 0, scene=f"other {number}")]
    among_others, *_ = compare(before + others, after + others)
    assert (alone.outcome, among_others.outcome) == ("worse", "same")
