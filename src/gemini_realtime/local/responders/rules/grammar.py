"""The sentences that the rules responder understands, as a JSGF grammar for the speech recogniser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from gemini_realtime.local.speech.numbers import SMALL, TENS

from .functions import Function
from .names import FIRST_NAMES, PLACES
from .parameters import Leaf, leaves
from .sentences import Rule
from .words import GENERIC, PREPOSITIONS, Utterance, sentences, split_name

FUNCTIONS_MAX = 32
SLOTS_MAX = 3  # arguments in one sentence; fewer when there are many functions, so that loading stays quick
SLOT_LISTS_MAX = 12  # of all functions together
OPTIONS_MAX = 40
HEAD_WORDS_MAX = 8

_PRONOUNCEABLE = re.compile(r"(?=.*[aeiouy])[a-z]{2,}(?:'[a-z]+)?|a|i")
_GETTERS = frozenset({"get", "fetch", "find", "lookup", "retrieve", "check", "query", "read"})
_SLOT_PREPOSITIONS = {
    "place": "in | for | at | from | to | near | of",
    "person": "with | to | for | named",
    "language": "to | into",
}
_BASE = f"""
<unit> = {" | ".join(SMALL[1:10])};
<teen> = {" | ".join(SMALL[10:])};
<tens> = ({" | ".join(TENS)}) [<unit>];
<below> = <unit> | <teen> | <tens>;
<number> = [minus] (zero | <below> | <below> hundred [[and] <below>]) [point (zero | <unit>)+];
<operator> = plus | minus | times | multiplied by | divided by;
<place> = {" | ".join(PLACES)};
<name> = {" | ".join(FIRST_NAMES)};
<day> = today | tomorrow | monday | tuesday | wednesday | thursday | friday | saturday | sunday;
"""

Knows = Callable[[str], bool]


def make_grammar(rules: Iterable[Rule], functions: Sequence[Function], knows: Knows | None = None) -> str:
    """Write the grammar; what the functions add is left out where the recogniser does not know a word."""
    known = knows or (lambda word: _PRONOUNCEABLE.fullmatch(word) is not None)
    spoken = " | ".join(f"({rule.spoken})" for rule in rules if rule.spoken)
    definitions = {"builtin": spoken, **_function_definitions(functions[:FUNCTIONS_MAX], known)}
    request = " | ".join(f"<{name}>" for name in definitions if name != "answer")
    # An answer to a question stands alone: behind a "hello" any name would do, and be heard too often.
    answer = " | <answer>" if "answer" in definitions else ""
    lines = [f"<{name}> = {alternatives};" for name, alternatives in definitions.items()]
    lines.append(f"public <request> = [please | hello | could you] ({request}) [please | today | now]{answer};")
    return "#JSGF V1.0;\ngrammar requests;\n" + _BASE + "\n".join(lines) + "\n"


def _function_definitions(functions: Sequence[Function], known: Knows) -> dict[str, str]:
    """Write a definition for each function that can be named, and one for answers to questions."""
    each_max = max(1, min(SLOTS_MAX, SLOT_LISTS_MAX // max(1, len(functions))))
    definitions: dict[str, str] = {}
    for at, function in enumerate(functions):
        if heads := _heads(function, known):
            slots = _slots(function, each_max if at < SLOT_LISTS_MAX else 0, known)
            definitions[f"function{at}"] = f"({' | '.join(heads)}){slots}"
    if definitions:
        options = _options([leaf for function in functions for leaf in leaves(function.parameters)], known)
        answers = " | ".join(["<place>", "<name>", "<number>", "<day>", *options])
        definitions["answer"] = f"[in | to | from | for | the] ({answers})"
    return definitions


def _slots(function: Function, slots_max: int, known: Knows) -> str:
    """Write what may follow, in any order; without repetition, which would let the recogniser ramble."""
    wanted = [slot for leaf in leaves(function.parameters) if (slot := _slot(leaf, known))]
    any_slot = f" [({' | '.join(dict.fromkeys(wanted))})]"
    return any_slot * min(len(wanted), slots_max)


def _heads(function: Function, known: Knows) -> list[str]:
    """Give the ways to name a function: its name, a question for what it gets, its description."""
    words = function.words
    heads = []
    if words and words[0] in _GETTERS and len(words) > 1:
        subject = _noun([word for word in words[1:] if word != "current"], known)
        if subject:
            heads.append(f"[what is | what's | how is | get | tell me | show me | check] [the] [current] {subject}")
    elif name := _noun(words, known):
        heads.append(name)
    description = _description_head(function.description, known)
    return [*heads, description] if description and description not in heads else heads


def _noun(words: Sequence[str], known: Knows) -> str:
    """Write words with an article that may stand behind the first one: "record [the | a] reading"."""
    if not words or not all(map(known, words)):
        return ""
    if len(words) == 1 or words[1] in PREPOSITIONS | {"the", "a", "off", "up", "down", "out"}:
        return " ".join(words)
    return " ".join([words[0], "[the | a]", *words[1:]])


def _description_head(description: str, known: Knows) -> str:
    """Take the beginning of a description, up to where it speaks about the parameters."""
    first = next(iter(sentences(description)), "")
    head: list[str] = []
    for token in Utterance(first).tokens:
        if token.kind != "word" or (head and token.word in PREPOSITIONS | {"given"} - {"on", "about"}):
            break
        head.append(token.word)
    while head and head[-1] in PREPOSITIONS | {"the", "a", "an"}:
        head.pop()
    fit = 2 <= len(head) <= HEAD_WORDS_MAX and all(map(known, head))
    return " ".join(head) if fit and not set(head) <= GENERIC else ""


def _slot(leaf: Leaf, known: Knows) -> str:
    """Write what may be said for one parameter; "" when it cannot be foreseen."""
    schema, name = leaf.value_schema, " ".join(word for word in leaf.own_words if known(word))
    announced = f"[[and] [with] [the] {name}] " if name else ""
    if schema.enum:
        options = _options([leaf], known)
        return f"{announced}[to | in] ({' | '.join(options)})" if options else ""
    if schema.numeric:
        return f"{announced}[to | of | for] <number> [percent | degrees | minutes | seconds]"
    if schema.type == "boolean":
        return f"[and] [not] {name}" if name else ""
    if leaf.kind in _SLOT_PREPOSITIONS:
        names = "<name>" if leaf.kind == "person" else "<place>" if leaf.kind == "place" else ""
        return f"[{_SLOT_PREPOSITIONS[leaf.kind]}] {names}" if names else ""
    if leaf.kind in ("date", "datetime"):
        return "[on | for] <day>"
    if leaf.kind == "any" and schema.type == "string":
        return f"{announced}[in | for | to | of] (<place> | <name>)"
    return ""


def _options(wanted: Iterable[Leaf], known: Knows) -> list[str]:
    """List the values of all enums as they are spoken."""
    values = (split_name(str(value)) for leaf in wanted for value in leaf.value_schema.enum)
    spoken = (" ".join(words) for words in values if words and all(map(known, words)))
    return list(dict.fromkeys(spoken))[:OPTIONS_MAX]
