"""Which calls have run, and for whom their results are: so that a function runs once for each call of the model.

The same call may come twice, and after a lost connection, a cancellation or an interruption again, under another id or
the old one: the model is asked again what it was asked before, and calls again. The run that stands already then serves
the new call.

    called() ──> running ──> finished ──> sent ──answered()──> forgotten
                    └──cancelled()──> cancelled: whatever comes of it is not sent
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, Final

from gemini_realtime.agent.results import ToolResult

MAX_FORGOTTEN: Final = 1024
"""Ids of calls that are over, kept so that one that comes again is known."""


class Run:
    """One execution of a function.

    Attributes:
        name: of the function.
        first_call_id: the call it was begun for; that of the first run where one that was cancelled is repeated.
        call_id: the call it serves; None while the call was lost, and has not come again.
        result: what goes to the model; None until it is there.
        sent: whether the result has gone out for `call_id`.
        started: the model was told that the function runs, and is told the result in words.
        settled: it was, and the model has spoken of it: the call is over, and the run goes on.
        cancelled: nobody wants the result.
        may_come_again: the model may make the call again, having lost or cancelled it.
        same_as: equal for calls of the same function with the same arguments.
    """

    def __init__(self, name: str, arguments: Mapping[str, Any], call_id: str, first_call_id: str) -> None:
        self.name = name
        self.first_call_id = first_call_id
        self.call_id: str | None = call_id
        self.result: ToolResult | None = None
        self.sent = False
        self.started = False
        self.settled = False
        self.cancelled = False
        self.may_come_again = False
        self.same_as = _key(name, arguments)


class Runs:
    """The runs of one conversation that the model may still ask about."""

    def __init__(self) -> None:
        self._runs: list[Run] = []
        self._over: deque[str] = deque(maxlen=MAX_FORGOTTEN)
        self._answers_due = 0  # until everything that is asked again has been answered

    def called(self, call_id: str, name: str, arguments: Mapping[str, Any]) -> tuple[Run | None, bool]:
        """The model calls.

        Returns:
            The run that serves the call, None for a call that is over; and whether the run is a new one, to be started.
        """
        if call_id in self._over:
            return None, False
        same = [run for run in self._runs if run.call_id == call_id and not run.may_come_again]
        if same:
            return same[0], False
        run = self._to_be_repeated(call_id, _key(name, arguments))
        if run is not None and not run.cancelled:
            run.call_id, run.sent, run.started, run.may_come_again = call_id, False, False, False
            return run, False
        if run is not None:
            self._runs.remove(run)
        begun = Run(name, arguments, call_id, run.first_call_id if run is not None else call_id)
        self._runs.append(begun)
        return begun, True

    def _to_be_repeated(self, call_id: str, key: str) -> Run | None:
        candidates = [run for run in self._runs if run.may_come_again and run.same_as == key]
        return min(candidates, key=lambda run: run.call_id != call_id, default=None)

    def cancelled(self, call_ids: Iterable[str]) -> list[Run]:
        """The service does not want these results: returns the runs to stop.

        A result that is there already serves the same call, should it come again before the next answer; a run that is
        stopped is then repeated under its old idempotency key.
        """
        concerned = [run for run in self._runs if run.call_id in set(call_ids)]
        stopped = [run for run in concerned if run.result is None]
        for run in stopped:
            run.cancelled = True
        for run in concerned:
            self._over.append(run.call_id or "")
            run.call_id, run.may_come_again = None, True
        self._answers_due = max(1, self._answers_due)
        return stopped

    def interrupted(self, *, spoke_of_results: bool) -> None:
        """The turn was cut short. Some models forget its calls then, without a word, and make them again in the next.

        Source: reported by users of 3.8, as `discards_calls` in `local/wire/profiles.py` has it.

        Args:
            spoke_of_results: whether the model had begun to speak of the results that it was sent.
        """
        waiting = [run for run in self._runs if not (run.settled or (run.sent and spoke_of_results))]
        for run in waiting:
            run.may_come_again = True
        if waiting:
            self._answers_due = max(1, self._answers_due)

    def lost(self, call_ids: Iterable[str]) -> None:
        """The service has forgotten these calls with a lost connection; it may make them again."""
        for run in self._runs:
            if run.call_id in set(call_ids):
                run.call_id, run.may_come_again = None, True

    def resumed(self, questions: int, *, new_session: bool) -> None:
        """There is a new connection: what was not answered yet may be called again, whatever became of its result.

        Args:
            questions: how many were asked again.
            new_session: calls have new ids from now on.
        """
        self._answers_due = max(1, questions)
        if new_session:
            self._over.clear()
        for run in self._runs:
            run.may_come_again = not run.settled

    def answered(self) -> None:
        """The model has spoken since, and its turn is over: what it was sent before is done with.

        When all that was asked again is answered, so is what was lost and not called again.
        """
        self._answers_due = max(0, self._answers_due - 1)
        for run in self._runs:
            run.settled = run.settled or run.started
        lost = [run for run in self._runs if run.may_come_again and (run.result or run.cancelled)]
        sent = [run for run in self._runs if run.sent]
        self._forget(sent if self._answers_due else sent + lost)
        if not self._answers_due:
            for run in self._runs:  # what was not called again by now stands as it was
                run.may_come_again = run.may_come_again and run.call_id is None

    def stopped(self, run: Run) -> None:
        """This run is over and its result unwanted."""
        run.cancelled = True
        self._forget([run])

    def _forget(self, runs: list[Run]) -> None:
        self._over.extend(run.call_id for run in runs if run.call_id is not None)
        self._runs = [run for run in self._runs if run not in runs]


def _key(name: str, arguments: Mapping[str, Any]) -> str:
    return f"{name} {json.dumps(arguments, sort_keys=True, default=str)}"
