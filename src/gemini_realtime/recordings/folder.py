"""The files of a recording, written as the conversation goes on: what was written is there, whatever happens next."""

from __future__ import annotations

import json
import logging
import platform
import struct
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, Literal, NamedTuple

from gemini_realtime.errors import MissingDependencyError
from gemini_realtime.protocol.codec import DecodeError, parse_received
from gemini_realtime.recordings.lines import (
    Closed,
    Sender,
    closed_line,
    event_line,
    frame_line,
    opened_line,
    unreadable_line,
)
from gemini_realtime.recordings.redaction import Redaction
from gemini_realtime.version import __version__

if TYPE_CHECKING:
    from gemini_realtime.recordings.stereo import Stereo

MANIFEST: Final = "recording.json"
FRAMES: Final = "frames.jsonl"
AUDIO: Final = "audio.wav"
FORMAT_VERSION: Final = 1
PRIVATE: Final = 0o700
"""Permissions of a recording's folder: what people said is for the account that recorded it."""

_WAV_HEADER: Final = struct.Struct("<4sI4s4sIHHIIHH4sI")
_MAX_WAV_BYTES: Final = 2**32 - 1 - _WAV_HEADER.size
"""More than 12 hours; what comes later is in the frames alone."""

_log = logging.getLogger(__name__)


class Noted(NamedTuple):
    """Something to be written.

    Attributes:
        ms: since the recording began.
        connection: counted from 1.
        what: a frame and who sent it, that the connection was opened, how it ended, or an event.
    """

    ms: float
    connection: int
    what: tuple[Sender, bytes] | Literal["opened"] | Closed | dict[str, Any]


class Folder:
    """Writes one recording, on whatever thread; where that cannot be done, it says so once and goes on without.

    Args:
        path: the folder, to be made.
        began_at: the time of day, with its zone.
        side: who records.
        audio: keep sound and pictures.
        sound: write both sides as a wave file too; see `can_write_sound`.
        text: keep words.
        cause: why it was written, where that was not from the beginning.
    """

    def __init__(
        self,
        path: Path,
        *,
        began_at: datetime,
        side: Sender,
        audio: bool = True,
        sound: bool = True,
        text: bool = True,
        cause: str | None = None,
    ) -> None:
        self._path = path
        self._redaction = Redaction(audio=audio, text=text)
        self._frames: IO[bytes] | None = None
        self._sound: _Sound | None = None
        self._last_ms = 0.0
        manifest = {
            "format": FORMAT_VERSION,
            "began_at": began_at.isoformat(timespec="milliseconds"),
            "side": side,
            "left_out": [name for name, kept in (("audio", audio), ("text", text)) if not kept],
            "versions": {
                "gemini_realtime": __version__,
                "python": platform.python_version(),
                "platform": platform.system(),
            },
        } | ({} if cause is None else {"cause": cause})
        try:
            path.mkdir(parents=True, exist_ok=True, mode=PRIVATE)
            (path / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", "utf-8")
            self._frames = (path / FRAMES).open("wb")
            self._sound = _Sound.at(path / AUDIO) if sound else None
        except Exception as error:  # whatever it is, it costs the recording alone
            self._give_up(error)

    def write(self, noted: Iterable[Noted]) -> None:
        """Write these, in order, so that a process that is killed leaves them behind."""
        if self._frames is None:
            return
        try:
            for entry in noted:
                self._frames.write(self._line(entry))
                self._last_ms = entry.ms
            self._frames.flush()
            if self._sound is not None:
                self._sound.write(self._sound.stereo.take(self._last_ms))
        except Exception as error:  # whatever it is, it costs the recording alone
            self._give_up(error)

    def close(self) -> None:
        """Write the end."""
        try:
            if self._sound is not None:
                self._sound.write(self._sound.stereo.end(self._last_ms))
                self._sound.file.close()
            if self._frames is not None:
                self._frames.close()
        except Exception as error:  # whatever it is, it costs the recording alone
            self._give_up(error)
        self._frames = self._sound = None

    def _line(self, entry: Noted) -> bytes:
        match entry.what:
            case "opened":
                return opened_line(entry.ms, entry.connection)
            case (str(sender), bytes(frame)):
                return self._frame_line(entry, sender, frame)
            case Closed():
                return closed_line(entry.ms, entry.connection, entry.what)
            case event:
                if self._sound is not None:
                    self._sound.noticed(entry.ms, event)
                return event_line(entry.ms, entry.connection, self._redaction.event(event))

    def _frame_line(self, entry: Noted, sender: Sender, frame: bytes) -> bytes:
        try:
            message = parse_received(frame)
        except DecodeError:
            return self._unreadable_line(entry, sender, frame)
        if self._sound is not None:
            self._sound.stereo.add(entry.ms, entry.connection, sender, message)
        return frame_line(entry.ms, entry.connection, sender, self._redaction.frame(message))

    def _unreadable_line(self, entry: Noted, sender: Sender, frame: bytes) -> bytes:
        if self._redaction.keeps_everything and sender == "server":  # of what cannot be read, nothing can be left out
            return unreadable_line(entry.ms, entry.connection, sender, frame)
        return frame_line(entry.ms, entry.connection, sender, {})

    def _give_up(self, error: Exception) -> None:
        # Of other errors the type alone: their words may repeat what was said.
        why = error.strerror if isinstance(error, OSError) else type(error).__name__
        _log.warning("%s: the rest of this conversation is not recorded: %s", self._path, why)
        files = [self._frames, None if self._sound is None else self._sound.file]
        self._frames = self._sound = None
        for file in files:
            if file is not None:
                with suppress(OSError):  # what is in its buffer does not fit either
                    file.close()


def can_write_sound() -> bool:
    """Whether numpy is there; else the sound is in the frames alone.

    What it takes is imported here: the thread that writes finds it there.
    """
    try:
        import gemini_realtime.recordings.stereo  # noqa: F401
    except MissingDependencyError as error:
        _log.info("%s is not written: %s", AUDIO, error)
        return False
    return True


class _Sound:
    """A wave file whose header is right after each write.

    Attributes:
        stereo: what is to be written.
        file: to be closed.
    """

    def __init__(self, stereo: Stereo, file: IO[bytes]) -> None:
        self.stereo = stereo
        self.file = file
        self._data_bytes = 0

    @classmethod
    def at(cls, path: Path) -> _Sound:
        """A file here."""
        from gemini_realtime.recordings.stereo import Stereo

        return cls(Stereo(), path.open("wb"))

    def noticed(self, ms: float, event: Mapping[str, Any]) -> None:
        """A client noticed something."""
        from gemini_realtime.recordings.stereo import SILENCED

        if event["type"] == SILENCED:
            self.stereo.cut(ms)

    def write(self, blocks: Iterable[bytes]) -> None:
        for block in blocks:
            if self._data_bytes + len(block) > _MAX_WAV_BYTES:
                return
            if not self._data_bytes:
                self.file.write(_header(0))
            self._data_bytes += len(block)
            self.file.write(block)
        if self._data_bytes:
            self.file.seek(0)
            self.file.write(_header(self._data_bytes))
            self.file.seek(0, 2)
            self.file.flush()


def _header(data_bytes: int) -> bytes:
    from gemini_realtime.recordings.stereo import FORMAT

    rate_hz, channels, frame_bytes = FORMAT.rate_hz, FORMAT.channels, FORMAT.frame_bytes
    riff, fmt = (b"RIFF", data_bytes + _WAV_HEADER.size - 8, b"WAVE"), (b"fmt ", 16, 1, channels, rate_hz)
    return _WAV_HEADER.pack(*riff, *fmt, rate_hz * frame_bytes, frame_bytes, 16, b"data", data_bytes)
