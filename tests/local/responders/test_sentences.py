"""Sentences, found while they are being written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_realtime.local.responders.sentences import split_sentences


@pytest.mark.parametrize(
    ("text", "sentences", "rest"),
    [
        ("", [], ""),
        ("It is", [], "It is"),
        ("It is warm.", [], "It is warm."),
        ("It is warm. And", ["It is warm."], "And"),
        ("Hello! How are you? Fine… ", ["Hello!", "How are you?", "Fine…"], ""),
        ("It costs 3.50 today. Yes", ["It costs 3.50 today."], "Yes"),
        (
            "Dr. Smith met J. R. Ewing, e.g. in St. Louis. Then",
            ["Dr. Smith met J. R. Ewing, e.g. in St. Louis."],
            "Then",
        ),
        ("We are 12. Come in", ["We are 12."], "Come in"),
        ("1. Bread\n2. Milk", ["1. Bread"], "2. Milk"),
        ("Buy:\n\n- milk", ["Buy:"], "- milk"),
        ('"Stop!" he said. Then', ['"Stop!"', "he said."], "Then"),
        ("(It rains.) It", ["(It rains.)"], "It"),
        ("**No.** Yes", ["**No.**"], "Yes"),
        ("今日は晴れです。明日は", ["今日は晴れです。"], "明日は"),
        ("Wait... what", ["Wait..."], "what"),
    ],
)
def test_complete_sentences_are_taken_off(text: str, sentences: list[str], rest: str) -> None:
    assert split_sentences(text) == (sentences, rest)


@given(st.text("ab1 .!?。\n\"')*DrJ", max_size=40), st.integers(1, 5))
def test_it_does_not_matter_in_what_pieces_the_text_arrives(text: str, size: int) -> None:
    sentences, rest = [], ""
    for at in range(0, len(text), size):
        found, rest = split_sentences(rest + text[at : at + size])
        sentences += found
    assert (sentences, rest.strip()) == (split_sentences(text)[0], split_sentences(text)[1].strip())


@given(st.text(max_size=60))
def test_no_word_is_lost(text: str) -> None:
    sentences, rest = split_sentences(text)
    assert "".join("".join([*sentences, rest]).split()) == "".join(text.split())
