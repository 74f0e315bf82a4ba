"""Sound over a WebSocket of yours: as JSON media messages, or as binary PCM for browsers.

    @app.websocket("/talk")
    async def talk(websocket: WebSocket) -> None:
        await websocket.accept()
        agent = RealtimeAgent(name="host", audio_adapter=WebSocketAudioAdapter(websocket), llm_config=llm_config)
        await agent.run()

The messages are those of media streams as telephone services speak them: `start`, `media`, `mark`, `clear`, `stop`,
`dtmf`. Audio of the model goes out as soon as it comes, faster than it sounds, and the other end queues it; `clear`
empties that queue when the user interrupts. After each piece goes a `mark`, which the other end sends back when it has
played the piece: so it is known what was heard.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from logging import Logger
from typing import Any, Final

from gemini_realtime.agent.observers import RealtimeObserver
from gemini_realtime.audio.format import INPUT_FORMAT, OUTPUT_FORMAT, AudioFormat
from gemini_realtime.audio.playback import RemotePlayback
from gemini_realtime.errors import AudioFormatError
from gemini_realtime.protocol.codec import decode_base64, encode_base64
from gemini_realtime.protocol.events import (
    AudioDelta,
    DigitPressed,
    Interrupted,
    PlaybackStopped,
    RealtimeEvent,
    TurnComplete,
)

Json = dict[str, Any]

MAX_PIECE_MS: Final = 500
"""A piece of the model's audio that is longer goes out in several, so that its marks tell what was heard."""


class MediaStreamAdapter(RealtimeObserver):
    """What adapters have in common whose other end queues audio, sends marks back and can be told to clear.

    Args:
        websocket: the connection; accepted already.
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
        self._complained = False
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

    def media(self, payload: bytes) -> Json:
        """The message that carries audio."""
        media = {"payload": encode_base64(payload).decode("ascii")}
        return {"event": "media", "streamSid": self.stream_sid, "media": media}

    # --- what is the same

    async def initialize_session(self) -> None:
        """Nothing to prepare: sound is converted here."""

    async def on_event(self, event: RealtimeEvent) -> None:
        """Send the model's audio; have it cleared when the user interrupts."""
        if isinstance(event, AudioDelta) and not event.stale:
            await self._play(event.audio)
        elif isinstance(event, TurnComplete) and (rest := self.rest_from_model()):
            await self._send_audio(rest)
        elif isinstance(event, Interrupted):
            await self.clear()

    async def _play(self, audio: bytes) -> None:
        for start in range(0, len(audio), _MAX_PIECE_BYTES):
            piece = audio[start : start + _MAX_PIECE_BYTES]
            await self._send_audio(self.from_model(piece))
            mark = self._playback.sent(OUTPUT_FORMAT.duration_ms(len(piece)), _now())
            await self._send({"event": "mark", "streamSid": self.stream_sid, "mark": {"name": mark}})

    async def _send_audio(self, payload: bytes) -> None:
        await self._send(self.media(payload))

    async def clear(self) -> None:
        """Have everything thrown away that has not been played, and say how much was heard."""
        self.rest_from_model()
        played_ms, unplayed_ms = self._playback.clear(_now())
        await self._send({"event": "clear", "streamSid": self.stream_sid})
        stopped = PlaybackStopped(played_ms=round(played_ms), unplayed_ms=round(unplayed_ms))
        self.agent.add_event(stopped)

    async def run_loop(self) -> None:
        """Read the stream until it stops."""
        async for message in self.websocket.iter_text():
            if not await self._received(message):
                return

    async def _received(self, message: str) -> bool:
        """React to a message; returns whether the stream goes on."""
        try:
            data = json.loads(message)
            return await self._react(str(data.get("event")), data)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, AudioFormatError) as error:
            if not self._complained:  # without the message: it may be what somebody said
                self._complained = True
                self.logger.warning("a message of the stream cannot be read (%s); it is left out", type(error).__name__)
            return True

    async def _react(self, event: str, data: Mapping[str, Any]) -> bool:
        if event == "media":
            media = data["media"]
            if media.get("track", "inbound") == "inbound":
                await self._hear(decode_base64(media["payload"]))
        elif event == "mark":
            self._playback.returned(str(data["mark"]["name"]), _now())
        elif event == "start":
            self.start = dict(data.get("start") or {})
            self.stream_sid = str(self.start.get("streamSid") or data.get("streamSid") or "") or None
            self.logger.info("the stream %s has started", self.stream_sid)
        elif event == "dtmf":
            self.agent.add_event(DigitPressed(digit=str(data["dtmf"]["digit"])))
        return event != "stop"

    async def _hear(self, payload: bytes) -> None:
        audio = self.to_model(payload)
        if audio:
            await self.realtime_client.send_audio(audio)  # type: ignore[arg-type]

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


class WebSocketAudioAdapter(MediaStreamAdapter):
    """Sound over a WebSocket: 16-bit little-endian mono PCM, 16 kHz in and 24 kHz out unless asked otherwise."""

    def __init__(
        self,
        websocket: Any,
        *,
        binary: bool = False,
        input_rate_hz: int = INPUT_FORMAT.rate_hz,
        output_rate_hz: int = OUTPUT_FORMAT.rate_hz,
        logger: Logger | None = None,
    ) -> None:
        """Prepare an adapter.

        Args:
            websocket: of Starlette or FastAPI, accepted already; or any object with `iter_text` and `send_json`, for
                `binary` with `receive`, `send_bytes` and `send_json`.
            binary: audio travels as binary messages of PCM both ways, everything else as JSON.
            input_rate_hz: what the other end sends.
            output_rate_hz: what the other end plays.
            logger: for this adapter.

        Raises:
            AudioFormatError: a rate that cannot be.
            MissingDependencyError: another rate than the model's is asked for, and numpy is not installed.
        """
        super().__init__(websocket, logger=logger)
        self._binary = binary
        self._to_model, _ = _resampling(input_rate_hz, INPUT_FORMAT.rate_hz)
        self._from_model, self._rest = _resampling(OUTPUT_FORMAT.rate_hz, output_rate_hz)

    def to_model(self, payload: bytes) -> bytes:
        """Audio of the stream as 16 kHz PCM."""
        INPUT_FORMAT.check(payload)
        return self._to_model(payload)

    def from_model(self, audio: bytes) -> bytes:
        """24 kHz PCM as audio of the stream."""
        return self._from_model(audio)

    def rest_from_model(self) -> bytes:
        """The end of an answer that the conversion still holds."""
        return self._rest()

    async def _send_audio(self, payload: bytes) -> None:
        if self._binary:
            await self._sent(self.websocket.send_bytes, payload)
        else:
            await super()._send_audio(payload)

    async def run_loop(self) -> None:
        """Read the stream until it stops."""
        if not self._binary:
            await super().run_loop()
            return
        while (message := await self.websocket.receive())["type"] != "websocket.disconnect":
            if message.get("bytes"):
                await self._hear(message["bytes"])
            elif message.get("text") and not await self._received(message["text"]):
                return


_MAX_PIECE_BYTES: Final = OUTPUT_FORMAT.bytes_for_ms(MAX_PIECE_MS)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _resampling(from_rate_hz: int, to_rate_hz: int) -> tuple[Callable[[bytes], bytes], Callable[[], bytes]]:
    """What converts the pieces of a stream, and what gives the end of it."""
    AudioFormat("pcm16", from_rate_hz)
    AudioFormat("pcm16", to_rate_hz)
    if from_rate_hz == to_rate_hz:
        return bytes, bytes
    from gemini_realtime.audio.resample import Resampler

    resampler = Resampler(from_rate_hz, to_rate_hz)
    return resampler.push, resampler.flush
