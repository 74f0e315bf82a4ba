"""What many calls come to, scene by scene."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from math import ceil, sqrt
from typing import Final, Literal

from gemini_realtime.evaluation.record import CallResult, Judgement

Z: Final = 1.96  # for intervals that hold the truth 95 times of 100
_KEPT_MAX: Final = 200  # failed calls of a scene that are kept whole


@dataclass(frozen=True)
class JudgedStatement:
    """What a judge made of one statement, over the calls of a scene.

    Attributes:
        statement: of the rubric.
        held: in how many calls it held.
        judged: of how many calls there is a verdict.
        missing: why there is none, and of how many calls; the most frequent first.
        agreement: the share of pairs of votes on the same call that say the same; None where the judge was asked once.
    """

    statement: str
    held: int
    judged: int
    missing: list[tuple[str, int]]
    agreement: float | None


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
        judged: what a judge made of the statements of a rubric, if there is one.
        again: of failed calls that were made again, by their seeds: how often they passed then, and how often they were
            made.
    """

    name: str
    calls: int
    passed: int
    p50_s: float | None
    p95_s: float | None
    failures: list[tuple[str, int]] = field(default_factory=list)
    seeds: list[int] = field(default_factory=list)
    judged: list[JudgedStatement] = field(default_factory=list)
    again: dict[int, tuple[int, int]] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """The share of calls that were as expected."""
        return self.passed / self.calls

    @property
    def rate_interval(self) -> tuple[float, float]:
        """Between what and what that share lies 95 times of 100 (Wilson)."""
        return wilson(self.passed, self.calls)

    @property
    def faults(self) -> list[int]:
        """The seeds with which a call failed each time when it was made again."""
        return [seed for seed, (passed, _) in self.again.items() if not passed]

    @property
    def outcome(self) -> Literal["passed", "failed", "flaky"]:
        """Flaky is a scene of which some calls pass and others fail."""
        if self.passed == self.calls:
            return "passed"
        return "flaky" if self.passed else "failed"


class Waits:
    """How long callers waited for the first sound of an answer, to the millisecond."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()

    def add(self, waits_s: Iterable[float]) -> None:
        """Count more of them."""
        self._counts.update(round(wait * 1000) for wait in waits_s)

    def __len__(self) -> int:
        return self._counts.total()

    def percentile(self, percent: float) -> float | None:
        """The wait that so many of a hundred do not exceed (nearest rank), in seconds; None without any."""
        return self._quantiles([percent / 100])[0] if self._counts else None

    def histogram(self, bins: int) -> tuple[float, list[int]]:
        """Where it ends, in seconds, and how many waits are in each of so many bins from 0 on."""
        end_ms = max(1000, max(self._counts, default=0) + 1)
        counts = [0] * bins
        for wait_ms, count in self._counts.items():
            counts[max(0, wait_ms) * bins // end_ms] += count
        return end_ms / 1000, counts

    def _quantiles(self, shares: Iterable[float]) -> list[float]:
        values = sorted(self._counts)
        until = list(accumulate(self._counts[value] for value in values))
        return [values[bisect_left(until, max(1, ceil(share * until[-1])))] / 1000 for share in shares]


class _Judgements:
    """Judgements on one statement, counted."""

    def __init__(self) -> None:
        self._held = self._judged = 0
        self._missing: Counter[str] = Counter()
        self._agreement = 0.0
        self._compared = 0

    def add(self, judgement: Judgement) -> None:
        """Count one."""
        if judgement.holds is None:
            self._missing[judgement.reason] += 1
        else:
            self._judged += 1
            self._held += judgement.holds
        if judgement.agreement is not None:
            self._agreement += judgement.agreement
            self._compared += 1

    def summary(self, statement: str) -> JudgedStatement:
        """What they come to."""
        agreement = self._agreement / self._compared if self._compared else None
        return JudgedStatement(statement, self._held, self._judged, self._missing.most_common(), agreement)


class SceneTally:
    """The calls of one scene, counted as they come.

    Attributes:
        name: of the scene.
        waits: of all its calls.
        failed: the failed calls with the lowest seeds, at most 200.
        example: the call with the lowest seed that passed.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.waits = Waits()
        self.failed: list[CallResult] = []
        self.example: CallResult | None = None
        self._passed = 0
        self._failures: Counter[str] = Counter()
        self._seeds: list[int] = []
        self._judged: dict[str, _Judgements] = {}
        self._again: dict[int, tuple[int, int]] = {}

    def add(self, result: CallResult) -> None:
        """Count a call."""
        self.waits.add(result.record.answered_after_s)
        for judgement in result.judgements:
            self._judged.setdefault(judgement.statement, _Judgements()).add(judgement)
        if result.passed:
            self._passed += 1
            if self.example is None or result.seed < self.example.seed:
                self.example = result
            return
        self._failures.update({verdict.expected.partition("\n")[0] for verdict in result.unmet})
        self._seeds.append(result.seed)
        insort(self.failed, result, key=lambda kept: kept.seed)
        del self.failed[_KEPT_MAX:]

    def add_again(self, result: CallResult) -> None:
        """Count a call that was made again, since it had failed."""
        passed, calls = self._again.get(result.seed, (0, 0))
        self._again[result.seed] = (passed + result.passed, calls + 1)

    def summary(self) -> SceneSummary:
        """What the calls so far came to."""
        return SceneSummary(
            self.name,
            self._passed + len(self._seeds),
            self._passed,
            self.waits.percentile(50),
            self.waits.percentile(95),
            self._failures.most_common(),
            sorted(self._seeds),
            [judged.summary(statement) for statement, judged in self._judged.items()],
            dict(sorted(self._again.items())),
        )


class Tally:
    """Calls, counted as they come, in memory that hardly grows with them.

    Args:
        scenes: the names of scenes in the order of the suite; others follow as they come.

    Attributes:
        calls: how many there are.
        failed: how many of them were not as expected.
        held_again: how many of them were held again, since this machine was late itself.
        lasted_s: all of them, on their clocks.
        took_s: all of them, of real time.
    """

    def __init__(self, scenes: Iterable[str] = ()) -> None:
        self._scenes = {name: SceneTally(name) for name in scenes}
        self.calls = self.failed = self.held_again = 0
        self.lasted_s = self.took_s = 0.0

    @classmethod
    def of(cls, results: Iterable[CallResult]) -> Tally:
        """Of these."""
        tally = cls()
        for result in results:
            tally.add(result)
        return tally

    def add(self, result: CallResult) -> None:
        """Count a call."""
        self.calls += 1
        self.failed += not result.passed
        self.held_again += result.attempts > 1
        self.lasted_s += result.record.lasted_s
        self.took_s += result.took_s
        self._scenes.setdefault(result.scene, SceneTally(result.scene)).add(result)

    def add_again(self, result: CallResult) -> None:
        """Count a call that was made again, since it had failed."""
        self._scenes[result.scene].add_again(result)

    def __iter__(self) -> Iterator[SceneTally]:
        """The scenes that were called."""
        return (scene for scene in self._scenes.values() if scene.failed or scene.example)


def summaries(results: Iterable[CallResult]) -> list[SceneSummary]:
    """The scenes, in the order in which they first occur."""
    return [scene.summary() for scene in Tally.of(results)]


def wilson(passed: int, calls: int, z: float = Z) -> tuple[float, float]:
    """The interval of a share: for calls that know nothing of each other."""
    share = passed / calls
    middle = (share + z**2 / (2 * calls)) / (1 + z**2 / calls)
    half = z * sqrt(share * (1 - share) / calls + z**2 / (4 * calls**2)) / (1 + z**2 / calls)
    return middle - half, middle + half
