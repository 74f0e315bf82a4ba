"""What waits to be answered while the model is at something else."""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

from gemini_realtime.local.session.content import Role, SpokenTurn, Told
from gemini_realtime.local.session.turns import TURN_CHARACTERS
from gemini_realtime.local.thinking import ToolResult
from gemini_realtime.local.wire.refusals import TOO_LONG, Refused

MAX_WAITING: Final = 256
"""Questions that wait to be taken up."""

MAX_WAITING_SIZE: Final = 16 * 1024 * 1024
"""Characters of text, and bytes of sound, in them."""


class Question(NamedTuple):
    """Something to take up as soon as the model is free.

    Attributes:
        heard: the user's words.
        results: of calls that did not block.
        told: what the client tells instead.
        answer: whether that is to be answered.
        knows_all: whether what was told before, and not completed, is known.
    """

    heard: str = ""
    results: tuple[ToolResult, ...] = ()
    told: tuple[Told, ...] | None = None
    answer: bool = True
    knows_all: bool = True

    @property
    def size(self) -> int:
        """How many characters, or bytes of sound, this is; each of what it tells is a little more than its text."""
        told = (len(item.pcm16k) if isinstance(item, SpokenTurn) else _characters(item) for item in self.told or ())
        return len(self.heard) + TURN_CHARACTERS + sum(told)

    @property
    def unheard(self) -> bool:
        """Whether something that was told was spoken, and nobody knows the words yet."""
        return any(isinstance(item, SpokenTurn) and item.text is None for item in self.told or ())


class Backlog:
    """Questions in the order in which they came."""

    def __init__(self) -> None:
        self._questions: deque[Question] = deque()

    def __bool__(self) -> bool:
        return bool(self._questions)

    def add(self, question: Question) -> None:
        """Put a question behind the others."""
        self._questions.append(question)

    def take(self) -> Question | None:
        """The first question; None when there is none, or when it has something of which nobody knows the words."""
        return self._questions.popleft() if self._questions and not self._questions[0].unheard else None

    def check(self) -> None:
        """Refuse to keep more waiting than the model could keep in mind.

        Raises:
            Refused: that is too much.
        """
        if len(self._questions) > MAX_WAITING or sum(question.size for question in self._questions) > MAX_WAITING_SIZE:
            raise Refused(TOO_LONG, note="too much waits to be answered")

    def clear(self) -> None:
        """Forget them all."""
        self._questions.clear()


def _characters(item: tuple[Role, str] | ToolResult) -> int:
    return TURN_CHARACTERS + len(str(item.response) if isinstance(item, ToolResult) else item[1])
