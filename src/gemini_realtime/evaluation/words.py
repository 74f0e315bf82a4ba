"""Words as they are compared: without case and punctuation, numbers written out."""

from __future__ import annotations

import re
from typing import Final

from gemini_realtime.local.speech.numbers import to_words

_WORD: Final = re.compile(r"\d[\d,]*(?:\.\d+)?|[^\W\d_]+(?:['’][^\W\d_]+)*", re.UNICODE)


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


def _number_words(digits: str) -> list[str]:
    plain = digits.replace(",", "")
    try:
        return to_words(float(plain) if "." in plain else int(plain)).split()
    except (ValueError, OverflowError):
        return [plain]
