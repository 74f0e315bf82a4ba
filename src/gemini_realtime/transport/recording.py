"""Record what goes over a connection; see `gemini_realtime.recordings` for the form.

    client = GeminiRealtimeClient(llm_config=..., dial=recording(websocket.dial, path))

`recording` writes the frames alone, to one file; `recorded` makes a whole recording, as `client.record()` does.
Headers, and with them keys, are never written.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from time import monotonic
from typing import IO, Protocol

from gemini_realtime.protocol.codec import DecodeError, parse_received
from gemini_realtime.recordings.lines import Closed, Sender, closed_line, frame_line, opened_line
from gemini_realtime.recordings.recorder import Recorder
from gemini_realtime.recordings.redaction import Redaction
from gemini_realtime.transport.base import Dial, Receiver, Transport

_log = logging.getLogger(__name__)


def recorded(dial: Dial, recorder: Recorder) -> Dial:
    """A dial whose connections are recorded by this recorder."""
    return _observed(dial, lambda: _Observed(recorder))


def recording(dial: Dial, path: Path, *, media: bool = False) -> Dial:
    """A dial whose connections are recorded in one file.

    Args:
        dial: opens the connections.
        path: the file, one for all connections made; what it holds is overwritten at the first.
        media: keep audio and images too; otherwise their `data` is empty.
    """
    path.write_bytes(b"")
    frames = _Frames(path, media)
    return _observed(dial, frames.opened)


class _Observer(Protocol):
    """Is told what goes over one connection."""

    def frame(self, sender: Sender, frame: bytes) -> None: ...

    def closed(self, closed: Closed) -> None: ...


def _observed(dial: Dial, opened: Callable[[], _Observer]) -> Dial:
    async def dial_observed(url: str, headers: Mapping[str, str], receiver: Receiver) -> Transport:
        observed = _ObservedReceiver(receiver, opened)
        transport = await dial(url, headers, observed)
        return _ObservedTransport(transport, observed)

    return dial_observed


class _Observed:
    """One connection of a recorder."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._number = recorder.opened()

    def frame(self, sender: Sender, frame: bytes) -> None:
        self._recorder.frame(self._number, sender, frame)

    def closed(self, closed: Closed) -> None:
        self._recorder.closed(self._number, closed)


class _Frames:
    """A file of frames; where it cannot be written the conversation goes on without it."""

    def __init__(self, path: Path, media: bool) -> None:
        self._path = path
        self._began_s = monotonic()
        self._redaction = Redaction(audio=media)
        self._connections = 0

    def opened(self) -> _FramesOfConnection:
        self._connections += 1
        return _FramesOfConnection(self, self._connections)

    def ms(self) -> float:
        return (monotonic() - self._began_s) * 1000

    def line(self, connection: int, sender: Sender, frame: bytes) -> bytes:
        try:
            message = self._redaction.frame(parse_received(frame))
        except DecodeError:
            message = {}
        return frame_line(self.ms(), connection, sender, message)

    def open(self) -> IO[bytes]:
        return self._path.open("ab")

    def warn(self, error: OSError) -> None:
        _log.warning("%s: the rest of this connection is not recorded: %s", self._path, error.strerror)


class _FramesOfConnection:
    def __init__(self, frames: _Frames, number: int) -> None:
        self._frames = frames
        self._number = number
        self._file: IO[bytes] | None = None
        try:
            self._file = frames.open()
        except OSError as error:
            frames.warn(error)
        self._write(opened_line(frames.ms(), number))

    def frame(self, sender: Sender, frame: bytes) -> None:
        if self._file is not None:
            self._write(self._frames.line(self._number, sender, frame))

    def closed(self, closed: Closed) -> None:
        self._write(closed_line(self._frames.ms(), self._number, closed))
        file, self._file = self._file, None
        if file is not None:
            self._guarded(file.close)

    def _write(self, line: bytes) -> None:
        if self._file is not None:
            file = self._file
            self._guarded(lambda: file.write(line))

    def _guarded(self, use: Callable[[], object]) -> None:
        try:
            use()
        except OSError as error:
            self._frames.warn(error)
            file, self._file = self._file, None
            if file is not None:
                with suppress(OSError):  # what is in its buffer does not fit either
                    file.close()


class _ObservedReceiver:
    """Whoever is told of the connection, told after its observer.

    Attributes:
        left: the client closes the connection.
    """

    def __init__(self, receiver: Receiver, opened: Callable[[], _Observer]) -> None:
        self._receiver = receiver
        self._opened = opened
        self.left = False

    @cached_property
    def observer(self) -> _Observer:
        """Is told what goes over the connection, from when something does: some cannot be opened."""
        return self._opened()

    def frame_received(self, frame: bytes) -> None:
        self.observer.frame("server", frame)
        self._receiver.frame_received(frame)

    def pong_received(self) -> None:
        self._receiver.pong_received()

    def connection_lost(self, code: int, reason: str) -> None:
        self.observer.closed(Closed(int(code), reason, "client" if self.left else "server"))
        self._receiver.connection_lost(code, reason)


class _ObservedTransport:
    def __init__(self, transport: Transport, receiver: _ObservedReceiver) -> None:
        self._transport = transport
        self._receiver = receiver
        self._observer = receiver.observer
        self.ping = transport.ping
        self.drain = transport.drain
        self.pause_reading = transport.pause_reading
        self.resume_reading = transport.resume_reading

    @property
    def writable(self) -> bool:
        return self._transport.writable

    async def close(self) -> None:
        self._receiver.left = True
        await self._transport.close()

    def send(self, frame: bytes) -> None:
        self._observer.frame("client", frame)
        self._transport.send(frame)
