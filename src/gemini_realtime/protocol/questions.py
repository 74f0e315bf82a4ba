"""Which questions have been answered, where the model answers one after the other: as far as that can be known.

No answer says which question it is to. So answers are counted: where two questions may have been taken in either order,
one answer says for certain of neither that it was answered, and the second one says it of both.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Final

import msgspec
from msgspec.structs import replace

from gemini_realtime.protocol.turns import LATE_TRANSCRIPT_S

MAX_HEARD: Final = 64
"""Bound on utterances that wait for an answer; the oldest are given up."""


class Question(msgspec.Struct, frozen=True):
    """A question that waits for its answer.

    Attributes:
        after: the number of the last message that the service had certainly taken before it.
        until: the number of the last message that it may have taken before it; of a typed question its own.
        spoken_until: the number of the last message that certainly went out before its end was heard.
        heard_at: when the service said that it had understood it, seconds; None for one that was typed.
    """

    after: int
    until: int
    spoken_until: int = 0
    heard_at: float | None = None

    def precedes(self, other: Question) -> bool:
        """Whether the service has certainly taken it before the other one."""
        if self.heard_at is not None and other.heard_at is not None:
            return self.heard_at < other.heard_at
        return self.until <= other.after


class Answered(msgspec.Struct, frozen=True):
    """What an answer, with those before it, is evidence of.

    Attributes:
        until: what was given up to this number, audio aside, is answered.
        maybe_until: what was given up to this number may be.
        spoken_until: the same of audio; None: all that had reached the service.
    """

    until: int
    maybe_until: int = 0
    spoken_until: int | None = 0


class Questions:
    """The questions of a model that answers one after the other.

    Attributes:
        one_by_one: whether it does that, whatever it is asked.
    """

    def __init__(self) -> None:
        self.one_by_one = False
        self._announced = False
        self._heard: list[Question] = []
        self._answers = 0  # to some of those that wait, and to which is not known
        self._at_once: tuple[int, float] = (0, -inf)

    @property
    def any_heard(self) -> bool:
        """Whether an utterance waits for its answer."""
        return bool(self._heard)

    def configured(self, *, one_by_one: bool, announced: bool) -> None:
        """How the session in force takes questions.

        Args:
            one_by_one: no answer is interrupted by the next question.
            announced: the application says when somebody has spoken, and by that it asks.
        """
        self.one_by_one, self._announced = one_by_one, announced

    # --- what is asked

    def sent_at_once(self, after: int, until: float) -> None:
        """So much audio went out at once that nobody knows, until it would have been spoken, how much of what was given
        after this message the service has heard."""
        self._at_once = after, until

    def heard(self, after: int, until: int, now: float, *, speaks_on: bool) -> None:
        """The service has understood an utterance.

        Args:
            after: as in `Question`.
            until: as in `Question`.
            now: seconds.
            speaks_on: it belongs to what was understood just before.
        """
        if self._announced:
            return
        known_until, catches_up_at = self._at_once
        if now < catches_up_at:
            after = min(after, known_until)
        heard = Question(after, until, after, now)
        if speaks_on and self._heard:
            self._heard[-1] = replace(heard, after=self._heard[-1].after)
        elif not speaks_on:
            self._heard.append(heard)
            del self._heard[:-MAX_HEARD]

    def first(self, typed: Sequence[int]) -> int | None:
        """The number of the last message up to which the question was given that is answered next; None when there is
        none.

        Args:
            typed: numbers of the typed questions that wait.
        """
        waiting = self._waiting(typed)
        first = [one for one in waiting if not any(other.precedes(one) for other in waiting)]
        return max((one.until for one in first), default=None)

    def _waiting(self, typed: Sequence[int]) -> list[Question]:
        return [*(Question(number - 1, number) for number in typed), *self._heard]

    # --- what becomes of it

    def answered(self, typed: Sequence[int], after: int, began_at: float) -> Answered | None:
        """An answer is complete; None when it is to nothing that is known.

        Args:
            typed: numbers of the typed questions that it may be to.
            after: what was given up to this number is not answered before a call is.
            began_at: when it began, seconds.
        """
        latest = began_at + LATE_TRANSCRIPT_S  # of its own question
        waiting = [
            one
            for one in self._waiting(typed)
            if one.until > after and (one.heard_at is None or one.heard_at <= latest)
        ]
        if not waiting:
            return None
        self._answers += 1
        # Those that precede a question have been answered before it.
        maybe = [one for one in waiting if sum(other.precedes(one) for other in waiting) < self._answers]
        certain = [one for one in maybe if sum(not one.precedes(other) for other in waiting) <= self._answers]
        self._answers -= len(certain)
        self._heard = [one for one in self._heard if one not in certain]
        return Answered(
            until=max((one.until if one.heard_at is None else one.after for one in certain), default=0),
            maybe_until=max(one.until for one in maybe),
            spoken_until=max((one.spoken_until for one in certain), default=0),
        )

    def done(self, until: int) -> None:
        """What was given up to this number needs no answer any more."""
        self._heard = [one for one in self._heard if one.until > until]

    def given_up(self, before: float) -> None:
        """What was understood before then has no answer, and will not get one."""
        while self._heard and (self._heard[0].heard_at or 0.0) < before:
            del self._heard[0]

    def connection_lost(self, held_until: int) -> None:
        """What was given after this message is sent again, and understood and answered again."""
        self._heard = [one for one in self._heard if one.until <= held_until]
        self._answers = 0
