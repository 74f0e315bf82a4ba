"""What was said in a session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal, NamedTuple

from gemini_realtime.local.session.turns import Turns, characters_in
from gemini_realtime.local.thinking import ToolResult, Turn
from gemini_realtime.protocol.codec import encode

CONTEXT_TOKENS: Final = 131_072
"""What a model keeps in mind. Source: https://ai.google.dev/gemini-api/docs/live-guide, "128k tokens for native audio
output models". That the oldest is forgotten is what it does with a sliding window; without one, a guess.
"""

CONTEXT_CHARACTERS: Final = 4 * CONTEXT_TOKENS
"""Source: https://ai.google.dev/gemini-api/docs/tokens, "a token is equivalent to about 4 characters"."""


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
    turns: Sequence[Turn]
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
    before: Sequence[Turn]


class History:
    """The turns so far, and which of them the model has not answered yet.

    What goes beyond the context window is forgotten, the oldest first.

    Args:
        turns: what a resumed session has said before; the user's last words in it have no answer.
    """

    def __init__(self, turns: Sequence[Turn] = ()) -> None:
        self._turns = list(turns)  # only ever appended to, since `Turns` look into it
        self._characters = sum(map(characters_in, self._turns))
        self._answered = len(self._turns)
        while self._answered > 0 and self._turns[self._answered - 1].role == "user":
            self._answered -= 1
        self._unseen: set[int] = set()
        self._seeded: set[int] = set()

    @property
    def stands(self) -> bool:
        """Whether there is something to answer."""
        return any(turn.role != "model" for turn in self._turns[self._standing_from() :])

    def turns(self) -> Turns:
        """Everything so far, oldest first."""
        return self._first(len(self._turns))

    def to_keep(self, *, seeded_results: bool) -> Turns:
        """What a handle is to find again, with the results that the client told in its seed or without."""
        return self.turns() if seeded_results else self._without(self._seeded)

    def add(self, role: Literal["user", "model"], text: str) -> None:
        """Append what was said; of nothing, nothing is kept."""
        if text:
            self._append(Turn(role, text))

    def add_result(self, result: ToolResult, *, answered: bool = True) -> None:
        """Append what the application answered to a call."""
        text = f"{result.name}: {encode(result.response).decode()}"
        self._append(Turn("tool", text, result))
        if answered:
            self._answered = len(self._turns)

    def seed(self, told: Sequence[tuple[Literal["user", "model"], str] | ToolResult], *, seen: bool) -> None:
        """Append what the client tells of the past; speech knows nothing of it before it is `seen`."""
        before = len(self._turns)
        for item in told:
            if isinstance(item, ToolResult):
                self.add_result(item, answered=False)
                self._seeded.add(len(self._turns) - 1)
            else:
                self.add(*item)
        if not seen:
            self._unseen.update(range(min(before, len(self._turns)), len(self._turns)))

    def ask(self, heard: str, *, knows_all: bool = True) -> Turns:
        """Append the user's words, to be answered now; returns what was said before them, as far as it is known."""
        if knows_all:
            self._unseen.clear()
        before = self._without(self._unseen)
        self.add("user", heard)
        self._answered = len(self._turns)
        return before

    def keep(self, share: float) -> None:
        """Forget the oldest but for such a share of everything."""
        self._forget(share * self._characters)

    def question(self) -> Standing:
        """What is to be answered now: results that nothing follows, or else the user's last words.

        Where what was told is seen only now, and all is answered, that is the user's last question again: it was
        answered by somebody who knew nothing of it.
        """
        turns, at, end = self._turns, self._standing_from(), len(self._turns)
        if self._unseen and at == end:
            at = max((n for n, turn in enumerate(turns) if turn.role == "user"), default=at)
            end = min(at + 1, end)
        self._unseen.clear()
        self._answered = len(turns)
        last = end
        while end > at and turns[end - 1].role == "tool":
            end -= 1
        results = tuple(turn.result for turn in turns[end:last] if turn.result is not None)
        first = end
        while first > at and turns[first - 1].role == "user":
            first -= 1
        heard = " ".join(turn.text for turn in turns[first:end])
        return Standing(heard, results, self._first(end if results else first))

    def _append(self, turn: Turn) -> None:
        self._turns.append(turn)
        self._characters += characters_in(turn)
        if self._characters > CONTEXT_CHARACTERS:
            self._forget(CONTEXT_CHARACTERS * 3 // 4)  # a quarter, so that this is seldom

    def _forget(self, characters: float) -> None:
        """Forget the oldest but so much, and the last turn; what is left begins with the user.

        Source: https://ai.google.dev/api/live#SlidingWindow, "will always begin at the start of a USER role turn".
        """
        count, last = 0, len(self._turns) - 1
        while count < last and (self._characters > characters or (count and self._turns[count].role != "user")):
            self._characters -= characters_in(self._turns[count])
            count += 1
        self._turns = self._turns[count:]
        self._answered = max(0, self._answered - count)
        self._unseen = {at - count for at in self._unseen if at >= count}
        self._seeded = {at - count for at in self._seeded if at >= count}

    def _first(self, length: int) -> Turns:
        later = sum(map(characters_in, self._turns[length:]))
        return Turns(self._turns, length, self._characters - later)

    def _without(self, left_out: set[int]) -> Turns:
        if not left_out:
            return self.turns()
        turns = [turn for at, turn in enumerate(self._turns) if at not in left_out]
        return Turns(turns, len(turns), sum(map(characters_in, turns)))

    def _standing_from(self) -> int:
        """Where the turns begin that have no answer: none of them is the model's."""
        at = len(self._turns)
        while at > self._answered and self._turns[at - 1].role != "model":
            at -= 1
        return at
