"""`RealtimeAgent`: a conversation with functions, sound and observers."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from inspect import signature
from logging import Logger, getLogger
from typing import TYPE_CHECKING, Any, Final, overload

from gemini_realtime.agent.functions import FunctionObserver
from gemini_realtime.agent.observers import END_WITHIN_S, Delivery, RealtimeObserver, check_observer
from gemini_realtime.agent.openings import Openings
from gemini_realtime.agent.threads import in_thread
from gemini_realtime.agent.tools import TOOL_OPTIONS, Tool
from gemini_realtime.checking import check_fields, check_type, spelling_remedy
from gemini_realtime.errors import ConfigError, NotConnectedError
from gemini_realtime.protocol.events import OWN_EVENTS, RealtimeEvent, SessionUpdated, TextSent
from gemini_realtime.realtime_client import RealtimeClientProtocol, Role, get_client

if TYPE_CHECKING:
    from gemini_realtime.client import GeminiRealtimeClient
    from gemini_realtime.recordings import RecordingOptions

_global_logger = getLogger("gemini_realtime.agent")


async def _nothing() -> None:
    return None


@dataclass
class RealtimeAgentCallbacks:
    """What an application may hook in.

    Attributes:
        on_observers_ready: called, and awaited where it is async, when every observer has prepared the session, before
            the first event.
    """

    on_observers_ready: Callable[[], Awaitable[Any] | None] = _nothing


class RealtimeAgent:
    """Holds a conversation: connects, runs the functions that the model calls, carries sound, tells observers.

        agent = RealtimeAgent(name="host", audio_adapter=TwilioAudioAdapter(websocket), llm_config=llm_config)

        @agent.register_realtime_function(description="Book a table")
        async def book(guests: int) -> str: ...

        await agent.run()

    Nothing is opened before that.

    Args:
        name: of the agent.
        audio_adapter: carries the sound; when its loop ends, as when the caller hangs up, so does `run()`. By default
            the first observer that carries sound.
        system_message: the instructions.
        llm_config: as for `GeminiRealtimeClient`; `api_type` may be left out.
        logger: for the agent, its client and its functions.
        observers: who else follows the conversation.
        client: one of your own, in place of one that is made of `llm_config`.
        record: the folder in which each conversation is recorded, or `RecordingOptions`; see docs/recordings.md.
        client_kwargs: for the client's factory.

    Raises:
        ConfigError: the configuration cannot work.
        ValueError: no registered client is meant for it.

    Attributes:
        name: of the agent.
        model: as the configuration names it.
        voice: as the configuration names it; None for the model's own.
        active: who has the conversation: this agent, or the one it was handed over to, from when that is in force.
        hears_recording: whether `hear` is under way: what the audio adapter hears meanwhile is not sent.
        callbacks: what an application may hook in.
    """

    def __init__(
        self,
        *,
        name: str,
        audio_adapter: RealtimeObserver | None = None,
        system_message: str = "You are a helpful AI Assistant.",
        llm_config: Any = None,
        logger: Logger | None = None,
        observers: list[RealtimeObserver] | None = None,
        client: RealtimeClientProtocol | None = None,
        record: RecordingOptions | str | os.PathLike[str] | None = None,
        **client_kwargs: Any,
    ) -> None:
        self.name = name
        self.callbacks = RealtimeAgentCallbacks()
        self.model = str(_entry_of(llm_config, "model") or "")
        self.voice: str | None = _entry_of(llm_config, "voice")
        self.active: RealtimeAgent = self
        self.hears_recording = False
        self._next: RealtimeAgent = self
        self._system_message = system_message
        self._logger = logger
        if observers is not None:
            check_type("observers", observers, (list, tuple), "a list of observers")
        self._realtime_client = client or _client_for(llm_config, self.logger, client_kwargs)
        if record is not None:
            self._gemini_client().record(record)
        self._tools: dict[str, Tool] = {}
        self._audio_adapter = audio_adapter
        self._running = False
        self._observers: list[RealtimeObserver] = []
        self._openings = Openings(logger=logger)
        self._functions = FunctionObserver(logger=logger)
        for observer in (self._openings, *(observers or ())):
            self.register_observer(observer)
        for observer in (self._functions, audio_adapter):  # one of the observers may run the functions
            if observer is not None:
                self.register_observer(observer)
        self._deliveries: list[Delivery] = []
        self._ready = asyncio.Event()
        self._stopping = asyncio.Event()
        self._opening: asyncio.Timeout | None = None

    @property
    def system_message(self) -> str:
        """The instructions."""
        return self._system_message

    @property
    def logger(self) -> Logger:
        """The logger of this agent."""
        return self._logger or _global_logger

    @property
    def realtime_client(self) -> RealtimeClientProtocol:
        """The client."""
        return self._realtime_client

    @property
    def registered_realtime_tools(self) -> dict[str, Tool]:
        """The functions by the name the model knows them by."""
        return self._tools

    def register_observer(self, observer: RealtimeObserver) -> None:
        """Add an observer; one that is there already stays there once.

        A `FunctionObserver` takes the place of the one before it. The first that carries sound is the audio adapter,
        where the agent was made with none.

        Raises:
            ConfigError: it is no observer; or the conversation runs already, and it would be told of nothing.
        """
        check_observer(observer)
        if self._running:
            raise ConfigError("an observer came while the agent runs", remedy="register it before `run()`")
        if any(known is observer for known in self._observers):
            return
        if isinstance(observer, FunctionObserver):  # two would run each call twice
            self._observers = [known for known in self._observers if known is not self._functions]
            self._functions = observer
        elif self._audio_adapter is None and getattr(observer, "carries_sound", False):
            self._audio_adapter = observer
        self._observers.append(observer)

    def add_event(self, event: RealtimeEvent) -> None:
        """Tell the observers of an event of your own."""
        recorder = getattr(self._realtime_client, "recorder", None)
        if recorder is not None and type(event) in OWN_EVENTS:
            recorder.event(event)
        self._tell(event)

    def _tell(self, event: RealtimeEvent) -> None:
        for delivery in self._deliveries:
            delivery.put(event)

    @overload
    def register_realtime_function(self, func_or_tool: Callable[..., Any] | Tool, /) -> Tool: ...

    @overload
    def register_realtime_function(
        self, func_or_tool: None = None, /, *, name: str | None = None, description: str | None = None, **options: Any
    ) -> Callable[[Callable[..., Any] | Tool], Tool]: ...

    def register_realtime_function(
        self,
        func_or_tool: Callable[..., Any] | Tool | None = None,
        /,
        *,
        name: str | None = None,
        description: str | None = None,
        **options: Any,
    ) -> Any:
        """Decorator, with parentheses or without: let the model call a function.

        Args:
            func_or_tool: the function, where there are no parentheses.
            name: what the model knows it by; the function's own name by default.
            description: what the model is told about it; the docstring by default.
            options: `background`, `timeout_s`, `cancel_on_interruption`, `approve`, as in `Tool`.

        Raises:
            ConfigError: the signature cannot be declared, there is no such option, the name is taken, or the agent runs
                already: the model would never hear of the function.
        """
        given = {"name": name, "description": description, **options}
        changed = {option: value for option, value in given.items() if value is not None}
        check_fields("register_realtime_function", changed, TOOL_OPTIONS)

        def register(func_or_tool: Callable[..., Any] | Tool) -> Tool:
            as_it_is = isinstance(func_or_tool, Tool) and not changed
            return self._add_tool(func_or_tool if as_it_is else Tool(func_or_tool, **changed))  # type: ignore[arg-type]

        return register if func_or_tool is None else register(func_or_tool)

    def _add_tool(self, tool: Tool) -> Tool:
        if self._running:
            raise ConfigError(
                f"the function {tool.name!r} came while the agent runs",
                remedy="register it before `run()`, or on an agent that `hand_over` leads to",
            )
        if tool.name in self._tools:
            raise ConfigError(f"there are two functions called {tool.name!r}", remedy="pass `name`")
        self._tools[tool.name] = tool
        return tool

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Hold the conversation in the background for the duration of the context, from when it is ready.

        Raises:
            NotConnectedError: `stop()` was called before it was ready.
            GeminiRealtimeError: as `run()`.
        """
        run = asyncio.create_task(self.run())
        self._ready.clear()
        ready = asyncio.create_task(self._ready.wait())
        try:
            await asyncio.wait([run, ready], return_when=asyncio.FIRST_COMPLETED)
            if run.done():
                await run
                raise NotConnectedError("the conversation was over before it was ready")
            yield
            if not run.done():
                self.stop()
            await run
        finally:
            await _cancelled([ready, run])

    async def hear(
        self, recording: str | os.PathLike[str], *, real_time: bool = True, silence_ms: float = 1000
    ) -> None:
        """Let the model hear a recording as a microphone would, in place of the audio adapter's; returns when it has
        been said.

        Args:
            recording: a sound file, WAV, FLAC, Ogg, ..., of any rate and channel count.
            real_time: False sends it as fast as the connection takes it.
            silence_ms: what is heard after it, by which the service knows that the question is over.

        Raises:
            AudioFormatError: it cannot be read as sound.
            OSError: it cannot be read.
            NotConnectedError: the agent does not run.
        """
        from gemini_realtime.adapters.files import CHUNK_MS, Recording

        if not self._ready.is_set():
            raise NotConnectedError("nobody hears a recording before the conversation", remedy="run the agent first")
        # To read and convert minutes of sound takes seconds, in which the conversation goes on.
        speech = await in_thread(lambda: Recording(recording, real_time=real_time))
        silent_ms = 0
        self.hears_recording = True
        try:
            async with aclosing(aiter(speech)) as chunks:
                async for chunk in chunks:
                    await self._realtime_client.send_audio(chunk)
                    silent_ms += CHUNK_MS * speech.over
                    if speech.over and silent_ms >= silence_ms:
                        return
        finally:
            self.hears_recording = False

    async def send_text(self, text: str, *, role: Role = "user") -> None:
        """Say something in writing, and tell the observers (`TextSent`), the log among them.

        Args:
            text: the words.
            role: whose they are: `user`, or `system` for what the model is to do.

        Raises:
            GeminiRealtimeError: as `send_text` of the client.
        """
        await self._realtime_client.send_text(role=role, text=text)
        self.add_event(TextSent(role=role, text=text))

    async def hand_over(
        self, to: RealtimeAgent, *, summary: str = "", opening: str = "", keep_history: bool = True
    ) -> None:
        """Let another agent go on with this conversation: its instructions, functions and voice; what was said stays.

        Between two turns the session is given a new setup, and keeps its history. The connection, the sound and the
        observers are those of this agent, and `hand_over` of this agent is what leads on, or back: `to` is not run.

        Args:
            to: the other agent; of its configuration only the voice matters.
            summary: what it is told about the conversation, beside its instructions.
            opening: what it is asked to do first, such as "Greet the caller."; by default it waits for the user.
            keep_history: False opens a new session: of what was said before it knows the summary alone.

        Raises:
            ConfigError: this agent does not run, or `to` is none; or the model, or the client, takes no such change.
        """
        check_type("to", to, RealtimeAgent, "a RealtimeAgent")
        if not self._running:
            raise ConfigError(f"the agent {self.name!r} does not run", remedy="call `hand_over` of the one that runs")
        told = f"\n\nWhat happened before you came: {summary}" if summary else ""
        options: dict[str, Any] = {"instructions": to.system_message + told, "tools": self._functions.declared(to)}
        if self._next.voice != to.voice:
            options["voice"] = to.voice
        await self._change(options, keep_history=keep_history)
        self._next, self._openings.words = to, opening
        if not self._ready.is_set():
            self.active = to  # the session is set up with it
        self.logger.info("%s hands the conversation over to %s", self.name, to.name)

    async def _change(self, options: dict[str, Any], *, keep_history: bool) -> None:
        if keep_history or not self._ready.is_set():
            await self._realtime_client.session_update(options)
            return
        new_session = getattr(self._realtime_client, "new_session", None)
        if new_session is None:
            raise ConfigError(
                "the client opens no new sessions", remedy="use GeminiRealtimeClient, or keep_history=True"
            )
        await new_session(options)

    def stop(self) -> None:
        """End the conversation: `run()` returns when everything has been put in order.

        Before `run()`, that returns at once; while the conversation is being opened, that is given up.
        """
        self._stopping.set()
        if self._opening is not None:
            self._opening.reschedule(asyncio.get_running_loop().time())

    async def run(self) -> None:
        """Hold the conversation until it ends: by the service, by the caller, or by `stop()`.

        Raises:
            ConfigError: it runs already.
            GeminiRealtimeError: it could not be opened, or ended with an error.
        """
        if self._running:
            raise ConfigError(f"the agent {self.name!r} runs already", remedy="make an agent for each conversation")
        self._running = True
        self._ready.clear()
        try:
            async with asyncio.timeout(0 if self._stopping.is_set() else None) as opening:
                self._opening = opening
                await self._run()
        except TimeoutError:
            if not opening.expired():
                raise
        finally:
            self._running, self._opening = False, None
            self.active = self._next = self
            self._stopping.clear()

    async def _run(self) -> None:
        async with self._realtime_client.connect():
            await self._realtime_client.session_update({"instructions": self._system_message})
            self._deliveries = [Delivery(observer) for observer in self._observers]
            loops = {asyncio.create_task(observer.run(self)): observer for observer in self._observers}
            try:
                await _prepared(loops)
                if (ready := self.callbacks.on_observers_ready()) is not None:
                    await ready
                self._opening = None
                self._ready.set()
                await self._converse(loops)
            finally:
                for loop in await _cancelled(loops, within_s=END_WITHIN_S):
                    self.logger.error("the loop of %s goes on although it was cancelled", type(loops[loop]).__name__)

    async def _converse(self, loops: dict[asyncio.Task[None], RealtimeObserver]) -> None:
        delivering = [asyncio.create_task(delivery.run()) for delivery in self._deliveries]
        reading = asyncio.create_task(self._read())
        stopping = asyncio.create_task(self._stopping.wait())
        adapter_loops = [loop for loop, observer in loops.items() if observer is self._audio_adapter]
        for loop, observer in loops.items():
            if observer is not self._audio_adapter:
                loop.add_done_callback(self._loop_ended)
        try:
            await asyncio.wait([reading, stopping, *adapter_loops], return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _cancelled([reading, stopping])
            for delivery in self._deliveries:
                delivery.end()
            await asyncio.gather(*map(Delivery.over, self._deliveries, delivering))
        for task in (reading, *adapter_loops):
            if task.done() and not task.cancelled():
                task.result()

    async def _read(self) -> None:
        async for event in self._realtime_client.read_events():
            if isinstance(event, SessionUpdated):
                self.active = self._next
            self._tell(event)

    def _gemini_client(self) -> GeminiRealtimeClient:
        from gemini_realtime.client import GeminiRealtimeClient

        if not isinstance(self._realtime_client, GeminiRealtimeClient):
            raise ConfigError("only a GeminiRealtimeClient is recorded", remedy="leave `record` out")
        return self._realtime_client

    def _loop_ended(self, loop: asyncio.Task[None]) -> None:
        if not loop.cancelled() and (error := loop.exception()) is not None:
            self.logger.error("the loop of an observer raised %s", type(error).__name__, exc_info=error)


def _client_for(llm_config: Any, logger: Logger, kwargs: dict[str, Any]) -> RealtimeClientProtocol:
    try:
        return get_client(llm_config, logger, **kwargs)
    except ConfigError as error:
        if not kwargs:
            raise
        known = [name for name, parameter in signature(RealtimeAgent).parameters.items() if name not in _NO_OPTIONS]
        remedy = spelling_remedy(next(iter(kwargs)), known)
        raise ConfigError(f"neither the agent nor a client takes `{next(iter(kwargs))}`", remedy=remedy) from error


_NO_OPTIONS: Final = ("self", "client_kwargs")


def _entry_of(llm_config: Any, name: str) -> Any:
    try:
        return llm_config["config_list"][0][name]
    except (KeyError, IndexError, TypeError, AttributeError):
        return None  # the client says what is wrong with the configuration


async def _prepared(loops: dict[asyncio.Task[None], RealtimeObserver]) -> None:
    """Wait until every observer has prepared the session; raises what one of them raised instead."""
    for loop, observer in loops.items():
        ready = asyncio.create_task(observer.wait_for_ready())
        try:
            await asyncio.wait([ready, loop], return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _cancelled([ready])
        if loop.done():
            loop.result()


async def _cancelled(tasks: Iterable[asyncio.Task[Any]], within_s: float | None = None) -> set[asyncio.Task[Any]]:
    """Cancel tasks and wait until they have ended; returns those that do not in time."""
    for task in tasks:
        task.cancel()
    pending = {task for task in tasks if not task.done()}
    return (await asyncio.wait(pending, timeout=within_s))[1] if pending else pending
