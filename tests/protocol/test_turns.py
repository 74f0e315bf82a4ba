from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gemini_realtime.protocol.turns import Turns, TurnSignal, TurnState

OUTPUT, GENERATED = TurnSignal.OUTPUT, TurnSignal.GENERATION_COMPLETE
INTERRUPTED, COMPLETE = TurnSignal.INTERRUPTED, TurnSignal.TURN_COMPLETE


def after(*signals: TurnSignal) -> Turns:
    turns = Turns()
    for signal in signals:
        turns.signal(signal)
    return turns


def test_a_normal_turn_ends_idle() -> None:
    assert after(OUTPUT, OUTPUT, GENERATED, COMPLETE).state is TurnState.IDLE


def test_an_interrupted_turn_is_known_as_such_until_it_completes() -> None:
    assert after(OUTPUT, INTERRUPTED).interrupted
    assert not after(OUTPUT, INTERRUPTED, COMPLETE).interrupted


def test_a_turn_can_be_interrupted_while_its_audio_is_still_being_heard() -> None:
    assert after(OUTPUT, GENERATED, INTERRUPTED).interrupted


def test_output_after_the_end_of_generation_begins_a_new_turn_even_without_turn_complete() -> None:
    assert after(OUTPUT, GENERATED, OUTPUT).count == 2
    assert after(OUTPUT, INTERRUPTED, OUTPUT).count == 2
    assert after(OUTPUT, OUTPUT).count == 1


@given(st.lists(st.sampled_from(TurnSignal)))
def test_any_order_of_signals_leads_to_a_state_and_turn_complete_always_to_idle(signals: list[TurnSignal]) -> None:
    assert after(*signals, COMPLETE).state is TurnState.IDLE
