"""What was said in a session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from gemini_realtime.local.thinking import ToolResult, Turn
from gemini_realtime.protocol.codec import encode


class LostCall(NamedTuple):
    """A call that blocks, whose connection was lost before its result came."""

    id: str
    name: str


class Saved(NamedTuple):
    """A session as its handle finds it again.

    Attributes:
        session_id: of the connection that began it.
        turns: what was said.
        prompt_tokens: what that costs, by modality.
        model: the model that it was said to.
        left_s: how long the session still lasts; None when it has no end.
        lost_calls: what its model still waits for.
    """

    session_id: str
    turns: tuple[Turn, ...]
    prompt_tokens: Mapping[str, int]
    model: str = ""
    left_s: float | None = None
    lost_calls: tuple[LostCall, ...] = ()


class Standing(NamedTuple):
    """What the model has not answered yet.

    Attributes:
        heard: the user's words.
        results: of function calls.
        before: what was said before.
    """

    heard: str
    results: tuple[ToolResult, ...]
    before: tuple[Turn, ...]


class History:
    """The turns so far, and which of them the model has not answered yet.

    Args:
        turns: what a resumed session has said before; the user's last words in it have no answer.
    """

    def __init__(self, turns: Sequence[Turn] = ()) -> None:
        self._turns = list(turns)
        self._answered = len(self._turns)
        while self._answered > 0 and self._turns[self._answered - 1].role == "user":
            self._answered -= 1
        self._unseen: set[int] = set()
        self._seeded: set[int] = set()

    @property
    def empty(self) -> bool:
        """Whether nothing was said."""
        return not self._turns

    @property
    def stands(self) -> bool:
        """Whether there is something to answer."""
        return any(turn.role != "model" for turn in self._turns[self._standing_from() :])

    def turns(self) -> tuple[Turn, ...]:
        """Everything so far, oldest first."""
        return tuple(self._turns)

    def to_keep(self, *, seeded_results: bool) -> tuple[Turn, ...]:
        """What a handle is to find again, with the results that the client told in its seed or without."""
        if seeded_results:
            return self.turns()
        return tuple(turn for at, turn in enumerate(self._turns) if at not in self._seeded)

    def add(self, role: Literal["user", "model"], text: str) -> None:
        """Append what was said; of nothing, nothing is kept."""
        if text:
            self._turns.append(Turn(role, text))

    def add_result(self, result: ToolResult, *, answered: bool = True) -> None:
        """Append what the application answered to a call."""
        text = f"{result.name}: {encode(result.response).decode()}"
        self._turns.append(Turn("tool", text, result))
        if answered:
            self._answered = len(self._turns)

    def seed(self, told: Sequence[tuple[Literal["user", "model"], str] | ToolResult], *, seen: bool) -> None:
        """Append what the client tells of the past; speech knows nothing of it before it is `seen`."""
        first = len(self._turns)
        for item in told:
            if isinstance(item, ToolResult):
                self._seeded.add(len(self._turns))
                self.add_result(item, answered=False)
            else:
                self.add(*item)
        if not seen:
            self._unseen.update(range(first, len(self._turns)))

    def ask(self, heard: str, *, knows_all: bool = True) -> tuple[Turn, ...]:
        """Append the user's words, to be answered now; returns what was said before them, as far as it is known."""
        if knows_all:
            self._unseen.clear()
        before = tuple(turn for at, turn in enumerate(self._turns) if at not in self._unseen)
        self.add("user", heard)
        self._answered = len(self._turns)
        return before

    def question(self) -> Standing:
        """What is to be answered now: results that nothing follows, or else the user's last words.

        Where what was told is seen only now, and all is answered, that is the user's last question again: it was
        answered by somebody who knew nothing of it.
        """
        turns, at = self._turns, self._standing_from()
        if self._unseen and at == len(turns):
            at = max((n for n, turn in enumerate(turns) if turn.role == "user"), default=at)
            turns = turns[: at + 1]
        self._unseen.clear()
        self._answered = len(self._turns)
        end = len(turns)
        while end > at and turns[end - 1].role == "tool":
            end -= 1
        results = tuple(turn.result for turn in turns[end:] if turn.result is not None)
        first = end
        while first > at and turns[first - 1].role == "user":
            first -= 1
        heard = " ".join(turn.text for turn in turns[first:end])
        return Standing(heard, results, tuple(turns[:end] if results else turns[:first]))

    def _standing_from(self) -> int:
        """Where the turns begin that have no answer: none of them is the model's."""
        at = len(self._turns)
        while at > self._answered and self._turns[at - 1].role != "model":
            at -= 1
        return at
