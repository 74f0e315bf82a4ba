"""Sentences that plainly go on."""

from __future__ import annotations

import pytest

from gemini_realtime.local.speech.unfinished import goes_on


@pytest.mark.parametrize(
    "text",
    [
        "my number is",
        "my phone number is five five",
        "the code is seven,",
        "i would like a coffee and",
        "What is twelve plus",
        "well, um",
        "I think...",
    ],
)
def test_what_ends_in_the_middle_goes_on(text: str) -> None:
    assert goes_on(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yes",
        "my phone number is five five five one two three four",
        "my pin is one two three four.",
        "What is two plus two?",
        "where are you from",
        "count to five",
        "What is that for?",
    ],
)
def test_what_may_be_all_is_over(text: str) -> None:
    assert not goes_on(text)
