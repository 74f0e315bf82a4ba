"""A call to a voice agent, from the caller's side: say something, hear the answer, interrupt, look at what was done.

call = await caller(my_agent)
await call.says("A table for two at eight.")
answer = await call.hears()
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Generator
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, cast

from gemini_realtime.adapters.files import read_audio
from gemini_realtime.agent import ConversationLog, RealtimeAgent, ToolUse, Turn
from gemini_realtime.client import GeminiRealtimeClient
from gemini_realtime.errors import ConfigError, NotConnectedError
from gemini_realtime.protocol.events import AudioDelta, RealtimeEvent, TurnComplete
from gemini_realtime.testing.conversation import say

if TYPE_CHECKING:
    from gemini_realtime import LiveServer

MakeAgent = Callable[[dict[str, Any]], RealtimeAgent]
"""Makes the agent under test for a configuration."""


class _Listening(ConversationLog):
    """The log of the call, which knows when the agent is to be heard."""

    def __init__(self) -> None:
        super().__init__()
        self.audible = asyncio.Event()

    async def on_event(self, event: RealtimeEvent) -> None:
        await super().on_event(event)
        if isinstance(event, AudioDelta) and not event.stale:
            self.audible.set()
        elif isinstance(event, TurnComplete):
            self.audible.clear()


class Call:
    """A conversation with an agent.

    Attributes:
        agent: who was called.
        log: of the conversation, as the caller follows it.
    """

    def __init__(self, agent: RealtimeAgent, log: _Listening, server: LiveServer | None) -> None:
        self.agent = agent
        self.log: ConversationLog = log
        self._audible = log.audible
        self._server = server

    async def says(self, speech: str | bytes | Path, *, rate_hz: int = 16000) -> None:
        """Speak, and be silent for a second.

        Args:
            speech: words, for a synthetic voice; samples, mono signed 16-bit little-endian; or a sound file.
            rate_hz: of samples.
        """
        if isinstance(speech, Path):
            speech, rate_hz = read_audio(speech)
        client = cast("GeminiRealtimeClient", self.agent.realtime_client)
        await say(client, speech, rate_hz=rate_hz, realtime=False)

    async def types(self, words: str) -> None:
        """Say it in writing: quicker than to speak, and understood to the letter."""
        self.log.note_typed(words)
        await self.agent.realtime_client.send_text(role="user", text=words)

    async def hears(self, *, timeout_s: float = 30.0) -> Turn:
        """The next answer of the agent, when it is whole; a turn that only calls functions is none.

        Raises:
            AssertionError: there was none in time, or before the call ended; the message tells the conversation.
        """
        try:
            async with asyncio.timeout(timeout_s):
                return await self.log.next_answer()
        except TimeoutError:
            raise AssertionError(f"no answer within {timeout_s:g} s:\n{self.log.table()}") from None
        except NotConnectedError:
            raise AssertionError(f"the call ended before an answer:\n{self.log.table()}") from None

    async def interrupts(self, speech: str | bytes | Path, *, after_ms: float = 300.0, timeout_s: float = 30.0) -> None:
        """Wait until the agent is to be heard, and speak over it. The server has to keep pace: `pace="realtime"`.

        Args:
            speech: as for `says`.
            after_ms: how long it may speak.
            timeout_s: how long to wait for its first sound.

        Raises:
            AssertionError: it was not to be heard in time.
        """
        try:
            async with asyncio.timeout(timeout_s):
                await self._audible.wait()
        except TimeoutError:
            raise AssertionError(f"nothing to interrupt within {timeout_s:g} s:\n{self.log.table()}") from None
        await asyncio.sleep(after_ms / 1000)
        await self.says(speech)

    def fault(self, name: str) -> None:
        """Let something go wrong now, as docs/faults.md names it: `cut`, `silence`, `close:code=1011`, `go-away`.

        Raises:
            ConfigError: there is no such fault, or the call does not know the server.
        """
        if self._server is None:
            raise ConfigError("the call does not know the server", remedy="pass `server`, or a function for the agent")
        self._server.misbehave(name)

    async def hangs_up(self) -> None:
        """End the call; returns when the agent has put everything in order."""
        self.agent.stop()
        await self.log.over.wait()

    @property
    def turns(self) -> list[Turn]:
        """What both sides said, so far."""
        return self.log.turns

    @property
    def tools(self) -> list[ToolUse]:
        """The functions that were called, in order."""
        return [use for turn in self.log.turns for use in turn.tools]

    @property
    def latencies_ms(self) -> list[float]:
        """Of each answer: from the end of what the caller said to its first sound."""
        return [turn.first_audio_ms for turn in self.log.turns if turn.first_audio_ms is not None]


class Calling:
    """A call that is awaited, or entered: `call = await caller(...)`, `async with caller(...) as call:`."""

    def __init__(self, agent: RealtimeAgent | MakeAgent, server: LiveServer | None, options: dict[str, Any]) -> None:
        self._given = agent
        self._server = server
        self._options = options
        self._stack = AsyncExitStack()

    def __await__(self) -> Generator[Any, Any, Call]:
        """The call, when the agent has taken it; it goes on until `hangs_up()`, or the end of the event loop."""
        return self._begin_in_the_background().__await__()

    async def __aenter__(self) -> Call:
        log = _Listening()
        try:
            agent = await self._agent()
            agent.register_observer(log)
            await self._stack.enter_async_context(agent.running())
        except BaseException:
            await self._stack.aclose()
            raise
        return Call(agent, log, self._server)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)

    async def _agent(self) -> RealtimeAgent:
        if isinstance(self._given, RealtimeAgent):
            return self._given
        if self._server is None:
            from gemini_realtime import LiveServer

            server = LiveServer(**{"pace": "instant", "warm_up": False, **self._options})
            self._server = await self._stack.enter_async_context(server)
        made: Any = self._given(self._server.llm_config())
        agent = await made if inspect.isawaitable(made) else made
        if not isinstance(agent, RealtimeAgent):
            raise ConfigError(f"the agent is a {type(agent).__name__}", remedy="return a RealtimeAgent")
        return agent

    async def _begin_in_the_background(self) -> Call:
        taken: asyncio.Future[Call] = asyncio.get_running_loop().create_future()
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

    async def _hold(self, taken: asyncio.Future[Call]) -> None:
        async with self as call:
            taken.set_result(call)
            await call.log.over.wait()


def caller(agent: RealtimeAgent | MakeAgent, *, server: LiveServer | None = None, **options: Any) -> Calling:
    """Call an agent.

        async with caller(my_agent) as call:
            await call.types("A table for two at eight.")

    Args:
        agent: an agent, which reaches its service by its own configuration; or a function that makes one for a
            configuration: it then talks to an embedded server.
        server: the embedded server that the agent talks to; by default, one is started for an agent that is made.
        options: of `LiveServer` where one is started: `responder`, `pace`, `faults`, ...
    """
    return Calling(agent, server, options)
