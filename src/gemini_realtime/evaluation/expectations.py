"""What is expected of an agent, each checked by program against the record of a call."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any, Protocol

from gemini_realtime.checking import check_number
from gemini_realtime.errors import ConfigError
from gemini_realtime.evaluation.language import check_language, speaks
from gemini_realtime.evaluation.record import CallRecord, ToolRecord, Verdict
from gemini_realtime.evaluation.words import check_words, contains, occurrences, words_of

DEFAULT_STOP_S = 1.0
"""So long an agent may speak on when it is spoken over, unless a scene says otherwise."""

LATE_S = 0.2
"""A machine that is further behind real time tells nothing about an agent's: an answer is due within a second or so."""


class Expectation(Protocol):
    """Something that is expected of a call."""

    def check(self, record: CallRecord) -> Verdict:
        """Whether it was so."""
        ...


@dataclass(frozen=True)
class Calls:
    """The agent calls this function.

    Attributes:
        name: of the function.
        arguments: that it has at least; texts are compared by their words.
        times: how often, with these arguments.
    """

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    times: int = 1

    def check(self, record: CallRecord) -> Verdict:
        """Count the calls."""
        count = sum(tool.name == self.name and _holds(self.arguments, tool.arguments) for tool in record.tools)
        how_often = "" if self.times == 1 else f" {self.times} times"
        return Verdict(f"calls {self.name}({_shown(self.arguments)}){how_often}", count == self.times,
                       f"{count} times; it called {_called(record.tools)}")  # fmt: skip


@dataclass(frozen=True)
class CallsOnly:
    """The agent calls no other functions than these, in this order."""

    names: Sequence[str]

    def check(self, record: CallRecord) -> Verdict:
        """Compare the names."""
        names = [tool.name for tool in record.tools]
        expected = f"calls only {', '.join(self.names)}" if self.names else "calls nothing"
        return Verdict(expected, names == list(self.names), f"it called {_called(record.tools)}")


@dataclass(frozen=True)
class SaysWords:
    """The agent is heard to say these words, next to each other.

    Attributes:
        text: the words.
        times: how often; None for at least once.
    """

    text: str
    times: int | None = None

    def __post_init__(self) -> None:
        check_words(self.text)

    def check(self, record: CallRecord) -> Verdict:
        """Count them, wherever they are."""
        count = occurrences(record.said, self.text)
        how_often = "" if self.times is None else f" {self.times} times"
        met = count > 0 if self.times is None else count == self.times
        return Verdict(f"says {self.text!r}{how_often}", met, f"{count} times; it said {record.said!r}")


@dataclass(frozen=True)
class NeverSays:
    """The agent never says these words."""

    text: str

    def __post_init__(self) -> None:
        check_words(self.text)

    def check(self, record: CallRecord) -> Verdict:
        """Look for the words, wherever they are."""
        return Verdict(f"never says {self.text!r}", not contains(record.said, self.text), f"it said {record.said!r}")


@dataclass(frozen=True)
class Understands:
    """The agent hears these words, by its transcript."""

    text: str

    def __post_init__(self) -> None:
        check_words(self.text)

    def check(self, record: CallRecord) -> Verdict:
        """Look for the words, wherever they are."""
        return Verdict(f"hears {self.text!r}", contains(record.heard, self.text), f"it heard {record.heard!r}")


@dataclass(frozen=True)
class AnswersWithin:
    """So many of a hundred answers begin so soon after what they answer.

    Attributes:
        seconds: as `CallRecord.answered_after_s`.
        percentile: 50 for half of the answers, 95 for nearly all.
    """

    seconds: float
    percentile: int = 95

    def __post_init__(self) -> None:
        check_number("percentile", self.percentile, 1, 100)

    def check(self, record: CallRecord) -> Verdict:
        """Compare the percentile."""
        seen = percentile(record.answered_after_s, self.percentile)
        expected = f"answers within {self.seconds:g} s (p{self.percentile})"
        return Verdict(expected, seen is not None and seen <= self.seconds,
                       "there was no answer" if seen is None else f"after {seen:.2f} s{_late(record)}",
                       timed=seen is not None)  # fmt: skip


@dataclass(frozen=True)
class StopsWithin:
    """When it is spoken over, the agent falls silent so soon."""

    seconds: float = DEFAULT_STOP_S

    def check(self, record: CallRecord) -> Verdict:
        """Compare the longest time."""
        longest = max(record.stopped_after_s, default=0.0)
        return Verdict(f"stops within {self.seconds:g} s", longest <= self.seconds,
                       f"it went on for {longest:.2f} s{_late(record)}", timed=True)  # fmt: skip


@dataclass(frozen=True)
class LetsFinish:
    """No answer begins before the caller has finished what is being said, whatever pauses are in it."""

    def check(self, record: CallRecord) -> Verdict:
        """Look whether any did."""
        return Verdict("lets the caller finish", not record.talked_over,
                       f"it began {record.talked_over} answers before{_late(record)}", timed=True)  # fmt: skip


@dataclass(frozen=True)
class Answers:
    """There are at least, and at most, so many answers."""

    least: int = 0
    most: int | None = None

    def __post_init__(self) -> None:
        if self.most is not None and self.most < self.least:
            raise ConfigError(f"at least {self.least} and at most {self.most} cannot be", remedy="exchange the two")

    def check(self, record: CallRecord) -> Verdict:
        """Count them."""
        count = sum(turn.role == "agent" for turn in record.turns)
        most = "" if self.most is None else f", at most {self.most}"
        return Verdict(f"answers at least {self.least} times{most}",
                       self.least <= count and (self.most is None or count <= self.most), f"{count} times")  # fmt: skip


@dataclass(frozen=True)
class Resumes:
    """The connection is replaced at least so often, and the conversation goes on."""

    times: int = 1

    def check(self, record: CallRecord) -> Verdict:
        """Count the resumptions."""
        return Verdict(f"resumes {self.times} times", record.resumed >= self.times, f"{record.resumed} times")


@dataclass(frozen=True)
class Costs:
    """The call costs at most so much."""

    usd: float

    def check(self, record: CallRecord) -> Verdict:
        """Compare the sum."""
        cost = record.cost_usd
        return Verdict(f"costs at most ${self.usd:g}", cost is not None and cost <= self.usd,
                       "no price of this model is known" if cost is None else f"it cost ${cost:.4f}")  # fmt: skip


@dataclass(frozen=True)
class Speaks:
    """The agent speaks this language in each of its answers, as far as one tells by its words.

    Attributes:
        language: by ISO 639, such as `de`.
    """

    language: str

    def __post_init__(self) -> None:
        check_language(self.language)

    def check(self, record: CallRecord) -> Verdict:
        """Look at each answer by itself: an agent that changes its language does so in the middle of a call."""
        answers = [turn.text for turn in record.turns if turn.role == "agent"]
        told = [(text, *speaks(self.language, text)) for text in answers]
        others = [f"{text!r} is {likeliest}" for text, met, likeliest in told if met is False]
        seen = "; ".join(others) or f"it said too little to tell: {record.said!r}"
        met = not others and any(met for _, met, _ in told)
        return Verdict(f"speaks {self.language}", met, seen)


def implied(record: CallRecord, expected: Sequence[Expectation]) -> Iterator[Verdict]:
    """What every caller expects: answers to questions, none to coughs, silence when it speaks."""
    for said in record.unanswered:
        yield Verdict("answers every question" if said else "says something of its own accord", False,
                      f"no answer to {said!r}" if said else "it was silent")  # fmt: skip
    if record.coughs_answered:
        yield Verdict("takes no cough for a question", False, f"it answered {record.coughs_answered}")
    if record.cut_short:
        yield Verdict("speaks on while the caller is silent", False, f"it broke off {record.cut_short} answers")
    if record.answered_others:
        yield Verdict("answers nobody but the caller", False, f"it gave {record.answered_others} other answers")
    for said in record.not_interrupted:
        yield Verdict("speaks long enough to be interrupted", False, f"it was silent before {said!r}")
    if record.left_alone:
        yield Verdict("stays until the caller has finished", False, record.failed_with or "it ended the call")
    if record.gave_up:
        yield Verdict("gives the caller what is wanted", False, "the caller gave up")
    if record.stopped_after_s and not any(isinstance(expectation, StopsWithin) for expectation in expected):
        yield StopsWithin().check(record)


def percentile(values: Sequence[float], percent: float) -> float | None:
    """The value that so many of a hundred do not exceed (nearest rank); None without any."""
    ordered = sorted(values)
    return ordered[max(0, ceil(percent / 100 * len(ordered)) - 1)] if ordered else None


def _late(record: CallRecord) -> str:
    return f", and this machine was late by {record.late_s:.2f} s itself" if record.late_s > LATE_S else ""


def _holds(wanted: Mapping[str, Any], seen: Mapping[str, Any]) -> bool:
    return all(name in seen and _same(value, seen[name]) for name, value in wanted.items())


def _same(wanted: Any, seen: Any) -> bool:
    if isinstance(wanted, Mapping) and isinstance(seen, Mapping):
        return _holds(wanted, seen)
    if isinstance(wanted, str) or isinstance(seen, str):
        return words_of(str(wanted)) == words_of(str(seen))
    return bool(wanted == seen)


def _called(tools: Sequence[ToolRecord]) -> str:
    return ", ".join(f"{tool.name}({_shown(tool.arguments)})" for tool in tools) or "nothing"


def _shown(arguments: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in arguments.items())
