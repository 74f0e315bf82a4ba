"""What became better or worse between two runs, and what may be noise."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from math import ceil, exp, hypot, sqrt
from statistics import NormalDist
from typing import Final, Literal

from gemini_realtime.evaluation.record import CallResult
from gemini_realtime.evaluation.summary import JudgedStatement, SceneSummary, SceneTally, wilson

_CALLS_MIN: Final = 3  # of which the spread among calls can be told

Outcome = Literal["better", "worse", "same"]


@dataclass(frozen=True)
class JudgedChange:
    """What became of one statement of a rubric between two runs.

    Attributes:
        statement: of the rubric.
        rates: the share of calls in which it held, of those that were judged, before and after.
        rate_interval: of the difference of the two; those of all statements hold together 95 times of 100.
    """

    statement: str
    rates: tuple[float, float]
    rate_interval: tuple[float, float]

    @property
    def outcome(self) -> Outcome:
        """Whether it holds more often; `same` when it may be noise."""
        return _direction(self.rate_interval, more_is="better")


@dataclass(frozen=True)
class Change:
    """What became of one scene between two runs.

    The intervals of all scenes that are compared hold together 95 times of 100.

    Attributes:
        name: of the scene.
        rates: the share of calls that passed, before and after.
        rate_interval: of the difference of the two.
        p50_s: of the time to the first sound of an answer, before and after.
        p50_interval_s: of the difference, to 10 ms; None where too few calls have answers to tell.
        judged: of the statements that a judge has decided on in both runs.
    """

    name: str
    rates: tuple[float, float]
    rate_interval: tuple[float, float]
    p50_s: tuple[float | None, float | None]
    p50_interval_s: tuple[float, float] | None
    judged: list[JudgedChange] = field(default_factory=list)

    @property
    def outcome(self) -> Outcome:
        """Whether the calls pass more often; `same` when it may be noise."""
        return _direction(self.rate_interval, more_is="better")

    @property
    def speed(self) -> Outcome:
        """Whether answers come sooner; `same` when it may be noise."""
        return "same" if self.p50_interval_s is None else _direction(self.p50_interval_s, more_is="worse")


class CallWaits:
    """How long callers waited for answers, call by call: those of one call are alike, and tell less than as many calls.

    Four bytes for each wait are kept.
    """

    def __init__(self) -> None:
        self._waits_ms = array("i")
        self._ends = array("q", [0])

    def add(self, waits_s: Iterable[float]) -> None:
        """Take those of one call."""
        self._waits_ms.extend(round(wait * 1000) for wait in waits_s)
        if len(self._waits_ms) > self._ends[-1]:
            self._ends.append(len(self._waits_ms))

    def median(self, z: float) -> tuple[float, float, float] | None:
        """The median and its interval, in seconds; None where there are too few calls to tell.

        The share of waits below the median differs from call to call, which gives the error of that share; the waits
        at the ends of its interval are those of the median's. Source: Woodruff, 1952, for calls as clusters.

        Args:
            z: so many standard errors of a normal distribution: 1.96 for 95 %.
        """
        calls = len(self._ends) - 1
        if calls < _CALLS_MIN:
            return None
        ordered = sorted(self._waits_ms)
        middle = ordered[ceil(len(ordered) / 2) - 1]
        lengths = [stop - start for start, stop in pairwise(self._ends)]
        above = [self._above(middle, start, stop) for start, stop in pairwise(self._ends)]
        usual = sum(above) / len(ordered)  # not 0 where many waits are the same
        squares = sum((each - usual * length) ** 2 for each, length in zip(above, lengths, strict=True))
        reach = round(_student(z, calls - 1) * sqrt(calls / (calls - 1) * squares), 6)  # in ranks
        low, high = ceil(len(ordered) / 2 - reach) - 1, ceil(len(ordered) / 2 + reach) - 1
        if low < 0 or high >= len(ordered):
            return None
        return middle / 1000, ordered[low] / 1000, ordered[high] / 1000

    def _above(self, middle: int, start: int, stop: int) -> float:
        """By how many waits of a call more lie above than below, halved: 0 for a call like all of them."""
        waits = sorted(self._waits_ms[start:stop])
        return (len(waits) - bisect_right(waits, middle) - bisect_left(waits, middle)) / 2


class _Scene:
    """The calls of one scene in one run."""

    def __init__(self, name: str) -> None:
        self.tally = SceneTally(name)
        self.waits = CallWaits()

    def add(self, result: CallResult) -> None:
        """Count a call."""
        self.tally.add(result)
        self.waits.add(result.record.answered_after_s)


def compare(before: Iterable[CallResult], after: Iterable[CallResult]) -> list[Change]:
    """The scenes that both runs have."""
    earlier, later = _scenes(before), _scenes(after)
    pairs = [(earlier[name], scene) for name, scene in later.items() if name in earlier]
    z = _together(2 * len(pairs))  # of each scene, how many calls pass and how soon answers come
    judged = [_judged_by_both(first.tally.summary(), second.tally.summary()) for first, second in pairs]
    judged_z = _together(sum(map(len, judged)))
    return [
        _change(first, second, z, [_judged_change(*statement, judged_z) for statement in statements])
        for (first, second), statements in zip(pairs, judged, strict=True)
    ]


def _scenes(results: Iterable[CallResult]) -> dict[str, _Scene]:
    scenes: dict[str, _Scene] = {}
    for result in results:
        if result.scene not in scenes:
            scenes[result.scene] = _Scene(result.scene)
        scenes[result.scene].add(result)
    return scenes


def _together(intervals: int) -> float:
    """So many standard errors, that all of these intervals hold together 95 times of 100 (Bonferroni)."""
    return NormalDist().inv_cdf(1 - 0.025 / max(1, intervals))


def _student(z: float, freedom: int) -> float:
    """Student's t for z, which is never too small, and 15 % too large at most for two degrees of freedom and z of 3.

    Source: Gaver and Kafadar, 1984.
    """
    stretch = (freedom - 5 / 6) / (freedom - 2 / 3 + 1 / (10 * freedom)) ** 2
    return sqrt(freedom * (exp(z**2 * stretch) - 1))


def _change(before: _Scene, after: _Scene, z: float, judged: list[JudgedChange]) -> Change:
    first, second = before.tally.summary(), after.tally.summary()
    medians = before.waits.median(z), after.waits.median(z)
    return Change(
        second.name,
        (first.rate, second.rate),
        _of_shares((first.passed, first.calls), (second.passed, second.calls), z),
        (first.p50_s, second.p50_s),
        None if medians[0] is None or medians[1] is None else _rounded(_difference(medians[0], medians[1])),
        judged,
    )


def _judged_by_both(before: SceneSummary, after: SceneSummary) -> list[tuple[JudgedStatement, JudgedStatement]]:
    earlier = {judged.statement: judged for judged in before.judged}
    pairs = [(earlier[second.statement], second) for second in after.judged if second.statement in earlier]
    return [(first, second) for first, second in pairs if first.judged and second.judged]


def _judged_change(before: JudgedStatement, after: JudgedStatement, z: float) -> JudgedChange:
    return JudgedChange(
        after.statement,
        (before.held / before.judged, after.held / after.judged),
        _of_shares((before.held, before.judged), (after.held, after.judged), z),
    )


def _of_shares(before: tuple[int, int], after: tuple[int, int], z: float) -> tuple[float, float]:
    """Of the difference of two shares, each so many of so many."""
    first, second = ((held / calls, *wilson(held, calls, z)) for held, calls in (before, after))
    return _difference(first, second)


def _difference(before: tuple[float, float, float], after: tuple[float, float, float]) -> tuple[float, float]:
    """The interval of a difference from both with their intervals. Source: Newcombe, 1998, method 10, for shares."""
    (first, low, high), (second, low_after, high_after) = before, after
    difference = second - first
    return difference - hypot(second - low_after, high - first), difference + hypot(high_after - second, first - low)


def _rounded(interval_s: tuple[float, float]) -> tuple[float, float]:
    """As it is told: less than that is nobody's wait."""
    return round(interval_s[0], 2), round(interval_s[1], 2)


def _direction(interval: tuple[float, float], *, more_is: Literal["better", "worse"]) -> Outcome:
    low, high = interval
    if low <= 0 <= high:
        return "same"
    return more_is if low > 0 else ("worse" if more_is == "better" else "better")
