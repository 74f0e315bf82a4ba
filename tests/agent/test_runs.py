"""Which run serves which call."""

from __future__ import annotations

import pytest

from gemini_realtime.agent.results import ToolResult
from gemini_realtime.agent.runs import Run, Runs


def started(runs: Runs, call_id: str, **arguments: object) -> Run:
    run, new = runs.called(call_id, "pay", arguments)
    assert run is not None
    assert new
    return run


def finished(run: Run) -> None:
    run.result, run.sent = ToolResult({"output": "paid"}), True


def test_two_calls_are_two_runs_even_when_they_are_alike() -> None:
    runs = Runs()
    assert started(runs, "1", euros=5) is not started(runs, "2", euros=5)


def test_the_same_call_again_is_served_by_its_run() -> None:
    runs = Runs()
    run = started(runs, "1", euros=5)
    assert runs.called("1", "pay", {"euros": 5}) == (run, False)


def test_a_call_that_is_over_runs_no_more() -> None:
    runs = Runs()
    finished(started(runs, "1", euros=5))
    runs.answered()
    assert runs.called("1", "pay", {"euros": 5}) == (None, False)


def test_a_lost_call_that_comes_again_under_a_new_id_is_served_by_its_run() -> None:
    runs = Runs()
    run = started(runs, "1", euros=5, to="Ann")
    runs.lost(["1"])
    runs.resumed(1, new_session=False)
    assert run.call_id is None
    assert runs.called("2", "pay", {"to": "Ann", "euros": 5}) == (run, False)
    assert run.call_id == "2"


def test_a_result_that_may_have_been_lost_serves_the_call_that_comes_again() -> None:
    runs = Runs()
    run = started(runs, "1", euros=5)
    finished(run)
    runs.resumed(1, new_session=False)
    assert runs.called("2", "pay", {"euros": 5}) == (run, False)
    assert not run.sent


@pytest.mark.parametrize("done", [False, True])
def test_a_call_that_comes_again_after_an_interruption_is_served_by_its_run(done: bool) -> None:
    runs = Runs()
    run = started(runs, "1", euros=5)
    if done:
        finished(run)
    runs.interrupted(spoke_of_results=False)
    assert runs.called("2", "pay", {"euros": 5}) == (run, False)
    assert (run.call_id, run.sent) == ("2", False)


def test_what_the_model_was_speaking_of_when_interrupted_is_done_anew() -> None:
    runs = Runs()
    finished(started(runs, "1", euros=5))
    runs.interrupted(spoke_of_results=True)
    started(runs, "2", euros=5)


def test_a_call_that_does_not_come_again_with_the_next_answer_is_another_one() -> None:
    runs = Runs()
    run = started(runs, "1", euros=5)
    runs.interrupted(spoke_of_results=False)
    runs.answered()
    assert started(runs, "2", euros=5) is not run
    assert runs.called("1", "pay", {"euros": 5}) == (run, False)


def test_other_arguments_after_a_loss_are_another_call() -> None:
    runs = Runs()
    started(runs, "1", euros=5)
    runs.resumed(1, new_session=False)
    assert runs.called("2", "pay", {"euros": 6})[1]


def test_a_run_serves_one_call_after_a_loss_and_the_next_runs_anew() -> None:
    runs = Runs()
    started(runs, "1", euros=5)
    runs.lost(["1"])
    runs.resumed(1, new_session=False)
    assert not runs.called("2", "pay", {"euros": 5})[1]
    assert runs.called("3", "pay", {"euros": 5})[1]


def test_what_was_answered_before_a_loss_is_not_taken_for_the_same() -> None:
    runs = Runs()
    finished(started(runs, "1", euros=5))
    runs.answered()
    runs.resumed(1, new_session=False)
    assert runs.called("2", "pay", {"euros": 5})[1]


def test_a_cancelled_run_is_repeated_under_its_old_key() -> None:
    runs = Runs()
    run = started(runs, "1", euros=5)
    assert runs.cancelled(["1", "unknown"]) == [run]
    assert run.cancelled
    assert runs.called("1", "pay", {"euros": 5}) == (None, False)
    again = started(runs, "2", euros=5)
    assert again is not run
    assert again.first_call_id == "1"


def test_a_result_that_was_cancelled_serves_the_same_call_before_the_next_answer() -> None:
    runs = Runs()
    run = started(runs, "1", euros=5)
    finished(run)
    assert runs.cancelled(["1"]) == []
    assert runs.called("2", "pay", {"euros": 5}) == (run, False)
    runs.cancelled(["2"])
    runs.answered()
    assert runs.called("3", "pay", {"euros": 5})[1]


def test_a_result_that_was_lost_serves_nobody_after_what_was_asked_again_is_answered() -> None:
    runs = Runs()
    finished(started(runs, "1", euros=5))
    finished(started(runs, "2", euros=6))
    runs.lost(["1", "2"])
    runs.resumed(2, new_session=False)
    for run in list(runs._runs):
        run.sent = False
    runs.answered()
    assert not runs.called("3", "pay", {"euros": 5})[1]
    runs.answered()
    assert runs.called("4", "pay", {"euros": 6})[1]


def test_a_call_that_comes_again_under_its_old_id_is_served_by_its_run() -> None:
    runs = Runs()
    run = started(runs, "1", euros=5)
    finished(run)
    runs.resumed(1, new_session=False)
    assert runs.called("1", "pay", {"euros": 5}) == (run, False)
    assert not run.sent


def test_a_new_session_may_use_the_ids_of_the_old_one() -> None:
    runs = Runs()
    finished(started(runs, "1", euros=5))
    runs.answered()
    runs.resumed(1, new_session=True)
    assert runs.called("1", "pay", {"euros": 6})[1]


def test_a_run_whose_beginning_was_spoken_of_serves_no_later_call() -> None:
    runs = Runs()
    run = started(runs, "1", euros=5)
    run.started = True
    runs.answered()
    runs.resumed(1, new_session=False)
    assert runs.called("2", "pay", {"euros": 5})[1]
