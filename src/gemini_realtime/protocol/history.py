"""What was said last, in text and in the conversation's order: to tell a new session, and another process, what it was
about.

That order is not the one of arrival. The transcript of a question may come during the answer to it, and after it; what
is typed or spoken into an answer comes after that answer, however early it is written down.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from math import inf
from typing import Final, NamedTuple

from gemini_realtime.protocol.messages import Content, Part
from gemini_realtime.protocol.turns import LATE_TRANSCRIPT_S

MAX_CHARACTERS: Final = 20_000
"""Bound on the tail that is kept: some half hour of speech."""


class Said(NamedTuple):
    """What one side said.

    Attributes:
        role: `user` or `model`.
        text: the words.
    """

    role: str
    text: str


class _Item(NamedTuple):
    role: str
    text: str
    number: int | None = None  # of a message, which may have to be sent again


class _Tail:
    """The last of what one side says in a turn that goes on, piece by piece; a turn may never end."""

    def __init__(self) -> None:
        self._pieces: list[tuple[str, float]] = []  # and when each came
        self._characters = 0

    def add(self, text: str, at: float = inf) -> None:
        if text:
            self._pieces.append((text, at))
            self._characters += len(text)
        while self._pieces and self._characters - len(self._pieces[0][0]) >= MAX_CHARACTERS:
            self._characters -= len(self._pieces.pop(0)[0])

    def move(self, other: _Tail) -> None:
        """Take what the other holds."""
        for text, at in other._pieces:
            self.add(text, at)
        other.take()

    def drop_since(self, at: float) -> None:
        """Forget what came since then."""
        while self._pieces and self._pieces[-1][1] >= at:
            self._characters -= len(self._pieces.pop()[0])

    def take(self) -> str:
        """The words, which are not here any more."""
        text = str(self)
        self._pieces.clear()
        self._characters = 0
        return text

    def __bool__(self) -> bool:
        return bool(self._pieces)

    def __str__(self) -> str:
        return "".join(text for text, _ in self._pieces).strip()


class History:
    """The tail of a conversation: turns that are over, and what was heard of the one that is not.

    Args:
        said: what was said before.
    """

    def __init__(self, said: Iterable[Said] = ()) -> None:
        self._items: list[_Item] = []
        self._characters = 0
        self._question = _Tail()  # as it was heard
        self._answer = _Tail()
        self._into = _Tail()  # heard while the model answers
        self._typed: list[_Item] = []  # typed while the model answers
        self._answer_began_at: float | None = None
        self._late_until = -inf  # until then what is heard may be the question to the last answer
        self._late = False  # some of it was
        for turn in said:
            self._add(_Item(*turn))

    def typed(self, number: int, role: str, text: str) -> None:
        """Somebody wrote a message of this number."""
        item = _Item(role, text, number)
        if self._answer_began_at is not None:
            self._typed.append(item)
            return
        self._add(_Item("user", self._question.take()))
        self._add(item)
        self._late_until = -inf

    def heard(self, text: str, now: float) -> None:
        """A piece of what the user was heard to say."""
        if self._answer_began_at is None:
            if now <= self._late_until:
                self._add_question(text)
            else:
                self._question.add(text, now)
        elif self._lacks_question() and now <= self._answer_began_at + LATE_TRANSCRIPT_S:
            self._question.add(text, now)
            self._late = True
        else:
            if now > self._answer_began_at + LATE_TRANSCRIPT_S:
                self.speech_started()
            self._into.add(text, now)

    def speech_started(self) -> None:
        """Somebody begins to speak: what is heard from now on is nothing that came late."""
        self._late_until = -inf
        if self._answer_began_at is not None and self._answer_began_at != -inf:
            self._end_question()
            self._answer_began_at = -inf

    def _end_question(self) -> None:
        """What was heard since the answer began are the last words of the question."""
        if self._question:
            self._question.move(self._into)

    def answer_began(self, now: float) -> None:
        """The model begins to answer."""
        if self._answer_began_at is None:
            self._answer_began_at, self._late = now, False

    def answer(self, text: str) -> None:
        """A piece of what the model says."""
        self._answer.add(text)

    def _lacks_question(self) -> bool:
        typed = bool(self._items) and self._items[-1].role == "user"
        return self._late or not (self._question or typed)

    def close_turn(self, now: float, *, interrupted: bool = False) -> None:
        """The model's answer is over: both sides of the turn are said.

        Args:
            now: seconds.
            interrupted: it was cut off, by what was heard during it.
        """
        began_at, self._answer_began_at = self._answer_began_at, None
        lacks_question = self._lacks_question()
        if not interrupted and began_at is not None and began_at != -inf:
            self._end_question()  # nobody spoke into the answer
        self._add(_Item("user", self._question.take()))
        answer = self._answer.take()
        self._add(_Item("model", answer))
        self._late, self._late_until = False, now + LATE_TRANSCRIPT_S if answer and lacks_question else -inf
        for item in self._typed:
            self._add(item)
            self._late_until = -inf
        self._typed.clear()
        self._question, self._into = self._into, self._question

    def _add_question(self, text: str) -> None:
        """Put a piece of a question that comes late before its answer."""
        answer = self._items.pop()
        before = self._items.pop().text if self._late and self._items else ""
        self._characters -= len(answer.text) + 1 + (len(before) + 1 if before else 0)
        self._late = True
        self._add(_Item("user", before + text if before else text.lstrip()))
        self._add(answer)

    def lose_turn(self) -> None:
        """The answer was lost with its connection; what it answers may be heard again, or not."""
        self._answer.take()
        if self._into:
            self._question.move(self._into)
        self._answer_began_at, self._late, self._late_until = None, False, -inf
        for item in self._typed:
            self._add(item)
        self._typed.clear()

    def ask_again(self, since: float) -> None:
        """What was heard since then, of the question that waits, is heard once more."""
        self._question.drop_since(since)

    def close_question(self) -> bool:
        """What was heard last is said, and not answered; returns whether there is any."""
        question = self._question.take()
        self._add(_Item("user", question))
        return bool(question)

    def said(self, without: Collection[int] = (), *, answer: bool = False, heard: bool = False) -> list[Said]:
        """The turns that are over, oldest first, and what was typed since; turns of one side that follow each other are
        one.

        Args:
            without: numbers of messages to leave out, since they are sent again.
            answer: whether the present answer counts, since it is complete.
            heard: whether what was heard counts to which there is no answer.
        """
        turns: list[Said] = []
        question = [_Item("user", str(self._question))] if answer or heard else []
        answered = [_Item("model", str(self._answer))] if answer else []
        into = [_Item("user", str(self._into))] if heard else []
        for role, text, number in (*self._items, *question, *answered, *into, *self._typed):
            if not text or (number is not None and number in without):
                continue
            if turns and turns[-1].role == role:
                turns[-1] = Said(role, f"{turns[-1].text}\n{text}")
            else:
                turns.append(Said(role, text))
        return turns

    def _add(self, item: _Item) -> None:
        if not item.text:
            return
        if len(item.text) >= MAX_CHARACTERS:
            item = item._replace(text=item.text[1 - MAX_CHARACTERS :])
        self._items.append(item)
        self._characters += len(item.text) + 1  # with what separates it from the next
        while self._characters > MAX_CHARACTERS:
            self._characters -= len(self._items.pop(0).text) + 1


def contents(said: Iterable[Said]) -> list[Content]:
    """The same as turns of the service."""
    return [Content(role=turn.role, parts=[Part(text=turn.text)]) for turn in said]
