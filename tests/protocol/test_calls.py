from __future__ import annotations

import pytest

from gemini_realtime.protocol.calls import MAX_OPEN_CALLS, SAME_CALL_WITHIN_S, Calls
from gemini_realtime.protocol.families import LIVE_3_1, LIVE_3_8, NATIVE_AUDIO_2_5, Family


def made(*call_ids: str, at: float = 0.0) -> Calls:
    """Open calls of a model."""
    calls = Calls(NATIVE_AUDIO_2_5)
    for call_id in call_ids:
        calls.opened(call_id, "f", {"of": call_id}, at)
    return calls


def test_an_answer_closes_its_call_and_until_then_it_is_known_when_it_came() -> None:
    calls = made("7", at=3.0)
    call = calls.open("7")
    assert call is not None
    assert (len(calls), call.given_id, call.name, call.at) == (1, "7", "f", 3.0)
    calls.answered("7")
    assert (len(calls), calls.open("7")) == (0, None)


def test_calls_without_an_id_get_ones_of_their_own() -> None:
    calls = Calls(NATIVE_AUDIO_2_5)
    ids = [calls.opened(None, name, {}, 0.0) for name in "ab"]
    assert [(call.name, call.given_id) for call in map(calls.open, map(str, ids)) if call] == [("a", None), ("b", None)]


def test_a_resumed_session_knows_the_calls_that_came_before_its_handle_only() -> None:
    calls = Calls(NATIVE_AUDIO_2_5)
    for call_id, at in (("before", 1.0), ("with", 2.0), ("after", 3.0)):
        calls.opened(call_id, call_id, {}, at)
    assert calls.lost(2.0) == ["after"]
    assert (len(calls), list(calls.orphans)) == (2, ["after"])


def test_a_new_session_knows_no_call() -> None:
    calls = made("1")
    assert calls.lost(None) == ["1"]
    assert not calls


def test_what_was_cancelled_is_an_orphan_and_what_was_never_open_is_not() -> None:
    calls = made("1")
    calls.cancelled(["1", "2"])
    assert (len(calls), list(calls.orphans)) == (0, ["1"])


def test_a_call_made_again_under_its_id_after_a_loss_is_no_orphan_any_more() -> None:
    calls = made("1")
    calls.lost(None)
    calls.opened("1", "f", {}, 2.0)
    assert (len(calls), list(calls.orphans)) == (1, [])


def test_calls_that_nobody_answers_do_not_pile_up() -> None:
    calls = made(*map(str, range(MAX_OPEN_CALLS + 2)))
    assert len(calls) == MAX_OPEN_CALLS
    assert calls.open("1") is None
    assert calls.open("2") is not None


# --- the same call twice


@pytest.mark.parametrize("answered", [False, True])
def test_the_same_id_is_the_same_call_however_late_it_comes(answered: bool) -> None:
    calls = made("1")
    if answered:
        calls.answered("1")
    calls.turn_ended()
    assert calls.opened("1", "f", {"of": "1"}, 99.0) is None


@pytest.mark.parametrize(("first", "second"), [(None, "1"), ("1", None), (None, None)])
def test_the_two_forms_of_a_call_are_one_though_only_one_has_an_id(first: str | None, second: str | None) -> None:
    calls = Calls(NATIVE_AUDIO_2_5)
    call_id = calls.opened(first, "f", {"x": 1}, 0.0)
    assert call_id is not None
    calls.answered(call_id)  # by a function that is fast
    assert calls.opened(second, "f", {"x": 1}, 0.1) is None


def test_two_ids_are_two_calls_and_other_words_too() -> None:
    calls = Calls(NATIVE_AUDIO_2_5)
    given = [("1", "f", {}), ("2", "f", {}), (None, "f", {"x": 1}), (None, "g", {"x": 1})]
    assert len({calls.opened(*call, 0.0) for call in given}) == 4


def test_a_call_without_an_id_is_another_in_the_next_turn_and_some_time_after_its_answer() -> None:
    calls = Calls(NATIVE_AUDIO_2_5)
    first = calls.opened(None, "f", {}, 0.0)
    assert first is not None
    calls.answered(first)
    assert calls.opened(None, "f", {}, SAME_CALL_WITHIN_S + 0.1) is not None  # asked again and again, in one turn
    calls.turn_ended()
    assert calls.opened(None, "f", {}, SAME_CALL_WITHIN_S + 0.2) is not None


# --- what the model waits for


@pytest.mark.parametrize(
    ("family", "behavior", "blocks"),
    [
        (NATIVE_AUDIO_2_5, None, True),
        (NATIVE_AUDIO_2_5, "NON_BLOCKING", False),
        (LIVE_3_8, None, False),
        (LIVE_3_8, "BLOCKING", True),
        (LIVE_3_1, "NON_BLOCKING", True),  # takes it, and blocks all the same
    ],
)
def test_whether_the_model_waits_depends_on_the_family_and_the_declaration(
    family: Family, behavior: str | None, blocks: bool
) -> None:
    calls = Calls(family)
    calls.declared([{"functionDeclarations": [{"name": "f", **({"behavior": behavior} if behavior else {})}]}])
    assert not calls.blocking
    calls.opened("1", "f", {}, 0.0)
    assert calls.blocking is blocks


def test_another_process_goes_on_with_the_calls_that_its_session_knows() -> None:
    calls = made("1", at=1.0)
    calls.opened("2", "g", {}, 3.0)
    other = Calls(NATIVE_AUDIO_2_5)
    other.restore(calls.saved_state(2.0), 102.0)
    assert other.open("1") is not None
    assert other.open("2") is None
    assert other.lost(102.0) == []
