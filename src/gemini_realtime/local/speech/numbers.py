"""Numbers and the words for them: 84 <-> "eighty four"; clock times, years and ordinals to words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

SMALL = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    *("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen"),
    *("eighteen", "nineteen"),
)
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
SCALES = {"quadrillion": 10**15, "trillion": 10**12, "billion": 10**9, "million": 10**6, "thousand": 10**3}
LIMIT = 10**18  # numbers of this size and above have no words here
FRACTION_DIGITS_MAX = 12

_SMALL_VALUES = {word: value for value, word in enumerate(SMALL)}
_TENS_VALUES = {word: 10 * value for value, word in enumerate(TENS, start=2)}
_ORDINALS = {
    **{"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth"},
    **{"nine": "ninth", "twelve": "twelfth"},
}
_DIGITS = re.compile(r"(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?|\.[0-9]+")


def to_words(value: int | float | Decimal) -> str:
    """Write a number as words, without hyphens or "and".

    Raises:
        ValueError: not finite, or 10**18 and more away from zero.
    """
    number = Decimal(str(value))
    if not number.is_finite() or abs(number) >= LIMIT:
        raise ValueError(f"{value} is outside of what can be said as a number")
    whole, _, fraction = format(number.copy_abs(), "f").partition(".")
    words = ["minus"] if number < 0 else []
    words += _whole_words(int(whole))
    if digits := fraction.rstrip("0"):
        words += ["point", *(SMALL[int(digit)] for digit in digits)]
    return " ".join(words)


def ordinal_words(value: int) -> str:
    """Write a position as words: 22 is "twenty second"."""
    *front, last = to_words(value).split()
    regular = f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th"
    return " ".join([*front, _ORDINALS.get(last, regular)])


def year_words(year: int) -> str:
    """Write a year as it is read out: 1984 is "nineteen eighty four", 2005 "two thousand five"."""
    century, rest = divmod(year, 100)
    if not 11 <= century <= 99 or (century % 10 == 0 and rest < 10):
        return to_words(year)
    if rest == 0:
        return f"{to_words(century)} hundred"
    return f"{to_words(century)} {'oh ' if rest < 10 else ''}{to_words(rest)}"


def clock_words(hour: int, minute: int) -> str:
    """Write a time of day as it is read from a twelve hour clock: 21:05 is "nine oh five"."""
    spoken_hour = to_words(hour % 12 or 12)
    if minute == 0:
        return f"{spoken_hour} o'clock"
    return f"{spoken_hour} {'oh ' if minute < 10 else ''}{to_words(minute)}"


@dataclass(frozen=True)
class Number:
    """A number found in `words[start:stop]`."""

    start: int
    stop: int
    value: Decimal


def find_numbers(words: Sequence[str]) -> list[Number]:
    """Find the numbers in lower-case words and digits, left to right.

    A "minus" right behind another number is an operation, not a sign.
    """
    found: list[Number] = []
    at = 0
    while at < len(words):
        touches = bool(found) and found[-1].stop == at
        number = read_number(words, at, signed=not touches)
        if number:
            found.append(number)
        at = number.stop if number else at + 1
    return found


def read_number(words: Sequence[str], at: int, *, signed: bool = True) -> Number | None:
    """Read the longest number that starts at `words[at]`."""
    negative = signed and words[at] in ("minus", "negative", "-", "−")
    start = at + negative
    whole, stop = _read_whole(words, start)
    if stop > start and tuple(words[stop : stop + 3]) == ("and", "a", "half"):
        whole, stop = whole + Decimal("0.5"), stop + 3
    digits, stop = _read_fraction(words, stop)
    if stop == start or abs(whole) >= LIMIT:
        return None
    value = Decimal(f"{whole}.{digits}") if digits and whole == whole.to_integral_value() else whole
    return Number(at, stop, value.copy_negate() if negative and value else value)


def _whole_words(value: int) -> list[str]:
    words: list[str] = []
    for scale, size in SCALES.items():
        count, value = divmod(value, size)
        if count:
            words += [*_whole_words(count), scale]
    hundreds, value = divmod(value, 100)
    if hundreds:
        words += [SMALL[hundreds], "hundred"]
    if value >= 20:
        words.append(TENS[value // 10 - 2])
        value %= 10
    if value or not words:
        words.append(SMALL[value])
    return words


def _read_whole(words: Sequence[str], at: int) -> tuple[Decimal, int]:
    """Read groups with falling scales: "two million" + "five thousand" + "one hundred and six"."""
    total, limit = Decimal(0), LIMIT
    while True:
        behind_and = at + (limit < LIMIT and _word(words, at) == "and")
        group, stop = _read_group(words, behind_and)
        scale = SCALES.get(_word(words, stop), 1)
        if stop == behind_and or scale >= limit:
            return total, at
        if behind_and > at and (group >= 100 or scale > 1):
            return total, at
        total, at = total + group * scale, stop + (scale > 1)
        if scale == 1:
            return total, at
        limit = scale


def _read_group(words: Sequence[str], at: int) -> tuple[Decimal, int]:
    """Read digits, or words below ten thousand such as "nine hundred and five" or "twelve hundred"."""
    if _DIGITS.fullmatch(_word(words, at)):
        return _read_digits(words[at], at)
    value, stop = _read_below_hundred(words, at)
    if stop == at:
        implied = at + (_word(words, at) in ("a", "an"))
        if _word(words, implied) != "hundred" and _word(words, implied) not in SCALES:
            return Decimal(0), at
        value, stop = 1, implied
    if value and _word(words, stop) == "hundred":
        value, stop = 100 * value, stop + 1
        rest_at = stop + (_word(words, stop) == "and")
        rest, rest_stop = _read_below_hundred(words, rest_at)
        if rest and _word(words, rest_stop) != "hundred":
            value, stop = value + rest, rest_stop
    return Decimal(value), stop


def _read_digits(text: str, at: int) -> tuple[Decimal, int]:
    whole, _, fraction = text.replace(",", "").partition(".")
    if len(whole.lstrip("0")) > len(str(LIMIT)) - 1 or len(fraction) > FRACTION_DIGITS_MAX:
        return Decimal(0), at
    return Decimal(f"{whole or '0'}.{fraction or '0'}" if fraction else whole), at + 1


def _read_below_hundred(words: Sequence[str], at: int) -> tuple[int, int]:
    word = _word(words, at)
    if word in _TENS_VALUES:
        unit = _SMALL_VALUES.get(_word(words, at + 1), 0)
        return (_TENS_VALUES[word] + unit, at + 2) if 1 <= unit <= 9 else (_TENS_VALUES[word], at + 1)
    return (_SMALL_VALUES[word], at + 1) if word in _SMALL_VALUES else (0, at)


def _read_fraction(words: Sequence[str], at: int) -> tuple[str, int]:
    """Read "point" and the digits behind it; "point twenty five" and "point two five" are the same."""
    if _word(words, at) != "point":
        return "", at
    digits, stop = "", at + 1
    while len(digits) < FRACTION_DIGITS_MAX:
        value, behind = _read_below_hundred(words, stop)
        if behind > stop:
            digits, stop = digits + str(value), behind
        elif _word(words, stop) in ("oh", "o"):
            digits, stop = digits + "0", stop + 1
        elif _word(words, stop).isascii() and _word(words, stop).isdigit():
            digits, stop = (digits + words[stop])[:FRACTION_DIGITS_MAX], stop + 1
        else:
            break
    return (digits, stop) if digits else ("", at)


def _word(words: Sequence[str], at: int) -> str:
    return words[at] if at < len(words) else ""
