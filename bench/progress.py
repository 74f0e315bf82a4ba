"""What is measured now, for whoever waits."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

TO_BEGIN, CLEAR = "\r", "\x1b[K"
"""Of a line of the terminal."""


class Progress:
    """Through the questions of a run.

    Args:
        expected_s: how long each takes, as far as that is known.
    """

    def __init__(self, expected_s: Sequence[float | None]) -> None:
        self._expected_s = expected_s
        self._at = 0

    def next(self, question: str) -> None:
        """Say which question comes, how long it takes, and how long the rest does."""
        about, *rest = self._expected_s[self._at :]
        self._at += 1
        takes = f", {_duration(about)}" if about else ""
        more = f", then {_duration(sum(known))} more" if rest and all(known := [each or 0.0 for each in rest]) else ""
        say(f"[{self._at}/{len(self._expected_s)}] {time.strftime('%H:%M:%S')} {question}{takes}{more}")


def say(line: str) -> None:
    """A line that stays."""
    print(f"{CLEAR if sys.stderr.isatty() else ''}{line}", file=sys.stderr, flush=True)


def now(what: str) -> None:
    """What is measured just now; on a terminal only, where the next line takes its place."""
    if sys.stderr.isatty():
        print(f"{CLEAR}      {what[:70]}", end=TO_BEGIN, file=sys.stderr, flush=True)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
