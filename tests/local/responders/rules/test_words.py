from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gemini_realtime.local.responders.rules.words import Utterance, corrected, dictated, sentences, split_name, stem


@settings(derandomize=True, deadline=None)
@given(st.text(max_size=80))
def test_tokens_lie_in_order_inside_any_text(text: str) -> None:
    utterance = Utterance(text)
    starts = [token.start for token in utterance.tokens]
    assert starts == sorted(starts)
    assert all(0 <= token.start < token.stop <= len(text) for token in utterance.tokens)
    assert utterance.source_of_plain(0, len(utterance.plain)) in text


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("A table for six, no, two guests at seven, sorry, 8.", "A table for two guests at 8."),
        ("Twenty five, uh, I mean twenty-six.", "twenty-six."),
        ("No, two. Are there two? No, thanks. Two, please.", "No, two. Are there two? No, thanks. Two, please."),
    ],
)
def test_who_corrects_a_number_means_the_second_one(said: str, meant: str) -> None:
    assert corrected(said) == meant


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("My pin is four, four, two, two.", "My pin is 4422."),
        ("Call five five five, one-two-three, oh.", "Call 5551230."),
        ("Double four triple two, please.", "44222, please."),
        ("dial 5, 5, 5, 1", "dial 5551"),
        ("A table at nine oh five for two.", "A table at nine oh five for two."),
        ("Seven. Seven. Seventeen, seven, 555 1212.", "Seven. Seven. Seventeen, seven, 555 1212."),
    ],
)
def test_what_is_said_digit_by_digit_is_one_number(said: str, written: str) -> None:
    assert dictated(said) == written


def test_contractions_and_recognised_words_become_the_same_plain_text() -> None:
    assert Utterance("What’s the time?").plain == Utterance("what is the time").plain
    assert Utterance("Don't stop, I'm fine").plain == "do not stop i am fine"


def test_numbers_quotes_and_addresses_are_single_tokens() -> None:
    utterance = Utterance('Mail "see you" to bob@example.com at 1,234.5 or 5pm.')
    words = [token.word for token in utterance.tokens]
    assert words == ["mail", "see you", "to", "bob@example.com", "at", "1,234.5", "or", "5", "pm", "."]


def test_the_source_of_plain_text_keeps_its_spelling() -> None:
    utterance = Utterance("Say: Hello, World!")
    assert utterance.plain == "say hello world"
    assert utterance.source_of_plain(4, 15) == "Hello, World"


def test_names_of_any_style_split_into_words() -> None:
    assert split_name("get_current_weather") == ["get", "current", "weather"]
    assert split_name("getHTTPStatus-code2") == ["get", "http", "status", "code2"]


def test_forms_of_a_word_share_a_stem_and_other_words_do_not() -> None:
    assert len({stem(word) for word in ("light", "lights")}) == 1
    assert len({stem(word) for word in ("plan", "plans", "planning", "planned")}) == 1
    assert len({stem(word) for word in ("remind", "reminder")}) == 1
    assert stem("timer") != stem("time")


def test_sentences_keep_their_ends() -> None:
    assert sentences("One. Two? 3.5 is three!\nFour") == ["One.", "Two?", "3.5 is three!", "Four"]
