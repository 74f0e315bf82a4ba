"""Which turn is it, was it interrupted, is it over, and is an answer owed that has not begun.

    IDLE ──output──> GENERATING ──generationComplete──> GENERATED ──turnComplete──> IDLE
                         │  └───────────turnComplete──────────────────────────────────^
                         └──interrupted──> INTERRUPTED ────────────turnComplete───────┘

Order of a normal turn: model output, generationComplete, turnComplete; of an interrupted one: interrupted,
turnComplete. Some models have been seen to leave out turnComplete, so new output after the end of generation begins a
new turn. Output right after an interruption still belongs to what was cut off.
Source: https://ai.google.dev/api/live#BidiGenerateContentServerContent.
"""

from __future__ import annotations

from enum import Enum
from math import inf
from typing import Final

from gemini_realtime.protocol.speech import Speech

END_WITHIN_S: Final = 3.0
"""How long after the last of its audio could be heard a turn may take to end. The service holds `turnComplete` back
until its audio has been heard; that it comes within seconds then is what recorded sessions show."""

LATE_OUTPUT_S: Final = 1.0
"""So long after an interruption output may still be of what was cut off, unless the user has said something since."""

LATE_TRANSCRIPT_S: Final = 2.0
"""So long after an answer began, or ended, transcripts may still be of it and of its question: the service promises no
order. How long is a guess."""

SPEAKS_ON_S: Final = 3.0
"""Words that are heard so soon after others are of one utterance, in which nobody waits for an answer: the service does
not wait as long for the end of one."""

ASKED_OUTPUT_S: Final = 0.3
"""The same where a question waits: no answer begins sooner."""


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


ENDING = (TurnState.GENERATED, TurnState.INTERRUPTED)
"""States in which the end of the turn is all that is to come."""


class Turns:
    """The present turn of the model.

    Attributes:
        state: where it stands.
        owed_since: since when an answer is owed that has not begun, seconds: since it was asked for last; None when
            none is.
        owed_from: since it was asked for first.
        ended_at: when the last turn ended; -inf before the first; seconds.
        began: whether there was output of any kind in the present turn.
        speech: what was spoken in it.
        longest_wait_s: for how long an answer was owed at most before it began, seconds.
        speaks_on: what was understood last belongs to what was understood before it.
        ended_here: the last turn was ended by this side, and its end may yet come.
    """

    def __init__(self) -> None:
        self.state = TurnState.IDLE
        self.owed_since: float | None = None
        self.owed_from = -inf
        self.ended_at = -inf
        self.began = False
        self.speech = Speech()
        self.longest_wait_s = 0.0
        self.ended_here = False
        self.speaks_on = False
        self._began_at = 0.0
        self._signalled_at = 0.0
        self._heard_since = self._heard_into = False
        self._heard_at = -inf

    @property
    def interrupted(self) -> bool:
        """Whether the present turn was cut off."""
        return self.state is TurnState.INTERRUPTED

    def asked(self, now: float, *, aloud: bool = False) -> None:
        """The service owes an answer: to text, to speech that ended, to a function's result that is not silent.

        Args:
            now: seconds.
            aloud: to what was `heard` just now.
        """
        if self.owed_since is None or (aloud and self.speaks_on):
            self.owed_from = now
        self.owed_since, self._heard_since = now, True

    def heard(self, now: float, *, in_words: bool = True) -> None:
        """The service understood something that was said: an utterance, or some words of one."""
        self.speaks_on, self._heard_at = in_words and now <= self._heard_at + SPEAKS_ON_S, now
        if self.state in (TurnState.IDLE, TurnState.INTERRUPTED):
            self._heard_since = True
        else:  # the question, late, or what interrupts the answer to it
            self._heard_into = True

    def not_awaited(self) -> None:
        """Nobody waits any more for the answer that is owed."""
        self.owed_since = None

    def is_late(self, now: float) -> bool:
        """Whether words of the model that come now may be of a turn that is over: the service promises no order."""
        return self.state is TurnState.IDLE and not self._heard_since and now <= self.ended_at + LATE_TRANSCRIPT_S

    def is_stale(self, now: float) -> bool:
        """Whether output that comes now is of an answer that was cut off."""
        if not self.interrupted or self._heard_since:
            return False
        return now < self._signalled_at + (LATE_OUTPUT_S if self.owed_since is None else ASKED_OUTPUT_S)

    def output(self, now: float) -> None:
        """The model says, writes or thinks something: an answer begins."""
        if self.owed_since is not None:
            self.longest_wait_s = max(self.longest_wait_s, now - self.owed_since)
        self._signal(TurnSignal.OUTPUT)
        self._began_at = now
        self.speech.begin()
        self.began, self.ended_here, self.owed_since = True, False, None
        self._heard_since = self._heard_into = False

    def spoke(self, characters: int, rate_hz: int) -> None:
        """A piece of speech came: so many characters of base64, of 16-bit samples at that rate."""
        if self.state is TurnState.GENERATING:
            self.speech.add(characters, rate_hz)

    def wrote(self) -> None:
        """Words of what it says came; those that come after the end of a turn are of that."""
        self.began = self.began or self.state is not TurnState.IDLE

    def called(self) -> None:
        """The model calls a function, which is no answer, but all that it may have to say for now."""
        self.began, self.ended_here, self.owed_since = True, False, None

    def generated(self, now: float) -> None:
        """The answer is whole; its end follows when it has been heard, or never."""
        if self.state is TurnState.IDLE:  # a question that was asked during an answer waits for the next one
            self.owed_since = None
        self._signal(TurnSignal.GENERATION_COMPLETE)
        self._signalled_at = now

    def cut(self, now: float) -> None:
        """The answer was interrupted."""
        if self.state is TurnState.IDLE and self.owed_since is not None:  # whoever asked goes on speaking
            self.owed_since, self._heard_into = None, True
        self._signal(TurnSignal.INTERRUPTED)
        self._signalled_at, self._heard_since = now, False

    def completed(self, now: float, *, more_follows: bool = False) -> None:
        """The turn is over.

        Args:
            now: seconds.
            more_follows: the service said that it works on.
        """
        if self.state is TurnState.IDLE and not more_follows:  # all the answer there will be
            self.owed_since = None
        answers_follow = self.owed_since is not None or (self.interrupted and self._heard_into)
        self._signal(TurnSignal.TURN_COMPLETE)
        self.ended_here = False
        self._over(now)
        self._heard_since = answers_follow

    def ended(self) -> None:
        """The end of the turn was told by this side."""
        self.ended_here = True

    def lost(self, now: float) -> TurnState:
        """The turn ends with its connection; returns where it stood."""
        state, self.state = self.state, TurnState.IDLE
        self.ended_here = False  # what was left out does not come over another connection
        self._over(self.ended_at if state is TurnState.IDLE else now)
        return state

    def _over(self, now: float) -> None:
        self.ended_at, self.began = now, False
        self.speech.begin()

    def _signal(self, signal: TurnSignal) -> None:
        if (after := TURN_TRANSITIONS.get((self.state, signal))) is not None:
            self.ended_here = self.ended_here and self.state is not TurnState.IDLE  # a turn of its own, which ends
            self.state = after
            self.speech.interrupt()

    # --- an end that is left out

    def ends_by(self) -> float | None:
        """When the turn is to have ended; None while it goes on, and when there is none; seconds."""
        if self.state is TurnState.GENERATED:
            return max(self._signalled_at, self._began_at + self.speech.spoken_s) + END_WITHIN_S
        return self._signalled_at + END_WITHIN_S if self.interrupted else None
