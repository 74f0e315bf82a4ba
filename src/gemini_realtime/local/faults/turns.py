"""Faults of what is said: messages that lack something, come late, or should not be there."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import msgspec

from gemini_realtime.audio.format import OUTPUT_FORMAT
from gemini_realtime.errors import AudioFormatError
from gemini_realtime.local.faults.stages import Moment, Queue, Stage
from gemini_realtime.local.wire.frames import server_frame
from gemini_realtime.local.wire.refusals import GO_AWAY_IGNORED, SESSION_UNKNOWN
from gemini_realtime.protocol.codec import decode_base64, encode_base64

_SPEECH: Final = ("modelTurn", "outputTranscription")

_Message = dict[str, Any]


def _read(frame: bytes) -> _Message:
    """A message; an empty one for what is none."""
    try:
        return _object(msgspec.json.decode(frame))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}


def _object(value: Any) -> _Message:
    """An object; an empty one for what is none: clients, scripts and recordings send what they like."""
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> list[_Message]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _content(message: _Message) -> _Message:
    return _object(message.get("serverContent"))


def _sounds(message: _Message) -> list[tuple[_Message, int]]:
    """The pieces of audio in a message, each with its size in bytes."""
    parts = _objects(_object(_content(message).get("modelTurn")).get("parts"))
    blobs = [_object(part.get("inlineData")) for part in parts]
    return [(blob, size) for blob in blobs if (size := _sound_bytes(blob))]


def _sound_bytes(blob: _Message) -> int:
    kind, data = blob.get("mimeType"), blob.get("data")
    if not isinstance(kind, str) or not isinstance(data, str) or not kind.startswith("audio/"):
        return 0
    try:
        return len(decode_base64(data))
    except AudioFormatError:
        return 0


class LateSetup(Queue):
    """Sends setupComplete late."""

    def send(self, frame: bytes) -> None:
        """Wait before setupComplete."""
        if "setupComplete" in _read(frame) and self.occasions.take():
            self.put(float(self.fault["delay_s"]))
        super().send(frame)


class NoSetup(Stage):
    """Never sends setupComplete."""

    def send(self, frame: bytes) -> None:
        """Send all but that."""
        if "setupComplete" not in _read(frame) or not self.occasions.take():
            self.next.send(frame)


class RefuseHandle(Stage):
    """Knows no handle."""

    def admits(self, message: bytes) -> bool:
        """Close instead of resuming."""
        setup = _object(_read(message).get("setup"))
        resumption = _object(setup.get("sessionResumption", setup.get("session_resumption")))
        if not resumption.get("handle") or not self.occasions.take():
            return True
        self.next.close(SESSION_UNKNOWN.code, SESSION_UNKNOWN.reason)
        return False


class GoAway(Moment):
    """Sends goAway, and closes when its time is over."""

    def happen(self) -> None:
        """Announce the end."""
        time_left_s = self.fault["time_left_s"]
        self.next.send(server_frame({"goAway": {"timeLeft": f"{time_left_s:.3f}s"}}))
        self.line.later(time_left_s, partial(self.next.close, GO_AWAY_IGNORED.code, GO_AWAY_IGNORED.reason))


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
        calls = _objects(_object(_read(frame).get("toolCall")).get("functionCalls"))
        ids = [call["id"] for call in calls if "id" in call]
        if ids and self.occasions.take():
            self.next.send(server_frame({"toolCallCancellation": {"ids": ids}}))


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
        speech = any(key in _content(_read(frame)) for key in _SPEECH)
        return speech and self.random.random() < self.fault["probability"] and self.occasions.take()


class TurnStage(Stage):
    """Spoils the turns that it befalls, from the first thing that is said to their end."""

    _befallen: bool | None = None

    def send(self, frame: bytes) -> None:
        """Send what is left of a message."""
        message = _read(frame)
        content = _content(message)
        if self._befallen is None and any(key in content for key in _SPEECH):
            self._befallen = self.occasions.take()
        if self._befallen:
            self.spoil(frame, message)
        else:
            self.next.send(frame)
        if "turnComplete" in content:
            self._befallen = None

    def spoil(self, frame: bytes, message: _Message) -> None:
        """Send what is left of a message of such a turn."""
        raise NotImplementedError


class EmptyTurn(TurnStage):
    """Completes a turn in which nothing is said."""

    def spoil(self, frame: bytes, message: _Message) -> None:
        """Send all but what is said."""
        if any(key in _content(message) for key in _SPEECH):
            _send_without(message, _SPEECH, self.next.send)
        else:
            self.next.send(frame)


class NearSilence(TurnStage):
    """Sends noise at the edge of hearing instead of speech."""

    def spoil(self, frame: bytes, message: _Message) -> None:
        """Replace the samples, and keep their number."""
        sounds = _sounds(message)
        for blob, size_bytes in sounds:
            blob["data"] = encode_base64(self._noise(size_bytes // OUTPUT_FORMAT.frame_bytes)).decode()
        self.next.send(server_frame(message) if sounds else frame)

    def _noise(self, samples: int) -> bytes:
        peak = self.fault["peak"]
        levels = [level.to_bytes(2, "little", signed=True) for level in range(-peak, peak + 1)]
        return b"".join(self.random.choices(levels, k=samples))


class NoTurnComplete(Stage):
    """Never sends turnComplete."""

    def send(self, frame: bytes) -> None:
        """Send all but that."""
        message = _read(frame)
        if "turnComplete" in _content(message) and self.occasions.take():
            _send_without(message, ("turnComplete", "interactionStatus"), self.next.send)
        else:
            self.next.send(frame)


class SlowAudio(Queue):
    """Sends speech at a pace of its own, until the user cuts in."""

    def send(self, frame: bytes) -> None:
        """Wait after a piece of speech as long as it lasts at that pace; what follows waits too."""
        super().send(frame)
        message = _read(frame)
        size_bytes = sum(size_bytes for _, size_bytes in _sounds(message))
        if size_bytes and self.occasions.take():
            self.put(OUTPUT_FORMAT.duration_ms(size_bytes) / 1000 / self.fault["rate"])
        if "interrupted" in _content(message):
            self.hurry()


def _send_without(message: _Message, keys: tuple[str, ...], send: Callable[[bytes], None]) -> None:
    """Send a message without these keys of its content, if there is more in it."""
    content = {key: value for key, value in _content(message).items() if key not in keys}
    rest = {key: value for key, value in message.items() if key != "serverContent"}
    if content or rest:
        send(server_frame({**({"serverContent": content} if content else {}), **rest}))
