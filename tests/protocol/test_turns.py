from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_realtime.protocol.turns import ASKED_OUTPUT_S, END_WITHIN_S, LATE_OUTPUT_S, Turns, TurnState

Signal = Callable[[Turns, float], None]

SIGNALS: dict[str, Signal] = {
    "output": Turns.output,
    "generated": Turns.generated,
    "cut": Turns.cut,
    "completed": Turns.completed,
}


def after(*signals: str, at: float = 1.0) -> Turns:
    turns = Turns()
    for signal in signals:
        SIGNALS[signal](turns, at)
    return turns


def test_a_normal_turn_ends_idle() -> None:
    assert after("output", "output", "generated", "completed").state is TurnState.IDLE


def test_an_interrupted_turn_is_known_as_such_until_it_completes() -> None:
    assert after("output", "cut").interrupted
    assert not after("output", "cut", "completed").interrupted


def test_a_turn_can_be_interrupted_while_its_audio_is_still_being_heard() -> None:
    assert after("output", "generated", "cut").interrupted


@given(st.lists(st.sampled_from(sorted(SIGNALS))))
def test_any_order_of_signals_leads_to_a_state_and_turn_complete_always_to_idle(signals: list[str]) -> None:
    assert after(*signals, "completed").state is TurnState.IDLE


# --- what is owed


def test_an_answer_is_owed_from_the_question_until_it_begins() -> None:
    turns = Turns()
    turns.asked(1.0)
    assert turns.owed_since == 1.0
    turns.output(2.0)
    assert turns.owed_since is None


def test_a_question_asked_during_an_answer_is_owed_one_of_its_own() -> None:
    turns = after("output")
    turns.asked(2.0)
    turns.generated(3.0)
    turns.completed(4.0)
    assert turns.owed_since == 2.0


def test_an_empty_turn_and_a_call_are_all_the_answer_there_will_be() -> None:
    for end in (lambda turns: turns.completed(2.0), Turns.called):
        turns = Turns()
        turns.asked(1.0)
        end(turns)
        assert turns.owed_since is None


def test_an_end_after_which_the_service_works_on_leaves_the_answer_owed() -> None:
    turns = Turns()
    turns.asked(1.0)
    turns.completed(2.0, more_follows=True)
    assert turns.owed_since == 1.0


# --- output after an interruption


def test_output_right_after_an_interruption_is_of_what_was_cut_off() -> None:
    turns = after("output", "cut", at=10.0)
    assert turns.is_stale(10.0 + LATE_OUTPUT_S - 0.01)
    assert not turns.is_stale(10.0 + LATE_OUTPUT_S)


@pytest.mark.parametrize(
    "said", [lambda turns: turns.asked(10.1), lambda turns: turns.heard(10.1)], ids=["typed", "spoken"]
)
def test_an_answer_to_what_was_said_after_the_interruption_is_never_stale(said: Callable[[Turns], None]) -> None:
    turns = after("output", "cut", at=10.0)
    said(turns)
    assert not turns.is_stale(10.1)


def test_where_the_question_that_interrupted_waits_its_answer_may_come_soon() -> None:
    turns = after("output", at=10.0)
    turns.asked(10.0)
    turns.cut(10.1)
    assert turns.is_stale(10.1 + ASKED_OUTPUT_S - 0.01)
    assert not turns.is_stale(10.1 + ASKED_OUTPUT_S)


def test_nothing_is_stale_without_an_interruption_and_after_the_end_of_the_turn() -> None:
    assert not after("output", "generated").is_stale(1.0)
    assert not after("output", "cut", "completed").is_stale(1.0)


# --- an end that is left out


def test_a_turn_is_to_end_some_time_after_its_audio_is_over() -> None:
    turns = after("output", at=10.0)
    for _ in range(10):
        turns.spoke(4 * 24000 * 2 // 3, 24000)  # a second
    assert turns.speech.spoken_s == pytest.approx(10.0)
    assert turns.ends_by() is None
    turns.generated(12.0)
    assert turns.ends_by() == pytest.approx(20.0 + END_WITHIN_S)
    turns.completed(20.0)
    assert turns.ends_by() is None


def test_an_interrupted_turn_is_to_end_soon() -> None:
    assert after("output", "cut", at=10.0).ends_by() == 10.0 + END_WITHIN_S
