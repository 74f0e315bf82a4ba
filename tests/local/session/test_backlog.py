"""What waits to be answered: in order, and not without bound."""

from __future__ import annotations

import pytest

from gemini_realtime.local.session.backlog import MAX_WAITING, MAX_WAITING_SIZE, Backlog, Question
from gemini_realtime.local.session.content import SpokenTurn
from gemini_realtime.local.session.turns import TURN_CHARACTERS
from gemini_realtime.local.wire.refusals import Refused


def test_questions_are_taken_in_the_order_in_which_they_came() -> None:
    backlog = Backlog()
    for heard in ("one", "two"):
        backlog.add(Question(heard))
    assert [question.heard for _ in range(2) if (question := backlog.take())] == ["one", "two"]
    assert backlog.take() is None
    assert not backlog


def test_what_was_spoken_keeps_what_follows_waiting_until_its_words_are_known() -> None:
    backlog, turn = Backlog(), SpokenTurn("user", b"\1\0")
    backlog.add(Question(told=(turn,)))
    backlog.add(Question("and then"))
    assert backlog.take() is None
    turn.text = "hello"
    assert [question.told for _ in range(2) if (question := backlog.take())] == [(turn,), None]


@pytest.mark.parametrize(
    "questions",
    [
        [Question("more")] * (MAX_WAITING + 1),
        [Question("x" * MAX_WAITING_SIZE)],
        [Question(told=(SpokenTurn("user", bytes(MAX_WAITING_SIZE)),))],
        [Question(told=(("user", ""),) * (MAX_WAITING_SIZE // TURN_CHARACTERS))],
    ],
    ids=["many", "long", "much sound", "many turns"],
)
def test_more_than_the_model_could_keep_in_mind_is_refused(questions: list[Question]) -> None:
    backlog = Backlog()
    backlog.add(Question("hello"))
    backlog.check()
    for question in questions:
        backlog.add(question)
    with pytest.raises(Refused):
        backlog.check()
