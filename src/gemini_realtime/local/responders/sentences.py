"""Sentences in text that is still being written."""

from __future__ import annotations

import re
from typing import Final

_END: Final = re.compile(r"[.!?…]+[\"')\]”’*_]*(?=\s)|[。！？]+[」』”]*(?=[^。！？」』”])|\n")
_NO_END: Final = re.compile(
    r"(?:^|[\s(\"'])(?:mr|mrs|ms|dr|prof|st|vs|e\.g|i\.e|approx|[a-z]|\d+)\.$",  # also initials, and numbers of lists
    re.IGNORECASE,
)


def split_sentences(text: str) -> tuple[list[str], str]:
    """Take the sentences off that are complete.

    A full stop ends a sentence once white space follows, so a number such as `3.5` is not cut where a piece of the
    text happens to end.

    Returns:
        The sentences, without white space around them, and the rest of the text, which may be continued.
    """
    sentences, start = [], 0
    for end in _END.finditer(text):
        sentence = text[start : end.end()]
        if _is_complete(sentence):
            sentences.append(sentence.strip())
            start = end.end()
    return [sentence for sentence in sentences if sentence], text[start:].lstrip()


def _is_complete(sentence: str) -> bool:
    abbreviation = _NO_END.search(sentence)
    if abbreviation is None:
        return True
    # "We are 12." ends with a number; "12. Bread" begins with one.
    return abbreviation[0].strip(" (\"'.").isdigit() and bool(sentence[: abbreviation.start()].strip())
