"""What was made up, told from what was said."""

from __future__ import annotations

import pytest

from gemini_realtime.local.speech.guards import (
    Heard,
    is_noise,
    is_rambling,
    repeats,
    said_once,
    same_words,
    words_of,
)

SURE, UNSURE = -0.2, -1.2


@pytest.mark.parametrize(
    "heard",
    [
        Heard("you", -1.4, 0.98, 2.0),
        Heard("you", -0.6, 0.98, 1.2),
        Heard("I'm going to go to the ground.", -2.0, 0.9, 3.0),
        Heard("Thank you for watching!", -0.8, 0.3, 3.0),
        Heard("[Music]", SURE, 0.1, 3.0),
        Heard("(applause)", SURE, 0.1, 3.0),
        Heard("♪ ♪", SURE, 0.1, 3.0),
        Heard("...", SURE, 0.1, 3.0),
        Heard("", SURE, 0.1, 3.0),
    ],
    ids=lambda heard: heard.text,
)
def test_what_is_heard_in_silence_noise_and_music_has_no_words(heard: Heard) -> None:
    assert words_of(heard) == ""


@pytest.mark.parametrize(
    "heard",
    [
        Heard("Thank you.", SURE, 0.1, 1.0),
        Heard("Okay.", -0.95, 0.1, 1.2),
        Heard("What is the weather in London?", UNSURE, 0.2, 2.0),
        Heard("No, no, no.", SURE, 0.1, 1.5),
        Heard("bye", SURE, 0.0, 1.0),
    ],
    ids=lambda heard: heard.text,
)
def test_what_was_said_is_kept(heard: Heard) -> None:
    assert words_of(heard) == heard.text


def test_what_is_said_of_a_sound_is_left_out_and_the_words_kept() -> None:
    assert words_of(Heard("[coughs] What time is it?", SURE, 0.1, 2.0)) == "What time is it?"


AGAIN = [
    ("How are you? How are you? How are you?", "How are you?"),
    ("What time is it? what time is it", "What time is it?"),
    ("What time is it? What time is it? What", "What time is it?"),
    ("no no no no no no", "no no no"),
    ("nine-nine-nine-nine-nine", "nine nine nine"),
    ("bye bye bye bye bye now", "bye bye bye now"),
    ("Tell me. Tell me. Tell me. Tell me. Tell me.", "Tell me. Tell me. Tell me."),
]
NOT_AGAIN = [
    "it is what it is",
    "five five five, one two three four",
    "the more the merrier",
    "What time is it? What is it?",
    "",
]


@pytest.mark.parametrize(("text", "once"), AGAIN)
def test_what_is_said_over_and_over_without_an_end_was_said_once(text: str, once: str) -> None:
    assert repeats(text)
    assert said_once(text) == words_of(Heard(text, SURE, 0.0, 3.0, whole=False)) == once


@pytest.mark.parametrize(("text", "once"), AGAIN)
def test_what_is_said_over_and_over_to_an_end_was_said_so(text: str, once: str) -> None:
    assert words_of(Heard(text, SURE, 0.0, 3.0)) == text
    assert not is_rambling(Heard(text, SURE, 0.0, 3.0))


@pytest.mark.parametrize("text", NOT_AGAIN)
def test_what_only_has_the_same_words_in_it_is_said_as_it_stands(text: str) -> None:
    assert not repeats(text)
    assert said_once(text) == words_of(Heard(text, SURE, 0.0, 3.0, whole=False)) == text


def test_more_than_anybody_can_say_is_rambling() -> None:
    assert is_rambling(Heard("one two three four five six seven eight nine ten", SURE, 0.0, 1.0))
    assert not is_rambling(Heard("one two three four five six seven eight nine ten", SURE, 0.0, 3.0))


def test_what_has_no_end_is_rambling() -> None:
    assert not is_rambling(Heard("how are you how are you", SURE, 0.0, 3.0))
    assert is_rambling(Heard("how are you how are", SURE, 0.0, 3.0, whole=False))


def test_case_and_punctuation_make_no_other_words() -> None:
    assert same_words("The year was nineteen eighty-four.", "the year was Nineteen eighty four")
    assert not same_words("at forty two", "add forty two")


def test_what_is_surely_no_speech_is_noise_and_what_is_unsure_may_be_speech() -> None:
    assert is_noise(Heard("I'm going to go to the left.", -1.9, 0.9, 3.0))
    assert not is_noise(Heard("at forty two in", -1.9, 0.2, 3.0))
    assert not is_noise(Heard("Tell me a joke.", -0.4, 0.9, 2.0))
