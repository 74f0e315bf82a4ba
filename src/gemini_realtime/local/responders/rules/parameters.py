"""The values that a function wants: what each is called, what sort it is, and how they make up the arguments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from .functions import Function
from .schema import Schema, fits
from .words import GENERIC, STOP, Utterance, join_words, split_name, stem, stems

Path = tuple[str | int, ...]  # 0 stands for the first element of an array
OPTIONS_ASKED_MAX = 6

_KIND_WORDS = {
    "code": "id code zip zipcode postcode phone pin sku serial number isbn plate",
    "datetime": "when datetime deadline due timestamp",
    "date": "date day birthday birthdate",
    "place": "city location place country town destination origin departure arrival state region airport "
    "timezone zone area venue station capital",
    "time": "time hour clock",
    "language": "language lang locale",
    "text": "message text note query question content body topic title subject description comment task "
    "reminder song term keyword search prompt expression sentence phrase summary reason memo todo about",
    "person": "person contact recipient attendee attendees user customer guest guests caller employee people "
    "participants owner author artist name names",
}
_KINDS = {stem(word): kind for kind, words in _KIND_WORDS.items() for word in words.split()}
_FORMAT_KINDS = {"date": "date", "time": "time", "date-time": "datetime"}
_DIRECTIONS = {
    "from": stems(["from", "origin", "departure", "source", "start", "begin"]),
    "to": stems(["to", "destination", "arrival", "target", "recipient", "end"]),
}
WHEN_KINDS = frozenset({"datetime", "date", "time"})
NAME_KINDS = frozenset({"place", "person", "language"})


def kind_of(stemmed: str) -> str | None:
    """What sort of text a word names; None for most words."""
    return _KINDS.get(stemmed)


@dataclass(frozen=True)
class Leaf:
    """One value to be found: a parameter, or a member of a nested one."""

    path: Path
    schema: Schema
    required: bool

    @cached_property
    def words(self) -> list[str]:
        """The names on the way to it as words, the last ones."""
        return [word for part in self.path if isinstance(part, str) for word in split_name(part)][-4:]

    @cached_property
    def own_words(self) -> list[str]:
        return split_name(next((part for part in reversed(self.path) if isinstance(part, str)), ""))

    @cached_property
    def stems(self) -> frozenset[str]:
        """The words by which a speaker would name it."""
        return stems(self.own_words, STOP | GENERIC) or stems(self.own_words)

    @cached_property
    def kind(self) -> str:
        """What sort of text it wants: a key of `_KIND_WORDS`, or "any"."""
        wanted = self.schema.limits.get("format")
        if isinstance(wanted, str) and wanted in _FORMAT_KINDS:
            return _FORMAT_KINDS[wanted]
        named = {_KINDS[word] for word in map(stem, self.words) if word in _KINDS}
        described = [stem(word) for word in Utterance(self.schema.description).words if word not in STOP]
        kinds = named or {_KINDS[word] for word in [word for word in described if word in _KINDS][:1]}
        return next((kind for kind in _KIND_WORDS if kind in kinds), "any")

    @cached_property
    def direction(self) -> str:
        """The preposition that goes before it in "from A to B"; "" when there is none."""
        named = stems(self.words)
        return next((word for word, hints in _DIRECTIONS.items() if hints & named), "")

    @property
    def is_array(self) -> bool:
        return self.schema.type == "array"

    @property
    def value_schema(self) -> Schema:
        """The schema of one element for an array, otherwise its own."""
        return (self.schema.items or Schema()) if self.is_array else self.schema

    @property
    def is_text(self) -> bool:
        return self.value_schema.type in ("string", "") and not self.value_schema.enum

    @property
    def is_name(self) -> bool:
        """Whether its values are spelled with capitals."""
        return self.kind in NAME_KINDS or (self.kind == "any" and bool(self.direction))

    @property
    def question(self) -> str:
        """What to ask when the value is needed and was not said."""
        name = " ".join(self.words) or "value"
        if self.value_schema.type == "boolean":
            return f"Yes or no: {name}?"
        options = [" ".join(split_name(str(value))) for value in self.value_schema.enum]
        is_short = 1 < len(options) <= OPTIONS_ASKED_MAX
        return f"Which {name}: {join_words(options, 'or')}?" if is_short else f"Which {name}?"


def leaves(schema: Schema, path: Path = (), required: bool = True) -> Iterator[Leaf]:
    """List the values that make up a schema, those of nested objects included."""
    if schema.type == "object" and (schema.properties or not path):
        for name, inner in schema.properties.items():
            yield from leaves(inner, (*path, name), required and name in schema.required)
    elif schema.type == "array" and schema.items and schema.items.type == "object":
        yield from leaves(schema.items, (*path, 0), required)
    else:
        yield Leaf(path, schema, required)


@dataclass
class Filled:
    """The values found so far for a function; without the `missing` ones it cannot be called."""

    function: Function
    values: dict[Path, Any] = field(default_factory=dict)

    @property
    def args(self) -> dict[str, Any]:
        """The arguments, valid by the schema when nothing is missing."""
        return self._assembled[0]

    @property
    def missing(self) -> list[Leaf]:
        by_path = {leaf.path: leaf for leaf in leaves(self.function.parameters)}
        return [by_path.get(path) or Leaf(path, Schema("unknown"), True) for path in self._assembled[1]]

    @cached_property
    def _assembled(self) -> tuple[dict[str, Any], list[Path]]:
        missing: list[Path] = []
        args = _assemble(self.function.parameters, (), self.values, missing, required=True)
        return args if isinstance(args, dict) else {}, missing


_ABSENT = object()


def _assemble(schema: Schema, path: Path, values: dict[Path, Any], missing: list[Path], *, required: bool) -> Any:
    """Build the value at `path`; what is required and cannot be built is added to `missing`."""
    gaps: list[Path] = []
    built = values.get(path, _ABSENT)
    if built is _ABSENT and schema.type == "object" and (schema.properties or not path):
        built = _assemble_object(schema, path, values, gaps, required=required)
    elif built is _ABSENT and schema.type == "array" and schema.items and schema.items.type == "object":
        item = _assemble(schema.items, (*path, 0), values, gaps, required=required)
        built = _ABSENT if item is _ABSENT else [item]
    if built is not _ABSENT and fits(built, schema):
        return built
    unsaid = _unsaid(schema) if required else _ABSENT
    if required and unsaid is _ABSENT:
        missing += gaps or [path]
    return unsaid


def _assemble_object(schema: Schema, path: Path, values: dict[Path, Any], gaps: list[Path], *, required: bool) -> Any:
    """Build an object of what was said; one inside another is left out when nothing was said for it."""
    members = {
        name: _assemble(inner, (*path, name), values, gaps, required=name in schema.required)
        for name, inner in schema.properties.items()
    }
    built = {name: value for name, value in members.items() if value is not _ABSENT}
    return built if built or not path or (required and not gaps) else _ABSENT


def _unsaid(schema: Schema) -> Any:
    """Give what a required value may be when nothing was said: its default, its only value, null, {}."""
    candidates = [schema.limits["default"]] if "default" in schema.limits else []
    candidates += schema.enum if len(schema.enum) == 1 else ()
    candidates += [None] if schema.nullable or schema.type == "null" else []
    candidates += [{}] if schema.type == "object" and not schema.properties else []
    return next((value for value in candidates if fits(value, schema)), _ABSENT)
