"""Pictures of the results that are kept, for docs/performance.md."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from bench.density import CPU, IDLE, TALKING
from bench.report import Series

PICTURES = ["performance-cpu.svg", "performance-memory.svg"]
OURS_COLOUR, OTHER_COLOUR, FLOOR_COLOUR = "#1a73e8", "#9aa0a6", "#dadce0"


def draw_density(series: Sequence[Series], folder: Path) -> list[str]:
    """Bars of CPU time and of memory.

    Args:
        series: as `bench.density` answers: CPU time twice, then memory.
        folder: where the pictures go.

    Returns:
        Their names, as far as they are there: without matplotlib they stay as they are.
    """
    try:
        import matplotlib  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        print("matplotlib is not installed: the pictures stay as they are", file=sys.stderr)
        return [name for name in PICTURES if (folder / name).exists()]
    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "the same picture from the same numbers"
    plain, *_, memory = series
    cpu, kept = PICTURES
    _bars(folder / cpu, plain, {CPU: 1.0}, "ms of CPU per conversation and second")
    _bars(folder / kept, memory, {IDLE: 0.5, TALKING: 1.0}, "kB per session: silent, and talking")
    return PICTURES


def _bars(path: Path, series: Series, columns: dict[str, float], label: str) -> None:
    """One bar per contestant and column, with the range of its rounds; columns differ in how dark they are."""
    from matplotlib import pyplot  # type: ignore[import-not-found,unused-ignore]

    names = [name for name in series.contestants if name in series.measured]
    figure, axes = pyplot.subplots(figsize=(8, 0.9 + 0.45 * len(names)), layout="constrained")
    height = 0.8 / len(columns)
    for at, (column, alpha) in enumerate(columns.items()):
        places = [place + (at - (len(columns) - 1) / 2) * height for place in range(len(names))]
        numbers = [series.measured[name][column] for name in names]
        middles = [median(rounds) for rounds in numbers]
        ranges: Any = [
            [middle - min(rounds) for middle, rounds in zip(middles, numbers, strict=True)],
            [max(rounds) - middle for middle, rounds in zip(middles, numbers, strict=True)],
        ]
        colours = [_colour(name) for name in names]
        axes.barh(places, middles, height * 0.9, xerr=ranges, color=colours, alpha=alpha, ecolor="#5f6368", capsize=2)
        for place, middle, rounds in zip(places, middles, numbers, strict=True):
            axes.annotate(f" {middle:.3g}", (max(rounds), place), va="center", fontsize=9)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlabel(label)
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(x=0.1)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def _colour(name: str) -> str:
    if name.startswith("gemini-realtime"):
        return OURS_COLOUR
    return FLOOR_COLOUR if "alone" in name else OTHER_COLOUR
