"""What was said in a session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from gemini_realtime.local.thinking import ToolResult, Turn
from gemini_realtime.protocol.codec import encode


class Saved(NamedTuple):
    """A session as its handle finds it again.

    Attributes:
        session_id: of the connection that began it.
        turns: what was said.
        prompt_tokens: what that costs, by modality.
        model: the model that it was said to.
        left_s: how long the session still lasts; None when it has no end.
    """

    session_id: str
    turns: tuple[Turn, ...]
    prompt_tokens: Mapping[str, int]
    model: str = ""
    left_s: float | None = None


class History:
    """The turns so far, and which of them the model has not answered yet.

    Args:
        turns: what a resumed session has said before.
    """

    def __init__(self, turns: Sequence[Turn] = ()) -> None:
        self._turns = list(turns)
        self._answered = len(self._turns)

    def turns(self) -> tuple[Turn, ...]:
        """Everything so far, oldest first."""
        return tuple(self._turns)

    def add(self, role: Literal["user", "model"], text: str) -> None:
        """Append what was said; of nothing, nothing is kept."""
        if text:
            self._turns.append(Turn(role, text))

    def add_result(self, result: ToolResult) -> None:
        """Append what the application answered to a call."""
        text = f"{result.name}: {encode(result.response).decode()}"
        self._turns.append(Turn("tool", text, result))

    def ask(self, heard: str) -> tuple[Turn, ...]:
        """Append the user's words, to be answered now; returns what was said before them."""
        before = self.turns()
        self.add("user", heard)
        self._answered = len(self._turns)
        return before

    def question(self) -> tuple[str, tuple[Turn, ...]]:
        """The user's last words as far as not answered, to be answered now, and what was said before them."""
        at = len(self._turns)
        while at > self._answered and self._turns[at - 1].role == "user":
            at -= 1
        self._answered = len(self._turns)
        return " ".join(turn.text for turn in self._turns[at:]), tuple(self._turns[:at])
