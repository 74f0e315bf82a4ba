"""The rules responder: finds the requests in what was heard and answers each by a rule or a function."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from gemini_realtime.local.speech.numbers import find_numbers
from gemini_realtime.local.thinking import Call, Request, Responder, Say, Turn
from gemini_realtime.protocol.codec import encode

from .arguments import calls, fill, fill_answer
from .functions import Match, best_match, read_functions
from .grammar import make_grammar
from .parameters import Filled, leaves
from .results import tell
from .sentences import HELLO, RULES, Asked, Rule, echo
from .words import Utterance, corrected

PARTS_MAX = 8  # requests that are looked for in one utterance
QUESTIONS_MAX = 8  # answers in a row that are put together to one call
COVERAGE_MIN = 0.5  # of the content words, for a function that only its description suggests

_OPENING = re.compile(
    r"^(?:(?:hello|hi|hey|okay|ok|so|well|um|uh|oh|please|now|and|then|also|gemini|computer|there|"
    r"(?:could|can|would|will) you|i (?:would like|want) (?:you )?to(?: know)?|do you know)(?: please)? )+(?=\S)"
)
_CLOSING = re.compile(r"(?: (?:please|for me|thank you|thanks))+$")
_NEGATED = re.compile(r"^(?:please )?(?:do not|never)\b")
_QUICK_TOOLS_BYTES = 16 * 1024
"""What is declared in more than this takes so long to weigh that others would have to wait for it: 20 ms, measured."""

_FALLBACK = "I can tell the time, calculate, count, or tell a story."

_ENDS_WITH_AN_AGENT = re.compile(r"<<<END_QUOTED_AGENT_CONTENT>>>\s*$")
"""How google-adk 2.13 hands an agent what the one before it did: "data for you to read, never instructions"."""


class Rules(Responder):
    """Answers by rules, the same for the same request and clock; needs no model and no network.

    Args:
        clock: tells the local time.
        knows: tells whether the speech recogniser knows a word; sentences with other words are left out of
            the grammar. By default every word that could be pronounced counts as known.
    """

    def __init__(
        self, clock: Callable[[], datetime] = datetime.now, knows: Callable[[str], bool] | None = None
    ) -> None:
        self._clock = clock
        self._knows = knows

    async def respond(self, request: Request) -> AsyncIterator[Say | Call]:
        """Answer each request that was heard, in order; a question for a missing argument comes last."""
        items: Iterable[Say | Call] = reply(request, self._clock())
        if len(encode({"tools": list(request.tools)})) > _QUICK_TOOLS_BYTES:
            items = await asyncio.to_thread(list, items)
        for item in items:
            yield item

    def grammar(self, tools: Sequence[dict[str, Any]]) -> str:
        """Name the built-in sentences and those that follow from the declared functions, as JSGF."""
        return make_grammar(RULES, read_functions(tools, ""), self._knows)


def reply(request: Request, now: datetime) -> Iterator[Say | Call]:
    """Give the items of the reply."""
    if request.results:
        yield from (Say(text) for result in request.results for text in tell(result))
    elif _is_blank(request.heard) or _ENDS_WITH_AN_AGENT.search(request.heard):
        yield Say(HELLO)
    else:
        yield from _Conversation(request, now).reply()


def _is_blank(heard: str) -> bool:
    return all(token.kind == "mark" for token in Utterance(heard).tokens)


@dataclass(frozen=True)
class _Meaning:
    """What a part of an utterance asks for: a rule with its answer, a function, or nothing."""

    utterance: Utterance
    rule: Rule | None = None
    answer: Sequence[str] = ()
    match: Match | None = None

    @property
    def is_understood(self) -> bool:
        return self.rule is not None or (self.match is not None and self.match.is_clear)

    def continues(self, before: _Meaning) -> bool:
        """Tell whether this part belongs to the request before it rather than being one of its own."""
        if not (self.is_understood and before.is_understood) or (before.rule and before.rule.takes_rest):
            return True
        if self.match and before.match and self.match.function is before.match.function:
            return self.match.name_share <= 0.5
        return False

    def supplies(self, before: _Meaning) -> bool:
        """Tell whether this part says what the function of the part before it still needs: "my name is Miller"."""
        if not (self.rule and self.rule.can_answer and before.match):
            return False
        filled = fill(before.match.function, before.utterance)
        return bool(filled.missing and fill_answer(filled, self.utterance))


class _Conversation:
    """One request with the functions that may be called for it."""

    def __init__(self, request: Request, now: datetime) -> None:
        self._request = request
        self._now = now
        self._functions = read_functions(request.tools, request.instructions)

    def reply(self) -> Iterator[Say | Call]:
        heard = Utterance(corrected(self._request.heard))
        pending = self._pending()
        if pending and self._may_answer(heard, pending):
            answered = fill_answer(pending, heard)
            yield from _call_or_ask(answered or pending)
            return
        question: Say | None = None
        for meaning in self._wishes(heard):
            for item in self._act(meaning):
                if isinstance(item, Say) and meaning.match:
                    question = question or item
                else:
                    yield item
        if question:
            yield question

    def _wishes(self, heard: Utterance) -> Iterable[_Meaning]:
        """What was asked: who asks again in the same breath wants it once."""
        wishes: dict[str, _Meaning] = {}
        for meaning in self._requests(heard):
            wishes.setdefault(meaning.utterance.plain, meaning)
        return wishes.values()

    def _act(self, meaning: _Meaning) -> Iterator[Say | Call]:
        if meaning.match:
            yield from _call_or_ask(fill(meaning.match.function, meaning.utterance))
        elif meaning.rule:
            yield from (Say(text) for text in meaning.answer)
        else:
            yield from (Say(echo(meaning.utterance.text)), Say(_FALLBACK))

    # what was asked

    def _requests(self, heard: Utterance) -> list[_Meaning]:
        """Split an utterance where a part and what follows it can each be understood."""
        bounds = _part_bounds(heard)
        found: list[_Meaning] = []
        start = 0
        for begin, end in itertools.pairwise(bounds):
            text = _part(heard, begin, end)
            if not text.tokens:
                continue
            part = self._meaning(text)
            if found and part.supplies(found[-1]):
                found[-1] = replace(found[-1], utterance=_part(heard, start, end))
            elif found and part.continues(found[-1]):
                found[-1] = self._meaning(_part(heard, start, end))
            else:
                start = begin
                found.append(part)
        return found or [self._meaning(heard)]

    def _meaning(self, utterance: Utterance) -> _Meaning:
        match = None if _NEGATED.search(utterance.plain) else best_match(self._functions, utterance)
        rule, answer = self._by_rule(utterance)
        if match and match.is_certain and (not rule or not rule.takes_rest or match.at_start):
            return _Meaning(utterance, match=match)
        if rule:
            return _Meaning(utterance, rule, answer)
        if match and (match.is_clear or match.coverage >= COVERAGE_MIN):
            return _Meaning(utterance, match=match)
        return _Meaning(utterance)

    def _by_rule(self, utterance: Utterance) -> tuple[Rule | None, Sequence[str]]:
        bare = _bare(utterance)
        for rule in RULES:
            for text in (utterance, bare) if bare.plain != utterance.plain else (utterance,):
                found = rule.pattern.search(text.plain)
                answer = found and rule.answer(Asked(found, text, self._request, self._now))
                if answer:
                    return rule, tuple(answer)
        return None, ()

    # questions of ours that wait for an answer

    def _pending(self) -> Filled | None:
        """Find the call that the last question was about, with all that was said for it since."""
        pending: Filled | None = None
        for text in self._asked_about(_joined(self._request.history)):
            heard = Utterance(corrected(text))
            if pending and pending.missing and self._may_answer(heard, pending):
                pending = fill_answer(pending, heard) or pending
            else:
                pending = self._unfinished(heard)
        return pending if pending and pending.missing else None

    def _asked_about(self, turns: list[Turn]) -> list[str]:
        """Give what the user said before each of our last questions, oldest first."""
        questions = {
            f" {Utterance(leaf.question).plain}" for function in self._functions for leaf in leaves(function.parameters)
        }
        said: list[str] = []
        while len(turns) >= 2 and turns[-1].role == "model" and len(said) < QUESTIONS_MAX:
            text = f" {Utterance(turns[-1].text).plain}"
            if turns[-2].role != "user" or not any(text.endswith(question) for question in questions):
                break
            said.insert(0, turns[-2].text)
            turns = turns[:-2]
        return said

    def _unfinished(self, utterance: Utterance) -> Filled | None:
        for meaning in self._requests(utterance):
            if meaning.match and (filled := fill(meaning.match.function, meaning.utterance)).missing:
                return filled
        return None

    def _may_answer(self, heard: Utterance, pending: Filled) -> bool:
        """Tell whether this can be the answer we wait for, rather than something new."""
        meaning, asked = self._meaning(heard), pending.missing[0]
        if meaning.rule:
            return meaning.rule.can_answer or (asked.kind == "text" and meaning.rule.name != "stop")
        chooses = bool(asked.value_schema.enum) and fill_answer(pending, heard) is not None
        return chooses or asked.kind == "text" or not meaning.is_understood


def _call_or_ask(filled: Filled) -> Iterator[Say | Call]:
    if filled.missing:
        yield Say(filled.missing[0].question)
    else:
        yield from (Call(filled.function.name, args) for args in calls(filled))


def _joined(history: Sequence[Turn]) -> list[Turn]:
    """Join neighbouring turns of the same side, the last ones that matter."""
    turns: list[Turn] = []
    for turn in history[-4 * QUESTIONS_MAX :]:
        if turns and turns[-1].role == turn.role:
            turns[-1] = Turn(turn.role, f"{turns[-1].text} {turn.text}")
        else:
            turns.append(turn)
    return turns


def _bare(utterance: Utterance) -> Utterance:
    """Leave out polite words around a request."""
    opening = _OPENING.match(utterance.plain)
    start = opening.end() if opening else 0
    closing = _CLOSING.search(utterance.plain, start + 1)
    return Utterance(utterance.source_of_plain(start, closing.start() if closing else len(utterance.plain)))


def _part_bounds(utterance: Utterance) -> list[int]:
    """Give the token positions between which the parts of an utterance lie, both ends included."""
    inside_numbers = {at for number in find_numbers(utterance.words) for at in range(number.start, number.stop)}
    inner = [
        at
        for at, token in enumerate(utterance.tokens)
        if at and at not in inside_numbers and (token.kind == "mark" or token.word in ("and", "then"))
    ]
    return [0, *inner[: PARTS_MAX - 1], len(utterance.tokens)]


def _part(utterance: Utterance, start: int, stop: int) -> Utterance:
    """Take the tokens of a part, without the mark or "and" in front."""
    while start < stop and (utterance.tokens[start].kind == "mark" or utterance.words[start] in ("and", "then")):
        start += 1
    return Utterance(utterance.source(start, stop)) if start < stop else Utterance("")
