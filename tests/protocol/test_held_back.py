from __future__ import annotations

from gemini_realtime.protocol import held_back as module
from gemini_realtime.protocol.held_back import HeldBack


def calling(**asked_until: int) -> HeldBack:
    held_back = HeldBack()
    for call_id, number in asked_until.items():
        held_back.call_opened(call_id, number)
    return held_back


def test_what_was_asked_before_a_call_is_held_back_until_its_result_is_answered() -> None:
    held_back = calling(a=3, b=5)
    held_back.call_answered("a", 7)
    held_back.call_answered("b", 8)
    assert held_back.answer_completed(7, 7) == ({7}, 3)
    assert held_back.until == 5
    assert held_back.answer_completed(9, 9) == ({8}, 5)
    assert held_back.until == 0


def test_a_function_runs_for_what_was_asked_before_it_until_it_gives_its_result() -> None:
    held_back = calling(a=3)
    assert held_back.runs_for(3)
    assert not held_back.runs_for(4)
    held_back.call_answered("a", 7)
    assert not held_back.runs_for(3)


def test_what_was_said_while_a_call_ran_that_is_taken_back_answers_what_led_to_it() -> None:
    held_back = calling(a=3, b=5)
    held_back.answer_completed(6, 6)
    assert held_back.released(["b"]) == (3, 5, 5)
    assert calling(a=3).released(["a", "unknown"]) == (0, 0, 0)


def test_what_crossed_with_an_answer_while_a_call_ran_may_be_answered_by_that() -> None:
    held_back = calling(a=5)
    held_back.answer_completed(6, 4)
    assert held_back.released(["a"]) == (0, 4, 5)


def test_a_call_that_is_lost_holds_nothing_back() -> None:
    held_back = calling(a=3)
    held_back.calls_lost(["a", "unknown"])
    assert held_back.until == 0


def test_calls_that_are_never_answered_are_bounded() -> None:
    held_back = HeldBack()
    for number in range(module.MAX_CALLS + 1):
        held_back.call_opened(str(number), number)
    assert not held_back.answer_completed(0, 0)[0]
    held_back.calls_lost(map(str, range(1, module.MAX_CALLS + 1)))
    assert held_back.until == 0
