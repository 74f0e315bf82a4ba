"""What was received to be played, and what of it has really been heard."""

from __future__ import annotations

from collections import deque
from typing import Final

from gemini_realtime.audio.chunks import WholeFrames
from gemini_realtime.audio.format import AudioFormat

MAX_MARKS: Final = 1024
"""Marks that may be under way; the other end need not return any."""


class Playback:
    """The queue between a service that sends faster than real time and a device that plays in real time.

    One thread may push and flush (the event loop) while another takes (the device callback): a callback must
    never wait, so there is no lock. Three things make that safe. The deque's append and popleft are atomic,
    also without the GIL. Every counter has one writer. And a flush empties nothing that the other thread may
    hold: it puts a fresh `_Stretch` in place of the old one, so a `take` under way finishes with the old one
    and the next sees only the new. That one block may be counted as thrown away although it is heard.

    "Played" means handed to the device; what the device itself still holds is the adapter's to subtract.

    Args:
        format: of the audio.
        jitter_ms: an answer that begins, or that goes on after it ran dry, sounds when so much of it is there, or all
            of it: audio that comes in irregular pieces then has no holes.
    """

    def __init__(self, format: AudioFormat, *, jitter_ms: float = 0.0) -> None:
        self.format = format
        self._jitter_bytes = format.bytes_for_ms(jitter_ms)
        self._whole_frames = WholeFrames(format)
        self._stretch = _Stretch(self._jitter_bytes)
        self._turn_over = False

    def push(self, audio: bytes) -> None:
        """Queue received audio; a frame that is cut by the end of a piece is completed by the next one."""
        if self._turn_over:
            self._turn_over = False
            self._stretch.start_turn()
        self._stretch.push(self._whole_frames.push(audio))

    def take(self, n_bytes: int) -> bytes:
        """Return exactly `n_bytes` (whole frames) to play now: queued audio, then silence."""
        audio = self._stretch.take(n_bytes)
        return audio + self.format.silence(n_bytes - len(audio))

    def end_turn(self) -> None:
        """The turn is complete: what is pushed next begins another, from which `played_ms` counts."""
        self._whole_frames.clear()
        self._stretch.complete = True
        self._turn_over = True

    def flush(self) -> float:
        """Throw away what has not been played, as after an interruption, and return how many ms that was.

        `played_ms` is 0 afterwards: read it first.
        """
        unheard_ms = self.queued_ms
        self._whole_frames.clear()
        self._stretch = _Stretch(self._jitter_bytes)
        return unheard_ms

    @property
    def played_ms(self) -> float:
        """How much has been played since the turn started or the queue was flushed; silence does not count."""
        stretch = self._stretch
        return self.format.duration_ms(max(0, stretch.played_bytes - stretch.turn_start_bytes))

    @property
    def queued_ms(self) -> float:
        """How much is waiting to be played."""
        return self.format.duration_ms(self._stretch.queued_bytes)

    @property
    def idle(self) -> bool:
        """Whether nothing is waiting: everything received has been played or thrown away."""
        return self._stretch.queued_bytes == 0


class _Stretch:
    """What is pushed and played between two flushes."""

    __slots__ = (
        "_dry",
        "_head",
        "_jitter_bytes",
        "_pieces",
        "complete",
        "played_bytes",
        "pushed_bytes",
        "turn_start_bytes",
    )

    def __init__(self, jitter_bytes: int) -> None:
        self._jitter_bytes = jitter_bytes
        # Written by the pushing thread.
        self._pieces: deque[memoryview] = deque()
        self.pushed_bytes = 0
        self.turn_start_bytes = 0
        self.complete = False  # nothing more is to come of the turn
        # Written by the taking thread.
        self._head = memoryview(b"")
        self.played_bytes = 0
        self._dry = True

    @property
    def queued_bytes(self) -> int:
        played_bytes = self.played_bytes  # before pushed_bytes: it must not overtake it in between
        return self.pushed_bytes - played_bytes

    def start_turn(self) -> None:
        self.complete = False
        self.turn_start_bytes = self.pushed_bytes

    def push(self, audio: bytes) -> None:
        self.pushed_bytes += len(audio)  # counted before it can be taken: played never exceeds pushed
        self._pieces.append(memoryview(audio))

    def take(self, n_bytes: int) -> bytes:
        if self._dry and self.queued_bytes < self._jitter_bytes and not self.complete:
            return b""
        parts: list[memoryview] = []
        missing = n_bytes
        while missing and (self._head or self._next_piece()):
            part = self._head[:missing]
            self._head = self._head[missing:]
            missing -= len(part)
            parts.append(part)
        self.played_bytes += n_bytes - missing
        self._dry = missing > 0
        return b"".join(parts)

    def _next_piece(self) -> bool:
        if not self._pieces:  # only this thread removes pieces, so what is here now stays for popleft
            return False
        self._head = self._pieces.popleft()
        return True


class RemotePlayback:
    """What is played at the other end of a line: known by the clock, and better by the marks that come back from there.

    Audio is sent faster than it sounds; after each piece goes a mark, which the other end returns when it has played
    what came before it. Audio sounds in real time, so the clock tells when all that was sent will have been played; a
    mark that comes back sets it right, and once one did, what has no mark back yet has not been played to its end.
    `now` is in seconds.
    """

    def __init__(self) -> None:
        self._clears = 0
        self._sent_ms = 0.0  # since the beginning or the last clear
        self._turn_start_ms = 0.0
        self._turn_over = False
        self._silent_at = 0.0  # when all that was sent will have been played
        self._marks: deque[tuple[str, float]] = deque(maxlen=MAX_MARKS)
        self._marks_return = False

    def sent(self, duration_ms: float, now: float) -> str:
        """A piece of audio goes out; returns the name of the mark to send after it."""
        if self._turn_over:
            self._turn_over = False
            self._turn_start_ms = self._sent_ms
        self._silent_at = max(self._silent_at, now) + duration_ms / 1000
        self._sent_ms += duration_ms
        name = f"{self._clears}:{round(self._sent_ms)}"
        self._marks.append((name, self._sent_ms))
        return name

    def returned(self, name: str, now: float) -> None:
        """A mark came back: all up to it has been played. One of before a `clear` says nothing."""
        if not any(name == mark for mark, _ in self._marks):
            return
        self._marks_return = True
        while self._marks:
            mark, position_ms = self._marks.popleft()
            if mark == name:
                self._silent_at = now + (self._sent_ms - position_ms) / 1000
                return

    def end_turn(self) -> None:
        """The turn is complete: what is sent next begins another, from which `played_ms` counts."""
        self._turn_over = True

    def played_ms(self, now: float) -> float:
        """How much of the turn has been played."""
        return max(0.0, self._position_ms(now) - self._turn_start_ms)

    def clear(self, now: float) -> tuple[float, float]:
        """The other end throws away what it has not played; returns how much of the turn was played, and how much was
        thrown away, in ms."""
        played_ms, unplayed_ms = self.played_ms(now), self._sent_ms - self._position_ms(now)
        self._clears += 1
        self._sent_ms = self._turn_start_ms = 0.0
        self._silent_at = now
        self._marks.clear()
        return played_ms, unplayed_ms

    def _position_ms(self, now: float) -> float:
        """How much has been played of what was sent since the beginning or the last `clear`."""
        position_ms = self._sent_ms - max(0.0, self._silent_at - now) * 1000
        if self._marks_return and self._marks:
            position_ms = min(position_ms, self._marks[0][1])
        return max(0.0, position_ms)
