"""What was received to be played, and what of it has really been heard."""

from __future__ import annotations

from collections import deque

from gemini_realtime.audio.format import AudioFormat


class Playback:
    """The queue between a service that sends faster than real time and a device that plays in real time.

    One thread may push and flush (the event loop) while another takes (the device callback): a callback must
    never wait, so there is no lock. Three things make that safe. The deque's append and popleft are atomic,
    also without the GIL. Every counter has one writer. And a flush empties nothing that the other thread may
    hold: it puts a fresh `_Stretch` in place of the old one, so a `take` under way finishes with the old one
    and the next sees only the new. That one block may be counted as thrown away although it is heard.

    "Played" means handed to the device; what the device itself still holds is the adapter's to subtract.
    """

    def __init__(self, format: AudioFormat) -> None:
        self.format = format
        self._stretch = _Stretch()

    def push(self, audio: bytes) -> None:
        """Queue received audio.

        Raises:
            AudioFormatError: `audio` ends inside a frame.
        """
        self.format.check(audio)
        self._stretch.push(audio)

    def take(self, n_bytes: int) -> bytes:
        """Return exactly `n_bytes` (whole frames) to play now: queued audio, then silence."""
        audio = self._stretch.take(n_bytes)
        return audio + self.format.silence(n_bytes - len(audio))

    def start_turn(self) -> None:
        """Count `played_ms` from the first byte pushed from now on; what is queued is still played before it."""
        self._stretch.turn_start_bytes = self._stretch.pushed_bytes

    def flush(self) -> float:
        """Throw away what has not been played, as after an interruption, and return how many ms that was.

        `played_ms` is 0 afterwards: read it first.
        """
        unheard_ms = self.queued_ms
        self._stretch = _Stretch()
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

    __slots__ = ("_head", "_pieces", "played_bytes", "pushed_bytes", "turn_start_bytes")

    def __init__(self) -> None:
        # Written by the pushing thread.
        self._pieces: deque[memoryview] = deque()
        self.pushed_bytes = 0
        self.turn_start_bytes = 0
        # Written by the taking thread.
        self._head = memoryview(b"")
        self.played_bytes = 0

    @property
    def queued_bytes(self) -> int:
        played_bytes = self.played_bytes  # before pushed_bytes: it must not overtake it in between
        return self.pushed_bytes - played_bytes

    def push(self, audio: bytes) -> None:
        self.pushed_bytes += len(audio)  # counted before it can be taken: played never exceeds pushed
        self._pieces.append(memoryview(audio))

    def take(self, n_bytes: int) -> bytes:
        parts: list[memoryview] = []
        missing = n_bytes
        while missing and (self._head or self._next_piece()):
            part = self._head[:missing]
            self._head = self._head[missing:]
            missing -= len(part)
            parts.append(part)
        self.played_bytes += n_bytes - missing
        return b"".join(parts)

    def _next_piece(self) -> bool:
        if not self._pieces:  # only this thread removes pieces, so what is here now stays for popleft
            return False
        self._head = self._pieces.popleft()
        return True


class RemotePlayback:
    """What is played at the other end of a line, known by the marks that come back from there.

    Audio is sent faster than it sounds; after each piece goes a mark, which the other end returns when it has played
    what came before it. Between two marks the clock tells: audio sounds in real time. `now` is in seconds.
    """

    def __init__(self) -> None:
        self._clears = 0
        self._sent_ms = 0.0
        self._played_ms = 0.0
        self._since = 0.0  # when that much had been played
        self._marks: deque[tuple[str, float]] = deque()

    def sent(self, duration_ms: float, now: float) -> str:
        """A piece of audio goes out; returns the name of the mark to send after it."""
        if not self._marks:
            self._since = now  # what was sent before has been played: this piece sounds at once
        self._sent_ms += duration_ms
        name = f"{self._clears}:{round(self._sent_ms)}"
        self._marks.append((name, self._sent_ms))
        return name

    def returned(self, name: str, now: float) -> None:
        """A mark came back: all up to it has been played. One of before a `clear` says nothing."""
        if not any(name == mark for mark, _ in self._marks):
            return
        while self._marks:
            mark, self._played_ms = self._marks.popleft()
            if mark == name:
                break
        self._since = now

    def played_ms(self, now: float) -> float:
        """How much has been played since the beginning, or the last `clear`."""
        if not self._marks:
            return self._played_ms
        return min(self._played_ms + max(0.0, now - self._since) * 1000, self._marks[0][1])

    def clear(self, now: float) -> tuple[float, float]:
        """The other end throws away what it has not played; returns how much was played, and how much was not, ms."""
        played_ms = self.played_ms(now)
        unplayed_ms = self._sent_ms - played_ms
        self._clears += 1
        self._sent_ms = self._played_ms = 0.0
        self._marks.clear()
        return played_ms, unplayed_ms
