"""What every realtime client offers, and the register in which `get_client` finds one for a configuration.

Names, signatures and behaviour are those that AG2 0.7-0.13 documented in `autogen.agentchat.realtime.experimental`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from importlib import import_module
from logging import Logger
from typing import Any, Final, Protocol, TypeVar, runtime_checkable

from gemini_realtime.checking import check_type
from gemini_realtime.config import api_type
from gemini_realtime.errors import ConfigError
from gemini_realtime.event_queue import EventQueue
from gemini_realtime.protocol.events import RealtimeEvent
from gemini_realtime.protocol.outbox import Role

__all__ = ["RealtimeClientBase", "RealtimeClientProtocol", "Role", "get_client", "register_realtime_client"]


@runtime_checkable
class RealtimeClientProtocol(Protocol):
    """What an agent needs of a realtime client, whichever service it talks to."""

    async def send_function_result(self, call_id: str, result: str) -> None:
        """Answer a function call."""
        ...

    async def send_text(self, *, role: Role, text: str) -> None:
        """Send text into the conversation."""
        ...

    async def send_audio(self, audio: str) -> None:
        """Send audio into the conversation, as base64."""
        ...

    async def truncate_audio(self, audio_end_ms: int, content_index: int, item_id: str) -> None:
        """Cut an answer off, and tell how much of it was heard.

        Args:
            audio_end_ms: how much of it was heard, in ms from its beginning.
            content_index: which part of the answer, counted from 0.
            item_id: which answer.
        """
        ...

    async def session_update(self, session_options: dict[str, Any]) -> None:
        """Change options of the session."""
        ...

    def connect(self) -> AbstractAsyncContextManager[None]:
        """Connect for the duration of the context."""
        ...

    def read_events(self) -> AsyncGenerator[RealtimeEvent, None]:
        """Yield what happens."""
        ...

    @classmethod
    def get_factory(cls, llm_config: Any, logger: Logger, **kwargs: Any) -> Callable[[], RealtimeClientProtocol] | None:
        """A factory for clients of this configuration, or None when it is meant for another class."""
        ...


class RealtimeClientBase:
    """The queue of events that a realtime client fills and its reader empties.

    A client of your own yields the events of its connection from `_read_from_connection()`, and from `_read_events()`
    in its `read_events()`, as AG2's clients do:

        async def read_events(self):
            async for event in self._read_events():
                yield event
    """

    def __init__(self) -> None:
        self._events = EventQueue()

    async def add_event(self, event: RealtimeEvent | None) -> None:
        """Put an event of your own among those that are read; None ends one reader of `read_events()`."""
        self._events.put(event)

    async def get_event(self) -> RealtimeEvent | None:
        """Take the next event; waits for one.

        Raises:
            EventQueueEnded: the connection has ended and everything has been read.
        """
        return await self._events.get()

    async def queue_input_audio_buffer_delta(self, audio: str) -> None:
        """Let observers see audio that was sent, as an `InputAudioBufferDelta`; `audio` is base64.

        Raises:
            ConfigError: it is no string.
        """
        check_type("audio", audio, str, "base64 text")
        self._events.put_echo(audio)

    def _read_from_connection(self) -> AsyncIterator[RealtimeEvent]:
        """What a connection brings, until it ends; for a subclass that reads by `_read_events`."""
        raise NotImplementedError(f"{type(self).__name__} has no `_read_from_connection`")

    async def _read_events(self) -> AsyncGenerator[RealtimeEvent, None]:
        """Yield what the connection brings and what is put in the queue, until the connection ends, or None comes."""
        reading = asyncio.create_task(self._fill_queue())
        try:
            while (event := await self.get_event()) is not None:
                yield event
            if reading.done():
                await reading  # raises what ended it
        finally:
            reading.cancel()
            await asyncio.wait([reading])

    async def _fill_queue(self) -> None:
        try:
            async for event in self._read_from_connection():
                await self.add_event(event)
        finally:
            await self.add_event(None)


_Client = TypeVar("_Client", bound=RealtimeClientProtocol)

_registered: dict[str, type[RealtimeClientProtocol]] = {}

_BUILT_IN: Final = "gemini_realtime.client"
"""Registers itself, as any client does, when it is imported."""


def register_realtime_client() -> Callable[[type[_Client]], type[_Client]]:
    """Class decorator: let `get_client` find this client. Registering a class again replaces it in place."""

    def register(client_class: type[_Client]) -> type[_Client]:
        _registered[f"{client_class.__module__}.{client_class.__name__}"] = client_class
        return client_class

    return register


def get_client(llm_config: Any, logger: Logger, **kwargs: Any) -> RealtimeClientProtocol:
    """The first registered client that is meant for this configuration, in order of registration.

    A configuration that names no `api_type`, and that no other client claims, is Gemini's.

    Args:
        llm_config: as for `GeminiRealtimeClient`.
        logger: for the client.
        kwargs: passed to each class's `get_factory`.

    Raises:
        ConfigError: no registered client is; it is a ValueError.
    """
    built_in = import_module(_BUILT_IN)
    for client_class in _registered.values():
        factory = client_class.get_factory(llm_config=llm_config, logger=logger, **kwargs)
        if factory is not None:
            return factory()
    if not kwargs and api_type(llm_config) is None:
        gemini: RealtimeClientProtocol = built_in.GeminiRealtimeClient(llm_config=llm_config, logger=logger)
        return gemini
    raise ConfigError(
        "Realtime API client not found.", remedy='say which in the first entry of llm_config: "api_type": "google"'
    )
