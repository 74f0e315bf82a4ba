"""The events between the connection and the application: bounded, in order, for any number of readers."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from gemini_realtime.protocol.events import AudioDropped, InputAudioBufferDelta, RealtimeEvent

HIGH_WATER = 256
"""Unread events at which the connection stops reading: some 10 s of speech, as the service chunks it."""

LOW_WATER = 64
"""Unread events at which it reads again."""

MAX_ECHOES = 256
"""Unread echoes of the application's own audio that are kept; older ones make room for nothing, newer are skipped."""


class EventQueueEnded(Exception):
    """No event will come any more."""


class _Dropped:
    """Dropped audio that nobody has been told of yet: one event, however much it becomes."""

    def __init__(self, reason: str) -> None:
        self.duration_ms = 0
        self.reason = reason


class EventQueue:
    """Events in order of arrival.

    Attributes:
        full: whether so many wait that no more should come.
        on_pressure: called with True when unread events pile up, with False when they have been read.
    """

    def __init__(self) -> None:
        self.on_pressure: Callable[[bool], None] = lambda full: None
        self.full = False
        self._events: deque[RealtimeEvent | _Dropped | None] = deque()
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._echoes = 0
        self._dropped: _Dropped | None = None
        self._ended = False

    def put(self, event: RealtimeEvent | None) -> None:
        """Append an event; None tells one reader to stop."""
        self._events.append(event)
        if not self.full and len(self._events) - self._echoes >= HIGH_WATER:
            self.full = True
            self.on_pressure(True)
        if self._waiting:
            self._wake()

    def put_echo(self, audio_base64: str) -> None:
        """Append an echo of the application's audio, unless too many have not been read."""
        if self._echoes < MAX_ECHOES:
            self._echoes += 1
            self._events.append(InputAudioBufferDelta(delta=audio_base64))
            self._wake()

    def put_dropped(self, duration_ms: int, reason: str) -> None:
        """Append an `AudioDropped`, or add to the one that has not been read."""
        if self._dropped is None:
            self._dropped = _Dropped(reason)
            self._events.append(self._dropped)
            self._wake()
        self._dropped.duration_ms += duration_ms

    def end(self) -> None:
        """The connection brings nothing more; readers get what is left, then `EventQueueEnded`."""
        self._ended = True
        while self._waiting:
            self._wake()

    async def get(self) -> RealtimeEvent | None:
        """The oldest event; waits for one. Cancelling the wait loses nothing.

        Raises:
            EventQueueEnded: there is none left and there will be none.
        """
        while not self._events:
            if self._ended:
                raise EventQueueEnded
            waiter = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            try:
                await waiter
            except asyncio.CancelledError:
                self._leave(waiter)
                raise
        return self._take()

    def _leave(self, waiter: asyncio.Future[None]) -> None:
        if waiter in self._waiting:
            self._waiting.remove(waiter)
        elif self._events:
            self._wake()  # this reader was woken for an event that it will not take

    def _wake(self) -> None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    def _take(self) -> RealtimeEvent | None:
        event = self._events.popleft()
        if isinstance(event, _Dropped):
            self._dropped = None
            event = AudioDropped(duration_ms=event.duration_ms, reason=event.reason)
        if self._echoes and isinstance(event, InputAudioBufferDelta):
            self._echoes -= 1
        if self.full and len(self._events) - self._echoes <= LOW_WATER:
            self.full = False
            self.on_pressure(False)
        return event
