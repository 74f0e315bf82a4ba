"""What was aimed at, what came, what is possible, and whether a second run says the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import inf
from statistics import median
from textwrap import fill
from typing import NamedTuple

from bench import capacity, conversations, density, imports, latency, race, receive, send
from bench.contestants import AG2, FLOOR, GOOGLE, LEAST, OURS, OURS_BASE64, OURS_DISPATCH
from bench.report import Result, agree, row, short, with_range

REMARKS = """\
"Possible" is the same number with the least possible client in the place of this package: picows, and base64 both ways.
It does not look whether a message is one, cannot be resumed, and has no events. Where nothing like that was measured,
there is nothing."""

Results = Mapping[str, Result]


class Number(NamedTuple):
    """A column of a contestant, or how many times that of another it is.

    Attributes:
        question: the name of the question.
        table: how the title of the table ends.
        column: with its unit.
        one: whose.
        other: by whose it is divided.
    """

    question: str
    table: str
    column: str
    one: str
    other: str = ""

    def rounds(self, results: Results) -> list[float]:
        """Round by round; nothing where it was not measured."""
        result = results.get(self.question)
        for series in result.series if result else ():
            if series.title.endswith(self.table):
                numbers = series.measured.get(self.one, {}).get(self.column, [])
                others = series.measured.get(self.other, {}).get(self.column, [])
                return [one / other for one, other in zip(numbers, others, strict=False)] if self.other else numbers
        return []


class Aim(NamedTuple):
    """What a number is meant to be.

    Attributes:
        what: in words.
        number: as it is measured.
        least, most: within these.
        possible: what it would be with the least possible client.
    """

    what: str
    number: Number
    least: float = 0.0
    most: float = inf
    possible: Number | None = None

    def text(self) -> str:
        """As it stands in the table."""
        return f"{self.least:g} or more" if self.least else f"{self.most:g} at most"

    def met(self, rounds: Sequence[float]) -> bool:
        """Whether the median is."""
        return self.least <= median(rounds) <= self.most


def _talk(one: str, other: str, table: str = density.PLAIN) -> Number:
    return Number("density", table, density.CPU, one, other)


def _ratios() -> Iterable[Aim]:
    for name, way, ag2, google, floor in (
        ("`read_events`", OURS, 1.85, 3.0, 1.5),
        ("`dispatch_events`", OURS_DISPATCH, 2.1, 3.3, 1.35),
    ):
        yield Aim(f"AG2 ÷ {name}", _talk(AG2, way), least=ag2, possible=_talk(AG2, LEAST))
        yield Aim(f"google-genai ÷ {name}", _talk(GOOGLE, way), least=google, possible=_talk(GOOGLE, LEAST))
        yield Aim(f"{name} ÷ picows alone", _talk(way, FLOOR), most=floor, possible=_talk(LEAST, FLOOR))
        for table, where in ((density.ON_UVLOOP, "on uvloop"), (density.OVER_TLS, "over TLS")):
            yield Aim(f"{name} ÷ picows alone, {where}", _talk(way, FLOOR, table), most=floor)


def _others() -> Iterable[Aim]:
    for name, least in ((AG2, 3.0), (GOOGLE, 5.0)):
        fits = Number("capacity", "", capacity.FITS, OURS, name)
        yield Aim(f"conversations per core ÷ those of {name}", fits, least, possible=fits._replace(one=FLOOR))
    talking = f"{density.TALKING} (the samples alone are 480)"
    for state, what, most in ((density.IDLE, density.IDLE, 12.0), (density.TALKING, talking, 552.0)):
        yield Aim(f"memory of a session, {what}", Number("density", density.MEMORY, state, OURS), most=most)
    received = Number("receive", receive.BURST, race.CPU, OURS)
    sent = Number("send", send.BURST, race.CPU, OURS)
    for cost, what, most, ag2 in ((received, "a message received", 5.0, 2.0), (sent, "a chunk sent", 4.5, 3.0)):
        yield Aim(f"{what} in a burst, µs", cost, most=most, possible=cost._replace(one=LEAST))
        for name, way, least in ((GOOGLE, OURS, 10.0), (AG2, OURS_BASE64, ag2)):
            ratio = cost._replace(one=name, other=way)
            yield Aim(f"{what}, {name} ÷ {way}", ratio, least, possible=ratio._replace(other=LEAST))
    held = Number("latency", latency.BLOCKS, latency.LONGEST, OURS)
    yield Aim("longest block of the event loop, ms of CPU", held, most=2.0)
    imported = Number("imports", "", imports.CPU, OURS)
    yield Aim("`import`, ms", imported, most=57.0, possible=imported._replace(one=imports.FLOOR))
    quiet = Number("conversations", "", conversations.CPU, conversations.QUIET_CASE)
    yield Aim("the server, a microphone in a quiet room, ms per session and second", quiet, most=2.0)


AIMS = [*_ratios(), *_others()]


def section(first: Results, again: Results) -> str:
    """A section of the page."""
    return "\n\n".join(filter(None, ["## What was aimed at?", REMARKS, _table(first, again), _agreement(first, again)]))


def _table(first: Results, again: Results) -> str:
    """Every aim that something was measured for."""
    columns = ["", "aim", "measured", *(["in the second run", "agree"] if again else []), "possible"]
    lines = [row(columns), row(["---", *["---:"] * (len(columns) - 1)])]
    for aim in AIMS:
        if rounds := aim.number.rounds(first):
            possible = aim.possible.rounds(first) if aim.possible else []
            second = aim.number.rounds(again)
            cells = [aim.what, aim.text(), f"{with_range(rounds)}{'' if aim.met(rounds) else ', **missed**'}"]
            if again:
                cells += [with_range(second), _agreed(rounds, second)] if second else ["", ""]
            lines.append(row([*cells, short(median(possible)) if possible else ""]))
    return "\n".join(lines)


def _agreed(rounds: Sequence[float], second: Sequence[float]) -> str:
    return {True: "yes", False: "**no**", None: f"{_apart(rounds, second):+.0%}"}[agree(rounds, second)]


def _apart(rounds: Sequence[float], second: Sequence[float]) -> float:
    return median(second) / median(rounds) - 1 if median(rounds) else 0.0


def _agreement(first: Results, again: Results) -> str:
    """How many of the ratios of all tables agree."""
    pairs = [pair for question in first.keys() & again.keys() for pair in _ratios_of(first[question], again[question])]
    if not pairs:
        return ""
    judged = [agree(*pair) for pair in pairs if agree(*pair) is not None]
    apart = sorted(abs(_apart(*pair)) for pair in pairs)
    return fill(
        f"Two runs agree where the median of one lies in the range of the other. Of the {len(judged)} ratios (`×`) on "
        f"this page that were measured in several rounds, {sum(map(bool, judged))} do. One round has no range, so "
        f"there it says by how much the second run differs. Of all {len(pairs)} ratios, half differ by less than "
        f"{median(apart):.0%}, nine of ten by less than {apart[len(apart) * 9 // 10]:.0%}.",
        120,
    )


def _ratios_of(first: Result, again: Result) -> Iterable[tuple[list[float], list[float]]]:
    """Every number of a rival divided by ours, in both runs."""
    seconds = {series.title: series for series in again.series}
    for one in first.series:
        other = seconds.get(one.title)
        for name, columns in one.measured.items():
            for column in columns:
                if other and one.is_compared(name, column) and column in other.measured.get(name, {}):
                    yield one.times_ours(name, column), other.times_ours(name, column)
