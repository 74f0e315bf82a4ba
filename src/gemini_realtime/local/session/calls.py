"""Which function calls are wanted, open, answered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any, Final
from uuid import UUID

from gemini_realtime.local.session.history import LostCall
from gemini_realtime.local.thinking import ToolResult
from gemini_realtime.protocol.messages import FunctionCall, FunctionResponse

MAX_OPEN: Final = 1024
"""Calls without a result; the oldest are forgotten first."""

MAX_RESULTS: Final = 256
"""Results that wait to be told, when a call gives one after the other; the oldest are forgotten first."""


@dataclass(frozen=True)
class OpenCall:
    """A call that has no result yet.

    Attributes:
        blocks: whether the model says nothing before the result.
        heard: the user's words that led to it.
        reply_id: the reply that asked for it.
    """

    name: str
    args: dict[str, Any]
    blocks: bool
    heard: str
    reply_id: int


class Calls:
    """The function calls of one connection.

    Args:
        session_id: the ids of the calls follow from it, and from nothing else.
        prefix: how an id begins; UUIDs when empty.

    Attributes:
        lost: calls of an earlier connection of the session, whose results are still waited for.
    """

    def __init__(self, session_id: str, prefix: str = "function-call-") -> None:
        self._session_id = session_id
        self._prefix = prefix
        self._count = 0
        self._open: dict[str, OpenCall] = {}
        self._unsent: list[FunctionCall] = []
        self._results: list[ToolResult] = []
        self._again: list[OpenCall] = []
        self.lost: tuple[LostCall, ...] = ()

    @property
    def block(self) -> bool:
        """Whether the model has to wait for a result before it says more."""
        return any(call.blocks for call in self._open.values())

    @property
    def blocking(self) -> dict[str, OpenCall]:
        """The calls that the model waits for, by their ids."""
        return {call_id: call for call_id, call in self._open.items() if call.blocks}

    @property
    def open(self) -> bool:
        """Whether any call has no result yet."""
        return bool(self._open)

    def want(self, call: OpenCall) -> None:
        """Note a call of the model; `take_unsent` gives it to be sent."""
        self._count += 1
        call_id = self._new_id()
        self._open[call_id] = call
        if len(self._open) > MAX_OPEN:
            del self._open[next(iter(self._open))]
        self._unsent.append(FunctionCall(id=call_id, name=call.name, args=call.args))

    def _new_id(self) -> str:
        digest = blake2b(f"{self._session_id}/{self._count}".encode(), digest_size=16).digest()
        if not self._prefix:
            return str(UUID(bytes=digest, version=4))
        return f"{self._prefix}{int.from_bytes(digest[:8], 'big')}"

    def take_unsent(self) -> list[FunctionCall]:
        """The calls to send now, in one message."""
        unsent, self._unsent = self._unsent, []
        return unsent

    def answer(self, response: FunctionResponse, *, by_name: bool = True) -> OpenCall | None:
        """Note a result; None when no such call is open.

        One that is empty and to be continued says nothing yet. Without an id the name decides, as Vertex allows it,
        but not of calls that block unless `by_name`.
        """
        named = (i for i, call in self._open.items() if call.name == response.name and (by_name or not call.blocks))
        call_id = response.id or next(named, "")
        call = self._open.get(call_id)
        if call is None:
            return None
        if response.response or not response.will_continue:
            self._results.append(ToolResult(call.name, response.response or {}, call.args))
        del self._results[:-MAX_RESULTS]
        if not response.will_continue:
            del self._open[call_id]
        return call

    @property
    def answered(self) -> bool:
        """Whether there are results that `take_results` has not given."""
        return bool(self._results)

    def take_results(self) -> tuple[ToolResult, ...]:
        """The results since the last call."""
        results, self._results = tuple(self._results), []
        return results

    def discard(self, reply_id: int) -> None:
        """Forget the calls of a reply, sent or not, until `want_again`."""
        self._unsent.clear()
        self._results.clear()
        discarded = {call_id: call for call_id, call in self._open.items() if call.reply_id == reply_id}
        for call_id in discarded:
            del self._open[call_id]
        self._again += discarded.values()

    def want_again(self, reply_id: int) -> None:
        """Let this reply make the calls that were discarded; what it says meanwhile does not wait for them."""
        for call in self._again:
            self.want(replace(call, reply_id=reply_id, blocks=False))
        self._again.clear()

    def lose(self, calls: Iterable[LostCall]) -> None:
        """Note which calls of an earlier connection are still waited for."""
        self.lost = tuple(calls)

    def is_lost(self, response: FunctionResponse) -> bool:
        """Whether this is the result of such a call."""
        return any(call.id == response.id for call in self.lost)

    def cancel(self) -> list[str]:
        """Forget the calls that block or were never sent; returns the ids of those that were sent."""
        unsent = {call.id for call in self.take_unsent()}
        cancelled = [call_id for call_id, call in self._open.items() if call.blocks or call_id in unsent]
        for call_id in cancelled:
            del self._open[call_id]
        self._results.clear()
        return [call_id for call_id in cancelled if call_id not in unsent]
