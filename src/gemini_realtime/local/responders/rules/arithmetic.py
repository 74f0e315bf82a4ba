"""Arithmetic as it is said or typed, evaluated exactly and within bounds; nothing else can be expressed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from gemini_realtime.local.speech.numbers import LIMIT, read_number, to_words

LEXEMES_MAX = 64
EXPONENT_MAX = 64
ECHOED_LEXEMES_MAX = 7
PLACES = 4  # decimals of a result that does not come out even

_OPERATORS: dict[tuple[str, ...], str] = {
    ("to", "the", "power", "of"): "^",
    ("to", "the", "power"): "^",
    ("multiplied", "by"): "*",
    ("divided", "by"): "/",
    ("the", "square", "root", "of"): "root",
    ("square", "root", "of"): "root",
    ("percent", "of"): "% of",
    ("per", "cent", "of"): "% of",
    ("%", "of"): "% of",
    ("per", "cent"): "%",
    ("added", "to"): "+",
    ("open", "bracket"): "(",
    ("close", "bracket"): ")",
    ("open", "parenthesis"): "(",
    ("close", "parenthesis"): ")",
    ("*", "*"): "^",
    ("plus",): "+",
    ("minus",): "-",
    ("negative",): "-",
    ("times",): "*",
    ("x",): "*",
    ("over",): "/",
    ("squared",): "squared",
    ("cubed",): "cubed",
    ("percent",): "%",
    ("×",): "*",
    ("÷",): "/",
    ("−",): "-",
    ("and",): "&",
    ("from",): "&",
    ("by",): "&",
    ("to",): "&",
    ("with",): "&",
    **{(symbol,): symbol for symbol in "+-*/^()%"},
}
_SPOKEN = {
    **{"+": "plus", "-": "minus", "*": "times", "/": "divided by", "^": "to the power of", "%": "percent"},
    **{"% of": "percent of", "root": "the square root of"},
}
_VERBS = {"add": "+", "sum": "+", "subtract": "-", "multiply": "*", "divide": "/"}
_ARTICLES = ("the", "of", "up")

Lexeme = Decimal | str


class UndefinedError(ArithmeticError):
    """The calculation has no result that can be said; the message is the sentence to say instead."""


@dataclass(frozen=True)
class Calculation:
    """A calculation with its result; `spoken` is "" when it is too long to be repeated."""

    spoken: str
    value: Fraction

    @property
    def spoken_value(self) -> str:
        """The result in words, with "about" when it is rounded."""
        exact = Decimal(self.value.numerator) / Decimal(self.value.denominator)
        rounded = round(exact, PLACES)
        return to_words(rounded) if rounded == exact else f"about {to_words(rounded)}"


def calculate(words: Sequence[str]) -> Calculation | None:
    """Evaluate words such as "twelve times seven" or "( 3 + 4 ) / 2"; None when they are no calculation.

    Raises:
        UndefinedError: division by zero, the root of a negative number, a number beyond all bounds.
    """
    verb, operands = _verb(words)
    lexemes = _lexemes(operands)
    if lexemes is None or not lexemes or (not verb and all(isinstance(part, Decimal) for part in lexemes)):
        return None
    try:
        if verb:
            return Calculation("", _combined(verb, "from" in operands, lexemes))
        parser = _Parser(lexemes)
        value = parser.sum()
        parser.expect_end()
    except SyntaxError:
        return None
    return Calculation(_echo(lexemes), value)


def _verb(words: Sequence[str]) -> tuple[str, Sequence[str]]:
    at = 0
    while at < len(words) and words[at] in _ARTICLES:
        at += 1
    if at < len(words) and words[at] in _VERBS:
        behind = at + 1
        while behind < len(words) and words[behind] in _ARTICLES:
            behind += 1
        return _VERBS[words[at]], words[behind:]
    return "", words


def _lexemes(words: Sequence[str]) -> list[Lexeme] | None:
    found: list[Lexeme] = []
    at = 0
    while at < len(words):
        number = read_number(words, at, signed=False)
        size = next((n for n in (4, 3, 2, 1) if tuple(words[at : at + n]) in _OPERATORS), 0)
        if number:
            found.append(number.value)
            at = number.stop
        elif words[at].isascii() and words[at].isdigit():
            found.append(Decimal(LIMIT))
            at += 1
        elif size:
            found.append(_OPERATORS[tuple(words[at : at + size])])
            at += size
        else:
            return None
    return found if len(found) <= LEXEMES_MAX else None


def _combined(verb: str, reverse: bool, lexemes: list[Lexeme]) -> Fraction:
    """Apply a verb to what stands on both sides of "and", "by", "to", "with" or "from"."""
    if verb == "+":
        lexemes = ["+" if part == "&" else part for part in lexemes]
        parser = _Parser(lexemes)
        value = parser.sum()
        parser.expect_end()
        return value
    if lexemes.count("&") != 1:
        raise SyntaxError
    middle = lexemes.index("&")
    parsers = [_Parser(lexemes[:middle]), _Parser(lexemes[middle + 1 :])]
    first, second = [parser.sum() for parser in parsers]
    for parser in parsers:
        parser.expect_end()
    if verb == "-":
        return _bounded(second - first if reverse else first - second)
    return _bounded(first * second) if verb == "*" else _quotient(first, second)


def _echo(lexemes: list[Lexeme]) -> str:
    if len(lexemes) > ECHOED_LEXEMES_MAX or any(part in ("(", ")") for part in lexemes):
        return ""
    return " ".join(to_words(part) if isinstance(part, Decimal) else _SPOKEN.get(part, part) for part in lexemes)


def _bounded(value: Fraction) -> Fraction:
    if abs(value) >= LIMIT:
        raise UndefinedError("That number is too big for me.")
    return value


def _quotient(dividend: Fraction, divisor: Fraction) -> Fraction:
    if divisor == 0:
        raise UndefinedError("I cannot divide by zero.")
    return _bounded(dividend / divisor)


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1 or abs(exponent) > EXPONENT_MAX:
        raise UndefinedError("I cannot work out that power.")
    if base == 0 and exponent < 0:
        raise UndefinedError("I cannot divide by zero.")
    value = Fraction(1)
    for _ in range(abs(int(exponent))):
        value = _bounded(value * base)
    return value if exponent >= 0 else _bounded(1 / value)


def _root(value: Fraction) -> Fraction:
    if value < 0:
        raise UndefinedError("A negative number has no real square root.")
    numerator, denominator = math.isqrt(value.numerator), math.isqrt(value.denominator)
    exact = Fraction(numerator, denominator) if denominator else Fraction(0)
    return exact if exact * exact == value else Fraction(math.sqrt(value))


class _Parser:
    """Recursive descent over a bounded number of lexemes: sum, product, sign, power, atom."""

    def __init__(self, lexemes: list[Lexeme]) -> None:
        self._lexemes = lexemes
        self._at = 0

    def sum(self) -> Fraction:
        value = self._product()
        while operator := self._take("+", "-"):
            start = self._at
            other = self._product()
            if self._lexemes[self._at - 1] == "%" and self._at == start + 2:
                other *= value  # "200 plus 10 percent" is 220, as on a pocket calculator
            value = _bounded(value + other if operator == "+" else value - other)
        return value

    def expect_end(self) -> None:
        if self._at < len(self._lexemes):
            raise SyntaxError

    def _product(self) -> Fraction:
        value = self._signed()
        while operator := self._take("*", "/", "% of"):
            other = self._signed()
            if operator == "/":
                value = _quotient(value, other)
            else:
                value = _bounded(value * other / (100 if operator == "% of" else 1))
        return value

    def _signed(self) -> Fraction:
        if self._take("-"):
            return -self._signed()
        return self._power()

    def _power(self) -> Fraction:
        value = self._atom()
        while operator := self._take("squared", "cubed", "%", "^"):
            if operator == "%":
                value = value / 100
            else:
                powers = {"squared": Fraction(2), "cubed": Fraction(3)}
                value = _power(value, powers[operator] if operator in powers else self._signed())
        return value

    def _atom(self) -> Fraction:
        if self._take("root"):
            return _root(self._signed())
        if self._take("("):
            value = self.sum()
            if not self._take(")"):
                raise SyntaxError
            return value
        if self._at < len(self._lexemes) and isinstance(number := self._lexemes[self._at], Decimal):
            self._at += 1
            return _bounded(Fraction(number))
        raise SyntaxError

    def _take(self, *wanted: str) -> str:
        if self._at < len(self._lexemes) and self._lexemes[self._at] in wanted:
            self._at += 1
            return str(self._lexemes[self._at - 1])
        return ""
