"""Values that are recognised by their form: enums, booleans, numbers, dates and times, codes."""

from __future__ import annotations

import difflib
import re
from decimal import Decimal

from gemini_realtime.local.speech.numbers import SMALL, TENS, Number, find_numbers

from .findings import Findings
from .parameters import WHEN_KINDS, Leaf, kind_of
from .schema import fits
from .words import STOP, Utterance, split_name, stem, stems

LOOKALIKE_RATIO = 0.84  # difflib ratio from which a word counts as a misheard value of an enum
DIRECTION_WORDS = {"from": ("from",), "to": ("to", "into", "for")}

_POSITIVE = frozenset({"on", "enable", "enabled", "activate", "start", "true", "yes", "open"})
_NEGATIVE = frozenset({"off", "disable", "disabled", "deactivate", "stop", "false", "no", "close", "not", "without"})
_SWITCHES = stems(["on", "off", "power", "enable", "enabled", "state", "active", "status", "open", "value"])
_SECONDS = {stem("second"): 1, stem("minute"): 60, stem("hour"): 3600, stem("day"): 86400}

_CODE = re.compile(r"(?<![\w-])(?=[\w-]*[0-9])[^\W_][\w-]*")
_NUMBER = rf"(?:[0-9]{{1,2}}|(?:{'|'.join((*SMALL, *TENS))})(?: (?:{'|'.join(SMALL[1:10])})\b)?)"
_WEEKDAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_MONTH = (
    r"(?:january|february|march|april|may|june|july|august|september|october|november|december"
    r"|jan|feb|mar|apr|jun|jul|aug|sep|sept|oct|nov|dec)"
)
_ORDINAL = (
    r"(?:[0-9]{1,2}(?:st|nd|rd|th)|(?:twenty |thirty )?(?:first|second|third|fourth|fifth|sixth|seventh|eighth"
    r"|ninth)|tenth|eleventh|twelfth|thirteenth|fourteenth|fifteenth|sixteenth|seventeenth|eighteenth"
    r"|nineteenth|twentieth|thirtieth)"
)
_PART = r"(?: (?:morning|afternoon|evening|night))?"
_DATE = (
    rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}|[0-9]{{1,2}}[/.][0-9]{{1,2}}[/.][0-9]{{2,4}}"
    rf"|(?:the )?day after tomorrow|(?:today|tomorrow|yesterday){_PART}|tonight"
    rf"|(?:this|next|last) (?:week|month|year|weekend|{_WEEKDAY}|{_MONTH}){_PART}|{_WEEKDAY}{_PART}"
    rf"|{_MONTH} (?:the )?(?:{_ORDINAL}|{_NUMBER})(?:,? [0-9]{{4}})?"
    rf"|(?:the )?(?:{_ORDINAL}|{_NUMBER}) (?:of )?{_MONTH}(?: [0-9]{{4}})?"
    rf"|in {_NUMBER} (?:days?|weeks?|months?)"
)
_HALF_DAY = r"(?:[ap]\.m\.|[ap] ?m\b)"
_TIME = (
    rf"[0-9]{{1,2}}:[0-9]{{2}}(?: ?{_HALF_DAY})?|{_NUMBER}(?: {_NUMBER})? ?(?:{_HALF_DAY}|o'clock|oclock)"
    rf"|noon\b|midnight|(?:half past|quarter past|quarter to) {_NUMBER}|(?<=at ){_NUMBER}(?: {_NUMBER})?"
    rf"|in {_NUMBER} (?:minutes?|hours?)"
)
_WHEN = {
    kind: re.compile(rf"(?<!\w)(?:{pattern})(?!\w)", re.IGNORECASE)
    for kind, pattern in {
        "date": _DATE,
        "time": _TIME,
        "datetime": rf"(?:{_DATE}),?(?: at)? (?:{_TIME})|(?:{_TIME}) (?:on )?(?:{_DATE})|{_DATE}|{_TIME}",
    }.items()
}


def take_enums(found: Findings) -> None:
    """Fill enums with the values that are mentioned."""
    for leaf in sorted(found.open(), key=lambda leaf: not leaf.direction):
        if not leaf.value_schema.enum or leaf.value_schema.type == "boolean":
            continue
        mentions = _enum_mentions(found, leaf)
        if leaf.is_array:
            in_order = sorted(mentions, key=lambda mention: mention[0].start)
            values = list({str(value): value for _, value in in_order}.values())
            if values:
                found.put(leaf, values, *(span for span, _ in mentions))
        elif mentions:
            span, value = mentions[0]
            found.put(leaf, value, span)


def _enum_mentions(found: Findings, leaf: Leaf) -> list[tuple[range, object]]:
    """List the values of an enum that were said, the best one first."""
    mentions: list[tuple[range, object]] = []
    for value in leaf.value_schema.enum:
        name = [stem(word) for word in split_name(str(value))] or [str(value).lower()]
        for at in range(len(found.words) - len(name) + 1):
            span = range(at, at + len(name))
            if all(map(found.is_free, span)) and [stem(word) for word in found.words[at : span.stop]] == name:
                mentions.append((span, value))
    mentions = mentions or _enum_numbers(found, leaf) or _enum_lookalikes(found, leaf)
    before = DIRECTION_WORDS.get(leaf.direction, ())
    return sorted(
        mentions,
        key=lambda mention: (
            mention[0].start == 0 or found.words[mention[0].start - 1] not in before,
            -len(mention[0]),
        ),
    )


def _enum_numbers(found: Findings, leaf: Leaf) -> list[tuple[range, object]]:
    values = {str(value): value for value in leaf.value_schema.enum}
    return [
        (range(number.start, number.stop), values[str(number.value)])
        for number in find_numbers(found.words)
        if str(number.value) in values and found.is_free(number.start)
    ]


def _enum_lookalikes(found: Findings, leaf: Leaf) -> list[tuple[range, object]]:
    values = {str(value).lower(): value for value in leaf.value_schema.enum}
    mentions: list[tuple[range, object]] = []
    for at, word in enumerate(found.words):
        if len(word) > 3 and found.is_free(at) and word not in STOP:
            close = difflib.get_close_matches(word, values, 1, LOOKALIKE_RATIO)
            mentions += [(range(at, at + 1), values[name]) for name in close]
    return mentions


def take_booleans(found: Findings) -> None:
    """Fill booleans: "loud", "not loud" by their name; switches by "on" and "off"."""
    yes_or_no = said_yes_or_no(found)
    for leaf in found.open():
        if leaf.schema.type != "boolean":
            continue
        mention = next(iter(found.mentions(leaf)), None)
        is_switch = bool(leaf.stems & _SWITCHES)
        if mention is not None and not is_switch:
            found.put(leaf, not _NEGATIVE & set(found.words[max(0, mention - 2) : mention + 3]))
        elif yes_or_no is not None and (is_switch or leaf.required):
            found.put(leaf, yes_or_no)


def said_yes_or_no(found: Findings) -> bool | None:
    """Tell whether the words agree or switch on, or the opposite; None when they do neither or both."""
    said = set(found.words)
    positive, negative = bool(_POSITIVE & said), bool(_NEGATIVE & said)
    return None if positive == negative else positive


def take_times(found: Findings) -> None:
    """Fill dates and times with the words that say them."""
    for leaf in found.open_texts():
        if leaf.kind in WHEN_KINDS and (match := found.matching(_WHEN[leaf.kind])):
            text, span = match
            announced = span.start > 0 and found.words[span.start - 1] in ("on", "at", "for", "by")
            found.put(leaf, [text] if leaf.is_array else text, range(span.start - announced, span.stop))


def take_numbers(found: Findings) -> None:
    """Fill numbers, those that are named, measured or bounded to fit first, the others in order."""
    free = [word if found.is_free(at) else "" for at, word in enumerate(found.words)]
    numbers = find_numbers(free)
    pairs = [
        (_closeness(found, leaf, number), -order, -number.start, leaf, number)
        for order, leaf in enumerate(found.open())
        if leaf.schema.numeric and not leaf.schema.enum
        for number in numbers
    ]
    for closeness, _, _, leaf, number in sorted(pairs, key=lambda pair: pair[:3], reverse=True):
        is_pronoun = free[number.start : number.stop] == ["one"] and not leaf.required and closeness < 2
        if leaf.path not in found.values and found.is_free(number.start) and not is_pronoun:
            value = number.value * _unit_factor(found, leaf, number)
            found.put(leaf, _json_number(value), range(number.start, number.stop + _is_counted(found, leaf, number)))
    for leaf in found.open():
        rest = [number for number in numbers if found.is_free(number.start)]
        if leaf.is_array and leaf.value_schema.numeric and not leaf.value_schema.enum and rest:
            spans = [range(number.start, number.stop) for number in rest]
            found.put(leaf, [_json_number(number.value) for number in rest], *spans)


def _closeness(found: Findings, leaf: Leaf, number: Number) -> int:
    """Weigh how much a number belongs to a parameter: by its name nearby, its unit, its bounds."""
    words = found.words
    near = words[max(0, number.start - 3) : number.start] + words[number.stop : number.stop + 2]
    described = stems(Utterance(leaf.schema.description).words, STOP) | leaf.stems
    is_named = bool(leaf.stems & stems(near))
    is_measured = bool(described & stems(words[number.stop : number.stop + 1]))
    return 3 * is_named + 2 * is_measured + fits(_json_number(number.value), leaf.schema)


def _is_counted(found: Findings, leaf: Leaf, number: Number) -> bool:
    """Tell whether the word after a number says what it counts: the "people" of "four people" is nobody's name."""
    counted = stems(found.words[number.stop : number.stop + 1])
    described = stems(Utterance(leaf.schema.description).words, STOP) | leaf.stems
    return bool(counted & described) or any(kind_of(word) == "person" for word in counted)


def _unit_factor(found: Findings, leaf: Leaf, number: Number) -> Decimal:
    """Convert "ten minutes" for a parameter that counts seconds."""
    said = stem(found.words[number.stop]) if number.stop < len(found.words) else ""
    wanted = [_SECONDS[word] for word in sorted(leaf.stems) if word in _SECONDS]
    return Decimal(_SECONDS[said]) / wanted[0] if wanted and said in _SECONDS else Decimal(1)


def _json_number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def take_codes(found: Findings) -> None:
    """Fill texts such as an order number with what has digits, or with digit words put together."""
    for leaf in found.open_texts():
        if leaf.kind == "code" and not leaf.is_array:
            written = found.matching(_CODE)
            if not written or not found.put(leaf, *written):
                _take_digit_words(found, leaf)


def _take_digit_words(found: Findings, leaf: Leaf) -> None:
    for at in range(len(found.words)):
        stop = at
        while stop < len(found.words) and found.is_free(stop) and found.words[stop] in SMALL[:10]:
            stop += 1
        digits = "".join(str(SMALL.index(word)) for word in found.words[at:stop])
        if digits and found.put(leaf, digits, range(at, stop)):
            return
