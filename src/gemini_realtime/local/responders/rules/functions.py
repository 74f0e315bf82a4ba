"""Declared functions: what they are called in speech, and how well an utterance names one of them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from gemini_realtime.local.speech.numbers import find_numbers

from .schema import Schema, read_parameters
from .words import GENERIC, META, STOP, Utterance, sentences, split_name, stem, stems

NAME, INSTRUCTION, PARAMETER, DESCRIPTION, GENERIC_NAME, DETAIL = 3.0, 2.5, 1.5, 1.0, 1.0, 0.5
CLEAR = 2.5  # evidence that is enough to call a function without looking further
CERTAIN = 4.0

_DIRECTIONS = frozenset({"on", "off", "up", "down", "out"})
_CONCEPTS = {
    "weather": "temperature forecast rain raining rainy sunny snow snowing hot cold warm windy umbrella whether",
    "add": "plus sum total",
    "subtract": "minus difference",
    "multiply": "times product",
    "divide": "divided",
    "calculate": "plus minus times divided percent root multiplied",
    "light": "lamp lamps bulb bulbs",
    "turn": "switch",
    "mail": "email",
    "email": "mail",
    "schedule": "arrange plan",
    "cancel": "abort",
}
_RELATED = [(stem(concept), stems(said.split())) for concept, said in _CONCEPTS.items()]
_OPPOSITES = [
    frozenset(pair.split())
    for pair in ("on off", "up down", "open close", "start stop", "lock unlock", "add remove", "show hide")
]
_AFTERWARDS = re.compile(r"\bthen\b", re.IGNORECASE)


@dataclass(frozen=True)
class Function:
    """A function declaration that was understood."""

    name: str
    description: str
    parameters: Schema
    instructions: str = ""

    @classmethod
    def read(cls, declaration: object, instructions: str = "") -> Function | None:
        """Read a declaration; None when it is not one."""
        if not isinstance(declaration, Mapping) or not isinstance(declaration.get("name"), str):
            return None
        description = declaration.get("description")
        name = declaration["name"]
        about = description if isinstance(description, str) else ""
        return cls(name, about, read_parameters(declaration), _instructions_for(name, instructions))

    @cached_property
    def words(self) -> list[str]:
        return split_name(self.name)

    @property
    def spoken(self) -> str:
        """The name as words: get_weather is "get weather"."""
        return " ".join(self.words)

    @cached_property
    def key_stems(self) -> frozenset[str]:
        """The words of the name that tell it from other functions."""
        return stems(self.words, STOP | GENERIC) or stems(self.words, STOP)

    @cached_property
    def vocabulary(self) -> dict[str, float]:
        """What each stem is worth as evidence that this function is meant; the best source counts."""
        weights: dict[str, float] = {}
        _weigh(weights, DESCRIPTION, self.description, STOP | GENERIC)
        for name, schema in self.parameters.properties.items():
            _weigh_parameter(weights, name, schema)
        _weigh(weights, INSTRUCTION, self.instructions, STOP | META)
        _weigh(weights, GENERIC_NAME, " ".join(self.words))
        return weights | dict.fromkeys(self.key_stems, NAME)


@dataclass(frozen=True)
class Match:
    """How well an utterance names a function.

    Attributes:
        evidence: the summed weights of the words that were recognised.
        name_share: how much of the name was said, 0 to 1.
        coverage: how much of the utterance's content belongs to the function, 0 to 1.
        at_start: the utterance begins with the whole name.
    """

    function: Function
    evidence: float = 0.0
    name_share: float = 0.0
    coverage: float = 0.0
    at_start: bool = False

    @property
    def is_clear(self) -> bool:
        return self.evidence >= CLEAR

    @property
    def is_certain(self) -> bool:
        return self.is_clear and (self.name_share > 0.5 or self.evidence >= CERTAIN)


def read_functions(declarations: Iterable[Mapping[str, Any]], instructions: str) -> list[Function]:
    """Read all declarations that make sense."""
    read = (Function.read(declaration, instructions) for declaration in declarations)
    return [function for function in read if function]


def best_match(functions: Sequence[Function], utterance: Utterance) -> Match | None:
    """Choose the function that the words name best; None when no word belongs to any."""
    matches = [match(function, utterance) for function in functions]
    return max(
        (found for found in matches if found.evidence > 0),
        key=lambda found: (found.at_start, found.evidence, found.name_share),
        default=None,
    )


def match(function: Function, utterance: Utterance) -> Match:
    """Weigh the words of an utterance as evidence for one function."""
    words = [token.word for token in utterance.tokens if token.kind == "word"]
    said = stems(words, STOP)
    if _is_opposite(function, said) or not function.key_stems:
        return Match(function)
    related = {
        word: concept
        for concept, synonyms in _RELATED
        if concept in function.key_stems and concept not in said
        for word in synonyms & said
    }
    meant = frozenset(related.values())
    named = said - _operators(utterance)
    known = {word for word in named if word in function.vocabulary} | related.keys()
    content = said - _DIRECTIONS
    return Match(
        function,
        sum(function.vocabulary.get(word, 0.0) for word in named) + CLEAR * len(meant),
        len(function.key_stems & (named | meant)) / len(function.key_stems),
        len(content & known) / len(content) if content else 0.0,
        bool(function.spoken) and f"{utterance.plain} ".startswith(f"{function.spoken} "),
    )


def _operators(utterance: Utterance) -> frozenset[str]:
    """The words that only join two numbers: the "times" of "twelve times seven" does not name `get_time`."""
    words = utterance.words
    numbers = find_numbers(words)
    between = {before.stop for before, after in itertools.pairwise(numbers) if after.start == before.stop + 1}
    elsewhere = stems(word for at, word in enumerate(words) if at not in between)
    return stems(words[at] for at in between) - elsewhere


def _is_opposite(function: Function, said: frozenset[str]) -> bool:
    """Tell whether "turn off" was said and the function is to turn on."""
    named = stems(function.words)
    return any(pair & named and pair & said and not pair & named & said for pair in (stems(p) for p in _OPPOSITES))


def _weigh(weights: dict[str, float], weight: float, text: str, without: frozenset[str] = STOP) -> None:
    for word in stems(Utterance(text).words, without | _DIRECTIONS):
        weights[word] = max(weight, weights.get(word, 0.0))


def _weigh_parameter(weights: dict[str, float], name: str, schema: Schema) -> None:
    _weigh(weights, PARAMETER, " ".join(split_name(name)))
    _weigh(weights, DETAIL, schema.description)
    for value in (*schema.enum, *(schema.items.enum if schema.items else ())):
        _weigh(weights, PARAMETER, " ".join(split_name(str(value))))
    for inner_name, inner in schema.properties.items():
        _weigh_parameter(weights, inner_name, inner)


def _instructions_for(name: str, instructions: str) -> str:
    """Give what the instructions say about when to use a function, without what to do afterwards."""
    spoken = " ".join(split_name(name))
    about: list[str] = []
    for sentence in sentences(instructions):
        named = sentence.find(name) if name in sentence else sentence.lower().find(spoken)
        if name and named >= 0:
            after = _AFTERWARDS.search(sentence, named)
            about.append(sentence[: after.start()] if after else sentence)
    return " ".join(about)
