from __future__ import annotations

import tracemalloc
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gemini_realtime.protocol.history import MAX_CHARACTERS, History, Said


def test_a_turn_is_the_words_of_both_sides_in_the_order_they_were_said() -> None:
    history = History()
    for word in ("How ", "are ", "you?"):
        history.heard(word)
    history.answer("Fine, ")
    history.answer("thanks. ")
    assert history.said() == []
    history.close_turn()
    assert history.said() == [Said("user", "How are you?"), Said("model", "Fine, thanks.")]


def test_what_one_side_says_in_a_row_is_one_turn() -> None:
    history = History()
    history.add("user", "one")
    history.add("user", "two")
    history.add("model", "three")
    assert history.said() == [Said("user", "one\ntwo"), Said("model", "three")]


def test_a_turn_that_was_lost_is_not_said() -> None:
    history = History()
    history.heard("never")
    history.answer("mind")
    history.drop_turn()
    history.close_turn()
    assert history.said() == []


def test_the_service_is_told_in_its_own_words() -> None:
    (content,) = History([Said("model", "hello")]).contents()
    assert content.role == "model"
    assert [part.text for part in content.parts] == ["hello"]


def test_a_history_goes_on_from_what_was_said_before() -> None:
    history = History([Said("user", "a"), Said("model", "b")])
    history.add("model", "c")
    assert history.said() == [Said("user", "a"), Said("model", "b\nc")]


def test_a_turn_that_never_ends_keeps_its_tail_and_no_more() -> None:
    history = History()
    tracemalloc.start()
    for number in range(50_000):
        history.heard(f"{number:08} ")
        history.answer("")
    kept_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept_bytes < 50 * MAX_CHARACTERS
    history.close_turn()
    (said,) = history.said()
    assert said.text.endswith("00049998 00049999")
    assert len(said.text) >= MAX_CHARACTERS - 1


_TURNS = st.lists(st.tuples(st.sampled_from(["user", "model"]), st.integers(0, MAX_CHARACTERS + 9)), max_size=12)


@given(_TURNS)
def test_the_tail_is_kept_within_its_bound_and_roles_alternate(turns: list[tuple[str, int]]) -> None:
    history, everything = History(), ""
    for number, (role, characters) in enumerate(turns):
        text = chr(ord("a") + number) * characters
        history.add(role, text)
        everything += text
    said = history.said()
    kept = "".join(turn.text.replace("\n", "") for turn in said)
    assert sum(len(turn.text) for turn in said) <= MAX_CHARACTERS
    assert everything.endswith(kept)
    assert all(first.role != second.role for first, second in pairwise(said))
    assert kept or not everything
