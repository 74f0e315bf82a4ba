"""What was said last, in text: to tell a new session, and another process, what the conversation was about."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final, NamedTuple

from gemini_realtime.protocol.messages import Content, Part

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


class _Tail:
    """The last of what one side says in a turn that goes on, piece by piece; a turn may never end."""

    def __init__(self) -> None:
        self._pieces: deque[str] = deque()
        self._characters = 0

    def add(self, text: str) -> None:
        if text:
            self._pieces.append(text)
            self._characters += len(text)
        while self._pieces and self._characters - len(self._pieces[0]) >= MAX_CHARACTERS:
            self._characters -= len(self._pieces.popleft())

    def clear(self) -> None:
        self._pieces.clear()
        self._characters = 0

    def __str__(self) -> str:
        return "".join(self._pieces)


class History:
    """The tail of a conversation: turns that are over, and what was heard of the one that is not.

    Args:
        said: what was said before.
    """

    def __init__(self, said: Iterable[Said] = ()) -> None:
        self._said: deque[Said] = deque()
        self._characters = 0
        self._heard = _Tail()
        self._answer = _Tail()
        for turn in said:
            self.add(turn.role, turn.text)

    def add(self, role: str, text: str) -> None:
        """Append what was said; what follows of the same side is joined to it."""
        if not text:
            return
        if self._said and self._said[-1].role == role:
            before = self._said.pop().text
            self._characters -= len(before)
            text = f"{before}\n{text}"
        text = text[-MAX_CHARACTERS:]
        self._said.append(Said(role, text))
        self._characters += len(text)
        while self._characters > MAX_CHARACTERS:
            self._characters -= len(self._said.popleft().text)

    def heard(self, text: str) -> None:
        """A piece of what the user was heard to say."""
        self._heard.add(text)

    def answer(self, text: str) -> None:
        """A piece of what the model says."""
        self._answer.add(text)

    def close_turn(self) -> None:
        """The model's answer is over: both sides of the turn are said."""
        self.add("user", str(self._heard).strip())
        self.add("model", str(self._answer).strip())
        self.drop_turn()

    def drop_turn(self) -> None:
        """The turn was lost, and will be spoken again."""
        self._heard.clear()
        self._answer.clear()

    def said(self) -> list[Said]:
        """The turns that are over, oldest first."""
        return list(self._said)

    def contents(self) -> list[Content]:
        """The same as turns of the service."""
        return [Content(role=turn.role, parts=[Part(text=turn.text)]) for turn in self._said]
