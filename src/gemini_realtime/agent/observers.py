"""Observers: whoever follows a conversation, each at a pace of its own.

Every observer has a bounded queue and a task that empties it. So an observer that is slow holds up neither the sound
nor the others; what it misses is counted, and what it raises is logged while the conversation goes on.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from logging import Logger, getLogger
from typing import TYPE_CHECKING, Any, Final

from gemini_realtime.checking import kind_of
from gemini_realtime.errors import ConfigError, NotConnectedError
from gemini_realtime.protocol.events import InputAudioBufferDelta, RealtimeEvent

if TYPE_CHECKING:
    from gemini_realtime.agent.agent import RealtimeAgent
    from gemini_realtime.realtime_client import RealtimeClientProtocol

_global_logger = getLogger("gemini_realtime.agent")

MAX_UNSEEN: Final = 1024
"""Events that wait for one observer: some 40 s of speech, as the service chunks it."""

END_WITHIN_S: Final = 30.0
"""How long an observer may take for the events that are left when the conversation is over, and then for `on_close`.
One that never returns would keep the connection open, and with it a session that costs money."""


class RealtimeObserver(ABC):
    """Follows a conversation, and may take part in it through `realtime_client`.

    Attributes:
        carries_sound: whether it is an audio adapter: the conversation ends with the `run_loop` of the agent's.
        missed: events that this observer was too slow for.
    """

    carries_sound = False

    def __init__(self, *, logger: Logger | None = None) -> None:
        self.missed = 0
        self._logger = logger
        self._agent: RealtimeAgent | None = None
        self._ready_event = asyncio.Event()

    @property
    def logger(self) -> Logger:
        """The logger of this observer."""
        return self._logger or _global_logger

    @property
    def agent(self) -> RealtimeAgent:
        """The agent whose conversation this is.

        Raises:
            RuntimeError: it has not been started by one.
        """
        if self._agent is None:
            raise NotConnectedError("Agent has not been set.", remedy="register the observer and run the agent")
        return self._agent

    @property
    def realtime_client(self) -> RealtimeClientProtocol:
        """The client of the agent; RuntimeError before there is one."""
        return self.agent.realtime_client

    async def run(self, agent: RealtimeAgent) -> None:
        """Prepare the session, then do what there is to do beside the events. Called by the agent."""
        self._agent = agent
        self._ready_event.clear()
        await self.initialize_session()
        self._ready_event.set()
        await self.run_loop()

    async def wait_for_ready(self) -> None:
        """Wait until the session is prepared, as far as this observer is concerned."""
        await self._ready_event.wait()

    @abstractmethod
    async def initialize_session(self) -> None:
        """Change session options before the conversation begins."""

    @abstractmethod
    async def run_loop(self) -> None:
        """What to do beside the events, such as reading from a telephone; returns at once where there is nothing.

        When that of an audio adapter returns, or raises, the conversation ends, or fails with what it raised; what
        others raise is logged.
        """

    @abstractmethod
    async def on_event(self, event: RealtimeEvent) -> None:
        """Take note of an event; events come in order, one at a time."""

    async def on_close(self) -> None:  # noqa: B027 - there may be nothing to do
        """The conversation is over; what takes longer than `END_WITHIN_S` is given up."""


def check_observer(observer: Any) -> None:
    """Refuse what cannot follow a conversation; what is written for AG2 has the same methods.

    Raises:
        ConfigError: it cannot.
    """
    if isinstance(observer, type):
        raise ConfigError(f"an observer is the class {observer.__name__}", remedy=f"pass {observer.__name__}(...)")
    if not callable(getattr(observer, "on_event", None)):
        raise ConfigError(f"an observer is {kind_of(observer)}", remedy="pass an object of RealtimeObserver")


class Delivery:
    """Carries events to one observer.

    Args:
        observer: who gets them.
        max_unseen: how many may wait; at the bound the oldest is given up.
    """

    def __init__(self, observer: RealtimeObserver, max_unseen: int = MAX_UNSEEN) -> None:
        self.observer = observer
        self._unseen: deque[RealtimeEvent] = deque()
        self._max_unseen = max_unseen
        self._arrived = asyncio.Event()
        self._ended = False

    def put(self, event: RealtimeEvent) -> None:
        """Hand over an event; never waits."""
        if len(self._unseen) == self._max_unseen:
            self._unseen.popleft()
            self.observer.missed += 1
            if self.observer.missed == 1:
                self.observer.logger.warning("%s is too slow and misses events", type(self.observer).__name__)
        self._unseen.append(event)
        self._arrived.set()

    def end(self) -> None:
        """No more events will come."""
        self._ended = True
        self._arrived.set()

    async def run(self) -> None:
        """Deliver until the end."""
        while self._unseen or not self._ended:
            if not self._unseen:
                self._arrived.clear()
                await self._arrived.wait()
                continue
            await self._call(self.observer.on_event, self._unseen.popleft())

    async def over(self, run: asyncio.Task[None]) -> None:
        """Wait until what is left is delivered, then tell the observer that it is over.

        Args:
            run: delivers it.
        """
        for work, what in ((run, "on_event"), (None, "on_close")):
            task = work or asyncio.create_task(self._call(self.observer.on_close))
            try:
                done, _ = await asyncio.wait([task], timeout=END_WITHIN_S)
            finally:
                task.cancel()
            if not done:
                name = type(self.observer).__name__
                self.observer.logger.error("%s.%s takes more than %g s and is given up", name, what, END_WITHIN_S)

    async def _call(self, method: Callable[..., Awaitable[None]], *event: RealtimeEvent) -> None:
        """Somebody else's code: it may raise anything, and the conversation goes on."""
        try:
            await method(*event)
        except Exception as error:
            self._note(event, error)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            self._note(event, error)

    def _note(self, event: Sequence[RealtimeEvent], error: BaseException) -> None:
        what = f"on_event({getattr(event[0], 'type', type(event[0]).__name__)})" if event else "on_close"
        self.observer.logger.error(
            "%s.%s raised %s", type(self.observer).__name__, what, type(error).__name__, exc_info=error
        )


class AudioObserver(RealtimeObserver):
    """Follows what the user says: `on_user_audio` gets each piece that was sent."""

    async def initialize_session(self) -> None:
        """Nothing to prepare."""

    async def run_loop(self) -> None:
        """Nothing to do beside the events."""

    async def on_event(self, event: RealtimeEvent) -> None:
        """Pass the user's audio on."""
        if isinstance(event, InputAudioBufferDelta):
            await self.on_user_audio(event)

    async def on_user_audio(self, event: InputAudioBufferDelta) -> None:
        """A piece of audio that went to the model; override it."""
        self.logger.debug("a piece of the user's audio")
