"""The microphone's audio of the last seconds: what waits to go out, and what went out and may be needed again.

What went out is kept as samples, in stretches: pieces of one rate that followed each other, which cost little more than
their samples do. Older sound is of no use to a conversation, so memory is bounded in time.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate
from math import isclose
from typing import Final, Literal

import msgspec

from gemini_realtime.protocol.codec import AUDIO_TAIL, audio_frame, audio_head, encode_base64

MAX_EARLY_AUDIO_MS: Final = 120_000.0
"""Bound on audio that is given before the conversation has begun: there is no conversation yet that it would be late
for."""

STRETCH_MS: Final = 500.0
"""A stretch of several pieces is no longer than this, and is forgotten as a whole."""

QUIET_BELOW: Final = 700
"""Largest sample that passes for silence, -33 dBFS: rooms are quieter than this, people louder."""

Cause = Literal["not begun", "no connection", "stalled", "not kept"]
"""Why audio was dropped, see `REASONS`."""

REASONS: Final[dict[Cause, str]] = {
    "not begun": "the conversation had not begun",
    "no connection": "there was no connection for too long",
    "stalled": "the connection was stalled for too long",
    "not kept": "it was lost with its connection, and too old to be sent again",
}
"""`AudioDropped.reason` for each cause."""


class Piece(msgspec.Struct, gc=False):
    """One piece of audio.

    Attributes:
        number: its place in the order of all messages.
        pcm: mono signed 16-bit little-endian samples.
        rate_hz: their rate.
        start_ms: where it lies in all audio of the conversation.
        duration_ms: how long it is.
        at: when it was given, or from when else it grows old; once it went out, when it did; seconds.
        uncertain: the service may have it already.
    """

    number: int
    pcm: bytes
    rate_hz: int
    start_ms: float
    duration_ms: float
    at: float
    uncertain: bool = False

    @property
    def kind(self) -> Literal["audio"]:
        """As in `ReplayedItem`."""
        return "audio"

    @property
    def frame(self) -> bytes:
        """As it travels."""
        return audio_frame(encode_base64(self.pcm), self.rate_hz)


class Stretch:
    """Pieces of one rate that go out one after the other, nothing between them.

    While it has room, a further piece is only put to the others: what anybody else wants to know of it is found here.
    Whoever has something else sent closes it first.

    Attributes:
        number: of the first piece; the others follow.
        index: how many messages had gone out on the connection with the first piece, itself included.
        start_ms: where it begins in all audio of the conversation.
        rate_hz: of each piece.
        full: how many bytes it holds when there is no more room.
        room: how many more it may take.
        times: when each went out, seconds.
    """

    __slots__ = (
        "full", "head", "index", "ms_per_byte", "number", "pcm", "rate_hz", "room", "sizes", "start_ms", "times",
        "uncertain",
    )  # fmt: skip

    def __init__(self, piece: Piece, index: int) -> None:
        self.number, self.index, self.start_ms = piece.number, index, piece.start_ms
        self.rate_hz, self.head = piece.rate_hz, audio_head(piece.rate_hz)
        self.ms_per_byte = piece.duration_ms / len(piece.pcm) if piece.pcm else 0.0
        self.full = max(len(piece.pcm), round(STRETCH_MS / self.ms_per_byte)) if self.ms_per_byte else 0
        self.room = self.full - len(piece.pcm)
        self.pcm: list[bytes] = [piece.pcm]  # one for each piece; all in one, once no more are to come
        self.sizes: array[int] | None = None  # bytes of each piece, from then on
        self.times = array("d", (piece.at,))
        self.uncertain = _FIRST if piece.uncertain else _NONE

    @property
    def last(self) -> int:
        """The number of the last piece."""
        return self.number + len(self.times) - 1

    @property
    def last_index(self) -> int:
        """As `index`, with the last piece."""
        return self.index + len(self.times) - 1

    @property
    def ms(self) -> float:
        return (self.full - self.room) * self.ms_per_byte

    @property
    def end_ms(self) -> float:
        """Where it ends in all audio of the conversation."""
        return self.start_ms + self.ms

    def goes_on_with(self, piece: Piece) -> bool:
        """Whether this is the next piece, at the same rate, and there is room for it."""
        size = len(piece.pcm)
        same = (piece.number, piece.rate_hz) == (self.last + 1, self.rate_hz)
        return same and 0 < size <= self.room and isclose(piece.duration_ms, size * self.ms_per_byte)

    def send(self, pcm: bytes, audio_base64: bytes, now: float) -> bytes:
        """Take one more, for which there is room, and which goes out now; returns its frame."""
        self.room -= len(pcm)
        self.pcm.append(pcm)
        self.times.append(now)
        return b"".join((self.head, audio_base64, AUDIO_TAIL))

    def append(self, piece: Piece) -> None:
        """Take one more."""
        if piece.uncertain:
            self.uncertain |= {len(self.times)}
        self.room -= len(piece.pcm)
        self.pcm.append(piece.pcm)
        self.times.append(piece.at)

    def close(self) -> None:
        """No more are to come."""
        self.full, self.room = self.full - self.room, 0
        self.sizes = array("I", map(len, self.pcm))
        self.pcm = [b"".join(self.pcm)]

    def doubt(self, sent_after: float, sent_until: float) -> None:
        """What went out then may be answered, and may not."""
        self.uncertain |= set(range(bisect_right(self.times, sent_after), bisect_right(self.times, sent_until)))

    def ms_of_last(self, pieces: int) -> float:
        """How long so many pieces at its end are, once it is closed."""
        return sum((self.sizes or ())[-pieces:]) * self.ms_per_byte

    def pieces(self, first: int, last: int) -> Iterator[Piece]:
        """Those with these numbers, and all between them, as far as they are here."""
        pcm, sizes = b"".join(self.pcm), self.sizes or map(len, self.pcm)
        ends = [0, *accumulate(sizes)]
        for place in range(max(0, first - self.number), min(len(self.times), last + 1 - self.number)):
            begin, end = ends[place], ends[place + 1]
            yield Piece(
                self.number + place,
                pcm[begin:end],
                self.rate_hz,
                self.start_ms + begin * self.ms_per_byte,
                (end - begin) * self.ms_per_byte,
                self.times[place],
                place in self.uncertain,
            )

    def part(self, first: int, last: int) -> Iterator[Stretch]:
        """The stretch of these pieces; none when there are none."""
        part: Stretch | None = None
        for piece in self.pieces(first, last):
            if part is None:
                part = Stretch(piece, self.index + piece.number - self.number)
            else:
                part.append(piece)
        if part is not None:
            part.close()
            yield part


_NONE, _FIRST = frozenset[int](), frozenset((0,))
NO_AUDIO = Stretch(Piece(0, b"", 0, 0.0, 0.0, 0.0), 0)
"""Has room for nothing."""


class _Forgotten(msgspec.Struct, gc=False):
    """Audio that went out, is not known to have been taken, and had to make room; of the newest piece when it was
    what."""

    ms: float
    number: int
    index: int
    at: float


class AudioRing:
    """The audio of one conversation, over all its connections.

    Args:
        ring_s: how much is kept.

    Attributes:
        waits_for: why audio that waits does so, which is why it is dropped when it waits for too long.
        open: the last stretch, while pieces of the same rate follow.
    """

    def __init__(self, ring_s: float) -> None:
        self.waits_for: Cause = "not begun"
        self.open = NO_AUDIO
        self._ring_ms = ring_s * 1000
        self._given_ms = 0.0
        self._waiting: list[Piece] = []  # hardly ever long, and ten times smaller than a deque while it is empty
        self._waiting_ms = 0.0
        self._sent: list[Stretch] = []
        self._last = self._last_index = 0  # of the pieces in those that are closed
        self._sent_ms = 0.0  # of the others
        self._saved = 0  # the number of the last piece that the handle holds
        self._inside: list[Piece] = []  # the session holds it; it may be given up before it is answered
        self._suspect = 0  # of the last piece that had gone out when the service closed the session
        self._forgotten: _Forgotten | None = None
        self._dropped_ms: dict[Cause, float] = {}

    # --- what the application gives

    def add(self, number: int, pcm: bytes, rate_hz: int, duration_ms: float, now: float) -> None:
        """Take a piece that has to wait; the oldest that waits makes room for it."""
        # Behind audio that has more time, see `session_ready`, it has as much.
        since = max(now, self._waiting[-1].at) if self._waiting else now
        self._waiting.append(Piece(number, pcm, rate_hz, self._given_until(), duration_ms, since))
        self._given_ms += duration_ms
        self._waiting_ms += duration_ms
        self._make_room()

    def sent(self, number: int, index: int, pcm: bytes, rate_hz: int, duration_ms: float, now: float) -> None:
        """Take note of a piece that goes out at once."""
        self._keep(Piece(number, pcm, rate_hz, self._given_until(), duration_ms, now), index)

    def _given_until(self) -> float:
        """Where the next piece begins in all audio of the conversation."""
        self._given_ms = max(self._given_ms, self.open.end_ms)
        return self._given_ms

    def interrupt(self) -> None:
        """Something else goes out between two pieces, or may."""
        if self.open is not NO_AUDIO:
            self._given_until()
            self._last, self._last_index = self.last, self.last_index
            self._sent_ms += self.open.ms
            self.open.close()
            self.open = NO_AUDIO

    @property
    def last(self) -> int:
        """The number of the last piece that went out; the audio that is sent again does not count."""
        return max(self._last, self.open.last)

    @property
    def last_index(self) -> int:
        """How many messages had gone out on the connection with that."""
        return max(self._last_index, self.open.last_index)

    def session_ready(self, now: float) -> None:
        """There is a session to send to: audio that waits for it grows old, but not before a network that is slow has
        had the length of the ring to take it."""
        self.waits_for = "stalled"
        for piece in self._waiting:
            piece.at = now + self._ring_ms / 1000

    def connection_lost(self) -> None:
        """There is nowhere to send to."""
        if self.waits_for != "not begun":
            self.waits_for = "no connection"

    def drop_older(self, given_before: float) -> None:
        """Drop audio that has waited for too long."""
        while self._waiting and self._waiting[0].at < given_before:
            self._drop_oldest()

    def take_dropped(self, at_least_ms: float = 0.0) -> tuple[int, Cause] | None:
        """How much audio was dropped for one cause since this was asked last, and that cause.

        Args:
            at_least_ms: less than this is told later.
        """
        for cause, dropped_ms in self._dropped_ms.items():
            if dropped_ms >= at_least_ms and (whole_ms := round(dropped_ms)):
                del self._dropped_ms[cause]
                return whole_ms, cause
        return None

    # --- what goes out

    @property
    def next_number(self) -> int | None:
        """The number of the piece that goes out next; None when none waits."""
        return self._waiting[0].number if self._waiting else None

    def next(self, index: int, now: float) -> bytes:
        """The frame of the oldest piece that waits; it counts as sent."""
        piece = self._waiting.pop(0)
        self._waiting_ms -= piece.duration_ms
        piece.at = now
        self._keep(piece, index)
        return piece.frame

    def _keep(self, piece: Piece, index: int) -> None:
        if self.open.goes_on_with(piece):
            self.open.append(piece)
            return
        self.interrupt()
        self.open = Stretch(piece, index)
        while self._sent and self._sent_ms - self._sent[0].ms >= self._ring_ms:
            self._forget(self._sent.pop(0))
        self._sent.append(self.open)

    def _forget(self, stretch: Stretch) -> None:
        self._sent_ms -= stretch.ms
        unsaved = min(stretch.last - self._saved, len(stretch.times))
        if unsaved > 0:
            ms = stretch.ms_of_last(unsaved) + (self._forgotten.ms if self._forgotten is not None else 0.0)
            last = len(stretch.times) - 1
            self._forgotten = _Forgotten(ms, stretch.last, stretch.index + last, stretch.times[last])

    # --- what the service has

    def first_sent_after(self, at: float) -> int | None:
        """The number of the first piece that went out since then, or waits; None when there is none."""
        for stretch in self._sent:
            if (place := bisect_left(stretch.times, at)) < len(stretch.times):
                return stretch.number + place
        return self.next_number

    def last_sent_by(self, at: float) -> int:
        """The number of the last piece that had gone out by then; 0 when there was none."""
        for stretch in reversed(self._sent):
            if (place := bisect_right(stretch.times, at)) > 0:
                return stretch.number + place - 1
        return self._forgotten.number if self._forgotten is not None and self._forgotten.at <= at else 0

    def last_with_index(self, index: int) -> int:
        """The number of the last piece among so many messages of the connection; 0 when there is none."""
        for stretch in reversed(self._sent):
            if stretch.index <= index:
                return min(stretch.number + index - stretch.index, stretch.last)
        return self._forgotten.number if self._forgotten is not None and self._forgotten.index <= index else 0

    @property
    def saved_until(self) -> int:
        """The number of the last piece that the handle holds; 0 when it holds none."""
        return self._saved

    def saved(self, number: int) -> None:
        """A handle holds all pieces up to this one. It may yet be refused, and a new session hears them again."""
        self._saved = max(self._saved, number)
        self._settle(number)

    def answered(self, after: int, until: int) -> None:
        """The pieces numbered after the first and up to the second are of no more concern."""
        self._inside = [piece for piece in self._inside if piece.number <= after]  # it was heard before all else
        self._drop(after, until)

    def _drop(self, after: int, until: int) -> None:
        if until <= after:
            return
        self.interrupt()
        kept: list[Stretch] = []
        for stretch in self._sent:
            if stretch.number > until or stretch.last <= after:
                kept.append(stretch)
            else:
                kept.extend(stretch.part(stretch.number, after))
                kept.extend(stretch.part(until + 1, stretch.last))
        self._sent = kept
        self._sent_ms = sum(stretch.ms for stretch in kept)
        self._settle(until)

    def doubt(self, sent_after: float, sent_until: float) -> None:
        """What went out then may have been answered, and may not."""
        for stretch in reversed(self._sent):
            if stretch.times[-1] <= sent_after:
                return  # as are all before it
            stretch.doubt(sent_after, sent_until)

    def _settle(self, number: int) -> None:
        if self._forgotten is not None and self._forgotten.number <= number:
            self._forgotten = None

    # --- after a loss

    def resend(self, in_doubt_until: float | None, *, new_session: bool) -> int:
        """Take back what was sent and is not saved, to be sent again before what waits.

        Args:
            in_doubt_until: what went out until then may be inside the session all the same; None: nothing is.
            new_session: what the handle held is gone with it.

        Returns:
            The number of the last piece that is taken back.
        """
        if self._forgotten is not None:
            self._add_dropped("not kept", self._forgotten.ms)
        first = 0 if new_session else self._saved + 1
        inside = [*self._inside, *(piece for stretch in self._sent for piece in stretch.pieces(0, first - 1))]
        again = [piece for stretch in self._sent for piece in stretch.pieces(first, stretch.last)]
        if new_session:
            again, inside = [*inside, *again], []
        for piece in inside:
            piece.uncertain = True  # it may be answered before it is needed again
        self._inside = self._last_of(inside)
        for piece in again:
            piece.uncertain = piece.uncertain or (in_doubt_until is not None and piece.at <= in_doubt_until)
        self._waiting[:0] = again
        self._waiting_ms += sum(piece.duration_ms for piece in again)
        self.interrupt()
        self._sent.clear()
        self._sent_ms, self._forgotten, self._saved, self._last_index = 0.0, None, 0, 0
        self._make_room()
        return again[-1].number if again else 0

    def rejected(self) -> list[Piece]:
        """The service closed the session, and nothing else is to blame. Returns what it has done so on before, which is
        not sent again."""
        rejected = [piece for stretch in self._sent for piece in stretch.pieces(self._saved + 1, self._suspect)]
        self._drop(self._saved, self._suspect)
        self._suspect = self._sent[-1].last if self._sent else 0
        return rejected

    @property
    def waiting_s(self) -> float:
        """How much waits, seconds."""
        return self._waiting_ms / 1000

    def waiting_pcm(self) -> Iterator[bytes]:
        """The samples of all that waits."""
        return (piece.pcm for piece in self._waiting)

    def waiting(self, until: int) -> list[Piece]:
        """The pieces that wait, up to this number."""
        return [piece for piece in self._waiting if piece.number <= until]

    # --- inside

    def _last_of(self, pieces: Iterable[Piece]) -> list[Piece]:
        """As many as the ring has room for."""
        kept, kept_ms = list(pieces), 0.0
        for place, piece in enumerate(reversed(kept)):
            kept_ms += piece.duration_ms
            if kept_ms > self._ring_ms:
                return kept[len(kept) - place :]
        return kept

    def recent(self, sent_after: float) -> Iterator[bytes]:
        """The samples of what went out since then, newest first."""
        for stretch in reversed(self._sent):
            first = stretch.number + bisect_right(stretch.times, sent_after)
            yield from (piece.pcm for piece in reversed(list(stretch.pieces(first, stretch.last))))
            if first > stretch.number:
                return

    def _make_room(self) -> None:
        most_ms = MAX_EARLY_AUDIO_MS if self.waits_for == "not begun" else self._ring_ms
        while self._waiting_ms > most_ms and len(self._waiting) > 1:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        dropped_ms = self._waiting.pop(0).duration_ms
        self._waiting_ms -= dropped_ms
        self._add_dropped(self.waits_for, dropped_ms)

    def _add_dropped(self, cause: Cause, dropped_ms: float) -> None:
        self._dropped_ms[cause] = self._dropped_ms.get(cause, 0.0) + dropped_ms


def is_quiet(pieces: Iterable[bytes]) -> bool:
    """Whether nobody can be heard in these samples."""
    return all(max(map(abs, array("h", pcm[: len(pcm) // 2 * 2])), default=0) < QUIET_BELOW for pcm in pieces)
