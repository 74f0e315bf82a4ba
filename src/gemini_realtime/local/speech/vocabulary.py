"""Words and names that a session is about, and where in what was heard they may have been meant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any, Final, NamedTuple

WORDS_MAX: Final = 200  # of a session
_NAME: Final = re.compile(r"(?<![.!?:\n\"“]\s)(?<!^)\b[A-Z][\w'’-]+(?: [A-Z][\w'’-]+)*")
_WORD: Final = re.compile(r"[\w'’-]+")

_LETTERS_MIN: Final = 4  # shorter ones sound like too much
_ALIKE_MIN: Final = 0.75  # of the sounds; of 21 misheard names 18 are above, and few other things
_ALTERNATIVES_MAX: Final = 4  # each is to be listened for
_WORDS_MORE: Final = 2  # a name that is not known is heard as so many more words than it has

# English letters by what they sound like; vowels are what is misheard first.
_SOUNDS: Final = [
    (re.compile(pattern), sound)
    for pattern, sound in {
        **{r"[^a-z]": "", r"^kn": "n", r"^wr": "r", r"^ps": "s", r"^x": "s", r"mn$": "m", r"gh(?=t)": ""},
        **{r"tch|sch|sh|ch|j|dg": "c", r"ph|v": "f", r"th|d": "t", r"b": "p", r"wh": "w"},
        **{r"ck|q|g|c(?![eiyhc])": "k", r"c(?=[eiy])|z": "s", r"x": "ks", r"h": ""},
        **{r"[aeiouyw]+": "a", r"(.)\1+": r"\1"},
    }.items()
]


class Alternative(NamedTuple):
    """A text in which one of the session's words stands where something like it was heard."""

    before: str
    word: str
    after: str

    @property
    def text(self) -> str:
        """All of it."""
        return f"{self.before}{self.word}{self.after}"


def likely_words(asked_for: Iterable[str], tools: Sequence[Mapping[str, Any]], instructions: str) -> list[str]:
    """What a session is about.

    Args:
        asked_for: as the client did, in `customVocabulary`.
        tools: declared functions, whose enums have values that are said.
        instructions: with the names of people and things; at the beginning of a sentence any word looks like one.
    """
    enums = (value for tool in tools for value in _enum_values(tool.get("parameters")))
    names = (found[0] for found in _NAME.finditer(instructions))
    words = (word.strip() for word in (*asked_for, *(value.replace("_", " ") for value in enums), *names))
    return [word for word in dict.fromkeys(words) if len(_sound_of(word)) >= 2 and len(word) >= _LETTERS_MIN][
        :WORDS_MAX
    ]


def alternatives(text: str, words: Iterable[str]) -> list[Alternative]:
    """The text with one of these words each in place of what sounds like it; the likest first."""
    heard = list(_WORD.finditer(text))
    found = [(alike, place) for word in words for alike, place in [_likest(text, heard, word)] if alike >= _ALIKE_MIN]
    found.sort(key=lambda alternative: -alternative[0])
    return [place for _, place in found[:_ALTERNATIVES_MAX]]


def _likest(text: str, heard: Sequence[re.Match[str]], word: str) -> tuple[float, Alternative]:
    """Where something most like this word was heard, and how like: from 0 to 1."""
    best, place, sound = 0.0, Alternative(text, word, ""), _sound_of(word)
    for start, end in _spans(heard, len(word.split()) + _WORDS_MORE):
        alike = SequenceMatcher(None, _sound_of(text[start:end]), sound, autojunk=False).ratio()
        if alike > best:
            best, place = alike, Alternative(text[:start], word, text[end:])
    return best, place


def _spans(heard: Sequence[re.Match[str]], words_max: int) -> Iterator[tuple[int, int]]:
    for first in range(len(heard)):
        for last in range(first, min(len(heard), first + words_max)):
            yield heard[first].start(), heard[last].end()


def _sound_of(text: str) -> str:
    sound = text.lower().replace(" ", "")
    for pattern, letter in _SOUNDS:
        sound = pattern.sub(letter, sound)
    return sound


def _enum_values(schema: Any) -> Iterator[str]:
    if isinstance(schema, Mapping):
        for key, value in schema.items():
            if key == "enum" and isinstance(value, Sequence) and not isinstance(value, str):
                yield from map(str, value)
            else:
                yield from _enum_values(value)
    elif isinstance(schema, Sequence) and not isinstance(schema, str):
        for value in schema:
            yield from _enum_values(value)
