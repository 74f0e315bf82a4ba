"""One execution of a function: from checked arguments to a result, whatever the function does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from logging import Logger
from typing import Any

from gemini_realtime.agent.results import ToolError, ToolResult
from gemini_realtime.agent.tools import Approval, CallContext, Tool

Progress = Callable[[ToolResult], Awaitable[None]]
"""Takes what a generator gives before its last value."""

DONE = ToolResult({"output": "done"})


class Execution:
    """A function at work, in a task of its own: it may ignore that it is cancelled, and nobody waits for it then.

    Args:
        tool: the function.
        context: of the call.
        logger: is told of failures, without arguments and without an error's words, which may repeat them.
    """

    def __init__(self, tool: Tool, context: CallContext, logger: Logger) -> None:
        self._tool = tool
        self._context = context
        self._logger = logger
        self._task: asyncio.Task[ToolResult] | None = None

    async def result(self, arguments: Mapping[str, Any], progress: Progress) -> ToolResult:
        """Run the function, and wait for as long as it may take.

        Args:
            arguments: as `Tool.check` returned them.
            progress: takes partial results.

        Raises:
            asyncio.CancelledError: by `cancel()`, or whoever waits was cancelled.
        """
        name, limit_s = self._tool.name, self._tool.timeout_s
        self._task = asyncio.create_task(self._run(arguments, progress), name=f"tool {name}")
        try:
            await asyncio.wait([self._task], timeout=limit_s)
        except asyncio.CancelledError:
            self.cancel()
            raise
        if self._task.done():
            return self._task.result()
        self.cancel()
        self._logger.warning("the function %s took more than %g s", name, limit_s)
        return ToolResult.error(f"{name} took more than {limit_s:g} s")

    def cancel(self) -> None:
        """Nobody waits for the result any more."""
        self._context.cancel()
        if self._task is not None:
            self._task.cancel()

    async def ended(self, timeout_s: float) -> bool:
        """Wait until the function has ended; returns whether it has."""
        if self._task is not None:
            await asyncio.wait([self._task], timeout=timeout_s)
        return self._task is None or self._task.done()

    async def _run(self, arguments: Mapping[str, Any], progress: Progress) -> ToolResult:
        tool, context = self._tool, self._context
        try:
            if tool.approve is not None and not await tool.approve(Approval(tool.name, dict(arguments), context)):
                return ToolResult.error("the call was not approved")
            last: ToolResult | None = None
            async for result in tool.results(arguments, context):
                if last is not None and not context.cancelled:
                    await progress(last)
                last = result
            return last or DONE
        except ToolError as error:
            return ToolResult.error(str(error))
        except (KeyboardInterrupt, GeneratorExit):
            raise  # whoever presses Ctrl-C means the program; and the loop is gone
        except asyncio.CancelledError as error:
            if context.cancelled:
                raise
            return self._failed(error)  # of something that the function waited for: nobody cancelled the call
        except BaseException as error:  # somebody else's code: whatever it raises, the model waits
            return self._failed(error)

    def _failed(self, error: BaseException) -> ToolResult:
        kind = type(error).__name__
        self._logger.error("the function %s raised %s", self._tool.name, kind)
        return ToolResult.error(str(error) or kind, type=kind)
