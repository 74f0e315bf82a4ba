"""What many calls come to, scene by scene, and what became better or worse between two runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import sqrt
from random import Random
from statistics import median
from typing import Final, Literal

from gemini_realtime.evaluation.expectations import percentile
from gemini_realtime.evaluation.record import CallResult

_Z: Final = 1.96  # for intervals that hold the truth 95 times of 100
_DRAWS: Final = 1000

Outcome = Literal["better", "worse", "same"]


@dataclass(frozen=True)
class SceneSummary:
    """The calls of one scene.

    Attributes:
        name: of the scene.
        calls: how many there were.
        passed: how many were as expected.
        p50_s: of the time to the first sound of an answer; None without any.
        p95_s: likewise.
        failures: in how many calls an expectation was not met, by its words; the most frequent first.
        seeds: of calls that failed.
    """

    name: str
    calls: int
    passed: int
    p50_s: float | None
    p95_s: float | None
    failures: list[tuple[str, int]] = field(default_factory=list)
    seeds: list[int] = field(default_factory=list)

    @property
    def outcome(self) -> Literal["passed", "failed", "flaky"]:
        """Flaky is a scene of which some calls pass and others fail."""
        if self.passed == self.calls:
            return "passed"
        return "flaky" if self.passed else "failed"


@dataclass(frozen=True)
class Change:
    """What became of one scene between two runs.

    Attributes:
        name: of the scene.
        rates: the share of calls that passed, before and after.
        rate_interval: of the difference of the two, in which it lies 95 times of 100.
        p50_s: of the time to the first sound of an answer, before and after.
        p50_interval_s: of the difference, likewise; None where there were no answers.
    """

    name: str
    rates: tuple[float, float]
    rate_interval: tuple[float, float]
    p50_s: tuple[float | None, float | None]
    p50_interval_s: tuple[float, float] | None

    @property
    def outcome(self) -> Outcome:
        """Whether the calls pass more often; `same` when it may be noise."""
        return _direction(self.rate_interval, more_is="better")

    @property
    def speed(self) -> Outcome:
        """Whether answers come sooner; `same` when it may be noise."""
        return "same" if self.p50_interval_s is None else _direction(self.p50_interval_s, more_is="worse")


def summaries(results: Iterable[CallResult]) -> list[SceneSummary]:
    """The scenes, in the order in which they first occur."""
    by_scene: dict[str, list[CallResult]] = {}
    for result in results:
        by_scene.setdefault(result.scene, []).append(result)
    return [_summary(name, calls) for name, calls in by_scene.items()]


def compare(before: Sequence[CallResult], after: Sequence[CallResult]) -> list[Change]:
    """The scenes that both runs have."""
    earlier = {summary.name: summary for summary in summaries(before)}
    return [
        _change(earlier[summary.name], summary, _waits(before, summary.name), _waits(after, summary.name))
        for summary in summaries(after)
        if summary.name in earlier
    ]


def _summary(name: str, calls: Sequence[CallResult]) -> SceneSummary:
    waits = _waits(calls, name)
    failed = Counter(
        words
        for call in calls
        for words in ({v.expected for v in call.verdicts if not v.met} if not call.error else {call.error})
    )
    return SceneSummary(
        name,
        len(calls),
        sum(call.passed for call in calls),
        percentile(waits, 50),
        percentile(waits, 95),
        failed.most_common(),
        sorted(call.seed for call in calls if not call.passed),
    )


def _waits(calls: Sequence[CallResult], scene: str) -> list[float]:
    return [wait for call in calls if call.scene == scene for wait in call.record.answered_after_s]


def _change(before: SceneSummary, after: SceneSummary, waits: list[float], waits_after: list[float]) -> Change:
    rates = (before.passed / before.calls, after.passed / after.calls)
    return Change(
        after.name,
        rates,
        _newcombe(before.passed, before.calls, after.passed, after.calls),
        (before.p50_s, after.p50_s),
        _bootstrap(waits, waits_after) if waits and waits_after else None,
    )


def _newcombe(passed: int, calls: int, passed_after: int, calls_after: int) -> tuple[float, float]:
    """The interval of a difference of two shares. Source: Newcombe, 1998, method 10."""
    share, share_after = passed / calls, passed_after / calls_after
    low, high = _wilson(passed, calls)
    low_after, high_after = _wilson(passed_after, calls_after)
    difference = share_after - share
    return (
        difference - sqrt((share_after - low_after) ** 2 + (high - share) ** 2),
        difference + sqrt((high_after - share_after) ** 2 + (share - low) ** 2),
    )


def _wilson(passed: int, calls: int) -> tuple[float, float]:
    share = passed / calls
    middle = (share + _Z**2 / (2 * calls)) / (1 + _Z**2 / calls)
    half = _Z * sqrt(share * (1 - share) / calls + _Z**2 / (4 * calls**2)) / (1 + _Z**2 / calls)
    return middle - half, middle + half


def _bootstrap(before: Sequence[float], after: Sequence[float]) -> tuple[float, float]:
    """The interval of a difference of two medians, by drawing anew from both."""
    random = Random(0)
    drawn = sorted(
        median(random.choices(after, k=len(after))) - median(random.choices(before, k=len(before)))
        for _ in range(_DRAWS)
    )
    return drawn[round(0.025 * _DRAWS)], drawn[round(0.975 * _DRAWS) - 1]


def _direction(interval: tuple[float, float], *, more_is: Literal["better", "worse"]) -> Outcome:
    low, high = interval
    if low <= 0 <= high:
        return "same"
    return more_is if low > 0 else ("worse" if more_is == "better" else "better")
