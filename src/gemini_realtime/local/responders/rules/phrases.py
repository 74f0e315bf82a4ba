"""Values that are free text: quoted, announced, behind a preposition, or simply what is left."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .findings import Findings
from .names import FIRST_NAMES, PLACES
from .parameters import NAME_KINDS, WHEN_KINDS, Leaf
from .values import DIRECTION_WORDS
from .words import FILLERS, GENERIC, PREPOSITIONS, STOP, TIME_WORDS, Utterance, stem, stems

_PREPOSITIONS = {
    "place": ("in", "at", "for", "near", "around", "of", "to", "from", "on"),
    "person": ("named", "called", "with", "to", "for", "by", "from"),
    "language": ("to", "into", "in"),
    "text": ("saying", "titled", "called", "named", "about", "regarding", "that"),
    "any": ("named", "called", "titled", "for", "in", "to", "with", "of", "about", "at", "on", "from"),
}
_STATING = frozenset({"is", "=", ":", "saying", "says", "reads", "that"})
_CONNECTORS = _STATING | {"to", "as", "of", "called", "named"}
_ARTICLES = frozenset({"the", "a", "an", "my", "our"})
_QUALIFIERS = frozenset({"with", "and", "set", "by", "using", "use"})
_INNER = frozenset({"of", "the", "and", "de", "la", "or"})
_REPEATED = ("in", "for", "at")  # "in London and in Paris"
_MARKS = frozenset(".,;:?!…\n")
_SPLIT = re.compile(r"\s*,\s*(?:and\s+|or\s+)?|\s+(?:and|or)\s+")
_AND = re.compile(rf",?\s+and\s+(?:(?:{'|'.join(_REPEATED)})\s+)?", re.IGNORECASE)
_PLACES = {tuple(place.split()) for place in PLACES}
_PLACE_WORDS_MAX = max(map(len, _PLACES))


def take_quoted(found: Findings) -> None:
    """Fill texts with what stands in quotes, those named before it first."""
    for at, token in enumerate(found.utterance.tokens):
        texts = [leaf for leaf in found.open_texts() if leaf.kind not in WHEN_KINDS]
        if token.kind == "quote" and texts:
            named = stems(found.words[max(0, at - 4) : at])
            leaf = max(texts, key=lambda leaf: (len(leaf.stems & named), leaf.kind == "text"))
            _put_text(found, leaf, range(at, at + 1))


def take_announced(found: Findings) -> None:
    """Fill texts that are named: "with the note ...", "title is ..."."""
    for leaf in found.open_texts():
        for at in reversed(found.mentions(leaf)):
            start = _announced_start(found, at)
            if start and _put_text(found, leaf, range(start, _phrase_stop(found, leaf, start))):
                break


def _announced_start(found: Findings, at: int) -> int | None:
    """Tell where the value begins behind the name of a parameter; None when no value is announced."""
    behind = found.words[at + 1] if at + 1 < len(found.words) else ""
    names_function = stem(found.words[at]) in stems(found.function.words)
    if behind in (_STATING if names_function else _CONNECTORS):
        return at + 2
    before = [word for word in found.words[max(0, at - 2) : at] if word not in _ARTICLES]
    return at + 1 if before and before[-1] in _QUALIFIERS and not names_function else None


def take_behind_prepositions(found: Findings) -> None:
    """Fill texts with what follows a preposition of their kind, "from A to B" first."""
    for leaf in sorted(found.open_texts(), key=lambda leaf: not leaf.direction):
        prepositions = _PREPOSITIONS.get(leaf.kind, ())
        if leaf.direction and leaf.kind in (*NAME_KINDS, "any"):
            prepositions = DIRECTION_WORDS[leaf.direction]
        if leaf.required or leaf.kind != "any":
            any(
                _put_behind(found, leaf, preposition, only_names)
                for only_names in ((True, False) if leaf.kind in NAME_KINDS else (False,))
                for preposition in prepositions
            )


def _put_behind(found: Findings, leaf: Leaf, preposition: str, only_names: bool) -> bool:
    for at, word in enumerate(found.words):
        if word == preposition and found.is_free(at):
            span = _trimmed(found, leaf, range(at + 1, _phrase_stop(found, leaf, at + 1)))
            if span and only_names and not _is_proper(found, span.start):
                continue
            if span and not _names_else(found, leaf, span) and _put_text(found, leaf, span, at):
                return True
    return False


def _names_else(found: Findings, leaf: Leaf, span: range) -> bool:
    """Tell whether a phrase names another parameter, or what the function itself is about."""
    first = stem(found.words[span.start])
    if any(first in other.stems for other in found.wanted if other.path != leaf.path):
        return True
    about = found.function.key_stems
    if leaf.kind == "any":
        about = about | stems(Utterance(found.function.description).words, STOP)
    return stems(found.words[span.start : span.stop], STOP) <= about


def take_known_places(found: Findings) -> None:
    """Fill places without a preposition: "london weather", "Weather Paris?"."""
    for leaf in found.open_texts():
        if leaf.kind == "place":
            starts = (at for at in range(len(found.words)) if _is_proper(found, at))
            any(_put_text(found, leaf, range(at, _phrase_stop(found, leaf, at))) for at in starts)


def take_remainder(found: Findings) -> None:
    """Fill what is needed and still missing with the words that nothing else has explained."""
    for leaf in found.open_texts():
        if leaf.required and leaf.kind not in {"place", "code", *WHEN_KINDS}:
            start = _remainder_start(found, STOP if leaf.kind == "text" else STOP | GENERIC)
            _put_text(found, leaf, range(start, _phrase_stop(found, leaf, start)))


def _remainder_start(found: Findings, skipped: frozenset[str]) -> int:
    """Skip to the first word behind those that name the function."""
    words, named = found.words, stems(found.function.words)
    explained = [at for at, word in enumerate(words) if stem(word) in named and word not in PREPOSITIONS]
    at = explained[0] + 1 if explained else 0
    while at in explained or (at + 1 in explained and words[at] in STOP):
        at += 1
    while at < len(words) and (not found.is_free(at) or words[at] in skipped):
        at += 1
    return at


def take_whole(found: Findings, leaf: Leaf) -> bool:
    """Fill a text with all words of an answer, but for polite ones around it."""
    start = 0
    while leaf.kind != "text" and start < len(found.words) and found.words[start] in STOP | FILLERS:
        start += 1
    return leaf.is_text and _put_text(found, leaf, range(start, len(found.words)))


def split_places(text: str) -> list[str]:
    """Split "Paris, London and Rome", but not "Redmond, Washington"."""
    places: list[str] = []
    for part in _AND.split(text):
        pieces = part.split(", ")
        places += pieces if all(tuple(piece.lower().split()) in _PLACES for piece in pieces) else [part]
    return places


def _put_text(found: Findings, leaf: Leaf, span: range, *taken: int) -> bool:
    """Take a phrase as a value, split into elements for an array."""
    span = _trimmed(found, leaf, span)
    text = found.utterance.source(span.start, span.stop)
    if leaf.is_name:
        text = _as_name(text)
    return bool(text) and found.put(leaf, _elements(text, leaf) if leaf.is_array else text, span, *taken)


def _trimmed(found: Findings, leaf: Leaf, span: range) -> range:
    """Leave out what does not belong to the value at both ends; empty when no word of its own is left."""
    start, stop = span.start, span.stop
    while start < stop and found.words[start] in _ARTICLES and leaf.kind != "text":
        start += 1
    while start < stop and found.words[stop - 1] in FILLERS | PREPOSITIONS | _MARKS | {"and", "or", "me"}:
        stop -= 1
    is_empty = all(word in STOP | _MARKS for word in found.words[start:stop])
    return range(start, start if is_empty else stop)


def _phrase_stop(found: Findings, leaf: Leaf, start: int) -> int:
    belongs = _continues_text if leaf.kind == "text" else _continues_name
    stop = start
    while stop < len(found.words) and found.is_free(stop) and belongs(found, leaf, start, stop):
        stop += 1
    return stop


def _continues_text(found: Findings, leaf: Leaf, start: int, at: int) -> bool:
    """A free text goes on until another parameter is announced."""
    if at == start or found.words[at] not in ("with", "and", ","):
        return True
    named = stems(found.words[at + 1 : at + 3], STOP)
    return not any(other.stems & named for other in found.open() if other.path != leaf.path)


def _continues_name(found: Findings, leaf: Leaf, start: int, at: int) -> bool:
    """A name goes on until a word that does not belong into names."""
    word, kind = found.words[at], found.utterance.tokens[at].kind
    if word in _ARTICLES and at == start:
        return True
    if word == "," or word in _INNER:
        return at > start and _joins_names(found, leaf, at)
    if word in _REPEATED and at > start and found.words[at - 1] == "and":
        return True
    if kind in ("mark", "symbol") or word in STOP | PREPOSITIONS | TIME_WORDS | FILLERS:
        return False
    if at > start and stem(word) in found.function.key_stems:
        return False
    return kind != "number" or leaf.kind not in NAME_KINDS


def _joins_names(found: Findings, leaf: Leaf, at: int) -> bool:
    """Tell whether a comma, "and" or "of" stands between two parts of a value."""
    joins = found.words[at] in (",", "and", "or")
    if joins and leaf.kind not in NAME_KINDS:
        return leaf.is_array
    behind = at + 1 + (found.words[at] == "," and found.words[at + 1 : at + 2] in (("and",), ("or",)))
    behind += found.words[behind : behind + 1] in {(word,) for word in _REPEATED}
    return _is_proper(found, behind) and _is_proper(found, at - 1)


def _is_proper(found: Findings, at: int) -> bool:
    """Tell whether a word is spelled or known as a name."""
    if not 0 <= at < len(found.words) or not found.is_free(at):
        return False
    word = found.words[at]
    if found.utterance.is_capitalised(at) and not found.utterance.begins_sentence(at):
        return word not in STOP | TIME_WORDS | GENERIC
    return word in FIRST_NAMES or any(
        found.words[first : first + length] in _PLACES
        for first in range(max(0, at - _PLACE_WORDS_MAX + 1), at + 1)
        for length in range(at - first + 1, _PLACE_WORDS_MAX + 1)
    )


def _elements(text: str, leaf: Leaf) -> list[str]:
    """Split an enumeration: at commas and "and", or between first names that stand side by side."""
    parts: Iterable[str] = filter(None, _SPLIT.split(text))
    if leaf.kind != "person":
        return list(parts)
    return [name for part in parts for name in _first_names(part) or [part]]


def _first_names(text: str) -> list[str]:
    names = text.split()
    return names if all(name.lower() in FIRST_NAMES for name in names) else []


def _as_name(text: str) -> str:
    """Capitalise a name that was recognised, not typed: "new york" is "New York"."""
    if text != text.lower() or "@" in text:
        return text
    return " ".join(word if word in _INNER else word[:1].upper() + word[1:] for word in text.split())
