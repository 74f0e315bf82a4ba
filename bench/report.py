"""Results: numbers by round, kept as JSON and shown as Markdown tables."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec


class Series(msgspec.Struct):
    """One table: every contestant, round by round.

    Attributes:
        title: what was measured, under which circumstances.
        contestants: who takes part.
        rivals: who is compared with which way of using this package.
        measured: contestant -> column (with its unit) -> one number per round.
        uncompared: columns that say nothing when they are divided by ours.
    """

    title: str
    contestants: list[str]
    rivals: dict[str, str]
    measured: dict[str, dict[str, list[float]]] = {}
    uncompared: list[str] = []

    def add(self, contestant: str, numbers: dict[str, float]) -> None:
        """Take note of a round of one contestant."""
        columns = self.measured.setdefault(contestant, {})
        for column, number in numbers.items():
            columns.setdefault(column, []).append(number)

    def is_compared(self, contestant: str, column: str) -> bool:
        """Whether `times_ours` says something."""
        return self.rivals.get(contestant) in self.measured and column not in self.uncompared

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
        series: the tables.
        machine: what it ran on.
        versions: of Python and of every package that matters.
        found: what else was, in words.
        rounds: how many times everything was measured.
        took_s: for how long.
    """

    series: list[Series]
    machine: dict[str, str]
    versions: dict[str, str]
    found: str = ""
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


def section(question: str, remarks: str, result: Result, pictures: Sequence[str] = ()) -> str:
    """A result as a section of a page.

    Args:
        question: the heading.
        remarks: what is needed to understand the tables.
        result: the tables.
        pictures: in Markdown; they come before the tables.
    """
    tables = [f"{series.title}:\n\n{table(series)}" for series in result.series]
    return "\n\n".join(filter(None, [f"## {question}", remarks, result.found, *pictures, *tables]))


def table(series: Series) -> str:
    """Median and range over the rounds; for a rival also how many times ours."""
    columns = list(dict.fromkeys(column for numbers in series.measured.values() for column in numbers))
    rows = [[name, *(_cell(series, name, column) for column in columns)] for name in series.measured]
    return "\n".join([row(["", *columns]), row(["---", *["---:"] * len(columns)]), *map(row, rows)])


def _cell(series: Series, name: str, column: str) -> str:
    numbers = series.measured[name].get(column, [])
    if not numbers:
        return ""
    cell = with_range(numbers)
    if series.is_compared(name, column):
        cell += f" = {with_range(series.times_ours(name, column), '**{}×**')}"
    return cell


def agree(one: Sequence[float], other: Sequence[float]) -> bool | None:
    """Whether the median of one lies in the range of the other; None where a single round has no range."""
    if min(len(one), len(other)) < 2:
        return None
    within = [min(b) <= statistics.median(a) <= max(b) for a, b in ((one, other), (other, one))]
    return any(within)


def with_range(numbers: Sequence[float], form: str = "{}") -> str:
    """Median in this form, and range where there is one."""
    middle = form.format(short(statistics.median(numbers)))
    low, high = short(min(numbers)), short(max(numbers))
    return middle if low == high else f"{middle} ({low}–{high})"


def short(number: float) -> str:
    """Three digits, as many as these measurements are worth."""
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"


def row(cells: Iterable[str]) -> str:
    """Of a Markdown table."""
    return "| " + " | ".join(cells) + " |"
