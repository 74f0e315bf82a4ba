"""How a model takes functions that run in the background: one word of ours, `background`, on every family."""

from __future__ import annotations

from typing import NamedTuple

from gemini_realtime.protocol.families import Behavior, Family


class Terms(NamedTuple):
    """How a function is declared to a model, and how its results travel.

    Attributes:
        behavior: to be declared; None for what the model takes by itself.
        scheduling: of the result: when the model speaks of it.
        partial: whether results may come before the last one.
        follows: the model waits for every result, so it is told at once that the function runs, and the result comes
            later, as words.
    """

    behavior: Behavior | None = None
    scheduling: str | None = None
    partial: bool = False
    follows: bool = False


def terms(family: Family, *, background: bool) -> Terms:
    """The terms of a function.

    Args:
        family: of the model.
        background: whether the model goes on talking while it runs.
    """
    wanted: Behavior = "NON_BLOCKING" if background else "BLOCKING"
    if background and (family.always_blocks or wanted not in family.behaviors):
        return Terms(follows=True)
    behavior = wanted if wanted in family.behaviors and wanted != family.behaviors[0] else None
    if not background:
        return Terms(behavior)
    return Terms(behavior, "WHEN_IDLE" if family.scheduling else None, partial=family.scheduling)
