"""A recording, or several, as a picture: the timeline of the page, for reports."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gemini_realtime.errors import MissingDependencyError
from gemini_realtime.inspection.page import Inspected, gaps, numbers, placed_marks
from gemini_realtime.inspection.sound import PEAKS_HZ
from gemini_realtime.inspection.story import Spoken

try:
    import numpy as np
    from matplotlib.figure import Figure
except ImportError as error:
    raise MissingDependencyError("drawing a recording", "inspect") from error

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH_IN: Final = 14.0
HEIGHT_IN: Final = 4.6
_COLOURS: Final = {
    "user": "#0b6fb8", "assistant": "#7a3fd0", "tool": "#8a5a00", "fault": "#b3261e", "recovery": "#1a7443",
    "notice": "#5b6675", "cut": "#c2255c", "quiet": "#5b6675",
}  # fmt: skip
_SOFT: Final = {"user": "#d7eaf9", "assistant": "#e9dffa", "tool": "#fbebc8", "quiet": "#e5e9ef", "recovery": "#d5f0df"}
_LANES: Final = ("You", "Model", "You said", "Model said", "Response", "Tools", "Connection", "Events")
_LETTERS: Final = 190
"""As many fit into the width of the picture."""

_POINTS: Final = 4000


def write_picture(inspected: Sequence[Inspected], path: Path) -> None:
    """Draw them below each other, in the format that the name ends with: `.png`, `.svg`, `.pdf`.

    Raises:
        OSError: the file cannot be written.
    """
    figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN * len(inspected)), layout="constrained")
    for number, one in enumerate(inspected, 1):
        _draw(figure.add_subplot(len(inspected), 1, number), one)
    figure.savefig(path, dpi=150)


def _draw(axes: Axes, one: Inspected) -> None:
    seconds = one.story.duration_ms / 1000
    axes.set_xlim(0, seconds)
    axes.set_ylim(len(_LANES), 0)
    axes.set_yticks([lane + 0.5 for lane in range(len(_LANES))], _LANES)
    axes.set_xlabel("seconds")
    axes.tick_params(axis="y", length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    for lane in range(1, len(_LANES)):
        axes.axhline(lane, color="#d9dee5", linewidth=0.6)
    told = "   ".join(f"{label} {value} {more}".strip() for label, value, more, _ in numbers(one.summary))
    axes.set_title(f"{one.story.recording.path.stem}\n", loc="left", fontsize=11, fontweight="bold")
    axes.text(0, -0.18, told, fontsize=7.5, color=_COLOURS["quiet"], clip_on=False).set_in_layout(False)
    for lane, (side, peaks) in enumerate(zip(("user", "assistant"), one.sound.peaks, strict=True)):
        _wave(axes, lane, peaks, _COLOURS[side])
    for spoken in one.story.spoken:
        _turn(axes, spoken, seconds)
    _connections(axes, one)
    for mark, row in placed_marks(one.story):
        axes.plot([mark.at_ms / 1000] * 2, [7.1, 7.9], color=_COLOURS[mark.kind], linewidth=1.5)
        place = mark.at_ms / 1000 + seconds / 300, 7.25 + 0.27 * row
        axes.text(*place, mark.name, fontsize=7, va="center", color=_COLOURS[mark.kind], clip_on=True)


def _wave(axes: Axes, lane: int, peaks: bytes, colour: str) -> None:
    levels = np.frombuffer(peaks, np.uint8).astype(np.float32)
    if not len(levels):
        return
    step = max(1, len(levels) // _POINTS)
    levels = levels[: len(levels) // step * step].reshape(-1, step).max(axis=1)
    levels = levels / max(16.0, float(levels.max())) * 0.45
    at = np.arange(len(levels)) * step / PEAKS_HZ
    axes.fill_between(at, lane + 0.5 - levels, lane + 0.5 + levels, color=colour, linewidth=0.3)


def _turn(axes: Axes, spoken: Spoken, seconds: float) -> None:
    turn = spoken.turn
    lane = 2 if turn.role == "user" else 3
    _bar(axes, lane, spoken.begin_ms, spoken.end_ms, turn.role, turn.said, seconds)
    if turn.interrupted:
        axes.plot([spoken.end_ms / 1000] * 2, [lane + 0.1, lane + 0.9], color=_COLOURS["fault"], linewidth=2)
    if turn.first_audio_ms is not None and turn.first_audio_ms > 0:
        begin_ms = spoken.begin_ms - turn.first_audio_ms
        _bar(axes, 4, begin_ms, spoken.begin_ms, "quiet", f"{turn.first_audio_ms / 1000:.1f} s", seconds)
    for use in turn.tools:
        _bar(axes, 5, use.begin_ms, use.begin_ms + (use.duration_ms or 0.0), "tool", use.name, seconds)


def _connections(axes: Axes, one: Inspected) -> None:
    seconds = one.story.duration_ms / 1000
    for connection in one.story.connections:
        end_ms = one.story.duration_ms if connection.closed_ms is None else connection.closed_ms
        _bar(axes, 6, connection.opened_ms, end_ms, "recovery", f"#{connection.number}", seconds)
    for begin_ms, end_ms in gaps(one.story):
        axes.axvspan(begin_ms / 1000, end_ms / 1000, color=_COLOURS["fault"], alpha=0.25, linewidth=0)


def _bar(axes: Axes, lane: int, begin_ms: float, end_ms: float, kind: str, text: str, seconds: float) -> None:
    width = max(end_ms - begin_ms, 0.0) / 1000
    bar: dict[str, Any] = {"color": _SOFT[kind], "edgecolor": _COLOURS[kind], "linewidth": 0.8}
    axes.barh(lane + 0.5, max(width, seconds / 800), height=0.7, left=begin_ms / 1000, **bar)
    letters = int(width / seconds * _LETTERS)
    if letters > 2:
        shown = text if len(text) <= letters else text[: letters - 1] + "…"
        axes.text(begin_ms / 1000 + seconds / 400, lane + 0.5, shown, fontsize=7, va="center", clip_on=True)
