"""Words as they are compared: without case, accents and punctuation, numbers by their value."""

from __future__ import annotations

import re
import unicodedata
from random import Random
from typing import Final

from gemini_realtime.errors import ConfigError
from gemini_realtime.local.speech.numbers import SMALL, find_numbers, ordinal_words

_UNSPACED: Final = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
"""Thai, Lao, Burmese, Khmer, Japanese and Chinese are written without spaces: each letter counts as a word."""
_LETTER: Final = rf"(?:(?![{_UNSPACED}])(?:[^\W\d_]|[\u0591-\u05c7\u064b-\u065f\u0900-\u0963\u0970-\u0dff]))"
"""With the vowels of Hebrew, Arabic and the scripts of India, which Unicode has as marks."""
_WORD: Final = re.compile(rf"[0-9][0-9,]*(?:\.[0-9]+)?|[{_UNSPACED}]|{_LETTER}+(?:['’]{_LETTER}+)*")
_ACCENTS: Final = re.compile("[\u0300-\u036f]")

_MONEY: Final = re.compile(r"([$€£])\s?([0-9][0-9,]*)(?:\.([0-9]{2}))?(?![.0-9]*[0-9])(\s[mb]illion|\sthousand)?")
_CURRENCIES: Final = {"$": ("dollar", "cents"), "€": ("euro", "cents"), "£": ("pound", "pence")}
_CLOCK: Final = re.compile(r"\b([0-9]{1,2}):([0-5][0-9])\b")
_ORDINAL: Final = re.compile(r"\b([0-9]{1,6})(?:st|nd|rd|th)\b")
_HALF_OF_DAY: Final = re.compile(r"\b([ap])\.\s?m\b\.?")
_LEADING_ZERO: Final = re.compile(r"(?<![0-9.,])0[0-9]+(?![0-9.,]*[0-9])")
_SIGNS: Final = {"%": " percent ", "&": " and "}

_SLIPS: Final = {word: str(value) for value, word in enumerate(SMALL[:13]) if value > 1}  # "one" is also a pronoun
_NUMBER: Final = re.compile(rf"(?<![\w.,:-])(?:\d{{1,2}}|{'|'.join(_SLIPS)})(?![\w:-]|[.,]\d)", re.IGNORECASE)
"""Numbers as people say them who order, book and ask: not times of day, prices or digits of a telephone."""


def words_of(text: str) -> list[str]:
    """The words of a text, each number one word: `25` and `twenty-five`, `$5` and `five dollars` are the same."""
    words = [found.replace("’", "'") for found in _WORD.findall(_spoken(_folded(text)))]
    for number in reversed(find_numbers(words)):
        words[number.start : number.stop] = [format(number.value.normalize(), "f")]
    return words


def _folded(text: str) -> str:
    """In small letters, without accents."""
    return unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFKD", text.lower())))


def _spoken(text: str) -> str:
    """What is written in signs, in the words that are said for it."""
    text = _MONEY.sub(_money, text)
    text = _CLOCK.sub(_clock, text)
    text = _ORDINAL.sub(lambda found: ordinal_words(int(found[1])), text)
    text = _HALF_OF_DAY.sub(r"\1m", text)
    text = _LEADING_ZERO.sub(lambda found: " ".join(found[0]), text)  # of a telephone number, say
    return re.sub("[%&]", lambda found: _SIGNS[found[0]], text)


def _money(found: re.Match[str]) -> str:
    unit, small = _CURRENCIES[found[1]]
    cents = f" and {int(found[3])} {small}" if found[3] and int(found[3]) else ""
    units = unit if found[2] == "1" and not found[4] else f"{unit}s"
    return f"{found[2]}{found[4] or ''} {units}{cents}"


def _clock(found: re.Match[str]) -> str:
    hour, minute = int(found[1]), int(found[2])
    if not minute:
        return f"{hour} o'clock"
    return f"{hour} oh {minute}" if minute < 10 else f"{hour} {minute}"


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
