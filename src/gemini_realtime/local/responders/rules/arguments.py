"""Arguments of a function call, taken from what was said by the schema of the parameters."""

from __future__ import annotations

from typing import Any

from . import phrases, values
from .findings import Findings
from .functions import Function
from .parameters import Filled, Leaf, leaves
from .words import Utterance, dictated

# The most certain kinds of evidence come first.
_STEPS = (
    phrases.take_quoted,
    values.take_enums,
    values.take_booleans,
    values.take_times,
    phrases.take_announced,
    values.take_numbers,
    values.take_codes,
    phrases.take_behind_prepositions,
    phrases.take_known_places,
    phrases.take_remainder,
)


def fill(function: Function, utterance: Utterance) -> Filled:
    """Find the arguments of a function in what was said."""
    return Filled(function, _search(function, utterance, list(leaves(function.parameters))).values)


def fill_answer(filled: Filled, answer: Utterance) -> Filled | None:
    """Add the answer to the question about the first missing argument; None when it does not answer it."""
    missing = filled.missing
    found = _search(filled.function, answer, missing)
    if missing[0].path not in found.values and not _take_answer(found, missing[0]):
        return None
    return Filled(filled.function, found.values | filled.values)


def calls(filled: Filled) -> list[dict[str, Any]]:
    """Give the arguments of each call: one for each place when several were named where one is wanted."""
    for leaf in leaves(filled.function.parameters):
        value = filled.values.get(leaf.path)
        if leaf.kind == "place" and isinstance(value, str) and " and " in value:
            places = phrases.split_places(value)
            each = [Filled(filled.function, filled.values | {leaf.path: place}) for place in places]
            return [one.args for one in each if not one.missing] or [filled.args]
    return [filled.args]


def _search(function: Function, utterance: Utterance, wanted: list[Leaf]) -> Findings:
    if _is_dictated(wanted):
        utterance = Utterance(dictated(utterance.text))
    found = Findings(function, utterance, wanted)
    for step in _STEPS:
        step(found)
    return found


def _is_dictated(wanted: list[Leaf]) -> bool:
    """Tell whether digits in a row are one value: several numbers may be said in a row, too."""
    codes = [leaf for leaf in wanted if leaf.kind == "code" and not leaf.is_array]
    return bool(codes) and (len(codes) == 1 or all(leaf.is_text for leaf in codes))


def _take_answer(found: Findings, asked: Leaf) -> bool:
    if asked.schema.type == "boolean":
        yes_or_no = values.said_yes_or_no(found)
        return yes_or_no is not None and found.put(asked, yes_or_no)
    return phrases.take_whole(found, asked)
