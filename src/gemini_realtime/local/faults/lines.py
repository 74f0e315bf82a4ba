"""Faults of the connection and of its frames, whatever these say."""

from __future__ import annotations

from functools import partial
from typing import Final

from gemini_realtime.local.faults.stages import Moment, Stage
from gemini_realtime.local.faults.table import SPURIOUS_CLOSES
from gemini_realtime.local.wire.frames import server_frame
from gemini_realtime.local.wire.refusals import GO_AWAY_IGNORED

_NO_FRAME: Final = b"\xff"
"""All reserved bits set, and an opcode that there is not: RFC 6455 5.2."""


def announce_end(stage: Stage, time_left_s: float) -> None:
    """Send goAway, and close when its time is over."""
    stage.next.send(server_frame({"goAway": {"timeLeft": f"{time_left_s:.3f}s"}}))
    stage.line.later(time_left_s, partial(stage.next.close, GO_AWAY_IGNORED.code, GO_AWAY_IGNORED.reason))


class Cut(Moment):
    """Ends the connection without a close frame."""

    def happen(self) -> None:
        """Cut."""
        self.line.cut()


class Silence(Moment):
    """Leaves the connection open and sends nothing any more."""

    def happen(self) -> None:
        """Fall silent."""
        self.line.mute()


class StopReading(Moment):
    """Reads nothing any more."""

    def happen(self) -> None:
        """Stop."""
        self.line.stop_reading()


class Close(Moment):
    """Closes the connection."""

    def happen(self) -> None:
        """Close."""
        self.next.close(self.fault["code"], self.fault["reason"])


class GoAway(Moment):
    """Sends goAway, and closes when its time is over."""

    def happen(self) -> None:
        """Announce the end."""
        announce_end(self, self.fault["time_left_s"])


class SpuriousClose(Moment):
    """Closes a healthy connection."""

    def happen(self) -> None:
        """Close."""
        self.next.close(*SPURIOUS_CLOSES[self.fault["reason"]])


class SlowPong(Stage):
    """Answers pings late."""

    def pong(self, payload: bytes) -> None:
        """Wait, and answer."""
        if self.occasions.take():
            self.line.later(self.fault["delay_s"], partial(self.next.pong, payload))
        else:
            self.next.pong(payload)


class Garbage(Moment):
    """Sends bytes that are not a WebSocket frame."""

    def happen(self) -> None:
        """Send them."""
        self.line.write(_NO_FRAME + self.random.randbytes(self.fault["size_bytes"] - 1))


class Truncate(Moment):
    """Sends one frame without its end."""

    _due = False

    def happen(self) -> None:
        """The next frame it is."""
        self._due = True

    def send(self, frame: bytes) -> None:
        """Send the frame, or its beginning. What lacks a brace and a newline is not JSON."""
        if self._due:
            self._due = False
            frame = frame[: self.random.randint(1, max(1, len(frame) - 2))]
        super().send(frame)


class Oversize(Moment):
    """Sends a very long frame."""

    def happen(self) -> None:
        """Send an empty message, which the service does send, with spaces in it."""
        self.next.send(b"{" + b" " * (self.fault["size_bytes"] - 2) + b"}")


class Fragment(Stage):
    """Sends every message in fragments."""

    def send(self, frame: bytes) -> None:
        """Send a message in fragments; stages that come later do not see it."""
        size = self.fault["size_bytes"]
        if len(frame) > size and self.occasions.take():
            self.line.send_fragments([frame[at : at + size] for at in range(0, len(frame), size)])
        else:
            self.next.send(frame)


class Duplicate(Stage):
    """Sends frames twice."""

    def send(self, frame: bytes) -> None:
        """Send it once or twice."""
        self.next.send(frame)
        if self.random.random() < self.fault["probability"] and self.occasions.take():
            self.next.send(frame)
