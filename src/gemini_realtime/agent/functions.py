"""`FunctionObserver`: runs the functions that the model calls, each once, and answers every call."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Mapping
from logging import Logger
from typing import Any

from gemini_realtime.agent.background import Terms, terms
from gemini_realtime.agent.observers import RealtimeObserver
from gemini_realtime.agent.runs import Run, Runs
from gemini_realtime.agent.tools import Approval, CallContext, Tool, ToolError
from gemini_realtime.errors import ConfigError, GeminiRealtimeError
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

_OUTPUT = (AudioDelta, TextDelta, OutputTranscript)
LOST = "CONNECTION_LOST"
"""`TurnComplete.reason` of a turn that ended with its connection."""


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
        tools = [self._declared(tool) for tool in self.agent.registered_realtime_tools.values()]
        if tools:
            await self.realtime_client.session_update({"tools": tools})

    def _declared(self, tool: Tool) -> dict[str, Any]:
        behavior = self._terms(tool).behavior
        return tool.declaration | ({"behavior": behavior} if behavior else {})

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
                self._runs.resumed()
            case Interrupted():
                await self._interrupted()
            case TurnComplete() if event.reason != LOST and self._spoken_since_result:
                self._runs.answered()
            case _ if isinstance(event, _OUTPUT):
                self._spoken_since_result = True

    async def on_close(self) -> None:
        """Cancel what still runs, and wait until it has ended."""
        for run in list(self._working):
            self._runs.stopped(run)
        works = list(self._working.values())
        self._stop(list(self._working))
        if works:
            await asyncio.wait([work.task for work in works])

    async def call_function(self, call_id: str, name: str, kwargs: Mapping[str, Any]) -> None:
        """Serve a call: start the function, or let a run that stands already serve it.

        Args:
            call_id: as in `FunctionCall.call_id`.
            name: of the function.
            kwargs: its arguments.
        """
        run, new = self._runs.called(call_id, name, kwargs)
        if run is not None and new:
            context = CallContext(call_id, f"{self._conversation_id}:{call_id}")
            task = asyncio.create_task(self._serve(run, kwargs, context), name=f"tool {name}")
            self._working[run] = _Work(task, context)
            task.add_done_callback(lambda _: self._working.pop(run, None))
        elif run is not None and run.result is not None and not run.sent:
            await self._send(run)

    async def _serve(self, run: Run, arguments: Mapping[str, Any], context: CallContext) -> None:
        tool = self.agent.registered_realtime_tools.get(run.name)
        try:
            if tool is None:
                run.result = self._unknown(run.name)
            else:
                run.result = await self._result(tool, run, arguments, context)
        except asyncio.CancelledError:
            if run.cancelled:
                return
            raise
        if not run.cancelled:
            await self._send(run)

    async def _result(self, tool: Tool, run: Run, arguments: Mapping[str, Any], context: CallContext) -> dict[str, Any]:
        try:
            async with asyncio.timeout(tool.timeout_s) as limit:
                checked = tool.check(arguments)
                if tool.approve is not None and not await tool.approve(Approval(tool.name, checked, context)):
                    return {"error": "the call was not approved"}
                if self._terms(tool).follows:
                    await self._send_started(run)
                last: dict[str, Any] | None = None
                async for result in tool.results(checked, context):
                    if last is not None and self._terms(tool).partial:
                        await self._send_result(run, last, will_continue=True)
                    last = result
                return last or {"output": "done"}
        except TimeoutError as error:
            if not limit.expired():
                return self._failed(tool, error)
            context.cancel()
            self.logger.warning("the function %s took more than %g s", tool.name, tool.timeout_s)
            return {"error": f"{tool.name} took more than {tool.timeout_s:g} s"}
        except ToolError as error:
            return {"error": str(error)}
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if run.cancelled or (task is not None and task.cancelling()):
                raise
            return self._failed(tool, error)  # of something that the function waited for: nobody cancelled the call
        except (Exception, SystemExit) as error:  # somebody else's code: whatever it raises, the model waits
            return self._failed(tool, error)

    def _failed(self, tool: Tool, error: BaseException) -> dict[str, Any]:
        # Without arguments and without the error's words, which may repeat them.
        self.logger.error("the function %s raised %s", tool.name, type(error).__name__)
        return {"error": str(error) or type(error).__name__, "type": type(error).__name__}

    def _unknown(self, name: str) -> dict[str, Any]:
        self.logger.warning("the model called %s, which is not registered", name)
        known = ", ".join(self.agent.registered_realtime_tools)
        return {"error": f"there is no function {name!r}; " + (f"there are: {known}" if known else "there is none")}

    async def _send(self, run: Run) -> None:
        if run.call_id is None or run.result is None:
            return  # lost with its connection: it is sent when the call comes again
        call_id, started, run.sent = run.call_id, run.started, True
        self._spoken_since_result = False
        self.agent.add_event(FunctionResult(name=run.name, call_id=call_id, result=run.result))
        if started:
            await self._say(f"The result of {run.name} is there: {json.dumps(run.result, ensure_ascii=False)}")
            return
        try:
            await self._send_result(run, run.result)
        except ConfigError as error:
            self.logger.error("the result of %s cannot be sent: %s", run.name, error.problem)
            await self._send_result(run, {"error": "the result cannot be sent"})

    async def _send_started(self, run: Run) -> None:
        """The model waits for every result: it is told that this one follows, so that it goes on talking."""
        await self._send_result(run, {"output": f"{run.name} runs; its result follows"})
        run.started = True

    async def _send_result(self, run: Run, result: dict[str, Any], *, will_continue: bool | None = None) -> None:
        if run.call_id is None or run.cancelled:
            return
        tool, client = self.agent.registered_realtime_tools.get(run.name), self.realtime_client
        scheduling = self._terms(tool).scheduling if tool is not None else None
        options = {"scheduling": scheduling, "will_continue": will_continue}
        given = {name: value for name, value in options.items() if value is not None}
        try:
            await client.send_function_result(run.call_id, result, **given)  # type: ignore[arg-type]
        except ConfigError:
            raise
        except GeminiRealtimeError as error:  # the conversation is over, and says why to whoever reads it
            self.logger.warning("the result of %s was not sent: %s", run.name, error.problem)

    async def _say(self, words: str) -> None:
        try:
            await self.realtime_client.send_text(role="user", text=words)
        except GeminiRealtimeError as error:
            self.logger.warning("a result was not sent: %s", error.problem)

    async def _interrupted(self) -> None:
        tools = self.agent.registered_realtime_tools
        for run in [run for run in self._working if run.name in tools and tools[run.name].cancel_on_interruption]:
            run.result = {"error": "cancelled: the user interrupted"}
            self._stop([run])
            await self._send(run)
            self._runs.stopped(run)

    def _stop(self, runs: list[Run]) -> None:
        for run in runs:
            work = self._working.get(run)
            if work is not None:
                work.context.cancel()
                work.task.cancel()


class _Work:
    def __init__(self, task: asyncio.Task[None], context: CallContext) -> None:
        self.task = task
        self.context = context
