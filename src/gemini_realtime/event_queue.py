"""The events between the connection and the application: bounded, in order, for any number of readers."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from gemini_realtime.protocol.events import AudioDropped, InputAudioBufferDelta, RealtimeEvent

HIGH_WATER = 256
"""Unread events at which the connection stops reading: some 10 s of speech, as the service chunks it."""

LOW_WATER = 64
"""Unread events at which it reads again."""

MAX_UNREAD = 1024
"""Unread events at which it stops to read even while the answer to a setup is to come, in a flood before it."""

TOLD_EVERY = 16
"""Unread events beyond that until it is told once more, since the connection may be another by then. One that stops
still brings what it has read already, which may be a thousand."""

LARGE_BYTES = 64 * 1024
"""A frame counts as one more event for each time it is so long: so 16 MB of unread frames are as many as 256 events."""

MAX_ECHOES = 256
"""Unread echoes of the application's own audio that are kept; older ones make room for nothing, newer are skipped."""

MAX_ECHOED_CHARACTERS = 1024 * 1024
"""The same bound in characters of base64: some 24 s of 16 kHz speech."""


ECHO_WITHIN_S = 0.1
"""How long an echo waits for an event that it may come with: to wake a reader for each costs as much as sending the
audio does, fifty times a second."""

ECHO_DUE_S = 0.075
"""One that has waited for so long comes with the next, and spares its timer, which is due a piece of audio later."""

LAST_ECHO_WITHIN_S = 0.5
"""How long the last echoes wait, those after which no more audio was sent. A timer costs as much as several echoes do,
so that there are few."""


class EventQueueEnded(Exception):
    """No event will come any more."""


class _Dropped:
    """Dropped audio that nobody has read of yet: one event for each reason, however much it becomes."""

    def __init__(self, event: AudioDropped) -> None:
        self.duration_ms = event.duration_ms
        self.reason = event.reason


class _Large(msgspec.Struct):
    """An event of a frame that counts as several more."""

    event: RealtimeEvent
    weight: int


class _Echo(msgspec.Struct, gc=False):
    """An echo counts as no event, and becomes one when it is read."""

    audio_base64: str
    sent_at: float | None


_MARKS = {_Dropped, _Large}

OnEvent = Callable[[RealtimeEvent], object]


class EventQueue:
    """Events in order of arrival.

    Attributes:
        full: whether so many wait that no more should come.
        on_pressure: called with True when unread events pile up, with False when they have been read.
        echoing: whether anybody wants echoes.
        unread: what nobody has read of yet, oldest first, to be had by `take`.
    """

    def __init__(self) -> None:
        self.on_pressure: Callable[[bool], None] = lambda full: None
        self.full = False
        self.echoing = True
        self.unread: deque[Any] = deque()
        self._waiting: list[asyncio.Future[None]] = []
        self._direct: OnEvent | None = None
        self._failure: BaseException | None = None  # of what is called with events
        self._weight = 0
        self._tell_at = HIGH_WATER  # unread events at which `on_pressure` is called next
        self._echoes = 0
        self._echoed_characters = 0
        self._echoes_since: float | None = None  # when the audio of the oldest was sent, where that is known
        self._echo_timer: asyncio.TimerHandle | None = None
        self._dropped: dict[str, _Dropped] = {}
        self._ended = False

    @property
    def idle(self) -> bool:
        """Whether nothing is unread, and nobody waits to read."""
        return not self.unread and not self._waiting

    # --- what comes

    def put(self, event: RealtimeEvent | None) -> None:
        """Append an event; None tells one reader to stop."""
        if self._direct is not None and not self.unread and event is not None:
            self._call(self._direct, event)
            return
        self.unread.append(event)
        if len(self.unread) + self._weight >= self._tell_at:
            self._check_pressure()
        if self._waiting:
            self._wake()

    def _check_pressure(self) -> None:
        unread = len(self.unread) - self._echoes + self._weight
        if unread >= self._tell_at:
            self._tell_at = MAX_UNREAD if unread < MAX_UNREAD else unread + TOLD_EVERY
            self.full = True
            self.on_pressure(True)

    def put_large(self, events: Sequence[RealtimeEvent], frame_bytes: int) -> None:
        """Append the events of a frame of so many bytes, which they keep."""
        for event in events:
            self.put(event)
            if event is events[0] and self.unread and self.unread[-1] is event:  # nobody has it yet
                weight = frame_bytes // LARGE_BYTES
                self._weight += weight
                self.unread[-1] = _Large(event, weight)
                self._check_pressure()

    @property
    def flooded(self) -> bool:
        """Whether so many wait that nothing at all should come."""
        return len(self.unread) - self._echoes + self._weight >= MAX_UNREAD

    def put_echo(self, audio_base64: str, sent_at: float | None = None) -> None:
        """Append an echo of the application's audio, unless nobody wants it, or too many have not been read."""
        if not self.echoing:
            return
        if self._direct is not None and not self.unread:
            self._call(self._direct, InputAudioBufferDelta(delta=audio_base64, sent_at=sent_at))
        elif self._echoes < MAX_ECHOES and self._echoed_characters < MAX_ECHOED_CHARACTERS:
            self._echoes += 1
            self._echoed_characters += len(audio_base64)
            if not self.unread:
                self._echoes_since = sent_at
            self.unread.append(_Echo(audio_base64, sent_at))
            if self._waiting:
                since = self._echoes_since
                if sent_at is not None and since is not None and sent_at >= since + ECHO_DUE_S:
                    self._wake()
                elif self._echo_timer is None:
                    self._echo_timer = self._waiting[0].get_loop().call_later(ECHO_WITHIN_S, self._echo_due)

    def _echo_due(self) -> None:
        self._echo_timer = None
        if not self.unread:
            return
        since, loop = self._echoes_since, asyncio.get_running_loop()
        if since is None or loop.time() >= since + ECHO_WITHIN_S / 2:
            self._wake()
        else:  # it was set for another, which has been read since, with an event: audio goes on, and so may the model
            self._echo_timer = loop.call_at(since + LAST_ECHO_WITHIN_S, self._echo_due)

    def drop_echoes(self) -> None:
        """Nobody wants echoes: neither those to come nor those that are here."""
        self.echoing = False
        if self._echoes:
            self.unread = deque(entry for entry in self.unread if type(entry) is not _Echo)
            self._echoes = self._echoed_characters = 0

    def put_dropped(self, event: AudioDropped) -> None:
        """Append the event, or add to the one for the same reason that has not been read."""
        if (unread := self._dropped.get(event.reason)) is not None:
            unread.duration_ms += event.duration_ms
            return
        self._dropped[event.reason] = _Dropped(event)
        self.unread.append(self._dropped[event.reason])
        self._wake()

    def end(self) -> None:
        """The connection brings nothing more; readers get what is left, then `EventQueueEnded`."""
        self._ended = True
        self._wake_all()

    # --- who reads

    async def get(self) -> RealtimeEvent | None:
        """The oldest event; waits for one. Cancelling the wait loses nothing.

        Raises:
            EventQueueEnded: there is none left and there will be none.
        """
        while not self.unread:
            await self._arrived()
        return self.take()

    def take(self) -> RealtimeEvent | None:
        """The oldest event.

        Raises:
            IndexError: there is none.
        """
        entry = self.unread.popleft()
        if type(entry) is _Echo:
            self._echoes -= 1
            self._echoed_characters -= len(entry.audio_base64)
            return InputAudioBufferDelta(delta=entry.audio_base64, sent_at=entry.sent_at)
        event: RealtimeEvent | None = self._unmarked(entry) if type(entry) in _MARKS else entry
        if self.full and len(self.unread) - self._echoes + self._weight <= LOW_WATER:
            self.full, self._tell_at = False, HIGH_WATER
            self.on_pressure(False)
        return event

    def arrival(self) -> asyncio.Future[None]:
        """To be awaited until there may be an event, which another reader may have taken.

        Whoever is cancelled meanwhile tells `leave`. A coroutine that does so itself, as `_arrived`, is one more for
        each event of a reader.

        Raises:
            EventQueueEnded: there is none left and there will be none.
        """
        if self._ended and not self.unread:
            raise EventQueueEnded
        arrival = asyncio.get_running_loop().create_future()
        self._waiting.append(arrival)
        return arrival

    async def _arrived(self) -> None:
        arrival = self.arrival()
        try:
            await arrival
        except asyncio.CancelledError:
            self.leave(arrival)
            raise

    async def dispatch(self, on_event: OnEvent) -> None:
        """Call `on_event` with one event after the other, those to come as soon as they come, until None comes.

        Raises:
            EventQueueEnded: there is none left and there will be none.
            BaseException: what `on_event` raises; the events after it are left.
        """
        while True:
            while self.unread:
                if (event := self.take()) is None:
                    return
                on_event(event)
            self._direct = on_event
            try:
                await self._arrived()
            finally:
                self._direct = None
                failure, self._failure = self._failure, None
            if failure is not None:
                raise failure

    def _call(self, on_event: OnEvent, event: RealtimeEvent) -> None:
        self._direct = None  # what comes meanwhile comes after this
        try:
            on_event(event)
        except BaseException as error:  # it is raised where the reader is, not in the connection
            self._failure = error
            self._wake_all()
        else:
            if self.unread or not self._waiting:
                self._wake()
            else:
                self._direct = on_event

    def leave(self, arrival: asyncio.Future[None]) -> None:
        """Nobody waits for this any more."""
        if arrival in self._waiting:
            self._waiting.remove(arrival)
        elif self.unread:
            self._wake()  # this reader was woken for an event that it will not take

    def _wake(self) -> None:
        while self._waiting:
            waiter = self._waiting.pop(0)
            if not waiter.done():
                waiter.set_result(None)
                return

    def _wake_all(self) -> None:
        while self._waiting:
            self._wake()

    def _unmarked(self, entry: Any) -> RealtimeEvent:
        if isinstance(entry, _Large):
            self._weight -= entry.weight
            event: RealtimeEvent = entry.event
            return event
        del self._dropped[entry.reason]
        return AudioDropped(duration_ms=entry.duration_ms, reason=entry.reason)


class ObservedEventQueue(EventQueue):
    """A queue of which somebody is told what a client puts in it without a frame of the service.

    Args:
        own: the kinds of events that are meant.
        on_own: is told of each.
    """

    def __init__(self, own: frozenset[type[RealtimeEvent]], on_own: OnEvent) -> None:
        super().__init__()
        self._own = own
        self._on_own = on_own

    def put(self, event: RealtimeEvent | None) -> None:
        if type(event) in self._own:
            self._on_own(event)  # type: ignore[arg-type]
        super().put(event)

    def put_dropped(self, event: AudioDropped) -> None:
        self._on_own(event)
        super().put_dropped(event)
