"""Which function calls the service waits for, which it has made before, and which of them a resumed session does not
know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from typing import Any, Final

import msgspec

from gemini_realtime.protocol.codec import encode
from gemini_realtime.protocol.families import Family

MAX_OPEN_CALLS: Final = 1024
"""Bound on function calls that were never answered; the oldest are forgotten."""

MAX_REMEMBERED_CALLS: Final = 256
"""Bound on the ids of calls that were made or taken back, by which their second coming and late results are known."""

SAME_CALL_WITHIN_S: Final = 1.0
"""A call without an id that was made in the same words by then is the same call, even if it is answered already. This
is a guess: the two forms of a call have been seen to follow each other at once."""


class Call(msgspec.Struct, frozen=True):
    """A function call.

    Attributes:
        call_id: by which the application knows it.
        given_id: by which the service knows it, where it sent one.
        name: of the function.
        at: when it came, seconds.
        words: what it says.
    """

    call_id: str
    given_id: str | None
    name: str
    at: float
    words: bytes


class Calls:
    """The open calls by the id the application knows them by.

    Args:
        family: how its functions behave.

    Attributes:
        orphans: calls that the service cancelled, or forgot with the session they were made in.
    """

    def __init__(self, family: Family) -> None:
        self._family = family
        self._behaviors: dict[str, str] = {}
        self._open: dict[str, Call] = {}
        self._count = 0
        self._seen: dict[str, float] = {}  # ids of calls that were made, and when
        # Most sessions have none: an empty list takes a tenth of what an empty deque does.
        self._recent: list[Call] = []  # those of this turn
        self.orphans: list[str] = []

    def __len__(self) -> int:
        return len(self._open)

    def saved_state(self, handle_at: float | None) -> list[dict[str, str]]:
        """The open calls that a session knows as it was when its handle came, as plain JSON."""
        return [
            {"id": call.given_id, "name": call.name}
            for call in self._open.values()
            if call.given_id is not None and handle_at is not None and call.at <= handle_at
        ]

    def restore(self, state: Sequence[Mapping[str, Any]], handle_at: float | None) -> None:
        """Take over what another process saved.

        Raises:
            KeyError, TypeError: it is not what `saved_state` gives.
        """
        at = -inf if handle_at is None else handle_at
        for call in state:
            self._open[call["id"]] = Call(call["id"], call["id"], call["name"], at, b"")
            self._seen[call["id"]] = at

    def declared(self, tools: Sequence[Mapping[str, Any]]) -> None:
        """The functions of the setup in force, in the service's spelling."""
        self._behaviors = {
            declaration.get("name", ""): declaration.get("behavior") or self._family.behaviors[0]
            for tool in tools
            for declaration in tool.get("functionDeclarations", ())
        }

    @property
    def blocking(self) -> bool:
        """Whether the model waits for a result before it goes on."""
        waits, default = self._family.always_blocks, self._family.behaviors[0]
        return any(waits or self._behaviors.get(call.name, default) == "BLOCKING" for call in self._open.values())

    def since(self, at: float) -> bool:
        """Whether one of them came after this."""
        return any(open_.at > at for open_ in self._open.values())

    def opened(self, given_id: str | None, name: str, arguments: Mapping[str, Any], now: float) -> str | None:
        """The service calls; returns the id, made up where it sent none, or None when it has made this call before.

        The same call may come twice, and in two forms: as `toolCall` and among the parts of `modelTurn`. Source:
        https://github.com/mastra-ai/mastra/issues/22969.
        """
        words = encode({name: dict(arguments)})
        if self._made_before(given_id, words, now):
            return None
        self._count += 1
        call_id = given_id or f"call-{self._count}"
        made = Call(call_id, given_id, name, now, words)
        self._open[call_id] = made
        self._recent.append(made)
        del self._recent[:-MAX_OPEN_CALLS]
        self._seen[call_id] = now
        if call_id in self.orphans:  # asked again, after a loss, under the same id
            self.orphans.remove(call_id)
        if len(self._open) > MAX_OPEN_CALLS:
            del self._open[next(iter(self._open))]
        if len(self._seen) > MAX_REMEMBERED_CALLS:
            del self._seen[next(iter(self._seen))]
        return call_id

    def _made_before(self, given_id: str | None, words: bytes, now: float) -> bool:
        if given_id is not None and given_id in self._seen:
            return True
        for made in self._recent:
            if made.words != words or (given_id is not None and made.given_id is not None):
                continue  # two ids are two calls
            if made.call_id in self._open or now - made.at <= SAME_CALL_WITHIN_S:
                return True
        return False

    @property
    def calling(self) -> bool:
        """Whether a call of this turn waits for its result."""
        return any(made.call_id in self._open for made in self._recent)

    def turn_ended(self) -> None:
        """What is called from now on is called anew."""
        self._recent.clear()

    def cancelled(self, call_ids: Sequence[str]) -> None:
        """The service does not wait for these any more."""
        self._orphan([call_id for call_id in call_ids if self._open.pop(call_id, None) is not None])

    def open(self, call_id: str) -> Call | None:
        """An open call; None when there is none of this id."""
        return self._open.get(call_id)

    def answered(self, call_id: str) -> None:
        """The application has given its last answer."""
        self._open.pop(call_id, None)

    def lost(self, handle_at: float | None) -> list[str]:
        """The session goes on as it was when its handle came, or anew (None): returns the calls it does not know."""
        self._recent.clear()
        self._seen = {call_id: at for call_id, at in self._seen.items() if handle_at is not None and at <= handle_at}
        lost = [call_id for call_id, open_ in self._open.items() if handle_at is None or open_.at > handle_at]
        for call_id in lost:
            del self._open[call_id]
        self._orphan(lost)
        return lost

    def _orphan(self, call_ids: list[str]) -> None:
        self.orphans += call_ids
        del self.orphans[:-MAX_REMEMBERED_CALLS]
