"""`caller`: who is called, and for how long."""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from gemini_realtime.agent import RealtimeAgent
from gemini_realtime.errors import ConfigError, GeminiRealtimeError
from gemini_realtime.testing.call import AgentCall, Call, Listening
from gemini_realtime.testing.line import Line
from gemini_realtime.testing.program import Program
from gemini_realtime.testing.program_call import ProgramCall

if TYPE_CHECKING:
    from gemini_realtime import LiveServer

MakeAgent = Callable[[dict[str, Any]], RealtimeAgent]
"""Makes the agent under test for a configuration."""

_Call = TypeVar("_Call", bound=Call)


class Calling(Generic[_Call]):
    """A call that is awaited, or entered: `call = await caller(...)`, `async with caller(...) as call:`."""

    def __init__(self, begin: Callable[[AsyncExitStack], Awaitable[_Call]]) -> None:
        self._begin = begin
        self._stack = AsyncExitStack()

    def __await__(self) -> Generator[Any, Any, _Call]:
        """The call, when it was taken; it goes on until `hangs_up()`, or the end of the event loop."""
        return self._begin_in_the_background().__await__()

    async def __aenter__(self) -> _Call:
        try:
            return await self._begin(self._stack)
        except BaseException:
            await self._stack.aclose()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)

    async def _begin_in_the_background(self) -> _Call:
        taken: asyncio.Future[_Call] = asyncio.get_running_loop().create_future()
        holding = asyncio.create_task(self._hold(taken), name="call")
        either: list[asyncio.Future[Any]] = [taken, holding]
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            holding.cancel()
            raise
        if not taken.done():
            await holding  # raises why
        return taken.result()

    async def _hold(self, taken: asyncio.Future[_Call]) -> None:
        async with self as call:
            taken.set_result(call)
            await call.log.over.wait()


class _AgentCaller:
    """Calls an agent in this process."""

    def __init__(self, agent: RealtimeAgent | MakeAgent, server: LiveServer | None, options: dict[str, Any]) -> None:
        self._given = agent
        self._server = server
        self._options = options

    async def begin(self, stack: AsyncExitStack) -> AgentCall:
        log = Listening()
        agent = await self._agent(stack)
        agent.register_observer(log)
        await stack.enter_async_context(agent.running())
        return AgentCall(agent, log, self._server)

    async def _agent(self, stack: AsyncExitStack) -> RealtimeAgent:
        if isinstance(self._given, RealtimeAgent):
            return self._given
        if self._server is None:
            self._server = await stack.enter_async_context(_server(self._options))
        made: Any = self._given(self._server.llm_config())
        agent = await made if inspect.isawaitable(made) else made
        if not isinstance(agent, RealtimeAgent):
            raise ConfigError(f"the agent is a {type(agent).__name__}", remedy="return a RealtimeAgent")
        return agent


class _ProgramCaller:
    """Calls a program: one that is run here, or whoever connects to a server."""

    def __init__(
        self,
        command: Sequence[str] | None,
        server: LiveServer | None,
        env: Mapping[str, str] | None,
        cwd: str | os.PathLike[str] | None,
        options: dict[str, Any],
    ) -> None:
        self._command = command
        self._server = server
        self._env = env or {}
        self._cwd = cwd
        self._options = {"tls": True, **options}

    async def begin(self, stack: AsyncExitStack) -> ProgramCall:
        server = self._server
        if server is None:
            server = await stack.enter_async_context(_server(self._options))
        log = Listening()
        await log.initialize_session()
        stack.push_async_callback(log.on_close)
        line = Line(log)
        server.observe(line.observer)
        if self._command is None:
            return ProgramCall(line, log, server, None)
        program = Program(self._command, {**os.environ, **server.environment(), **self._env}, self._cwd)
        stack.push_async_callback(program.end)
        await program.start()
        ending = asyncio.create_task(_hang_up_at_its_end(program, log))
        stack.callback(ending.cancel)
        call = ProgramCall(line, log, server, program)
        try:
            await call.connected()
        except AssertionError as error:
            raise GeminiRealtimeError(str(error), remedy="see what the program wrote") from None
        return call


async def _hang_up_at_its_end(program: Program, log: Listening) -> None:
    await program.ended()
    await log.on_close()


def _server(options: dict[str, Any]) -> LiveServer:
    from gemini_realtime import LiveServer

    return LiveServer(**{"pace": "instant", "warm_up": False, **options})


@overload
def caller(
    agent: RealtimeAgent | MakeAgent, *, server: LiveServer | None = None, **options: Any
) -> Calling[AgentCall]: ...


@overload
def caller(
    *,
    command: Sequence[str],
    env: Mapping[str, str] | None = None,
    cwd: str | os.PathLike[str] | None = None,
    server: LiveServer | None = None,
    **options: Any,
) -> Calling[ProgramCall]: ...


@overload
def caller(*, server: LiveServer) -> Calling[ProgramCall]: ...


def caller(
    agent: RealtimeAgent | MakeAgent | None = None,
    *,
    command: Sequence[str] | None = None,
    env: Mapping[str, str] | None = None,
    cwd: str | os.PathLike[str] | None = None,
    server: LiveServer | None = None,
    **options: Any,
) -> Calling[Any]:
    """Call an agent.

        async with caller(my_agent) as call:
            await call.types("A table for two at eight.")

        async with caller(command=["python", "my_bot.py"]) as call:  # on google-genai, Pipecat, LiveKit, ...
            await call.says("A table for two at eight.")

    Args:
        agent: an agent, which reaches its service by its own configuration; or a function that makes one for a
            configuration: it then talks to an embedded server.
        command: a program in place of an agent; it is run in an environment that leads it to an embedded server, as by
            `gemini-realtime offline`, and called when it has opened its session.
        env: further variables for the program.
        cwd: where it runs.
        server: the embedded server; by default, one is started, with TLS for a program. Without agent and command,
            whoever connects to it is called.
        options: of `LiveServer` where one is started: `responder`, `pace`, `faults`, ...

    Raises:
        ConfigError: there is nobody to call, or too many; or the program cannot be run.
        GeminiRealtimeError: the agent could not open its conversation; or the program ended, or took too long, before
            it did.
    """
    if agent is not None and command is None:
        return Calling(_AgentCaller(agent, server, options).begin)
    if agent is None and (command is not None or server is not None):
        return Calling(_ProgramCaller(command, server, env, cwd, options).begin)
    raise ConfigError("there is nobody to call, or too many", remedy="pass an agent, or `command`, or a `server`")
