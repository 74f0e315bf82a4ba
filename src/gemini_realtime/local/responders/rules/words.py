"""Text as words: tokens with their place in the source, plain text to match on, stems, word lists."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from gemini_realtime.local.speech.numbers import SMALL, TENS

TEXT_MAX = 2000  # characters of one utterance that are looked at

_TOKEN = re.compile(
    r"""
    (?P<quote>"[^"]+" | “[^”]+” | «[^»]+» | (?<![^\W_])'[^']+'(?![^\W_]))
  | (?P<address>https?://[^\s"]+ | [\w.+-]+@[\w-]+(?:\.[\w-]+)+)
  | (?P<number>(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?(?![0-9]|(?:st|nd|rd|th)\b) | \.[0-9]+)
  | (?P<word>[^\W_]+(?:['’][^\W_]+)*)
  | (?P<symbol>[+*/×÷^()%=−] | (?<![^\W\d_])- | -(?![^\W\d_]))
  | (?P<mark>[.,;:?!…\n])
    """,
    re.VERBOSE,
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^A-Za-z0-9]+")
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+|\n+")

_SAID_NUMBER = rf"(?:[0-9]+|(?:{'|'.join(TENS)})(?:[ -](?:{'|'.join(SMALL[1:10])}))?|{'|'.join(reversed(SMALL))})"
_CORRECTION = re.compile(
    rf"\b{_SAID_NUMBER}\b,?\s+(?:(?:uh|um),?\s+)?(?:no|sorry|i mean),?\s+(?={_SAID_NUMBER}\b)",
    re.IGNORECASE,
)

_DIGITS = {word: str(digit) for digit, word in enumerate(SMALL[:10])} | {"oh": "0"}
_TIMES = {"double": 2, "triple": 3}
_DIGIT = rf"(?:(?:double|triple)[ -])?(?:{'|'.join(_DIGITS)}|[0-9])"
_SPELLED = re.compile(rf"\b{_DIGIT}(?:(?:,? |-){_DIGIT}\b)+", re.IGNORECASE)
_TIME_OF_DAY = re.compile(r"\w+ oh \w+", re.IGNORECASE)  # "nine oh five"
_NUMBER_MIN = 3  # digits; two may be two numbers: "at seven, two guests"


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Words that carry no subject of their own.
STOP = _set(
    "a an the of to in at for from with by and or then also is are was were be been am do does did has have "
    "had i me my mine we us our you your yours it its this that these those there here what which who whom "
    "whose when where why how please can could would will shall should may might must just now right like "
    "about some any let want need if so than as not no yes hey hello hi okay ok well um uh thanks thank "
    "into onto near around after before s t"
)
# Words in names of functions that say little about what the function is for.
GENERIC = _set(
    "get set fetch retrieve lookup look find show list tell give do make use current new function "
    "tool api data info information details value values number numbers all given handle perform execute "
    "return returns result results name string item items"
)
# Words of instructions that speak about the conversation rather than about a subject.
META = _set(
    "always never call calls called calling use uses using tool tools function functions user users question "
    "questions answer answers ask asks asked asking when whenever sentence short request requests reply "
    "respond response confirm invoke before after say says mention mentions want wants only one every"
)
PREPOSITIONS = _set(
    "in at for of to from with by on into about near around named called titled saying regarding as after "
    "before than that until till since under over"
)
TIME_WORDS = _set(
    "today tonight tomorrow yesterday morning afternoon evening night week weekend month year moment now "
    "currently outside minute minutes hour hours second seconds day days general please thanks thank later "
    "again soon monday tuesday wednesday thursday friday saturday sunday"
)
FILLERS = _set("please thanks thank you now too also right then okay ok")
_IS_HEADS = _set("what who where when how that it there here he she why which")
_CONTRACTIONS = {"'re": "are", "'m": "am", "'ll": "will", "'ve": "have", "'d": "would", "n't": "not"}
_IRREGULAR = {
    **{"can't": ("can", "not"), "cannot": ("can", "not"), "won't": ("will", "not")},
    **{"let's": ("let", "us"), "whats": ("what", "is"), "dont": ("do", "not")},
}

Kind = Literal["word", "number", "symbol", "mark", "quote"]


@dataclass(frozen=True, slots=True)
class Token:
    """A word as it is matched, and where it stands in the source text; contractions give two tokens."""

    word: str
    start: int
    stop: int
    kind: Kind


def corrected(text: str) -> str:
    """What somebody means who says a number wrong first: "for six, no, two guests" is for two guests."""
    return _CORRECTION.sub("", text)


def dictated(text: str) -> str:
    """A text in which what is said digit by digit is one number: "four, four, double two" is "4422"."""
    return _SPELLED.sub(lambda found: _number(found[0]), text)


class Utterance:
    """A text with its tokens; plain text is their words in lower case, joined by spaces, without marks."""

    def __init__(self, text: str) -> None:
        self.text = text[:TEXT_MAX]
        self.tokens = tuple(_tokens(self.text))
        self.words = tuple(token.word for token in self.tokens)
        self._plain_starts: list[int] = []
        parts: list[str] = []
        length = 0
        for token in self.tokens:
            self._plain_starts.append(length)
            if token.kind != "mark":
                parts.append(token.word)
                length += len(token.word) + 1
        self.plain = " ".join(parts)

    def source(self, start: int, stop: int) -> str:
        """Give the source text of `tokens[start:stop]`, without quotes around it."""
        if start >= stop:
            return ""
        text = self.text[self.tokens[start].start : self.tokens[stop - 1].stop].strip()
        return text[1:-1].strip() if stop - start == 1 and self.tokens[start].kind == "quote" else text

    def source_of_plain(self, start: int, stop: int) -> str:
        """Give the source text of `plain[start:stop]`."""
        inside = [
            at
            for at, (token, begin) in enumerate(zip(self.tokens, self._plain_starts, strict=True))
            if token.kind != "mark" and begin < stop and start < begin + len(token.word)
        ]
        return self.source(inside[0], inside[-1] + 1) if inside else ""

    def is_capitalised(self, at: int) -> bool:
        """Tell whether the source spells this token with a capital."""
        token = self.tokens[at]
        return token.kind == "word" and self.text[token.start].isupper()

    def begins_sentence(self, at: int) -> bool:
        """Tell whether this token is the first one, or the first behind the end of a sentence."""
        return at == 0 or self.words[at - 1] in {".", "?", "!", "…", "\n"}


def _number(spelled: str) -> str:
    if _TIME_OF_DAY.fullmatch(spelled):
        return spelled
    digits, times = "", 1
    for word in re.split(r"\W+", spelled.lower()):
        if word in _TIMES:
            times = _TIMES[word]
        else:
            digits, times = digits + _DIGITS.get(word, word) * times, 1
    return digits if len(digits) >= _NUMBER_MIN else spelled


def sentences(text: str) -> list[str]:
    """Split text for speaking, one sentence each."""
    return [part.strip() for part in _SENTENCE_END.split(text) if part.strip()]


def split_name(name: str) -> list[str]:
    """Split an identifier into lower-case words: getCurrentWeather, get_current_weather."""
    return [word.lower() for word in _CAMEL.split(name) if word]


def stem(word: str) -> str:
    """Cut the usual English endings; crude, and the same for every form that matters here."""
    for ending, instead in (("ings", ""), ("ing", ""), ("ies", "y"), ("ied", "y"), ("ed", ""), ("es", "")):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return _undouble(word[: -len(ending)]) + instead
    if len(word) >= 7 and word.endswith("er"):
        return _undouble(word[:-2])
    return word[:-1] if len(word) > 3 and word[-1] in "se" and not word.endswith("ss") else word


def stems(words: Iterable[str], without: frozenset[str] = frozenset()) -> frozenset[str]:
    """Give the stems of the words that are not in `without`."""
    return frozenset(stem(word) for word in words if word not in without)


def join_words(parts: list[str], last: str = "and") -> str:
    """Join for speaking: "a, b and c"."""
    return f" {last} ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))


def _undouble(base: str) -> str:
    return base[:-1] if len(base) > 3 and base[-1] == base[-2] and base[-1] not in "sle" else base


def _tokens(text: str) -> Iterator[Token]:
    for match in _TOKEN.finditer(text):
        start, stop = match.span()
        word = match.group().lower()
        match match.lastgroup:
            case "word":
                yield from _word_tokens(word.replace("’", "'"), start, stop)
            case "quote":
                yield Token(word[1:-1].strip(), start, stop, "quote")
            case "number":
                yield Token(word, start, stop, "number")
            case "symbol":
                yield Token(word, start, stop, "symbol")
            case "mark":
                yield Token(word, start, stop, "mark")
            case _:
                yield Token(word, start, stop, "word")


def _word_tokens(word: str, start: int, stop: int) -> Iterator[Token]:
    if word in _IRREGULAR:
        yield from (Token(part, start, stop, "word") for part in _IRREGULAR[word])
        return
    for ending, full in _CONTRACTIONS.items():
        if word.endswith(ending) and len(word) > len(ending):
            yield Token(word[: -len(ending)], start, stop, "word")
            yield Token(full, start, stop, "word")
            return
    if not word.endswith("'s"):
        yield Token(word, start, stop, "word")
    elif word[:-2] in _IS_HEADS:
        yield Token(word[:-2], start, stop, "word")
        yield Token("is", start, stop, "word")
    else:
        yield Token(word[:-2], start, stop - 2, "word")
