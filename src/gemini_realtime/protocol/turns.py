"""Which turn is it, was it interrupted, is it over.

    IDLE ──output──> GENERATING ──generationComplete──> GENERATED ──turnComplete──> IDLE
                         │  └───────────turnComplete──────────────────────────────────^
                         └──interrupted──> INTERRUPTED ────────────turnComplete───────┘

Order of a normal turn: model output, generationComplete, turnComplete; of an interrupted one: interrupted,
turnComplete. Some models have been seen to leave out turnComplete, so new output after the end of generation begins a
new turn.
Source: https://ai.google.dev/api/live#BidiGenerateContentServerContent.
"""

from __future__ import annotations

from enum import Enum


class TurnState(Enum):
    """Where the model's turn stands."""

    __hash__ = object.__hash__  # an enum's own is computed in Python, and these are looked up for every frame

    IDLE = "idle"
    GENERATING = "generating"
    GENERATED = "generated"
    INTERRUPTED = "interrupted"


class TurnSignal(Enum):
    """What the service says about the turn."""

    __hash__ = object.__hash__

    OUTPUT = "output"
    GENERATION_COMPLETE = "generation complete"
    INTERRUPTED = "interrupted"
    TURN_COMPLETE = "turn complete"


TURN_TRANSITIONS = {
    (TurnState.IDLE, TurnSignal.OUTPUT): TurnState.GENERATING,
    (TurnState.IDLE, TurnSignal.INTERRUPTED): TurnState.INTERRUPTED,
    (TurnState.IDLE, TurnSignal.GENERATION_COMPLETE): TurnState.GENERATED,
    (TurnState.GENERATING, TurnSignal.GENERATION_COMPLETE): TurnState.GENERATED,
    (TurnState.GENERATING, TurnSignal.INTERRUPTED): TurnState.INTERRUPTED,
    (TurnState.GENERATING, TurnSignal.TURN_COMPLETE): TurnState.IDLE,
    (TurnState.GENERATED, TurnSignal.OUTPUT): TurnState.GENERATING,
    (TurnState.GENERATED, TurnSignal.INTERRUPTED): TurnState.INTERRUPTED,
    (TurnState.GENERATED, TurnSignal.TURN_COMPLETE): TurnState.IDLE,
    (TurnState.INTERRUPTED, TurnSignal.OUTPUT): TurnState.GENERATING,
    (TurnState.INTERRUPTED, TurnSignal.TURN_COMPLETE): TurnState.IDLE,
}
"""Pairs that are not listed leave the state as it is."""


class Turns:
    """The present turn of the model.

    Attributes:
        state: where it stands.
        count: turns that have begun.
    """

    def __init__(self) -> None:
        self.state = TurnState.IDLE
        self.count = 0

    @property
    def interrupted(self) -> bool:
        """Whether the present turn was cut off."""
        return self.state is TurnState.INTERRUPTED

    def signal(self, signal: TurnSignal) -> None:
        """Take note of what the service said."""
        after = TURN_TRANSITIONS.get((self.state, signal))
        if after is None:
            return
        if after is TurnState.GENERATING:
            self.count += 1
        self.state = after
