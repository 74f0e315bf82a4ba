"""`FunctionObserver`: runs the functions that the model calls, each once, and answers every call."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from logging import Logger
from typing import TYPE_CHECKING, Any, Final

from gemini_realtime.agent.background import Terms, terms
from gemini_realtime.agent.execution import Execution
from gemini_realtime.agent.observers import RealtimeObserver
from gemini_realtime.agent.results import ToolError, ToolResult
from gemini_realtime.agent.runs import Run, Runs
from gemini_realtime.agent.tools import CallContext, Tool
from gemini_realtime.errors import ConfigError, GeminiRealtimeError, SendTimeout
from gemini_realtime.protocol.events import (
    AudioDelta,
    FunctionCall,
    FunctionCallCancelled,
    FunctionResult,
    Interrupted,
    OutputTranscript,
    RealtimeEvent,
    SessionResumed,
    TextDelta,
    TurnComplete,
)
from gemini_realtime.protocol.families import family_of

if TYPE_CHECKING:
    from gemini_realtime.agent.agent import RealtimeAgent

_OUTPUT = (AudioDelta, TextDelta, OutputTranscript)
_QUESTIONS = ("text", "audio")
"""Kinds of `ReplayedItem` that are answered."""

LOST = "CONNECTION_LOST"
"""`TurnComplete.reason` of a turn that ended with its connection."""

GRACE_S: Final = 5.0
"""How long a function may go on at the end of the conversation after it was cancelled."""


class FunctionObserver(RealtimeObserver):
    """Runs registered functions when the model calls them.

    A call is answered with what the function returns, or with an object whose `error` says what went wrong. Nothing of
    this waits in the path of the sound: each call is a task, functions that are not async run in threads.
    """

    def __init__(self, *, logger: Logger | None = None) -> None:
        super().__init__(logger=logger)
        self._runs = Runs()
        self._working: dict[Run, _Work] = {}
        self._conversation_id = uuid.uuid4().hex
        self._spoken_since_result = False

    async def initialize_session(self) -> None:
        """Declare the registered functions."""
        if tools := self.declared(self.agent):
            await self.realtime_client.session_update({"tools": tools})

    def declared(self, agent: RealtimeAgent) -> list[dict[str, Any]]:
        """The functions of an agent, as they are declared to the model of this conversation."""
        tools = agent.registered_realtime_tools.values()
        behaviors = {tool.name: self._terms(tool).behavior for tool in tools}
        return [
            tool.declaration | ({"behavior": behaviors[tool.name]} if behaviors[tool.name] else {}) for tool in tools
        ]

    @property
    def _tools(self) -> dict[str, Tool]:
        return self.agent.active.registered_realtime_tools

    def _terms(self, tool: Tool) -> Terms:
        return terms(family_of(self.agent.model), background=tool.background)

    async def run_loop(self) -> None:
        """Nothing to do beside the events."""

    async def on_event(self, event: RealtimeEvent) -> None:
        """React to calls, their cancellation, interruptions and lost connections."""
        match event:
            case FunctionCall():
                await self.call_function(event.call_id, event.name, event.arguments)
            case FunctionCallCancelled() if event.raw_message:
                self._stop(self._runs.cancelled(event.call_ids))
            case FunctionCallCancelled():
                self._runs.lost(event.call_ids)
            case SessionResumed():
                questions = sum(item.kind in _QUESTIONS for item in event.items)
                self._runs.resumed(questions, new_session=event.new_session)
                self._spoken_since_result = False
            case Interrupted():
                await self._interrupted()
            case TurnComplete(interrupted=False) if event.reason != LOST and self._spoken_since_result:
                self._runs.answered()
            case _ if isinstance(event, _OUTPUT):
                self._spoken_since_result = True

    async def on_close(self) -> None:
        """Cancel what still runs, and wait until it has ended."""
        works = list(self._working.values())
        for run in list(self._working):
            self._runs.stopped(run)
        self._stop(list(self._working))
        ended = await asyncio.gather(*(work.ended() for work in works))
        if left := ended.count(False):
            self.logger.warning("%d functions go on although the conversation is over", left)

    async def call_function(self, call_id: str, name: str, kwargs: Mapping[str, Any]) -> None:
        """Serve a call: start the function, or let a run that stands already serve it.

        Args:
            call_id: as in `FunctionCall.call_id`.
            name: of the function.
            kwargs: its arguments.
        """
        run, new = self._runs.called(call_id, name, kwargs)
        if run is not None and new:
            self._work_on(run, self._serve(run, kwargs))
        elif run is not None and run.result is not None and not run.sent:
            self._work_on(run, self._send(run))

    def _work_on(self, run: Run, work: Coroutine[Any, Any, None]) -> None:
        """In a task: events go on coming while a function runs, and while a network takes nothing."""
        task = asyncio.create_task(work, name=f"call of {run.name}")
        self._working[run] = _Work(task)
        task.add_done_callback(lambda _: self._done(run, task))

    def _done(self, run: Run, task: asyncio.Task[None]) -> None:
        if run in self._working and self._working[run].task is task:
            del self._working[run]
        if not task.cancelled() and (error := task.exception()) is not None:
            self.logger.error("a call of %s was not answered: %s", run.name, type(error).__name__, exc_info=error)

    async def _serve(self, run: Run, arguments: Mapping[str, Any]) -> None:
        tool = self._tools.get(run.name)
        try:
            run.result = self._unknown(run.name) if tool is None else await self._result(tool, run, arguments)
        except Exception as error:  # of a kind of tool that somebody else wrote
            self.logger.error("the call of %s failed with %s", run.name, type(error).__name__, exc_info=error)
            run.result = ToolResult.error("the call failed", type=type(error).__name__)
        await self._send(run)

    async def _result(self, tool: Tool, run: Run, arguments: Mapping[str, Any]) -> ToolResult:
        try:
            checked = tool.check(arguments)
        except ToolError as error:
            return ToolResult.error(str(error))
        context = CallContext(run.first_call_id, f"{self._conversation_id}:{run.first_call_id}")
        execution = self._working[run].execution = Execution(tool, context, self.logger)
        if self._terms(tool).follows:
            await self._send_started(run)
        return await execution.result(checked, lambda partial: self._send_partial(tool, run, partial))

    def _unknown(self, name: str) -> ToolResult:
        self.logger.warning("the model called %s, which is not registered", name)
        known = ", ".join(self._tools)
        there_are = f"there are: {known}" if known else "there is none"
        return ToolResult.error(f"there is no function {name!r}; {there_are}")

    async def _send(self, run: Run) -> None:
        if run.call_id is None or run.result is None:
            return  # lost with its connection: it is sent when the call comes again
        call_id, started, run.sent = run.call_id, run.started, True
        self._spoken_since_result = False
        self.agent.add_event(FunctionResult(name=run.name, call_id=call_id, result=run.result.response))
        if started:
            words = json.dumps(run.result.response, ensure_ascii=False)
            await self._until_taken(run, lambda: self._say(f"The result of {run.name} is there: {words}", run))
        else:
            await self._send_result(run, run.result)

    async def _send_started(self, run: Run) -> None:
        """The model waits for every result: it is told that this one follows, so that it goes on talking."""
        await self._send_result(run, ToolResult({"output": f"{run.name} runs; its result follows"}))
        run.started, self._spoken_since_result = True, False

    async def _send_partial(self, tool: Tool, run: Run, partial: ToolResult) -> None:
        if self._terms(tool).partial:
            await self._send_result(run, partial, will_continue=True)

    async def _send_result(self, run: Run, result: ToolResult, **options: Any) -> None:
        tool = self._tools.get(run.name)
        if tool is not None and (scheduling := self._terms(tool).scheduling) is not None:
            options["scheduling"] = scheduling
        try:
            given = {"parts": result.media} if result.media else {}
            await self._until_taken(run, lambda: self._answer(run, result.response, **options, **given))
        except ConfigError as error:  # the model takes no such parts; the function has run, and its words can be told
            self.logger.warning("images and files of %s were not sent: %s", run.name, error)
            words = result.response | {"not_attached": error.problem}
            await self._until_taken(run, lambda: self._answer(run, words, **options))

    async def _answer(self, run: Run, response: dict[str, Any], **options: Any) -> None:
        if run.call_id is not None and not run.cancelled:
            await self.realtime_client.send_function_result(run.call_id, response, **options)  # type: ignore[arg-type]

    async def _say(self, words: str, run: Run) -> None:
        media = run.result.media if run.result is not None else ()
        send_turn = getattr(self.realtime_client, "send_turn", None)
        if media and send_turn is not None:
            await send_turn([words, *media])
        else:
            await self.realtime_client.send_text(role="user", text=words)

    async def _until_taken(self, run: Run, send: Callable[[], Awaitable[None]]) -> None:
        """Send, however long the network is stalled."""
        while not run.cancelled:
            try:
                return await send()
            except ConfigError:
                raise
            except SendTimeout:
                self.logger.warning("the result of %s waits for the network", run.name)
            except GeminiRealtimeError as error:  # the conversation is over, and says why to whoever reads it
                self.logger.warning("the result of %s was not sent: %s", run.name, error.problem)
                return None
        return None

    async def _interrupted(self) -> None:
        self._runs.interrupted(spoke_of_results=self._spoken_since_result)
        tools = self._tools
        for run in [run for run in self._working if run.name in tools and tools[run.name].cancel_on_interruption]:
            if run.result is None:
                self._stop([run])
                run.result = ToolResult.error("cancelled: the user interrupted")
                self._work_on(run, self._send(run))

    def _stop(self, runs: list[Run]) -> None:
        for run in runs:
            if (work := self._working.get(run)) is not None:
                work.cancel()


class _Work:
    """What is being done for a run: its function, then the sending of its result."""

    def __init__(self, task: asyncio.Task[None]) -> None:
        self.task = task
        self.execution: Execution | None = None

    def cancel(self) -> None:
        if self.execution is not None:
            self.execution.cancel()
        self.task.cancel()

    async def ended(self) -> bool:
        await asyncio.wait([self.task])
        return self.execution is None or await self.execution.ended(GRACE_S)
