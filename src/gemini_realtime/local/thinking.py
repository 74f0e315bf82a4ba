"""The interface of responders: what one is asked and what it replies.

A responder gets what was heard and gives back items to say and functions to call, in order, as soon as it
has them. `gemini_realtime.local.responders.rules.Rules` is the one that needs no model; others are in
`gemini_realtime.local.responders`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from gemini_realtime.local.faults.table import Fault


@dataclass(frozen=True)
class ToolResult:
    """What the application answered to one function call, which had these arguments."""

    name: str
    response: dict[str, Any]
    args: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Turn:
    """One finished turn of the conversation, as text; of a tool, also the `result` that the text tells."""

    role: Literal["user", "model", "tool"]
    text: str
    result: ToolResult | None = None


@dataclass(frozen=True)
class Request:
    """What a responder is asked to answer.

    Attributes:
        heard: the user's words of this turn, as recognised or as typed.
        history: what came before, oldest first: the turns before `heard`, or with `results` all before these.
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


@dataclass(frozen=True)
class Wait:
    """Go on after this long."""

    seconds: float


@dataclass(frozen=True)
class Frame:
    """Send this message as it is. What it says is not part of the conversation, whatever it says."""

    message: dict[str, Any]


Item = Say | Call | Wait | Frame | Fault
"""A piece of a reply. What follows a call that blocks waits for its result, except further calls.

A `Fault` happens in its place, at once unless it says when.
"""


class Responder(Protocol):
    """Anything that answers a `Request`; closing the iterator early is how a reply is interrupted."""

    def respond(self, request: Request) -> AsyncIterator[Item]:
        """Give the items of the reply in order."""
        ...

    def grammar(self, tools: Sequence[dict[str, Any]]) -> str | None:
        """Name the sentences this responder understands, as JSGF; None when it understands any.

        Words are lower case and numbers are words, as in pocketsphinx's en-us dictionary.
        """
        ...
