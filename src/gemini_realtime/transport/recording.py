"""Keep what went over a connection, as JSON lines: `{"from": "client" | "server", "frame": {...}}`.

    client = GeminiRealtimeClient(llm_config=..., dial=recording(websocket.dial, path))

Media is left out unless asked for: a recording is for reading and replaying, and other people's voices are theirs.
Headers, and with them keys, are never written.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from gemini_realtime.errors import ConfigError
from gemini_realtime.protocol.codec import DecodeError, encode, parse_received, without_media
from gemini_realtime.transport.base import Dial, Receiver, Transport

_log = logging.getLogger(__name__)


def recording(dial: Dial, path: Path, *, media: bool = False) -> Dial:
    """A dial whose connections are recorded.

    Args:
        dial: opens the connections.
        path: the file, one for all connections made; what it holds is overwritten at the first.
        media: keep audio and images too; otherwise their `data` is empty.
    """
    path.write_bytes(b"")

    async def dial_and_record(url: str, headers: Mapping[str, str], receiver: Receiver) -> Transport:
        file = _File(path, media)
        try:
            transport = await dial(url, headers, _RecordingReceiver(receiver, file))
        except BaseException:
            file.close()
            raise
        return _RecordingTransport(transport, file)

    return dial_and_record


class _File:
    """What is recorded of one connection; where it cannot be written the conversation goes on without it."""

    def __init__(self, path: Path, media: bool) -> None:
        self._path = path
        self._media = media
        self._file: IO[bytes] | None = None
        with self._or_none():
            self._file = path.open("ab")

    def note(self, who: str, frame: bytes) -> None:
        if self._file is not None:
            with self._or_none():
                self._file.write(_line(who, frame, self._media))

    def close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with self._or_none():
                file.close()

    @contextmanager
    def _or_none(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            _log.warning("%s: the rest of this connection is not recorded: %s", self._path, error.strerror)
            file, self._file = self._file, None
            if file is not None:
                with suppress(OSError):  # what is in its buffer does not fit either
                    file.close()


class _RecordingReceiver:
    def __init__(self, receiver: Receiver, file: _File) -> None:
        self._receiver = receiver
        self._file = file

    def frame_received(self, frame: bytes) -> None:
        self._file.note("server", frame)
        self._receiver.frame_received(frame)

    def pong_received(self) -> None:
        self._receiver.pong_received()

    def connection_lost(self, code: int, reason: str) -> None:
        self._file.close()
        self._receiver.connection_lost(code, reason)


class _RecordingTransport:
    def __init__(self, transport: Transport, file: _File) -> None:
        self._transport = transport
        self._file = file
        self.ping = transport.ping
        self.drain = transport.drain
        self.pause_reading = transport.pause_reading
        self.resume_reading = transport.resume_reading
        self.close = transport.close

    @property
    def writable(self) -> bool:
        return self._transport.writable

    def send(self, frame: bytes) -> None:
        self._file.note("client", frame)
        self._transport.send(frame)


def _line(who: str, frame: bytes, media: bool) -> bytes:
    try:
        message = parse_received(frame)
        return encode({"from": who, "frame": message if media else without_media(message)}) + b"\n"
    except (DecodeError, ConfigError):  # no JSON, or nested more deeply than can be written
        return encode({"from": who, "frame": {}}) + b"\n"
