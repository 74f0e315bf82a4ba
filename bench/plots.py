"""Pictures of the results that are kept, for docs/performance.md."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from bench.capacity import FITS, LATE_MS
from bench.contestants import FLOOR, GENERATOR, LEAST, OURS_DISPATCH, OURS_NO_ECHOES
from bench.density import BESIDE_THEM, CPU, IDLE, MEMORY, PLAIN, TALKING, WAYS
from bench.latency import COLUMNS
from bench.report import Result, Series, short

OURS_COLOUR, OTHER_COLOUR, FLOOR_COLOUR = "#1a73e8", "#9aa0a6", "#dadce0"

Drawn = list[tuple[str, str]]
"""Names of pictures, and what they show in words."""


def draw(results: Mapping[str, Result], folder: Path) -> dict[str, Drawn]:
    """Draw the pictures of every question that has some.

    Args:
        results: by the name of the question.
        folder: where the pictures go.

    Returns:
        Them by the name of the question. Without matplotlib they stay as they are, and are not named.
    """
    try:
        import matplotlib  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        print("matplotlib is not installed: there are no pictures", file=sys.stderr)
        return {}
    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "the same picture from the same numbers"
    return {name: drawer(results[name].series, folder) for name, drawer in _DRAWERS.items() if name in results}


def _density(series: Sequence[Series], folder: Path) -> Drawn:
    by_title = {each.title: each for each in series}
    plain, memory = series[0], by_title[MEMORY]
    frameworks = next((each for each in series if each.title.endswith(BESIDE_THEM)), None)
    per_second = "ms of CPU time per conversation and second; less is better"
    _bars(folder / "performance-cpu.svg", plain, {CPU: 1.0}, per_second, floor=FLOOR)
    ways = [plain, *(each for each in series[1:] if each.title in WAYS)]
    _groups(folder / "performance-ways.svg", ways, CPU, per_second)
    alike = [name for name in memory.contestants if name not in (OURS_NO_ECHOES, OURS_DISPATCH)]
    _bars(folder / "performance-memory.svg", memory, {IDLE: 0.5, TALKING: 1.0}, "kB per session", only=alike)
    drawn = [
        ("performance-cpu.svg", f"CPU time of {plain.title.removesuffix(PLAIN)}conversations, by client"),
        ("performance-ways.svg", "The same on uvloop, over TLS, and with usage in every message"),
    ]
    if frameworks is not None:
        _bars(folder / "performance-frameworks.svg", frameworks, {CPU: 1.0}, per_second)
        shown = f"CPU time of {frameworks.title.partition(' ')[0]} conversations, with frameworks"
        drawn.append(("performance-frameworks.svg", shown))
    return [*drawn, ("performance-memory.svg", "Memory per session, by client")]


def _capacity(series: Sequence[Series], folder: Path) -> Drawn:
    name = "performance-capacity.svg"
    label = f"conversations whose audio is at most {LATE_MS:g} ms late (p99); more is better"
    _bars(folder / name, series[0], {FITS: 1.0}, label, floor=FLOOR)
    return [(name, "Conversations that fit on a core, by client")]


def _latency(series: Sequence[Series], folder: Path) -> Drawn:
    name, columns = "performance-latency.svg", dict(zip(COLUMNS, (0.4, 0.7, 1.0), strict=True))
    _bars(folder / name, series[1], columns, f"ms late with {series[1].title}; less is better", log=True)
    return [(name, "How late audio comes, by client")]


def _receive(series: Sequence[Series], folder: Path) -> Drawn:
    name = "performance-sizes.svg"
    _lines(folder / name, series[1], "bytes of audio in a message", "µs of CPU per message")
    return [(name, "What a message costs by its size")]


_DRAWERS: dict[str, Callable[[Sequence[Series], Path], Drawn]] = {
    "density": _density,
    "capacity": _capacity,
    "latency": _latency,
    "receive": _receive,
}


def _bars(
    path: Path,
    series: Series,
    columns: Mapping[str, float],
    label: str,
    *,
    only: Sequence[str] = (),
    floor: str = "",
    log: bool = False,
) -> None:
    """One bar per contestant and column, with the range of its rounds; columns differ in how dark they are."""
    from matplotlib import pyplot  # type: ignore[import-not-found,unused-ignore]

    names = [name for name in only or series.contestants if name in series.measured]
    figure, axes = pyplot.subplots(figsize=(8, 0.9 + 0.45 * len(names)), layout="constrained")
    height = 0.8 / len(columns)
    for at, (column, alpha) in enumerate(columns.items()):
        places = [place + (at - (len(columns) - 1) / 2) * height for place in range(len(names))]
        numbers = [series.measured[name][column] for name in names]
        middles = [median(rounds) for rounds in numbers]
        style: dict[str, Any] = {"alpha": alpha, "ecolor": "#5f6368", "capsize": 2}
        colours = [_colour(name) for name in names]
        axes.barh(places, middles, height * 0.9, xerr=_ranges(numbers), color=colours, **style)
        axes.barh([0], [0], color=OTHER_COLOUR, alpha=alpha, label=column.removesuffix(", kB").removesuffix(", ms"))
        for place, middle, rounds in zip(places, middles, numbers, strict=True):
            axes.annotate(f" {short(middle)}", (max(rounds), place), va="center", fontsize=9)
    if floor in names:
        axes.axvline(median(series.measured[floor][column]), color="#5f6368", linestyle=":", linewidth=1, zorder=0)
    if len(columns) > 1:
        axes.legend(frameon=False, loc="best")
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    if log:
        axes.set_xscale("log")
    _finish(figure, axes, path, label)


def _groups(path: Path, ways: Sequence[Series], column: str, label: str) -> None:
    """One group of bars per way, in it one bar per contestant that takes part in all."""
    from matplotlib import pyplot

    names = [name for name in ways[-1].contestants if all(name in series.measured for series in ways)]
    names = [name for name in names if name != GENERATOR]
    figure, axes = pyplot.subplots(figsize=(8, 0.9 + 0.24 * len(ways) * (len(names) + 1)), layout="constrained")
    height = 0.9 / len(names)
    for at, name in enumerate(names):
        places = [place + (at - (len(names) - 1) / 2) * height for place in range(len(ways))]
        numbers = [series.measured[name][column] for series in ways]
        style: dict[str, Any] = {"color": _colour(name), "ecolor": "#5f6368", "capsize": 2}
        axes.barh(places, [median(each) for each in numbers], height * 0.9, xerr=_ranges(numbers), **style)
        for place, rounds in zip(places, numbers, strict=True):
            axes.annotate(f" {short(median(rounds))}  {name}", (max(rounds), place), va="center", fontsize=8)
    axes.set_yticks(range(len(ways)), [_wrapped(series.title) for series in ways])
    axes.invert_yaxis()
    axes.margins(x=0.4)
    _finish(figure, axes, path, label)


def _lines(path: Path, series: Series, across: str, up: str) -> None:
    """One line per contestant over columns that begin with a number."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 4), layout="constrained")
    for name, columns in series.measured.items():
        sizes = [int(column.split()[0].replace(",", "")) for column in columns]
        middles = [median(rounds) for rounds in columns.values()]
        style = "--" if name.endswith("base64") else "-"
        axes.plot(sizes, middles, style, marker="o", color=_colour(name), label=name)
        axes.annotate(f" {name}", (sizes[-1], middles[-1]), va="center", fontsize=9)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.minorticks_off()
    axes.set_ylabel(up)
    axes.margins(x=0.3)
    _finish(figure, axes, path, across)


def _finish(figure: Any, axes: Any, path: Path, label: str) -> None:
    from matplotlib import pyplot

    axes.set_xlabel(label)
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(x=max(0.1, axes.margins()[0]))
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def _ranges(numbers: Sequence[Sequence[float]]) -> Any:
    middles = [median(rounds) for rounds in numbers]
    return [
        [middle - min(rounds) for middle, rounds in zip(middles, numbers, strict=True)],
        [max(rounds) - middle for middle, rounds in zip(middles, numbers, strict=True)],
    ]


def _wrapped(title: str, width: int = 22) -> str:
    lines = [""]
    for word in title.split():
        if len(lines[-1]) + len(word) > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "\n".join(lines)


def _colour(name: str) -> str:
    if name.startswith("gemini-realtime"):
        return OURS_COLOUR
    return FLOOR_COLOUR if "alone" in name or name == LEAST else OTHER_COLOUR
