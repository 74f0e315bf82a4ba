"""Faults of what is said: messages that lack something, come late, come twice, or should not be there."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable
from typing import Any, Final

from gemini_realtime.audio.format import OUTPUT_FORMAT
from gemini_realtime.local.faults.messages import (
    Message,
    calls_of,
    content_of,
    read,
    resumes,
    sounds_of,
    transcript_of,
    without,
)
from gemini_realtime.local.faults.stages import Moment, Queue, Stage
from gemini_realtime.local.wire.frames import server_frame
from gemini_realtime.local.wire.refusals import SESSION_UNKNOWN
from gemini_realtime.protocol.codec import encode_base64

_SPEECH: Final = ("modelTurn", "outputTranscription")
_THOUGHT: Final = "I'm thinking about what was said."


class LateSetup(Queue):
    """Sends setupComplete late."""

    def send(self, frame: bytes) -> None:
        """Wait before setupComplete."""
        if "setupComplete" in read(frame) and self.occasions.take():
            self.put(float(self.fault["delay_s"]))
        super().send(frame)


class NoSetup(Stage):
    """Never sends setupComplete."""

    def send(self, frame: bytes) -> None:
        """Send all but that."""
        if "setupComplete" not in read(frame) or not self.occasions.take():
            self.next.send(frame)


class RefuseHandle(Stage):
    """Knows no handle."""

    def admits(self, message: bytes) -> bool:
        """Close instead of resuming."""
        if not resumes(message) or not self.occasions.take():
            return True
        self.next.close(SESSION_UNKNOWN.code, SESSION_UNKNOWN.reason)
        return False


class Interrupted(Moment):
    """Sends `interrupted` though nobody spoke."""

    def happen(self) -> None:
        """Send it."""
        self.next.send(server_frame({"serverContent": {"interrupted": True}}))


class CancelCalls(Stage):
    """Cancels function calls as soon as they are made."""

    def send(self, frame: bytes) -> None:
        """Send a message, and the cancellation of the calls in it."""
        self.next.send(frame)
        ids = [call["id"] for call in calls_of(read(frame)) if "id" in call]
        if ids and self.occasions.take():
            self.next.send(server_frame({"toolCallCancellation": {"ids": ids}}))


class RepeatCalls(Stage):
    """Makes function calls twice. Source: mastra 22969, roomkit 42, which met both forms."""

    def send(self, frame: bytes) -> None:
        """Send a message, and the calls in it once more."""
        calls = calls_of(read(frame))
        if calls and self.occasions.take():
            self.next.send(frame if self.fault["form"] == "again" else _in_parts(calls))
        self.next.send(frame)


class Reorder(Stage):
    """Sends speech and transcripts after the frame that follows them; there always is one."""

    _held: bytes | None = None

    def send(self, frame: bytes) -> None:
        """Hold a frame back, or send it before the one that is held."""
        if self._held is None and self._swaps(frame):
            self._held = frame
            return
        self.next.send(frame)
        if self._held is not None:
            self.next.send(self._held)
            self._held = None

    def _swaps(self, frame: bytes) -> bool:
        speech = any(key in content_of(read(frame)) for key in _SPEECH)
        return speech and self.random.random() < self.fault["probability"] and self.occasions.take()


class TurnStage(Stage):
    """Spoils the turns that it befalls, from the first thing that is said to their end."""

    _befallen: bool | None = None

    def send(self, frame: bytes) -> None:
        """Send what is left of a message."""
        message = read(frame)
        content = content_of(message)
        if self._befallen is None and any(key in content for key in _SPEECH):
            self._befallen = self.occasions.take()
        if self._befallen:
            self.spoil(frame, message)
        else:
            self.next.send(frame)
        if "turnComplete" in content:
            self._befallen = None

    def spoil(self, frame: bytes, message: Message) -> None:
        """Send what is left of a message of such a turn."""
        raise NotImplementedError

    def send_unsaid(self, frame: bytes, message: Message) -> None:
        """Send a message without what is said in it."""
        if any(key in content_of(message) for key in _SPEECH):
            _send_without(message, _SPEECH, self.next.send)
        else:
            self.next.send(frame)


class EmptyTurn(TurnStage):
    """Completes a turn in which nothing is said."""

    def spoil(self, frame: bytes, message: Message) -> None:
        """Send all but what is said."""
        self.send_unsaid(frame, message)


class TextTurn(TurnStage):
    """Writes what is to be said, and does not say it."""

    def spoil(self, frame: bytes, message: Message) -> None:
        """Send the words of a message as text."""
        if text := transcript_of(message):
            self.next.send(_part_frame(text=text))
        self.send_unsaid(frame, message)


class ThoughtTurn(TurnStage):
    """Thinks, and says nothing."""

    _thought = False

    def spoil(self, frame: bytes, message: Message) -> None:
        """Send a thought in place of all that is said."""
        if not self._thought:
            self.next.send(_part_frame(text=_THOUGHT, thought=True))
        self._thought = "turnComplete" not in content_of(message)
        self.send_unsaid(frame, message)


class NearSilence(TurnStage):
    """Sends noise at the edge of hearing instead of speech."""

    def spoil(self, frame: bytes, message: Message) -> None:
        """Replace the samples, and keep their number."""
        sounds = sounds_of(message)
        for blob, size_bytes in sounds:
            blob["data"] = encode_base64(self._noise(size_bytes // OUTPUT_FORMAT.frame_bytes)).decode()
        self.next.send(server_frame(message) if sounds else frame)

    def _noise(self, samples: int) -> bytes:
        peak = self.fault["peak"]
        levels = [level.to_bytes(2, "little", signed=True) for level in range(-peak, peak + 1)]
        return b"".join(self.random.choices(levels, k=samples))


class Tone(TurnStage):
    """Sends a tone instead of speech."""

    _samples = 0

    def spoil(self, frame: bytes, message: Message) -> None:
        """Replace the samples, and keep their number."""
        sounds = sounds_of(message)
        for blob, size_bytes in sounds:
            blob["data"] = encode_base64(self._tone(size_bytes // OUTPUT_FORMAT.frame_bytes)).decode()
        self.next.send(server_frame(message) if sounds else frame)

    def _tone(self, samples: int) -> bytes:
        """The next samples of a sine, which goes on where the last ended."""
        first, self._samples = self._samples, self._samples + samples
        step = 2 * math.pi * self.fault["frequency_hz"] / OUTPUT_FORMAT.rate_hz
        peak = self.fault["peak"]
        wave = array("h", (round(peak * math.sin(step * at)) for at in range(first, first + samples)))
        return b"".join(level.to_bytes(2, "little", signed=True) for level in wave)


class RepeatTurn(TurnStage):
    """Says an answer twice."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._frames: list[bytes] = []

    def spoil(self, frame: bytes, message: Message) -> None:
        """Send a message; the last of a turn that was not cut is followed by all of the turn again."""
        self.next.send(frame)
        self._frames.append(frame)
        content = content_of(message)
        if "interrupted" in content:
            self._frames.clear()
        elif "turnComplete" in content:
            for again in self._frames:
                self.next.send(again)
            self._frames.clear()


class NoTurnComplete(Stage):
    """Never sends turnComplete."""

    def send(self, frame: bytes) -> None:
        """Send all but that."""
        message = read(frame)
        if "turnComplete" in content_of(message) and self.occasions.take():
            _send_without(message, ("turnComplete", "interactionStatus"), self.next.send)
        else:
            self.next.send(frame)


class SlowAudio(Queue):
    """Sends speech at a pace of its own, until the user cuts in."""

    def send(self, frame: bytes) -> None:
        """Wait after a piece of speech as long as it lasts at that pace; what follows waits too."""
        super().send(frame)
        message = read(frame)
        size_bytes = sum(size_bytes for _, size_bytes in sounds_of(message))
        if size_bytes and self.occasions.take():
            self.put(OUTPUT_FORMAT.duration_ms(size_bytes) / 1000 / self.fault["rate"])
        if "interrupted" in content_of(message):
            self.hurry()


class EarlyTranscript(Queue):
    """Sends transcripts as they come and the rest of a turn late, until the user cuts in."""

    _befallen: bool | None = None

    def send(self, frame: bytes) -> None:
        """Send the words of a message now, and let the rest wait."""
        message = read(frame)
        content = content_of(message)
        if self._befallen is None and any(key in content for key in _SPEECH):
            self._befallen = self.occasions.take()
            if self._befallen:
                self.put(float(self.fault["delay_s"]))
        if self._befallen and (text := transcript_of(message)):
            self.next.send(server_frame({"serverContent": {"outputTranscription": {"text": text}}}))
            _send_without(message, ("outputTranscription",), super().send)
        else:
            super().send(frame)
        if "interrupted" in content:
            self.hurry()
        if "turnComplete" in content:
            self._befallen = None


def _send_without(message: Message, keys: tuple[str, ...], send: Callable[[bytes], None]) -> None:
    """Send a message without these keys of its content, if there is more in it."""
    frame = without(message, keys)
    if frame is not None:
        send(frame)


def _in_parts(calls: list[Message]) -> bytes:
    return server_frame({"serverContent": {"modelTurn": {"parts": [{"functionCall": call} for call in calls]}}})


def _part_frame(**part: Any) -> bytes:
    return server_frame({"serverContent": {"modelTurn": {"parts": [part]}}})
