"""What the service holds of a conversation: branches that fork where it was taken up again.

branch 1   ask 1 ─ ask 2 ─┬─ ask 3 ─ audio 40..90            given up: nobody will go on from here
                          └─ handle-2
branch 2                        └─ ask 3 ─ audio 60..120      what the conversation is now
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

Kind = Literal["ask", "note", "result", "context", "seed", "heard", "audio"]


@dataclass
class Item:
    """Something that the service took in.

    Attributes:
        kind: what it is; `seed` is a turn of a history that a new session was given, `heard` the end of an utterance.
        key: the words of a text or context, the id of a call, `utterance 3`; empty for audio.
        first: of audio: the first chunk.
        last: of audio: the last chunk; chunks between them are all there, in order.
        utterance: of audio: what is being said, 0 in silence.
    """

    kind: Kind
    key: str = ""
    first: int = 0
    last: int = -1
    utterance: int = 0


@dataclass
class Answer:
    """One answer of the model.

    Attributes:
        number: of all answers.
        begun: how much its branch held when it began.
        ended: how much its branch held when it was over; None if the connection ended before.
        covers: what it answers: `ask 3`, `utterance 2`, ids of calls.
        inherited: the same, of what the handle held with which its branch began. If another branch has answered that,
            nobody can help the repetition.
        pieces: how many it has.
        interrupted: it was cut off by the user.
    """

    number: int
    begun: int
    ended: int | None = None
    covers: list[str] = field(default_factory=list)
    inherited: list[str] = field(default_factory=list)
    pieces: int = 0
    interrupted: bool = False


def _is_question(item: Item) -> bool:
    return item.kind in ("ask", "result", "heard")


@dataclass(frozen=True)
class Listening:
    """What the ears of the service know.

    Attributes:
        utterance: what is being said, 0 if nothing.
        silent_ms: for how long nothing was said after it.
    """

    utterance: int = 0
    silent_ms: int = 0


class Snapshot(NamedTuple):
    """What a handle stands for: a branch as it was, and what was to be answered."""

    branch: Branch
    length: int
    listening: Listening
    pending: tuple[str, ...]


@dataclass(eq=False)
class Branch:
    """What one connection brought into a session.

    Attributes:
        session: the session it belongs to.
        origin: the snapshot it went on from; None at the beginning of a session.
        items: what it took in, in order.
        answers: what it said.
        answered: how many items have been answered; None: not even what it began with.
        inherited_answered: how much of what it began with has been.
        listening: the state of its ears.
        saved: how much of it there is a handle for.
        cancelled: calls that were taken back.
    """

    session: int
    origin: Snapshot | None = None
    items: list[Item] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    answered: int | None = None
    inherited_answered: int = 0
    listening: Listening = Listening()
    saved: int = 0
    cancelled: set[str] = field(default_factory=set)
    _open: bool = False

    def take(self, item: Item) -> None:
        """Add to what it holds; audio that goes on grows the last item."""
        last = self.items[-1] if self.items else None
        if (
            item.kind == "audio"
            and last is not None
            and last.kind == "audio"
            and last.last + 1 == item.first
            and last.utterance == item.utterance
            and self._open
        ):
            last.last = item.last
        else:
            self.items.append(item)
            self._open = True

    def close_item(self) -> int:
        """What comes is not part of what is here. Returns how much is here."""
        self._open = False
        return len(self.items)

    def snapshot(self) -> Snapshot:
        """This branch as it is now."""
        self.saved = self.close_item()
        return Snapshot(self, self.saved, self.listening, (*self.inherited(), *self.pending()))

    def pending(self) -> list[str]:
        """What is to be answered."""
        return [item.key for item in self.items[self.answered or 0 :] if _is_question(item)]

    def answer(self, number: int, *, one_question: bool) -> Answer:
        """The model begins to answer all that is to be answered, or the first of it."""
        answer = Answer(number, self.close_item(), covers=self.pending(), inherited=self.inherited())
        if one_question and answer.inherited:
            answer.begun, answer.covers, answer.inherited = 0, [], answer.inherited[:1]
        elif one_question and answer.covers:
            places = (at for at, item in enumerate(self.items) if at >= (self.answered or 0) and _is_question(item))
            answer.begun, answer.covers = next(places) + 1, answer.covers[:1]
        self.answers.append(answer)
        return answer

    def has_answered(self, answer: Answer) -> None:
        """The model has said all of it."""
        answer.ended = self.close_item()
        self.inherited_answered += len(answer.inherited)
        if not self.inherited():
            self.answered = answer.begun

    def inherited(self) -> list[str]:
        """What was to be answered already when this branch began, and still is."""
        if self.origin is None or self.answered is not None:
            return []
        return list(self.origin.pending[self.inherited_answered :])

    def hear(self, utterance: int, duration_ms: int) -> bool:
        """Audio of this length comes in. Returns whether an utterance has ended with it."""
        if utterance:
            self.listening = Listening(utterance)
        elif self.listening.utterance:
            self.listening = replace(self.listening, silent_ms=self.listening.silent_ms + duration_ms)
            if self.listening.silent_ms >= END_OF_SPEECH_MS:
                self.listening = Listening()
                return True
        return False

    def lineage(self) -> Iterator[Snapshot]:
        """This branch and those it came from, each as far as it counts, the latest first."""
        here: Snapshot | None = Snapshot(self, len(self.items), self.listening, ())
        while here is not None:
            yield here
            here = here.branch.origin


END_OF_SPEECH_MS = 400
"""Silence after which an utterance has ended."""
