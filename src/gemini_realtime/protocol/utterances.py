"""What belongs together: where the utterance begins that is to be answered, and what the present answer can answer."""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

from gemini_realtime.protocol.turns import LATE_TRANSCRIPT_S

MAX_WAITING: Final = 64
"""Bound on utterances that wait for an answer; the oldest are given up."""


class Answering(NamedTuple):
    """An answer that has begun.

    Attributes:
        until: the number of the last message that had gone out.
        began_at: when it began, seconds.
    """

    until: int
    began_at: float


class Heard(NamedTuple):
    """An utterance that the service has understood.

    Attributes:
        until: the number of the last message that had reached the service then.
        at: when it said so, seconds.
    """

    until: int
    at: float


class Utterances:
    """What the user says, as far as it is known where that begins.

    No handle is trusted to hold a part of an utterance: a session that is resumed from the middle of one may not hear
    the whole. So it is kept from its beginning until it is answered.

    Attributes:
        answering: the answer that has begun; None between answers.
        first: the number of the message with which the utterance begins that is to be answered; None when none has.
        second: the same of the one after it.
        waiting: those that were understood and wait for their answers, where each gets one of its own.
    """

    def __init__(self) -> None:
        self.answering: Answering | None = None
        self.first: int | None = None
        self.second: int | None = None
        self.waiting: deque[Heard] = deque(maxlen=MAX_WAITING)

    @property
    def held_from(self) -> int | None:
        """From which message on no handle is trusted; None: all may be."""
        return self.second if self.first is None else self.first

    def started(self, number: int, *, apart: bool) -> None:
        """An utterance begins with this message.

        Args:
            number: of the message.
            apart: it gets an answer of its own, even while the one before it has none.
        """
        if self.answering is None and (self.first is None or not apart):
            self.first = number
        elif self.second is None:  # spoken into an answer, whose end is not that of this utterance
            self.second = number

    def heard(self, until: int, now: float, *, speaks_on: bool) -> None:
        """The service has understood something, of an utterance that gets an answer of its own.

        Args:
            until: as in `Heard`.
            now: seconds.
            speaks_on: it belongs to what was understood just before.
        """
        if not speaks_on:
            self.waiting.append(Heard(until, now))
        elif self.waiting:
            self.waiting[-1] = Heard(until, now)

    def given_up(self, before: float) -> None:
        """What was understood before then has no answer, and will not get one."""
        while self.waiting and self.waiting[0].at < before:
            self.waiting.popleft()

    def first_waiting(self, began_at: float, asked: int | None) -> Heard | None:
        """The answer that began then is to the utterance that has waited longest, unless this message asked before it
        did: returns the utterance, which waits no longer; None when it is to something else."""
        first = self.waiting[0] if self.waiting else None
        if first is None or first.at > began_at + LATE_TRANSCRIPT_S or (asked is not None and asked <= first.until):
            return None
        return self.waiting.popleft()

    def answer_began(self, until: int, now: float) -> None:
        """The model begins to answer what had gone out."""
        self.answering = Answering(until, now)

    def answer_completed(self) -> Answering | None:
        """The answer is complete, and with it the utterance; returns it, None when none had begun."""
        answering, self.answering = self.answering, None
        if answering is not None:
            self.first, self.second = self.second, None
        return answering

    def answer_cut(self) -> None:
        """The answer was cut off, which is no evidence of anything: a later one may answer all of it."""
        self.answering = None
        self.first, self.second = self.held_from, None

    def connection_lost(self, held_until: int) -> None:
        """The answer is cut off, and will be given again; so is what was understood of later messages than this."""
        self.answering = None
        self.waiting = deque((heard for heard in self.waiting if heard.until <= held_until), MAX_WAITING)
