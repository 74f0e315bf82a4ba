"""Sound over a WebSocket of yours: as JSON media messages, or as binary PCM for browsers.

    @app.websocket("/talk")
    async def talk(websocket: WebSocket) -> None:
        await websocket.accept()
        agent = RealtimeAgent(name="host", audio_adapter=WebSocketAudioAdapter(websocket), llm_config=llm_config)
        await agent.run()

The messages are those of media streams as telephone services speak them: `start`, `media`, `mark`, `clear`, `stop`,
`dtmf`; `media_stream.py` says what they do.
"""

from __future__ import annotations

from collections.abc import Callable
from logging import Logger
from typing import Any

from gemini_realtime.adapters.media_stream import MediaStreamAdapter
from gemini_realtime.audio.format import INPUT_FORMAT, OUTPUT_FORMAT

__all__ = ["MediaStreamAdapter", "WebSocketAudioAdapter"]


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

    async def _received_bytes(self, audio: bytes) -> None:
        if self._binary:
            await self._guarded(self._hear, audio)
        else:
            await super()._received_bytes(audio)


def _resampling(from_rate_hz: int, to_rate_hz: int) -> tuple[Callable[[bytes], bytes], Callable[[], bytes]]:
    """What converts the pieces of a stream, and what gives the end of it."""
    if from_rate_hz == to_rate_hz:
        return bytes, bytes
    from gemini_realtime.audio.resample import Resampler

    resampler = Resampler(from_rate_hz, to_rate_hz)
    return resampler.push, resampler.flush
