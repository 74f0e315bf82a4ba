"""The events between the connection and the application: bounded, in order, for any number of readers."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, cast

from gemini_realtime.protocol.events import AudioDropped, InputAudioBufferDelta, RealtimeEvent

HIGH_WATER = 256
"""Unread events at which the connection stops reading: some 10 s of speech, as the service chunks it."""

LOW_WATER = 64
"""Unread events at which it reads again."""

MAX_UNREAD = 1024
"""Unread events at which it stops to read even while the answer to a setup is to come, in a flood before it."""

LARGE_BYTES = 64 * 1024
"""A frame counts as one more event for each time it is so long: so 16 MB of unread frames are as many as 256 events."""

MAX_ECHOES = 256
"""Unread echoes of the application's own audio that are kept; older ones make room for nothing, newer are skipped."""

MAX_ECHOED_CHARACTERS = 1024 * 1024
"""The same bound in characters of base64: some 24 s of 16 kHz speech."""


class EventQueueEnded(Exception):
    """No event will come any more."""


class _Dropped:
    """Dropped audio that nobody has read of yet: one event for each reason, however much it becomes."""

    def __init__(self, event: AudioDropped) -> None:
        self.duration_ms = event.duration_ms
        self.reason = event.reason


class _Large(NamedTuple):
    """An event of a frame that counts as several more."""

    event: RealtimeEvent
    weight: int


_Echo = str
"""Base64 of audio whose echo counts as no event; it becomes one when it is read, and few are."""

_MARKS = {_Dropped, _Large, _Echo}


class EventQueue:
    """Events in order of arrival.

    Attributes:
        full: whether so many wait that no more should come.
        on_pressure: called with True when unread events pile up, with False when they have been read.
    """

    def __init__(self) -> None:
        self.on_pressure: Callable[[bool], None] = lambda full: None
        self.full = False
        self._events: deque[RealtimeEvent | _Dropped | _Large | str | None] = deque()
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._weight = 0
        self._echoes = 0
        self._echoed_characters = 0
        self._dropped: dict[str, _Dropped] = {}
        self._ended = False

    def put(self, event: RealtimeEvent | _Large | None) -> None:
        """Append an event; None tells one reader to stop."""
        self._events.append(event)
        unread = len(self._events) - self._echoes + self._weight
        if unread >= HIGH_WATER and (not self.full or unread >= MAX_UNREAD):
            self.full = True
            self.on_pressure(True)
        if self._waiting:
            self._wake()

    def put_large(self, events: Sequence[RealtimeEvent], frame_bytes: int) -> None:
        """Append the events of a frame of so many bytes, which they keep."""
        for event in events[:1]:
            weight = frame_bytes // LARGE_BYTES
            self._weight += weight
            self.put(_Large(event, weight))
        for event in events[1:]:
            self.put(event)

    @property
    def flooded(self) -> bool:
        """Whether so many wait that nothing at all should come."""
        return len(self._events) - self._echoes + self._weight >= MAX_UNREAD

    def put_echo(self, audio_base64: str) -> None:
        """Append an echo of the application's audio, unless too many have not been read."""
        if self._echoes < MAX_ECHOES and self._echoed_characters < MAX_ECHOED_CHARACTERS:
            self._echoes += 1
            self._echoed_characters += len(audio_base64)
            self._events.append(audio_base64)
            if self._waiting:
                self._wake()

    def put_dropped(self, event: AudioDropped) -> None:
        """Append the event, or add to the one for the same reason that has not been read."""
        if (unread := self._dropped.get(event.reason)) is not None:
            unread.duration_ms += event.duration_ms
            return
        self._dropped[event.reason] = _Dropped(event)
        self._events.append(self._dropped[event.reason])
        self._wake()

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
        mark = self._events.popleft()
        event: RealtimeEvent | None = self._unmarked(mark) if type(mark) in _MARKS else cast(Any, mark)
        if self.full and len(self._events) - self._echoes + self._weight <= LOW_WATER:
            self.full = False
            self.on_pressure(False)
        return event

    def _unmarked(self, mark: Any) -> RealtimeEvent:
        if isinstance(mark, str):
            self._echoes -= 1
            self._echoed_characters -= len(mark)
            return InputAudioBufferDelta(delta=mark)
        if isinstance(mark, _Large):
            self._weight -= mark.weight
            return mark.event
        del self._dropped[mark.reason]
        return AudioDropped(duration_ms=mark.duration_ms, reason=mark.reason)
