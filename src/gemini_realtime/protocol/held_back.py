"""What was asked before a function was called: it is not answered before there has been an answer to the result."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec

MAX_CALLS: Final = 1024
"""Bound on calls that were never answered; the oldest hold back nothing any more."""


class _Call(msgspec.Struct, gc=False):
    """A call.

    Attributes:
        asked_until: the number of the last message that may have led to it.
        result: the number of its last result; None while it runs.
        passed: the number of the last message that an answer may be to which was completed while it ran; 0: there was
            none.
        passed_in_time: the same, of messages that did not cross with the answer.
    """

    asked_until: int
    result: int | None = None
    passed: int = 0
    passed_in_time: int = 0


class Released(NamedTuple):
    """What was asked before calls to whose results there will be no answer, by the numbers of the messages.

    Attributes:
        after: up to this one it is held back by other calls.
        until: up to this one it is answered.
        maybe_until: up to this one it may be.
    """

    after: int
    until: int
    maybe_until: int


class HeldBack:
    """What the calls hold back to whose results there has been no answer."""

    def __init__(self) -> None:
        self._calls: dict[str, _Call] = {}

    @property
    def until(self) -> int:
        """What was asked up to this number is not answered yet."""
        return max((call.asked_until for call in self._calls.values()), default=0)

    def runs_for(self, number: int) -> bool:
        """Whether a function runs that may have been called for the question of this number."""
        return any(call.asked_until >= number for call in self._calls.values() if call.result is None)

    def call_opened(self, call_id: str, asked_until: int) -> None:
        """The model calls a function, for what was asked up to this number."""
        self._calls[call_id] = _Call(asked_until)
        if len(self._calls) > MAX_CALLS:
            del self._calls[next(iter(self._calls))]

    def call_answered(self, call_id: str, number: int) -> None:
        """The last result for a call was given, in the message of this number."""
        if (call := self._calls.get(call_id)) is not None:
            call.result = number

    def calls_lost(self, call_ids: Iterable[str]) -> None:
        """These calls were never made, as far as the session knows."""
        for call_id in call_ids:
            self._calls.pop(call_id, None)

    def released(self, call_ids: Iterable[str]) -> Released:
        """There will be no answer to the results of these calls: what was said while they ran was all."""
        released = [call for call_id in call_ids if (call := self._calls.pop(call_id, None)) is not None]
        return Released(
            self.until,
            max((min(call.asked_until, call.passed_in_time) for call in released), default=0),
            max((min(call.asked_until, call.passed) for call in released), default=0),
        )

    def answer_completed(self, until: int, in_time: int) -> tuple[set[int], int]:
        """There is an answer to what went out up to the first of these numbers; what went out after the second may have
        crossed with it. Returns the numbers of the results that it is to, and of the last message that may have led to
        their calls."""
        results, asked_until = set(), 0
        for call_id, call in list(self._calls.items()):
            if call.result is None or call.result > until:
                call.passed, call.passed_in_time = until, in_time
            else:
                results.add(call.result)
                asked_until = max(asked_until, call.asked_until)
                del self._calls[call_id]
        return results, asked_until
