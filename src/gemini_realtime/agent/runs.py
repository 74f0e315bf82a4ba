"""Which calls have run, and for whom their results are: so that a function runs once for each call of the model.

The same call may come twice, and after a lost connection again under another id: the model is asked again what it was
asked before the loss, and calls again. The run that stands already then serves the new call.

    called() ──> running ──finished()──> finished ──sent()──> sent ──answered()──> forgotten
                    └──cancelled()──> cancelled: whatever comes of it is not sent
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from gemini_realtime.agent.results import ToolResult

MAX_FORGOTTEN: Final = 1024
"""Ids of calls that are over, kept so that one that comes again is known."""


class Run:
    """One execution of a function.

    Attributes:
        name: of the function.
        first_call_id: the call it was begun for.
        call_id: the call it serves; None while the call was lost and has not come again.
        result: what goes to the model; None until it is there.
        sent: whether the result has gone out for `call_id`.
        started: the model was told that the function runs, and is told the result in words.
        cancelled: nobody wants the result.
        may_come_again: a connection was lost since, and the model may make the call again.
        same_as: equal for calls of the same function with the same arguments.
    """

    def __init__(self, name: str, arguments: Mapping[str, Any], call_id: str) -> None:
        self.name = name
        self.first_call_id = call_id
        self.call_id: str | None = call_id
        self.result: ToolResult | None = None
        self.sent = False
        self.started = False
        self.cancelled = False
        self.may_come_again = False
        self.same_as = _key(name, arguments)


class Runs:
    """The runs of one conversation that the model may still ask about."""

    def __init__(self) -> None:
        self._runs: list[Run] = []
        self._over: deque[str] = deque(maxlen=MAX_FORGOTTEN)

    def __iter__(self) -> Iterator[Run]:
        return iter(self._runs)

    def called(self, call_id: str, name: str, arguments: Mapping[str, Any]) -> tuple[Run | None, bool]:
        """The model calls.

        Returns:
            The run that serves the call, None for a call that is over; and whether the run is a new one, to be started.
        """
        if call_id in self._over:
            return None, False
        for run in self._runs:
            if run.call_id == call_id:
                return (run, False) if not run.cancelled else (None, False)
        for run in self._runs:
            if run.may_come_again and not run.cancelled and run.same_as == _key(name, arguments):
                run.call_id, run.sent, run.started, run.may_come_again = call_id, False, False, False
                return run, False
        run = Run(name, arguments, call_id)
        self._runs.append(run)
        return run, True

    def cancelled(self, call_ids: Iterable[str]) -> list[Run]:
        """The service does not want these results: returns the runs to stop."""
        stopped = [run for run in self._runs if run.call_id in set(call_ids)]
        for run in stopped:
            run.cancelled = True
        self._forget(stopped)
        return stopped

    def lost(self, call_ids: Iterable[str]) -> None:
        """The service has forgotten these calls with a lost connection; it may make them again."""
        for run in self._runs:
            if run.call_id in set(call_ids):
                run.call_id, run.may_come_again = None, True

    def resumed(self) -> None:
        """There is a new connection: what was not answered yet may be called again, whatever became of its result."""
        for run in self._runs:
            run.may_come_again = True

    def answered(self) -> None:
        """The model has spoken since, and its turn is over: what it was sent before is done with."""
        self._forget([run for run in self._runs if run.sent])

    def stopped(self, run: Run) -> None:
        """This run is over and its result unwanted."""
        run.cancelled = True
        self._forget([run])

    def _forget(self, runs: list[Run]) -> None:
        self._over.extend(run.call_id for run in runs if run.call_id is not None)
        self._runs = [run for run in self._runs if run not in runs]


def _key(name: str, arguments: Mapping[str, Any]) -> str:
    return f"{name} {json.dumps(arguments, sort_keys=True, default=str)}"
