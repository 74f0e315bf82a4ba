from __future__ import annotations

from gemini_realtime.evaluation.record import CallRecord, CallResult, Judgement, Verdict
from gemini_realtime.evaluation.summary import JudgedStatement, Tally, Waits, summaries


def calls(passed: int, failed: int, wait_s: float = 0.5, scene: str = "scene") -> list[CallResult]:
    met, unmet = Verdict("says hello", True), Verdict("says hello", False, "it said nothing")
    waits = [wait_s, wait_s + 0.1]
    return [
        CallResult(scene, seed, [met if seed < passed else unmet], CallRecord(answered_after_s=waits))
        for seed in range(passed + failed)
    ]


def test_a_scene_of_which_some_calls_fail_is_flaky() -> None:
    (summary,) = summaries(calls(3, 2))
    assert (summary.outcome, summary.passed, summary.calls) == ("flaky", 3, 5)
    assert summary.failures == [("says hello", 2)]
    assert summary.seeds == [3, 4]


def test_scenes_that_always_pass_or_always_fail_are_not_flaky() -> None:
    assert [summary.outcome for summary in summaries(calls(3, 0, scene="a") + calls(0, 3, scene="b"))] == [
        "passed",
        "failed",
    ]


def judged(holds: int, fails: int, *, unjudged: int = 0) -> list[CallResult]:
    votes = [[True, True, False]] * holds + [[False, False, False]] * fails
    judgements = [Judgement("It is polite.", vote, ["for a reason"] * 3) for vote in votes]
    judgements += [Judgement("It is polite.", missing="nobody answers")] * unjudged
    return [CallResult("scene", seed, judgements=[judgement]) for seed, judgement in enumerate(judgements)]


def test_judgements_are_counted_apart_from_what_was_checked() -> None:
    (summary,) = summaries(judged(3, 1, unjudged=2))
    assert (summary.outcome, summary.passed) == ("passed", 6)
    assert summary.judged == [JudgedStatement("It is polite.", 3, 4, [("nobody answers", 2)], agreement=0.5)]


def test_a_flaky_scene_says_how_often_it_may_pass() -> None:
    (summary,) = summaries(calls(17, 3))
    low, high = summary.rate_interval
    assert (round(low, 2), round(high, 2)) == (0.64, 0.95)


def test_calls_made_again_tell_faults_from_coin_tosses() -> None:
    tally = Tally.of(calls(3, 2))
    for seed, passes in ((3, [False, False]), (4, [True, False])):
        met = CallResult("scene", seed, [Verdict("says hello", True)])
        unmet = CallResult("scene", seed, [Verdict("says hello", False)])
        for passed in passes:
            tally.add_again(met if passed else unmet)
    (scene,) = tally
    assert scene.summary().again == {3: (0, 2), 4: (1, 2)}
    assert scene.summary().faults == [3]
    assert (tally.calls, scene.summary().calls) == (5, 5)


def test_a_tally_keeps_no_more_calls_the_more_there_are() -> None:
    tally = Tally.of(calls(0, 300))
    (scene,) = tally
    assert [call.seed for call in scene.failed] == list(range(200))
    assert len(scene.summary().seeds) == 300


def test_waits_are_counted_to_the_millisecond() -> None:
    waits = Waits()
    waits.add([0.5] * 90 + [2.0041] * 10)
    assert (waits.percentile(50), waits.percentile(90), waits.percentile(95)) == (0.5, 0.5, 2.004)
    end_s, counts = waits.histogram(20)
    assert (len(counts), sum(counts), end_s > 2.004) == (20, 100, True)
