"""Records a conversation while it goes on. What is noted costs the event loop no more than being kept for a moment: a
thread of its own writes it, for all recordings of the process.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, count
from pathlib import Path
from typing import Any, Final, Protocol

from gemini_realtime.checking import check_number, check_type
from gemini_realtime.errors import ConfigError
from gemini_realtime.protocol.messages import CloseCode
from gemini_realtime.recordings.folder import PRIVATE, Folder, Noted, can_write_sound
from gemini_realtime.recordings.lines import Closed, Sender

WRITE_EVERY_S: Final = 0.25
"""What was noted longer ago is on its way to the disk, whatever becomes of this process."""

AFTERMATH_S: Final = 5.0
"""How long after trouble what was recorded last is written out: what became of it belongs to the story."""

MAX_UNWRITTEN_BYTES: Final = 64 * 1024 * 1024
"""What waits for a slow disk, and what is held of the last minutes: half an hour of a microphone."""

WRITTEN_WITHIN_S: Final = 10.0
"""How long the end of a conversation is held up by a disk."""

TROUBLE: Final = frozenset(("session.connection_lost", "session.voice_health", "input_audio_buffer.dropped"))
"""Events that say that something went wrong."""

_NORMAL: Final = frozenset((CloseCode.NORMAL, CloseCode.GOING_AWAY))

_log = logging.getLogger(__name__)
_disk = ThreadPoolExecutor(1, thread_name_prefix="gemini-realtime-recording")


@dataclass(frozen=True)
class RecordingOptions:
    """Where conversations are recorded, and what of them.

    Args:
        folder: in which each conversation gets a folder of its own, named by when it began.
        audio: keep sound and pictures.
        text: keep words: transcripts, texts, instructions, arguments and results of calls.
        last_s: keep this many last seconds in memory only, and write them out when something goes wrong (a connection
            lost, a finding of `VoiceHealth`, dropped audio, an abnormal close), or when `Recorder.save()` is called.

    Raises:
        ConfigError: the folder is no path or cannot be made, or `last_s` is no time.
    """

    folder: str | os.PathLike[str]
    audio: bool = True
    text: bool = True
    last_s: float | None = None

    def __post_init__(self) -> None:
        check_type("folder", self.folder, (str, os.PathLike), "the path of a folder")
        if self.last_s is not None:
            check_number("last_s", self.last_s, 1)
        try:
            Path(self.folder).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(
                f"{os.fspath(self.folder)!r} cannot keep recordings: {error.strerror}",
                remedy="name a folder that can be made",
            ) from None

    @classmethod
    def of(cls, given: str | os.PathLike[str] | RecordingOptions) -> RecordingOptions:
        """What is meant by a folder alone: everything, from the beginning."""
        return given if isinstance(given, RecordingOptions) else cls(given)


class _Event(Protocol):
    """An event of a client, which this room need not know."""

    @property
    def type(self) -> str: ...

    def to_dict(self) -> dict[str, Any]: ...


class Recorder:
    """Records one conversation, over one connection after another.

    Args:
        options: where, and what of it; or the folder alone.
        side: who records.
        clock: seconds, monotonic; that of the running event loop by default.
        wall_clock: the time of day, with its zone.
    """

    def __init__(
        self,
        options: RecordingOptions | str | os.PathLike[str],
        *,
        side: Sender = "client",
        clock: Callable[[], float] | None = None,
        wall_clock: Callable[[], datetime] = lambda: datetime.now().astimezone(),
    ) -> None:
        self._clock = clock or asyncio.get_running_loop().time
        self._began_s = self._clock()
        self._connections = 0
        settings = RecordingOptions.of(options)
        make = _Folders(settings, side, wall_clock())
        self._kept: _Everything | _Last = _Everything(make) if settings.last_s is None else _Last(make, settings.last_s)

    @property
    def path(self) -> Path | None:
        """The folder of the recording; of one that keeps the last minutes, the one written last, if there is one."""
        return self._kept.path

    def opened(self) -> int:
        """A connection was opened; returns its number."""
        self._connections += 1
        self._note(self._connections, "opened")
        return self._connections

    def frame(self, connection: int, sender: Sender, frame: bytes) -> None:
        """This was sent."""
        self._note(connection, (sender, frame))

    def closed(self, connection: int, closed: Closed) -> None:
        """A connection ended."""
        self._note(connection, closed)
        if closed.by != "client" and closed.code not in _NORMAL:
            self._kept.trouble(f"a connection was closed with {closed.code}")

    def event(self, event: _Event) -> None:
        """A client made this event itself."""
        self._note(self._connections, event.to_dict())
        if event.type in TROUBLE:
            self._kept.trouble(getattr(event, "finding", event.type))

    def save(self, cause: str = "asked for") -> None:
        """Write out what is kept of the last minutes; nothing to do where everything is written."""
        self._kept.save(cause)

    def end(self) -> Future[None]:
        """The conversation is over: write the rest. Returns what is done when that is; see `written`."""
        return self._kept.end()

    def _note(self, connection: int, what: Any) -> None:
        self._kept.add(Noted((self._clock() - self._began_s) * 1000, connection, what))


async def written(*ended: Future[None]) -> None:
    """Wait until the rest of recordings is written; for a disk that hangs not for ever."""
    loop = asyncio.get_running_loop()
    try:
        for end in ended:  # in a thread: in virtual time too, time passes meanwhile as it really does
            await loop.run_in_executor(None, end.result, WRITTEN_WITHIN_S)
    except TimeoutError:
        _log.warning("the rest of a recording is still being written after %g s", WRITTEN_WITHIN_S)


class _Folders:
    """Makes the folders of a recording."""

    def __init__(self, options: RecordingOptions, side: Sender, began_at: datetime) -> None:
        self._options = options
        self._side = side
        self._began_at = began_at
        self._sound = options.audio and can_write_sound()

    def make(self, from_ms: float = 0.0, cause: str | None = None) -> tuple[Path, Callable[[], Folder]]:
        """A folder for a recording that begins so long after the conversation, and what opens it."""
        began_at = self._began_at + timedelta(milliseconds=from_ms)
        path = _new_path(Path(self._options.folder), f"{began_at:%Y%m%dT%H%M%S}")
        options = self._options

        def opened() -> Folder:
            return Folder(
                path,
                began_at=began_at,
                side=self._side,
                audio=options.audio,
                sound=self._sound,
                text=options.text,
                cause=cause,
            )

        return path, opened


class _Everything:
    """Writes all that is noted, soon."""

    def __init__(self, folders: _Folders) -> None:
        self.path, make = folders.make()
        self._folder = _disk.submit(make)
        self._noted: list[Noted] = []
        self._timer: asyncio.TimerHandle | None = None
        self._noted_bytes = 0
        self._written_bytes = 0  # counted by the thread
        self._given_up = False

    def add(self, noted: Noted) -> None:
        if self._given_up:
            return
        self._noted.append(noted)
        self._noted_bytes += _size_of(noted)
        if self._noted_bytes - self._written_bytes > MAX_UNWRITTEN_BYTES:
            _log.warning("%s: the rest of this conversation is not recorded: the disk is too slow", self.path)
            self._given_up, self._noted = True, []
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(WRITE_EVERY_S, self._write)

    def trouble(self, cause: str) -> None:
        """All of it is written anyway."""

    def save(self, cause: str) -> None:
        """All of it is written anyway."""

    def end(self) -> Future[None]:
        if self._timer is not None:
            self._timer.cancel()
        self._write()
        return _disk.submit(lambda: self._folder.result().close())

    def _write(self) -> None:
        self._timer = None
        noted, self._noted = self._noted, []
        _disk.submit(self._write_now, noted)

    def _write_now(self, noted: list[Noted]) -> None:
        self._folder.result().write(noted)
        self._written_bytes += sum(map(_size_of, noted))


class _Last:
    """Keeps the last seconds, and writes them when there is a reason."""

    def __init__(self, folders: _Folders, last_s: float) -> None:
        self.path: Path | None = None
        self._folders = folders
        self._last_ms = last_s * 1000
        self._beginning: list[Noted] = []  # of the connection that is open where the rest begins
        self._noted: deque[Noted] = deque()
        self._noted_bytes = 0
        self._cause: str | None = None
        self._timer: asyncio.TimerHandle | None = None

    def add(self, noted: Noted) -> None:
        self._noted.append(noted)
        self._noted_bytes += _size_of(noted)
        while self._noted_bytes > MAX_UNWRITTEN_BYTES or self._noted[0].ms < noted.ms - self._last_ms:
            self._forget(self._noted.popleft())

    def trouble(self, cause: str) -> None:
        if self._timer is None:
            self._cause = cause
            self._timer = asyncio.get_running_loop().call_later(AFTERMATH_S, self._write_out)

    def save(self, cause: str) -> None:
        self._cause = self._cause or cause
        self._write_out()

    def end(self) -> Future[None]:
        if self._timer is not None:
            self._write_out()
        return _disk.submit(lambda: None)

    def _forget(self, noted: Noted) -> None:
        self._noted_bytes -= _size_of(noted)
        if noted.what == "opened":
            self._beginning = [noted]
        elif self._is_setup(noted):
            self._beginning.append(noted)

    def _is_setup(self, noted: Noted) -> bool:
        return isinstance(noted.what, tuple) and isinstance(noted.what[1], bytes) and b'"setup' in noted.what[1][:64]

    def _write_out(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        cause, self._cause, self._timer = self._cause, None, None
        noted = list(self._noted)
        if not noted:
            return
        from_ms = noted[0].ms
        self.path, make = self._folders.make(from_ms, cause)
        entries = [entry._replace(ms=max(0.0, entry.ms - from_ms)) for entry in chain(self._beginning, noted)]
        _disk.submit(_write_whole, make, entries)
        while self._noted:  # it is written once
            self._forget(self._noted.popleft())


def _write_whole(make: Callable[[], Folder], entries: Iterable[Noted]) -> None:
    folder = make()
    folder.write(entries)
    folder.close()


def _size_of(noted: Noted) -> int:
    content = noted.what[1] if isinstance(noted.what, tuple) else b""
    return len(content) + 64


def _new_path(folder: Path, name: str) -> Path:
    """A folder of this name that is new, made at once; where that fails, the one that writes in it will say so."""
    for number in count(1):
        path = folder / f"{name}-{number}"
        try:
            path.mkdir(parents=True, mode=PRIVATE)
        except FileExistsError:
            continue
        except OSError:
            pass
        return path
    raise AssertionError("numbers do not end")
