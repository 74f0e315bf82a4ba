from __future__ import annotations

import pytest

from gemini_realtime.protocol.questions import Answered, Questions


def questions(*heard: tuple[int, int], at: float = 1.0) -> Questions:
    """Utterances that were heard after the first and before the second of these messages, a second apart."""
    asked = Questions()
    asked.configured(one_by_one=True, announced=False)
    for place, (after, until) in enumerate(heard):
        asked.heard(after, until, at + place, speaks_on=False)
    return asked


def until(answered: Answered | None) -> tuple[int, int]:
    assert answered is not None
    return answered.until, answered.maybe_until


def test_typed_questions_are_answered_in_their_order() -> None:
    asked = questions()
    assert until(asked.answered([3, 5], 0, 9.0)) == (3, 3)
    assert until(asked.answered([5], 0, 9.0)) == (5, 5)


def test_an_answer_to_one_of_two_that_may_have_changed_places_is_to_neither_for_certain() -> None:
    asked = questions((4, 8))
    assert until(asked.answered([6], 0, 9.0)) == (0, 8)
    assert asked.any_heard


def test_both_are_answered_by_the_second_answer_and_what_follows_them_is_not() -> None:
    asked = questions((4, 8))
    asked.answered([6, 9], 0, 9.0)
    assert until(asked.answered([6, 9], 0, 9.0)) == (6, 8)
    assert not asked.any_heard
    assert until(asked.answered([9], 0, 9.0)) == (9, 9)


def test_speech_that_was_heard_before_a_question_came_is_answered_before_it() -> None:
    asked = questions((4, 8))
    answered = asked.answered([9], 0, 9.0)
    assert answered == Answered(until=4, maybe_until=8, spoken_until=4)


def test_an_utterance_heard_long_after_an_answer_began_is_not_what_it_is_to() -> None:
    asked = questions((4, 8), at=20.0)
    assert until(asked.answered([9], 0, 9.0)) == (9, 9)
    assert asked.answered([], 0, 9.0) is None


def test_what_waits_for_a_function_is_not_answered_and_what_was_asked_after_it_may_be() -> None:
    assert until(questions().answered([3, 5], 3, 9.0)) == (5, 5)


def test_of_what_goes_out_at_once_nobody_knows_how_much_was_heard_when() -> None:
    asked = questions()
    asked.sent_at_once(2, 10.0)
    asked.heard(8, 8, 4.0, speaks_on=False)
    asked.heard(9, 9, 11.0, speaks_on=False)
    answered = asked.answered([5, 7], 0, 9.0)
    assert answered == Answered(until=0, maybe_until=8, spoken_until=0)


@pytest.mark.parametrize("known", [0, 4])
def test_an_answer_after_a_loss_counts_anew(known: int) -> None:
    asked = questions((4, 8))
    asked.answered([6], 0, 9.0)
    asked.connection_lost(known)
    assert until(asked.answered([6, 9], 0, 9.0)) == (6, 6)


def test_speech_that_the_application_announces_is_asked_by_its_end_alone() -> None:
    asked = Questions()
    asked.configured(one_by_one=True, announced=True)
    asked.heard(1, 2, 1.0, speaks_on=False)
    assert not asked.any_heard


def test_the_next_question_is_the_first_that_was_taken_or_may_have_been() -> None:
    assert questions().first([]) is None
    assert questions().first([3, 5]) == 3
    assert questions((4, 8)).first([6, 9]) == 8
