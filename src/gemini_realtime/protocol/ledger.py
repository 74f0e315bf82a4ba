"""What was sent, and what of it the service may not have: what to send again, and what to report.

    given ──next()──> sent ──the service has it──> consumed, and forgotten here
      ^                │
      └───rewind()─────┘  after a loss: what the resumed session does not hold

That the service has something shows in three ways:

- a handle came, which stands for the session as it was; what went out shortly before it may or may not be inside it.
  With a transparent handle the service says how many messages are;
- the model answered, and the answer is complete: then nobody wants it again, inside a handle or not;
- neither, and it is sent again after a loss. What may be inside the handle all the same is called uncertain.

Text, function results, context and activity marks are kept until they are consumed and never change their order. Of
audio the last seconds are kept, in a ring: older sound is of no use to a conversation.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from heapq import merge
from itertools import takewhile
from math import inf
from operator import attrgetter
from typing import Any, Literal, NamedTuple

import msgspec

Kind = Literal["text", "function_result", "context", "activity", "audio"]

MAX_WAITING_BYTES = 1024 * 1024
"""Text and results that wait for the network, above which the application has to wait."""

MAX_EARLY_AUDIO_MS = 120_000.0
"""Bound on audio that is given before the conversation has begun: there is no conversation yet that it would be late
for."""

ENTRY_BYTES = 256
"""What an entry takes in memory beside its frame and its words."""

MAX_SENT_BYTES = 16 * 1024 * 1024
"""Bound on the memory of messages, other than audio, of which nobody says that the service has them. The oldest are
forgotten, and count as uncertain after a loss."""


MAX_UNANSWERED = 64
"""Bound on questions that a handle holds and nobody answers; the oldest are given up."""

TRIMMED_AT_ONCE_MS = 1000.0
"""The ring is trimmed when it is so much too long: a piece at a time takes twice as long."""


class Entry(msgspec.Struct, gc=False):
    """One message.

    Attributes:
        number: its place in the order in which the application gave them.
        kind: what it is.
        frame: as it travels.
        given_at: when the application gave it, or from when else it grows old, seconds.
        sent_at: when it last went out, seconds.
        index: how many messages had gone out on its connection, itself included.
        asks: whether an answer is expected.
        label: the words of a text, the id of a function call.
        role: who says a text, as the service calls them.
        start_ms: where its audio lies in all audio of the conversation.
        duration_ms: how long that is.
        since: for a function result, when its call came.
        uncertain: it was sent again, and may have been inside the handle, or answered.
        crossed: it went out shortly before an answer that is over now, and may be what was answered.
    """

    number: int
    kind: Kind
    frame: bytes
    given_at: float
    sent_at: float = 0.0
    index: int = 0
    asks: bool = False
    label: str = ""
    role: str = ""
    start_ms: float = 0.0
    duration_ms: float = 0.0
    since: float = 0.0
    uncertain: bool = False
    crossed: bool = False


class Rewound(NamedTuple):
    """What becomes of the messages after a loss.

    Attributes:
        again: they are sent again.
        orphans: ids of calls whose results are not sent.
        forgotten: messages that nobody knows of any more.
    """

    again: list[Entry]
    orphans: list[str]
    forgotten: int


_number = attrgetter("number")


def is_orphan(entry: Entry, handle_at: float | None) -> bool:
    """Whether it is a result for a call that the session as it was then, or a new one (None), does not know."""
    return entry.kind == "function_result" and (handle_at is None or entry.since > handle_at)


def _in_doubt(entry: Entry, handle_at: float | None) -> bool:
    """Whether the session as it was then may hold a message that went out and is not known to be consumed."""
    return entry.uncertain or (handle_at is not None and entry.sent_at <= handle_at)


def _size(entry: Entry) -> int:
    return len(entry.frame) + len(entry.label) + ENTRY_BYTES


class Ledger:
    """The messages of one conversation, over all its connections.

    Args:
        ring_s: how much audio is kept.

    Attributes:
        ring_ms: the same.
        waiting_bytes: text and results that have not gone out.
        dropped_ms: audio that never went out, or cannot go out again, since `take_dropped_ms`.
    """

    def __init__(self, ring_s: float) -> None:
        self.ring_ms = ring_s * 1000
        self.waiting_bytes = 0
        self.dropped_ms = 0.0
        self._unanswered: list[Entry] = []  # questions that a handle holds; it may be refused before the answer
        self._count = 0
        self._sent_count = 0
        self._audio_ms = 0.0
        self._waiting: deque[Entry] = deque()
        self._waiting_audio: deque[Entry] = deque()
        self._sent: deque[Entry] = deque()
        self._sent_audio: deque[Entry] = deque()
        self._waiting_audio_ms = 0.0
        self._sent_audio_ms = 0.0
        self._sent_bytes = 0
        self._overflowed = 0
        self._forgotten: Entry | None = None  # the newest piece of audio that the ring had no room for
        self._forgotten_ms = 0.0
        self._max_waiting_audio_ms = MAX_EARLY_AUDIO_MS
        self._audio_saved = 0  # the last piece of audio that the handle holds
        self._held: int | None = None  # where the utterance begins that is to be answered
        self._held_next: int | None = None  # and the one after it
        self._answering: tuple[int, float] | None = None  # what had gone out when the answer began, and when that was

    # --- what the application gives

    def add(
        self, kind: Kind, frame: bytes, now: float, *, label: str = "", role: str = "", asks: bool = False,
        since: float = 0.0, uncertain: bool = False,
    ) -> None:  # fmt: skip
        """Take a message, to be sent after all before it; the rest is as in `Entry`."""
        self._count += 1
        entry = Entry(
            self._count, kind, frame, now, asks=asks, label=label, role=role, since=since, uncertain=uncertain
        )
        self._waiting.append(entry)
        self.waiting_bytes += len(frame)

    def add_audio(self, frame: bytes, duration_ms: float, now: float) -> None:
        """Take a piece of audio; the oldest that waits makes room for it."""
        self._count += 1
        # Behind audio that has more time, see `may_flow`, it has as much.
        since = max(now, self._waiting_audio[-1].given_at) if self._waiting_audio else now
        self._waiting_audio.append(
            Entry(self._count, "audio", frame, since, start_ms=self._audio_ms, duration_ms=duration_ms)
        )
        self._audio_ms += duration_ms
        self._waiting_audio_ms += duration_ms
        while self._waiting_audio_ms > self._max_waiting_audio_ms and len(self._waiting_audio) > 1:
            self._drop_audio()

    def audio_sent(self, frame: bytes, duration_ms: float, now: float) -> None:
        """Take note of a piece of audio that goes out at once, since nothing waits."""
        self._count = number = self._count + 1
        self._sent_count = index = self._sent_count + 1
        start_ms = self._audio_ms
        self._audio_ms = start_ms + duration_ms
        # By position: names cost a third of the call, fifty times a second.
        self._sent_audio.append(Entry(number, "audio", frame, now, now, index, False, "", "", start_ms, duration_ms))
        self._sent_audio_ms = sent_ms = self._sent_audio_ms + duration_ms
        if sent_ms > self.ring_ms + TRIMMED_AT_ONCE_MS:
            self._trim()

    def may_flow(self, now: float) -> None:
        """There is a session to send to: audio that waits for it grows old, but not before a network that is slow has
        had the length of the ring to take it."""
        self._max_waiting_audio_ms = self.ring_ms
        for entry in self._waiting_audio:
            entry.given_at = now + self.ring_ms / 1000

    def drop_older(self, given_before: float) -> None:
        """Drop audio that has waited for too long."""
        while self._waiting_audio and self._waiting_audio[0].given_at < given_before:
            self._drop_audio()

    def take_dropped_ms(self) -> int:
        """How much audio was dropped since this was asked last."""
        dropped, self.dropped_ms = self.dropped_ms, 0.0
        return round(dropped)

    # --- what goes out

    @property
    def waits(self) -> bool:
        """Whether anything has not gone out."""
        return bool(self._waiting or self._waiting_audio)

    def next(self, now: float) -> bytes | None:
        """The frame to send now; it counts as sent."""
        queue = self._first()
        if not queue:
            return None
        entry = queue.popleft()
        self._sent_count += 1
        entry.sent_at, entry.index = now, self._sent_count
        if entry.kind == "audio":
            self._waiting_audio_ms -= entry.duration_ms
            self._sent_audio.append(entry)
            self._sent_audio_ms += entry.duration_ms
            self._trim()
        else:
            self.waiting_bytes -= len(entry.frame)
            self._sent.append(entry)
            self._sent_bytes += _size(entry)
            while self._sent_bytes > MAX_SENT_BYTES:
                self._sent_bytes -= _size(self._sent.popleft())
                self._overflowed += 1
        return entry.frame

    def not_wanted(self, call_ids: Collection[str]) -> None:
        """The service has cancelled these calls: results that went out for them are not sent again."""
        self._consume(lambda entry: entry.kind == "function_result" and entry.label in call_ids)

    def count_sent(self) -> None:
        """A message went out that is not kept here; the service counts it too."""
        self._sent_count += 1

    def will_ask(self) -> bool:
        """Whether a text that waits asks for an answer."""
        return any(entry.asks and entry.kind == "text" for entry in self._waiting)

    def unsaved(self) -> bool:
        """Whether anything but audio went out that is not consumed, or waits."""
        return bool(self._sent or self._waiting)

    # --- what the service has

    def hold(self, sent_after: float) -> None:
        """An utterance began about then: until it is answered no handle is trusted to hold the part of it that came
        before the handle."""
        if self._held is None or self._answering is not None:
            unsent = self._waiting_audio[0].number if self._waiting_audio else self._count + 1
            self._hold(next((entry.number for entry in self._sent_audio if entry.sent_at >= sent_after), unsent))

    def hold_next(self) -> None:
        """An utterance begins with the next message: no handle is trusted to hold a part of it."""
        self._hold(self._count + 1)

    def _hold(self, number: int) -> None:
        if self._answering is None:
            self._held = number
        elif self._held_next is None:  # spoken into an answer, whose end is not that of this utterance
            self._held_next = number

    def saved(self, sent_until: float) -> list[Entry]:
        """A handle came that holds what was sent until then; returns what is consumed by it, audio aside."""
        held = self._held or self._held_next or self._count + 1
        return self._saved(lambda entry: entry.sent_at <= sent_until and entry.number < held)

    def saved_messages(self, index: int) -> list[Entry]:
        """A handle came that holds so many messages of this connection."""
        return self._saved(lambda entry: entry.index <= index)

    def _saved(self, has: Callable[[Entry], bool]) -> list[Entry]:
        # The handle may yet be refused, and a new session hears again what was not answered.
        self._audio_saved = max([self._audio_saved, *(entry.number for entry in takewhile(has, self._sent_audio))])
        if self._forgotten is not None and has(self._forgotten):
            self._forgotten, self._forgotten_ms = None, 0.0
        saved = self._consume(has)
        self._overflowed = 0 if saved else self._overflowed  # which were older
        self._unanswered += [entry for entry in saved if entry.asks and not entry.crossed]
        consumed = [entry for entry in saved if not entry.asks or entry.crossed]
        while len(self._unanswered) > MAX_UNANSWERED:
            consumed.insert(0, self._unanswered.pop(0))
        return consumed

    def answer_begins(self, now: float) -> None:
        """The model begins to answer."""
        asked = self._sent or self._unanswered
        self._answering = (asked[-1].number if asked else 0, now)

    def answer_over(self, round_trip_s: float, margin_s: float, handle_at: float | None) -> list[Entry]:
        """The answer is complete; returns what is consumed by it, audio aside.

        Of context, and of a result whose call the last handle knows, only a handle consumes: whoever takes the session
        up with the last one still has to be told.

        Args:
            round_trip_s: what went out later than this before the answer began may have crossed with it: it stays, and
                becomes uncertain.
            margin_s: audio that went out later than this, too, belongs to what the user says next.
            handle_at: when the last handle came.
        """
        if self._answering is None:
            return []
        number, began_at = self._answering
        self._answering, self._held, self._held_next = None, self._held_next, None
        known = [entry for entry in self._unanswered if entry.number <= number]
        self._unanswered = [entry for entry in self._unanswered if entry.number > number]
        sent_until = began_at - round_trip_s
        # What is answered may be what was typed, while the user goes on speaking: that says nothing of the audio.
        typed = any(entry.asks and entry.kind == "text" and entry.number <= number for entry in self._sent)
        for entry in self._sent:
            if entry.number <= number and (entry.sent_at > sent_until or entry.kind == "function_result"):
                entry.uncertain = entry.crossed = True
        for entry in self._sent_audio:
            if entry.sent_at > began_at:
                break
            entry.uncertain = entry.uncertain or typed or entry.sent_at > sent_until - margin_s

        def answered(entry: Entry) -> bool:
            if entry.number > number or entry.sent_at > sent_until or entry.kind == "context":
                return False
            return entry.kind != "function_result" or is_orphan(entry, handle_at)

        if not typed:
            self._consume_audio(lambda entry: entry.sent_at <= sent_until - margin_s)
        return known + self._consume(answered)

    def answer_cut(self) -> None:
        """The answer was cut off by the user, which is no evidence of anything: a later one may answer it all."""
        self._answering = None
        self._held, self._held_next = self._held or self._held_next, None

    def asking(self) -> bool:
        """Whether an answer is owed to anything that went out."""
        return self.owed or any(entry.asks and not entry.crossed for entry in self._sent)

    @property
    def owed(self) -> bool:
        """Whether a handle holds a question that has not been answered."""
        return bool(self._unanswered)

    # --- after a loss

    def rewind(self, handle_at: float | None, *, exact: bool = False) -> Rewound:
        """Take back what was sent and is not consumed, to be sent again before all that waits.

        Args:
            handle_at: when the handle came that the session was resumed with; None for a new session.
            exact: the service said what that handle holds.
        """
        if handle_at is None:  # what the handle held is gone with it
            self._sent.extendleft(reversed(self._unanswered))
            self._unanswered, self._audio_saved = [], 0
        heard = (entry for entry in self._sent_audio if entry.number > self._audio_saved)
        sent = list(merge(self._sent, heard, key=_number))
        for entry in sent:
            entry.uncertain = _in_doubt(entry, None if exact else handle_at)
            entry.crossed = False
        self.dropped_ms += self._forgotten_ms
        forgotten, self._overflowed, self._sent_bytes = self._overflowed, 0, 0
        self._forgotten, self._forgotten_ms, self._sent_audio_ms, self._sent_count = None, 0.0, 0.0, 0
        self._answering, self._audio_saved = None, 0
        self._sent.clear()
        self._sent_audio.clear()
        queue = [*sent, *self._waiting]
        self._requeue([entry for entry in queue if not is_orphan(entry, handle_at)])
        heard_from = self._waiting_audio[0].number if self._waiting_audio else 0  # the ring may have dropped the oldest
        return Rewound(
            again=[
                entry
                for entry in sent
                if not is_orphan(entry, handle_at) and (entry.kind != "audio" or entry.number >= heard_from)
            ],
            orphans=[entry.label for entry in queue if is_orphan(entry, handle_at)],
            forgotten=forgotten,
        )

    # --- saved state

    def saved_state(self, handle_at: float | None) -> list[dict[str, Any]]:
        """What another process would have to send, audio aside, to a session as it was when its handle came."""
        return [
            {
                "kind": entry.kind, "frame": entry.frame.decode(), "label": entry.label, "role": entry.role,
                "asks": entry.asks, "where": where, "uncertain": where == "sent" and _in_doubt(entry, handle_at),
            }
            for where, queue in (("inside", self._unanswered), ("sent", self._sent), ("waiting", self._waiting))
            for entry in queue
            if not is_orphan(entry, handle_at)
        ]  # fmt: skip

    def restore(self, state: list[dict[str, Any]], now: float) -> None:
        """Take over what another process saved, before anything else is given.

        Raises:
            KeyError, TypeError, AttributeError: it is not what `saved_state` gives.
        """
        for item in state:
            frame = item["frame"].encode()
            given = {name: item[name] for name in ("label", "role", "asks", "uncertain")}
            self.add(item["kind"], frame, now, **given)
            if item["where"] != "waiting":
                entry = self._waiting.pop()
                self.waiting_bytes -= len(frame)
                entry.sent_at = inf  # after every handle
                if item["where"] == "inside":
                    self._unanswered.append(entry)
                else:
                    self._sent.append(entry)
                    self._sent_bytes += _size(entry)

    # --- inside

    def recent_audio(self, sent_after: float) -> Iterator[bytes]:
        """The frames of the audio that went out since then, newest first."""
        for entry in reversed(self._sent_audio):
            if entry.sent_at <= sent_after:
                return
            yield entry.frame

    def _consume(self, has: Callable[[Entry], bool]) -> list[Entry]:
        """Forget what the service has; returns it, audio aside."""
        consumed = [entry for entry in self._sent if has(entry)]
        if consumed:
            self._sent = deque(entry for entry in self._sent if not has(entry))
            self._sent_bytes -= sum(map(_size, consumed))
        return consumed

    def _consume_audio(self, has: Callable[[Entry], bool]) -> None:
        while self._sent_audio and has(self._sent_audio[0]):
            self._sent_audio_ms -= self._sent_audio.popleft().duration_ms
        if self._forgotten is not None and has(self._forgotten):
            self._forgotten, self._forgotten_ms = None, 0.0

    def _requeue(self, entries: Iterable[Entry]) -> None:
        audio = self._waiting_audio
        self._waiting, self._waiting_audio = deque(), deque()
        self.waiting_bytes = 0
        for entry in entries:
            if entry.kind == "audio":
                self._waiting_audio.append(entry)
                self._waiting_audio_ms += entry.duration_ms
            else:
                self._waiting.append(entry)
                self.waiting_bytes += len(entry.frame)
        self._waiting_audio.extend(audio)
        while self._waiting_audio_ms > self._max_waiting_audio_ms and len(self._waiting_audio) > 1:
            self._drop_audio()

    def _first(self) -> deque[Entry]:
        """The queue whose turn it is."""
        if not self._waiting or (self._waiting_audio and self._waiting_audio[0].number < self._waiting[0].number):
            return self._waiting_audio
        return self._waiting

    def _trim(self) -> None:
        """Forget audio that the ring has no room for."""
        ring, sent_ms = self._sent_audio, self._sent_audio_ms
        while ring and sent_ms > self.ring_ms:  # what floats add up to may be left of nothing
            forgotten = ring.popleft()
            sent_ms -= forgotten.duration_ms
            if forgotten.number > self._audio_saved:
                self._forgotten = forgotten
                self._forgotten_ms += forgotten.duration_ms
        self._sent_audio_ms = sent_ms

    def _drop_audio(self) -> None:
        dropped = self._waiting_audio.popleft().duration_ms
        self._waiting_audio_ms -= dropped
        self.dropped_ms += dropped
