"""Results: numbers by round, kept as JSON and shown as Markdown tables."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

AIMED = 2
"""Columns that a target is compared with: of CPU time, all of it, and what is spent outside the kernel."""


class Series(msgspec.Struct):
    """One table: every contestant, round by round.

    Attributes:
        title: what was measured, under which circumstances.
        contestants: who takes part.
        rivals: who is compared with which way of using this package.
        measured: contestant -> column (with its unit) -> one number per round.
        targets: how many times ours a rival's cost is meant to be at least.
    """

    title: str
    contestants: list[str]
    rivals: dict[str, str]
    measured: dict[str, dict[str, list[float]]] = {}
    targets: dict[str, float] = {}

    def add(self, contestant: str, numbers: dict[str, float]) -> None:
        """Take note of a round of one contestant."""
        columns = self.measured.setdefault(contestant, {})
        for column, number in numbers.items():
            columns.setdefault(column, []).append(number)

    def times_ours(self, contestant: str, column: str) -> list[float]:
        """A rival's numbers divided by ours of the same round."""
        ours = self.measured[self.rivals[contestant]][column]
        return [
            number / our if our else math.inf
            for number, our in zip(self.measured[contestant][column], ours, strict=True)
        ]


class Result(msgspec.Struct):
    """The answer to one question.

    Attributes:
        question: as a person would ask it.
        series: the tables.
        machine: what it ran on.
        versions: of Python and of every package that matters.
        remarks: what is needed to understand the tables.
        rounds: how many times everything was measured.
        took_s: for how long.
    """

    question: str
    series: list[Series]
    machine: dict[str, str]
    versions: dict[str, str]
    remarks: str = ""
    rounds: int = 0
    took_s: float = 0.0

    def save(self, path: Path) -> None:
        """Keep as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n")

    @classmethod
    def load(cls, path: Path) -> Result:
        """Read what `save` wrote."""
        return msgspec.json.decode(path.read_bytes(), type=cls)


def section(result: Result, pictures: Sequence[str] = ()) -> str:
    """A result as a section of a page, with pictures in Markdown before its tables."""
    tables = [f"{series.title}:\n\n{table(series)}" for series in result.series]
    return "\n\n".join(filter(None, [f"## {result.question}", result.remarks, *pictures, *tables]))


def table(series: Series) -> str:
    """Median and range over the rounds; for a rival also how many times ours."""
    columns = list(dict.fromkeys(column for numbers in series.measured.values() for column in numbers))
    rows = [[name, *(_cell(series, name, column) for column in columns)] for name in series.measured]
    lines = [_row(["", *columns]), _row(["---", *["---:"] * len(columns)]), *map(_row, rows)]
    return "\n".join(lines + [""] * bool(series.targets)) + _targets(series, columns[:AIMED])


def _cell(series: Series, name: str, column: str) -> str:
    numbers = series.measured[name].get(column, [])
    if not numbers:
        return ""
    cell = _with_range(numbers)
    if series.rivals.get(name) in series.measured and (times := series.times_ours(name, column)):
        cell += f" = **{_short(statistics.median(times))}×** ({_short(min(times))}–{_short(max(times))})"
    return cell


def _targets(series: Series, columns: Sequence[str]) -> str:
    lines = []
    for rival, factor in series.targets.items():
        if rival in series.measured:
            times = [f"{_short(statistics.median(series.times_ours(rival, column)))}× {column}" for column in columns]
            lines.append(f"\n- aim: {rival} at {factor:g}× ours or more; measured {'; '.join(times)}")
    return "".join(lines)


def _with_range(numbers: list[float]) -> str:
    middle = _short(statistics.median(numbers))
    low, high = _short(min(numbers)), _short(max(numbers))
    return middle if low == high else f"{middle} ({low}–{high})"


def _short(number: float) -> str:
    """Three digits, as many as these measurements are worth."""
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"
