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
        apart: where in its branch is what it covers, when there is more to be answered.
    """

    number: int
    begun: int
    ended: int | None = None
    covers: list[str] = field(default_factory=list)
    inherited: list[str] = field(default_factory=list)
    pieces: int = 0
    interrupted: bool = False
    apart: list[int] | None = None


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
        called_for: the question that led to each call.
        calling: questions that wait for the result of a call, while others are answered.
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
    called_for: dict[str, str] = field(default_factory=dict)
    calling: set[str] = field(default_factory=set)
    _open: bool = False
    _answered_apart: set[int] = field(default_factory=set)

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
        return [self.items[place].key for place in self._waiting()]

    def _waiting(self) -> list[int]:
        """Where in `items` it is."""
        return [
            place
            for place in range(self.answered or 0, len(self.items))
            if _is_question(self.items[place])
            and place not in self._answered_apart
            and self.items[place].key not in self.calling
        ]

    def answer(self, number: int, *, one_question: bool) -> Answer:
        """The model begins to answer all that is to be answered, or the first of it."""
        answer = Answer(number, self.close_item(), covers=self.pending(), inherited=self.inherited())
        if one_question:
            self._narrow(answer)
        self.answers.append(answer)
        return answer

    def _narrow(self, answer: Answer) -> None:
        """Answer the first question alone, with the results that came of it."""
        waiting = self._waiting()
        answer.inherited = answer.inherited[:1]
        first = answer.inherited[0] if answer.inherited else self.items[waiting[0]].key
        places = [place for place in waiting if self.called_for.get(self.items[place].key) == first]
        if not answer.inherited:
            places.insert(0, waiting[0])
        answer.apart, answer.covers = places, [self.items[place].key for place in places]
        answer.begun = 0 if answer.inherited else 1 + places[0]

    def has_answered(self, answer: Answer) -> None:
        """The model has said all of it."""
        answer.ended = self.close_item()
        self.inherited_answered += len(answer.inherited)
        if answer.apart is not None:
            self._answered_apart.update(answer.apart)
        elif not self.inherited():
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
