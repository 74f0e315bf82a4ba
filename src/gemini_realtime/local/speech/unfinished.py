"""Whether a sentence plainly goes on, so that a pause in it is no end."""

from __future__ import annotations

import re
from typing import Final

_WORD: Final = re.compile(r"[a-z']+")

# No English sentence ends in these; prepositions are left out that a question may end in ("where are you from").
_GO_ON: Final = frozenset(
    {
        *("a", "an", "the", "my", "your", "his", "its", "our", "their", "every", "very"),
        *("and", "or", "but", "because", "if", "so", "than", "as", "like", "between", "during"),
        *("is", "are", "was", "were", "am", "i'm", "it's", "he's", "she's", "that's"),
        *("um", "uh", "er", "plus", "minus", "times"),
    }
)
_DIGITS: Final = frozenset(["zero", "oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])
_NUMBER_NAMES: Final = frozenset({"number", "code", "pin", "phone", "zip", "account"})
_SHORT_NUMBER: Final = 4  # digits; a PIN has as many


def goes_on(text: str) -> bool:
    """Whether more words are to come: after "my name is", or in the middle of a number."""
    words = _WORD.findall(text.lower())
    if not words:
        return False
    if text.rstrip().endswith((",", "...", "…", "-", "—")) or words[-1] in _GO_ON:
        return True
    return bool(_NUMBER_NAMES.intersection(words)) and 0 < _digits_at_end(words) < _SHORT_NUMBER


def _digits_at_end(words: list[str]) -> int:
    count = 0
    while count < len(words) and words[-1 - count] in _DIGITS:
        count += 1
    return count
