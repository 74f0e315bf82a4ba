"""The mind of the embedded Live server, as an interface: what a responder is asked and what it replies.

A responder gets what was heard and gives back items to say and functions to call, in order, as soon as it
has them. `gemini_realtime.local.rules.Rules` is the one that needs no model.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol


@dataclass(frozen=True)
class Turn:
    """One finished turn of the conversation, as text."""

    role: Literal["user", "model", "tool"]
    text: str


@dataclass(frozen=True)
class ToolResult:
    """What the application answered to one function call."""

    name: str
    response: dict[str, Any]


@dataclass(frozen=True)
class Request:
    """What a responder is asked to answer.

    Attributes:
        heard: the user's words of this turn, as recognised or as typed; not part of `history`.
        history: the turns before this one, oldest first.
        tools: the function declarations, spelled as the service receives them.
        instructions: the text of the system instruction.
        results: not empty when the model continues after its function calls were answered.
    """

    heard: str
    history: Sequence[Turn] = ()
    tools: Sequence[dict[str, Any]] = ()
    instructions: str = ""
    results: Sequence[ToolResult] = ()


@dataclass(frozen=True)
class Say:
    """Speak this text: one sentence, so that speaking starts before the reply is complete."""

    text: str


@dataclass(frozen=True)
class Call:
    """Call this declared function; the reply continues in a request that carries its result."""

    name: str
    args: dict[str, Any] = field(default_factory=dict)


class Responder(Protocol):
    """Anything that answers a `Request`; closing the iterator early is how a reply is interrupted."""

    def respond(self, request: Request) -> AsyncIterator[Say | Call]:
        """Give the items of the reply in the order in which they are to be said or called."""
        ...

    def grammar(self, tools: Sequence[dict[str, Any]]) -> str | None:
        """Name the sentences this responder understands, as JSGF; None when it understands any.

        Words are lower case and numbers are words, as in pocketsphinx's en-us dictionary.
        """
        ...
