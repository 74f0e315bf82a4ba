"""Text as it is said: its sentences, and words for what is written in signs and digits.

Money, dates, units and abbreviations are left to the voice, which reads them well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

_SENTENCE_END: Final = re.compile(r"[.!?…]+[\"'”’)\]]*\s+|[。！？]\s*|\n\s*")
_ABBREVIATIONS: Final = frozenset(
    {"dr", "mr", "mrs", "ms", "prof", "st", "sr", "jr", "vs", "etc", "approx", "no", "nos", "vol", "fig", "dept", "inc"}
    | {"jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec", "gen", "sgt", "capt", "rev"}
)
_CLAUSE_END: Final = re.compile(r"(?<=[,;:—–])\s+")
_CLAUSE_CHARS_MIN: Final = 24  # shorter ones sound chopped

_PHONE: Final = re.compile(
    r"""(?<![\w.]) (\+\d{1,3}[ .-]?)?  # country
    (?: \((\d{2,4})\)[ .-]? | (\d{3})[.-] )  # area
    (\d{3,4}) [ .-] (\d{3,4}) (?![\w-])""",
    re.VERBOSE,
)
_URL: Final = re.compile(
    r"""\b (?:https?://)? ((?:[a-z0-9-]+\.)+[a-z]{2,})  # host
    ((?:/[\w.~%-]*[\w~%-])*) /?  # path
    (?= [\s,;:!?)"'] | \.?(?:\s|$) )""",
    re.VERBOSE | re.IGNORECASE,
)
_KNOWN_HOST: Final = re.compile(r"^https?://|^www\.|\.(?:com|org|net|io|dev|ai|edu|gov|co|uk|de|eu)$", re.I)
_SIGNS_IN_ADDRESSES: Final = {".": "dot", "/": "slash", "-": "dash", "_": "underscore"}
_VERSION: Final = re.compile(r"\b[vV]?(\d+(?:\.\d+){2,})\b")
_CODE_DIGITS: Final = re.compile(r"(?<![\w.,$€£-])(0\d+|\d{7,})(?![\w.,%°-]\d|\w)")
_TIMES: Final = re.compile(r"(?<=\d)\s?[x×*]\s?(?=\d)")
_AROUND_THE_CLOCK: Final = re.compile(r"\b24/7\b")
_EMOJI: Final = re.compile("[\U0001f000-\U0001faff\u2600-\u27bf\ufe0f\u200d]+")
_MARKUP: Final = re.compile(r"(?<!\w)[*_`#]+(?=\S)|(?<=\S)[*_`]+(?!\w)")

_SHORT: Final = {"C++": "C plus plus", "C#": "C sharp", "F#": "F sharp", "CO2": "C O 2", "w/": "with", "w/o": "without"}
_SHORT_PATTERN: Final = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, _SHORT))})(?!\w)")


def sentences(text: str, chars_max: int) -> Iterator[tuple[int, int]]:
    """Start and end of each sentence with the white space after it; long ones are cut between words."""
    start = 0
    for end in [*_sentence_ends(text), len(text)]:
        while end - start > chars_max:
            limit = start + chars_max
            space = text.rfind(" ", start, limit)
            cut = space + 1 if space > start else limit
            yield start, cut
            start = cut
        if end > start:
            yield start, end
        start = end


def first_clause(text: str) -> int:
    """Where the first clause of a sentence ends, with the white space after it; its length when it has but one."""
    ends = (end.end() for end in _CLAUSE_END.finditer(text))
    return next((end for end in ends if _CLAUSE_CHARS_MIN <= end <= len(text) - _CLAUSE_CHARS_MIN), len(text))


def as_said(text: str) -> str:
    """The words for telephone numbers, addresses, codes and signs."""
    replacements: list[tuple[re.Pattern[str], Callable[[re.Match[str]], str] | str]] = [
        (_EMOJI, " "),
        (_PHONE, _phone),
        (_URL, _address),
        (_VERSION, lambda found: found[1].replace(".", " point ")),
        (_AROUND_THE_CLOCK, "twenty four seven"),
        (_TIMES, " times "),
        (_CODE_DIGITS, lambda found: _digits(found[1])),
        (_SHORT_PATTERN, lambda found: _SHORT[found[0]]),
        (_MARKUP, ""),
    ]
    for pattern, replacement in replacements:
        text = pattern.sub(replacement, text)
    return text


def _sentence_ends(text: str) -> Iterator[int]:
    for found in _SENTENCE_END.finditer(text):
        if found.end() < len(text) and not _is_abbreviation(text, found):
            yield found.end()


def _is_abbreviation(text: str, end: re.Match[str]) -> bool:
    """Whether this is the point of "Dr. Smith", of an initial, or one within a sentence."""
    if not end[0].startswith(".") or end[0].startswith("..") or "\n" in end[0]:
        return False
    if text[end.end()].islower():
        return True
    word = re.split(r"[\s(\"'“‘]", text[: end.start()])[-1]
    return word.lower() in _ABBREVIATIONS or (len(word) == 1 and word.isupper() and word != "I")


def _phone(found: re.Match[str]) -> str:
    country, bracketed, area, *rest = found.groups()
    country_digits = f"plus {_digits(country.strip(' .-+'))}" if country else ""
    return ", ".join(filter(None, [country_digits, *(_digits(part) for part in (bracketed, area, *rest) if part)]))


def _digits(digits: str) -> str:
    return " ".join(digits)


def _address(found: re.Match[str]) -> str:
    host, path = found[1], found[2]
    if not _KNOWN_HOST.search(found[0] if "://" in found[0] else host):
        return found[0]
    spoken = host.removeprefix("www.") + path
    for sign, word in _SIGNS_IN_ADDRESSES.items():
        spoken = spoken.replace(sign, f" {word} ")
    return spoken
