"""What media streams have in common: audio as JSON messages over a WebSocket, marks that come back, and a clear.

Audio of the model goes out as soon as it comes, faster than it sounds, and the other end queues it; `clear` empties
that queue when the user interrupts. After each piece goes a mark, which the other end sends back when it has played the
piece: so it is known what was heard.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from logging import Logger
from typing import Any, Final

from gemini_realtime.adapters.adapter import AudioAdapter
from gemini_realtime.audio.format import OUTPUT_FORMAT
from gemini_realtime.audio.playback import RemotePlayback
from gemini_realtime.errors import AudioFormatError
from gemini_realtime.protocol.codec import decode_base64, encode_base64
from gemini_realtime.protocol.events import DigitPressed

Json = dict[str, Any]

MAX_PIECE_MS: Final = 500
"""A piece of the model's audio that is longer goes out in several, so that its marks tell what was heard."""

_MAX_PIECE_BYTES: Final = OUTPUT_FORMAT.bytes_for_ms(MAX_PIECE_MS)


class MediaStreamAdapter(AudioAdapter):
    """Carries sound over a WebSocket whose other end queues audio, returns marks and can be told to clear.

    The messages are Twilio's, which most services have taken over; a subclass says what differs.

    Args:
        websocket: of Starlette or FastAPI, accepted already; or any object with `iter_text` and `send_json`.
        logger: for this adapter.

    Attributes:
        websocket: the connection.
        stream_sid: the stream's name, once it has started.
        start: what the other end said when the stream started, as it said it.
    """

    def __init__(self, websocket: Any, *, logger: Logger | None = None) -> None:
        super().__init__(logger=logger)
        self.websocket = websocket
        self.stream_sid: str | None = None
        self.start: Json = {}
        self._playback = RemotePlayback()
        self._left_out = 0  # messages that could not be read
        self._hung_up = False

    # --- what differs: the sound of the stream

    def to_model(self, payload: bytes) -> bytes:
        """Audio of the stream as 16 kHz PCM."""
        return payload

    def from_model(self, audio: bytes) -> bytes:
        """24 kHz PCM as audio of the stream."""
        return audio

    def rest_from_model(self) -> bytes:
        """The end of an answer that the conversion still holds, as audio of the stream."""
        return b""

    # --- what differs: the words

    def media(self, payload: bytes) -> Json:
        """The message that carries audio."""
        return self._named({"event": "media", "media": {"payload": _base64(payload)}})

    def mark(self, name: str) -> Json:
        """The message that is returned when all audio before it has been played."""
        return self._named({"event": "mark", "mark": {"name": name}})

    def clear_message(self) -> Json:
        """The message that empties the other end's queue."""
        return self._named({"event": "clear"})

    def started(self, message: Json) -> None:
        """The stream begins; AudioFormatError when its sound cannot be carried."""
        self.start = dict(message.get("start") or {})
        self.stream_sid = str(self.start.get("streamSid") or message.get("streamSid") or "") or None

    def returned_mark(self, message: Json) -> str | None:
        """The name of the mark that this message returns, if it is such a message."""
        return str(message["mark"]["name"]) if message["event"] == "mark" else None

    def _named(self, message: Json) -> Json:
        return {**message, "streamSid": self.stream_sid}

    # --- to the other end

    async def initialize_session(self) -> None:
        """Nothing to prepare: sound is converted here."""

    async def play(self, audio: bytes) -> None:
        """Send the model's audio, with a mark after each piece."""
        for start in range(0, len(audio), _MAX_PIECE_BYTES):
            piece = audio[start : start + _MAX_PIECE_BYTES]
            if payload := self.from_model(piece):
                await self._send_audio(payload)
            mark = self._playback.sent(OUTPUT_FORMAT.duration_ms(len(piece)), _now())
            await self._send(self.mark(mark))

    async def end_turn(self) -> None:
        """Send the end of the answer that the conversion still holds."""
        if rest := self.rest_from_model():
            await self._send_audio(rest)
        self._playback.end_turn()

    async def flush(self) -> tuple[float, float]:
        """Have the other end throw away what it has not played; returns how much of the answer was played, and how
        much was not, in ms."""
        self.rest_from_model()
        played_ms, unplayed_ms = self._playback.clear(_now())
        await self._send(self.clear_message())
        return played_ms, unplayed_ms

    async def _send_audio(self, payload: bytes) -> None:
        await self._send(self.media(payload))

    async def _send(self, message: Json) -> None:
        await self._sent(self.websocket.send_json, message)

    async def _sent(self, send: Callable[[Any], Awaitable[None]], message: Any) -> None:
        """Send, unless the other end has gone: reading the stream tells that it has, and ends the conversation."""
        if self._hung_up:
            return
        try:
            await send(message)
        except Exception as error:  # somebody else's WebSocket: each kind raises something of its own when closed
            self._hung_up = True
            self.logger.warning("the stream takes nothing any more (%s)", type(error).__name__)

    async def on_close(self) -> None:
        """Say how much of the stream could not be read."""
        if self._left_out > 1:
            self.logger.warning("%d messages of the stream could not be read and were left out", self._left_out)

    # --- from the other end

    async def run_loop(self) -> None:
        """Read the stream until it stops; AudioFormatError when its sound cannot be carried."""
        async for message in self._messages():
            if isinstance(message, bytes):
                await self._received_bytes(message)
            elif not await self._received(message):
                return

    async def _messages(self) -> AsyncIterator[str | bytes]:
        begun = False
        try:
            async for message in self._incoming():
                begun = True
                yield message
        except Exception as error:
            if not begun:  # a mistake of the program, which has not accepted it, say
                raise
            self._hung_up = True  # as in `_sent`: a connection that broke is a caller who hung up
            self.logger.warning("the stream broke off (%s)", type(error).__name__)

    async def _incoming(self) -> AsyncIterator[str | bytes]:
        if not hasattr(self.websocket, "receive"):
            async for text in self.websocket.iter_text():
                yield text
            return
        # Starlette's iter_text() raises KeyError at a binary message.
        while (message := await self.websocket.receive())["type"] != "websocket.disconnect":
            content = message.get("text") if message.get("bytes") is None else message["bytes"]
            if content is not None:
                yield content

    async def _received(self, text: str) -> bool:
        """React to a message; returns whether the stream goes on."""
        message = self._read(text)
        if message.get("event") == "start":
            self.started(message)
            self.logger.info("the stream %s has started", self.stream_sid)
        else:
            await self._guarded(self._react, message)
        return message.get("event") != "stop"

    def _read(self, text: str) -> Json:
        try:
            message = json.loads(text)
        except (ValueError, RecursionError) as error:
            self._complain(error)
            return {}
        if not isinstance(message, dict) or not isinstance(message.get("start", {}), Mapping):
            self._complain(TypeError())
            return {}
        return message

    async def _received_bytes(self, audio: bytes) -> None:
        """A binary message: there are none, unless a subclass says so."""
        self._complain(TypeError())

    async def _guarded(self, react: Callable[[Any], Awaitable[None]], message: Any) -> None:
        try:
            await react(message)
        except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, AudioFormatError) as error:
            self._complain(error)

    def _complain(self, error: Exception) -> None:
        self._left_out += 1
        if self._left_out == 1:  # without the message: it may be what somebody said
            why = str(error) if isinstance(error, AudioFormatError) else type(error).__name__
            self.logger.warning("a message of the stream cannot be read (%s); it is left out", why)

    async def _react(self, message: Json) -> None:
        event = message.get("event")
        if event == "media":
            if message["media"].get("track", "inbound") == "inbound":
                await self._heard(message["media"])
        elif event == "dtmf":
            self.agent.add_event(DigitPressed(digit=str(message["dtmf"]["digit"])))
        elif event is not None and (mark := self.returned_mark(message)) is not None:
            self._playback.returned(mark, _now())

    async def _heard(self, media: Json) -> None:
        await self._hear(decode_base64(media["payload"]))

    async def _hear(self, payload: bytes) -> None:
        if audio := self.to_model(payload):
            await self.send(audio)


def _base64(payload: bytes) -> str:
    return encode_base64(payload).decode("ascii")


def _now() -> float:
    return asyncio.get_running_loop().time()
