"""Keep what went over a connection, as JSON lines: `{"from": "client" | "server", "frame": {...}}`.

    client = GeminiRealtimeClient(llm_config=..., dial=recording(websocket.dial, path))

Media is left out unless asked for: a recording is for reading and replaying, and other people's voices are theirs.
Headers, and with them keys, are never written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from gemini_realtime.protocol.codec import DecodeError, encode, parse_object, without_media
from gemini_realtime.transport.base import Dial, Receiver, Transport


def recording(dial: Dial, path: Path, *, media: bool = False) -> Dial:
    """A dial whose connections are recorded.

    Args:
        dial: opens the connections.
        path: the file, one for all connections made; what it holds is overwritten at the first.
        media: keep audio and images too; otherwise their `data` is empty.
    """
    path.write_bytes(b"")

    async def dial_and_record(url: str, headers: Mapping[str, str], receiver: Receiver) -> Transport:
        file = path.open("ab")

        def note(who: str, frame: bytes) -> None:
            file.write(encode({"from": who, "frame": _written(frame, media)}) + b"\n")

        try:
            transport = await dial(url, headers, _RecordingReceiver(receiver, note, file))
        except BaseException:
            file.close()
            raise
        return _RecordingTransport(transport, note)

    return dial_and_record


class _RecordingReceiver:
    def __init__(self, receiver: Receiver, note: Callable[[str, bytes], None], file: IO[bytes]) -> None:
        self._receiver = receiver
        self._note = note
        self._file = file

    def frame_received(self, frame: bytes) -> None:
        self._note("server", frame)
        self._receiver.frame_received(frame)

    def pong_received(self) -> None:
        self._receiver.pong_received()

    def connection_lost(self, code: int, reason: str) -> None:
        self._file.close()
        self._receiver.connection_lost(code, reason)


class _RecordingTransport:
    def __init__(self, transport: Transport, note: Callable[[str, bytes], None]) -> None:
        self._transport = transport
        self._note = note
        self.ping = transport.ping
        self.drain = transport.drain
        self.pause_reading = transport.pause_reading
        self.resume_reading = transport.resume_reading
        self.close = transport.close

    @property
    def writable(self) -> bool:
        return self._transport.writable

    def send(self, frame: bytes) -> None:
        self._note("client", frame)
        self._transport.send(frame)


def _written(frame: bytes, media: bool) -> Any:
    try:
        message = parse_object(frame)
    except DecodeError:
        return {}
    return message if media else without_media(message)
