from __future__ import annotations

import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_realtime.protocol.history import MAX_CHARACTERS, History, Said, contents
from gemini_realtime.protocol.turns import LATE_TRANSCRIPT_S

FIRST = [Said("user", "Tell me a story."), Said("model", "Once upon a time")]
SECOND = [Said("user", "What is the time?"), Said("model", "It is noon.")]


def answer(history: History, *words: str, at: float = 10.0) -> None:
    history.answer_began(at)
    for word in words:
        history.answer(word)


def test_a_turn_is_the_words_of_both_sides_in_the_order_they_were_said() -> None:
    history = History()
    for word in ("How ", "are ", "you?"):
        history.heard(word, 1.0)
    answer(history, "Fine, ", "thanks. ")
    assert history.said() == []
    assert history.said(answer=True) == [Said("user", "How are you?"), Said("model", "Fine, thanks.")]
    history.close_turn(12.0)
    assert history.said() == [Said("user", "How are you?"), Said("model", "Fine, thanks.")]


def test_what_one_side_says_in_a_row_is_one_turn() -> None:
    history = History()
    history.typed(1, "user", "one")
    history.typed(2, "user", "two")
    history.typed(3, "model", "three")
    assert history.said() == [Said("user", "one\ntwo"), Said("model", "three")]


def test_a_message_that_is_sent_again_is_not_said() -> None:
    history = History()
    history.typed(1, "user", "one")
    history.typed(2, "user", "two")
    assert history.said({2}) == [Said("user", "one")]


def test_the_service_is_told_in_its_own_words() -> None:
    (content,) = contents([Said("model", "hello")])
    assert content.role == "model"
    assert [part.text for part in content.parts] == ["hello"]


def test_a_history_goes_on_from_what_was_said_before() -> None:
    history = History([Said("user", "a"), Said("model", "b")])
    history.typed(1, "model", "c")
    assert history.said() == [Said("user", "a"), Said("model", "b\nc")]


# --- the order of the conversation


@pytest.mark.parametrize("when", ["during", "after", "in pieces"])
def test_a_transcript_that_comes_late_stands_before_the_answer_to_it(when: str) -> None:
    history = History([Said("user", "Hello"), Said("model", "Hi")])
    history.answer_began(10.0)
    if when == "during":
        history.heard("Tell me a story.", 10.1)
    elif when == "in pieces":
        history.heard("Tell me ", 10.1)
        history.heard("a story.", 10.2)
    history.answer("Once upon a time")
    history.close_turn(12.0)
    if when == "after":
        history.heard("Tell me ", 12.1)
        history.heard("a story.", 12.2)
    assert history.said()[2:] == FIRST


def test_the_last_words_of_a_question_come_during_its_answer() -> None:
    history = History()
    history.heard("Tell me", 9.9)
    answer(history, "Once upon a time")
    history.heard(" a story.", 10.1)
    history.close_turn(12.0)
    assert history.said() == FIRST


@pytest.mark.parametrize("said", ["heard", "typed"])
def test_what_is_said_into_an_answer_comes_after_it(said: str) -> None:
    history = History()
    history.heard("Tell me a story.", 9.0)
    answer(history, "Once upon a time")
    if said == "heard":
        history.heard("What is the time?", 10.5)
    else:
        history.typed(1, "user", "What is the time?")
    history.close_turn(11.0, interrupted=True)
    answer(history, "It is noon.")
    history.close_turn(13.0)
    assert history.said() == FIRST + SECOND


@pytest.mark.parametrize("how", ["announced", "much later"])
def test_an_utterance_into_an_answer_that_goes_on_is_no_part_of_the_question_to_it(how: str) -> None:
    history = History()
    history.heard("Tell me a story.", 9.0)
    answer(history, "Once upon ")
    if how == "announced":
        history.speech_started()
    history.heard("What is the time?", 10.5 if how == "announced" else 10.1 + LATE_TRANSCRIPT_S)
    answer(history, "a time")
    history.close_turn(15.0)
    answer(history, "It is noon.", at=16.0)
    history.close_turn(17.0)
    assert history.said() == FIRST + SECOND


def test_what_is_heard_long_after_an_answer_is_no_question_to_it() -> None:
    history = History()
    answer(history, "Hello, can I help you?")
    history.close_turn(12.0)
    history.heard("Yes, please.", 12.1 + LATE_TRANSCRIPT_S)
    answer(history, "How?", at=20.0)
    history.close_turn(21.0)
    assert [turn.text for turn in history.said()] == ["Hello, can I help you?", "Yes, please.", "How?"]


# --- a loss


def test_an_answer_that_was_lost_is_not_said_and_neither_is_what_is_heard_again() -> None:
    history = History()
    history.heard("never", 1.0)
    answer(history, "mind")
    history.lose_turn()
    history.ask_again(0.5)
    history.close_turn(2.0)
    assert history.said() == []


def test_of_a_question_that_waits_only_what_is_heard_again_is_not_said() -> None:
    history = History()
    history.heard("Hello?", 1.0)
    history.heard(" Are you there?", 2.0)
    history.heard(" Hello!", 3.0)
    history.ask_again(2.5)
    history.close_question()
    assert [turn.text for turn in history.said()] == ["Hello? Are you there?"]


def test_a_question_that_nobody_hears_again_stands_before_the_answer_that_comes_now() -> None:
    history = History()
    history.heard("Tell me a story.", 1.0)
    answer(history, "Once")
    history.lose_turn()
    answer(history, "Once upon a time", at=20.0)
    history.close_turn(22.0)
    assert history.said() == FIRST


def test_what_was_heard_and_is_not_answered_is_said_where_nobody_hears_it_again() -> None:
    history = History()
    history.heard("Tell me a story.", 1.0)
    assert history.said() == []
    assert history.said(heard=True) == FIRST[:1]
    answer(history, "Once upon a time")
    history.speech_started()
    history.heard("What is the time?", 11.0)
    assert history.said(answer=True) == FIRST
    assert history.said(answer=True, heard=True) == [*FIRST, *SECOND[:1]]


def test_what_was_typed_into_an_answer_that_goes_on_is_said() -> None:
    history = History()
    history.typed(1, "user", "Tell me a story.")
    answer(history, "Once upon a time")
    history.typed(2, "user", "My name is Ann.")
    assert history.said() == [Said("user", "Tell me a story.\nMy name is Ann.")]
    assert history.said(without=[2]) == FIRST[:1]
    assert history.said(answer=True) == [*FIRST, Said("user", "My name is Ann.")]


def test_what_was_typed_into_a_lost_answer_is_said() -> None:
    history = History()
    answer(history, "Once")
    history.typed(1, "user", "Stop")
    history.lose_turn()
    assert history.said() == [Said("user", "Stop")]


# --- bounds


def test_a_turn_that_never_ends_keeps_its_tail_and_no_more() -> None:
    history = History()
    tracemalloc.start()
    for number in range(50_000):
        history.heard(f"{number:08} ", 0.0)
        history.answer("")
    kept_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept_bytes < 50 * MAX_CHARACTERS
    history.close_turn(1.0)
    (said,) = history.said()
    assert said.text.endswith("00049998 00049999")
    assert len(said.text) >= MAX_CHARACTERS - 2


_TURNS = st.lists(st.tuples(st.sampled_from(["user", "model"]), st.integers(0, MAX_CHARACTERS + 9)), max_size=12)


@given(_TURNS)
def test_the_tail_is_kept_within_its_bound_and_roles_alternate(turns: list[tuple[str, int]]) -> None:
    history, everything = History(), ""
    for number, (role, characters) in enumerate(turns):
        text = chr(ord("a") + number) * characters
        history.typed(number, role, text)
        everything += text
    said = history.said()
    kept = "".join(turn.text.replace("\n", "") for turn in said)
    assert sum(len(turn.text) for turn in said) <= MAX_CHARACTERS
    assert everything.endswith(kept)
    assert all(first.role != second.role for first, second in pairwise(said))
    assert kept or not everything
