"""Words as they are compared: without case and punctuation, numbers written out."""

from __future__ import annotations

import re
from random import Random
from typing import Final

from gemini_realtime.errors import ConfigError
from gemini_realtime.local.speech.numbers import SMALL, to_words

_WORD: Final = re.compile(r"\d[\d,]*(?:\.\d+)?|[^\W\d_]+(?:['’][^\W\d_]+)*", re.UNICODE)

_SLIPS: Final = {word: str(value) for value, word in enumerate(SMALL[:13]) if value > 1}  # "one" is also a pronoun
_NUMBER: Final = re.compile(rf"(?<![\w.,:-])(?:\d{{1,2}}|{'|'.join(_SLIPS)})(?![\w:-]|[.,]\d)", re.IGNORECASE)
"""Numbers as people say them who order, book and ask: not times of day, prices or digits of a telephone."""


def words_of(text: str) -> list[str]:
    """The words of a text; `8` and `eight` are the same."""
    words: list[str] = []
    for found in _WORD.findall(text.lower()):
        if found[0].isdigit():
            words += _number_words(found)
        else:
            words.append(found.replace("’", "'"))
    return words


def contains(text: str, phrase: str) -> bool:
    """Whether these words stand in a text, next to each other."""
    return occurrences(text, phrase) > 0


def occurrences(text: str, phrase: str) -> int:
    """How often these words stand in a text, next to each other."""
    words, wanted = words_of(text), words_of(phrase)
    return sum(words[at : at + len(wanted)] == wanted for at in range(len(words) - len(wanted) + 1))


def check_words(phrase: str) -> None:
    """Refuse a phrase without words: it would stand in every text.

    Raises:
        ConfigError: it has none.
    """
    if not words_of(phrase):
        raise ConfigError(f"there are no words in {phrase!r}", remedy="give some: punctuation is not compared")


def misspoken(text: str, how_probably: float, random: Random) -> str:
    """A text whose numbers are said wrong first, now and then: "for six, no, two guests"."""

    def said(number: re.Match[str]) -> str:
        if random.random() >= how_probably:
            return number[0]
        right = number[0].lower()
        wrong = random.choice([word for word in _SLIPS if right not in (word, _SLIPS[word])])
        return f"{wrong}, no, {number[0]}"

    return _NUMBER.sub(said, text)


def _number_words(digits: str) -> list[str]:
    plain = digits.replace(",", "")
    try:
        return to_words(float(plain) if "." in plain else int(plain)).split()
    except (ValueError, OverflowError):
        return [plain]
