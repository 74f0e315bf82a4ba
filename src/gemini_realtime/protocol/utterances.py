"""What belongs together: where the utterance begins that is to be answered, and which answer has begun."""

from __future__ import annotations

import msgspec


class Answering(msgspec.Struct, frozen=True):
    """An answer that has begun.

    Attributes:
        until: the number of the last message that had gone out.
        began_at: when it began, seconds.
    """

    until: int
    began_at: float


class Utterances:
    """What the user says, as far as it is known where that begins.

    No handle is trusted to hold a part of an utterance: a session that is resumed from the middle of one may not hear
    the whole. So it is kept from its beginning until it is answered.

    Attributes:
        answering: the answer that has begun; None between answers.
        first: the number of the message with which the utterance begins that is to be answered; None when none has.
        second: the same of the one after it.
    """

    def __init__(self) -> None:
        self.answering: Answering | None = None
        self.first: int | None = None
        self.second: int | None = None

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

    def connection_lost(self) -> None:
        """The answer is cut off, and will be given again."""
        self.answering = None
