"""Text as it is said."""

from __future__ import annotations

import pytest

from gemini_realtime.local.speech.spoken_text import as_said, first_clause, sentences


def cut(text: str, chars_max: int = 240) -> list[str]:
    return [text[start:end] for start, end in sentences(text, chars_max)]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("One. Two! Three?", ["One. ", "Two! ", "Three?"]),
        ("Dr. Smith lives on Main St. in town. He is old.", ["Dr. Smith lives on Main St. in town. ", "He is old."]),
        ("J. K. Rowling wrote it.", ["J. K. Rowling wrote it."]),
        ("It costs 5.20 dollars.", ["It costs 5.20 dollars."]),
        ("He said: \"Go!\" Then he left.", ['He said: "Go!" ', "Then he left."]),
        ("Wait... what?", ["Wait... ", "what?"]),
        ("One\n\nTwo", ["One\n\n", "Two"]),
        ("今日は。明日は。", ["今日は。", "明日は。"]),
        ("  lead and trail  ", ["  lead and trail  "]),
        ("", []),
    ],
)  # fmt: skip
def test_sentences_are_cut_where_they_end(text: str, parts: list[str]) -> None:
    assert cut(text) == parts


@pytest.mark.parametrize("text", ["word " * 200, "x" * 1_000, "One. Two. " * 50, "a\nb\nc"])
def test_long_sentences_are_cut_between_words_and_nothing_is_lost(text: str) -> None:
    parts = cut(text)
    assert "".join(parts) == text
    assert max(map(len, parts)) <= 240


def test_the_first_clause_is_long_enough_to_be_said_alone() -> None:
    text = "Well, the weather in London is sunny with nineteen degrees, and it will rain tomorrow afternoon."
    assert text[: first_clause(text)] == "Well, the weather in London is sunny with nineteen degrees, "
    assert first_clause("Short, but whole.") == len("Short, but whole.")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Call +1 (415) 555-2671.", "Call plus 1, 4 1 5, 5 5 5, 2 6 7 1."),
        ("Call 415-555-2671 now", "Call 4 1 5, 5 5 5, 2 6 7 1 now"),
        ("See https://ai.google.dev/docs.", "See ai dot google dot dev slash docs."),
        ("www.example.com", "example dot com"),
        ("Node.js and e.g. this", "Node.js and e.g. this"),
        ("open 24/7", "open twenty four seven"),
        ("12 x 7 and 3*4", "12 times 7 and 3 times 4"),
        ("order 0042, no 12345678", "order 0 0 4 2, no 1 2 3 4 5 6 7 8"),
        ("1,234,567 and 0.5 and 1984", "1,234,567 and 0.5 and 1984"),
        ("v2.0.1", "2 point 0 point 1"),
        ("C++ or C#", "C plus plus or C sharp"),
        ("**bold** and `code`", "bold and code"),
        ("Great! 🎉", "Great!  "),
        ("It costs $5.20 on Jan. 5th.", "It costs $5.20 on Jan. 5th."),
    ],
)
def test_signs_and_digits_become_words(text: str, said: str) -> None:
    assert as_said(text) == said
