"""Telephone calls by Telnyx Media Streaming.

    @app.websocket("/call")
    async def call(websocket: WebSocket) -> None:
        await websocket.accept()
        await RealtimeAgent(name="host", audio_adapter=TelnyxAudioAdapter(websocket), llm_config=llm_config).run()

Answer the call with `stream_url`, `stream_track="inbound_track"`, `stream_bidirectional_mode="rtp"` and
`stream_bidirectional_codec="PCMU"`: without the last two Telnyx plays nothing of what it is sent. Needs the extra
`[audio]` (numpy).

Source: https://developers.telnyx.com/api-reference/websockets/stream-call-media-over-websocket.
"""

from __future__ import annotations

from logging import Logger
from typing import Any, Final, Literal

from gemini_realtime.adapters.media_stream import Json
from gemini_realtime.adapters.telephone import TelephoneAudioAdapter
from gemini_realtime.audio.format import AudioFormat, Encoding
from gemini_realtime.audio.ordering import Ordering
from gemini_realtime.audio.telephone import ToTelephone
from gemini_realtime.errors import ConfigError
from gemini_realtime.protocol.codec import decode_base64

_MAX_EARLY: Final = 5
"""Pieces, of 20 ms as a rule, that wait for one that is missing before them: Telnyx does not guarantee their order."""

_CODECS: Final[dict[str, Encoding]] = {"PCMU": "mulaw", "PCMA": "alaw"}


class TelnyxAudioAdapter(TelephoneAudioAdapter):
    """Carries the sound of one call; what Telnyx says of it (`call_control_id`, `client_state`) is in `start`."""

    def __init__(
        self, websocket: Any, *, codec: Literal["PCMU", "PCMA"] = "PCMU", logger: Logger | None = None
    ) -> None:
        """Prepare an adapter.

        Args:
            websocket: of Starlette or FastAPI, accepted already; or any object with `iter_text` and `send_json`.
            codec: of what is sent: the call's `stream_bidirectional_codec`. What comes in says how it is encoded.
            logger: for this adapter.

        Raises:
            ConfigError: another codec.
        """
        if codec not in _CODECS:
            raise ConfigError(f"codec={codec!r} is not known here", remedy=f"use one of {', '.join(_CODECS)}")
        super().__init__(websocket, logger=logger)
        self._to_line = ToTelephone(AudioFormat(_CODECS[codec], 8000))
        self._pieces = Ordering[bytes](_MAX_EARLY)

    def started(self, message: Json) -> None:
        """The stream begins; AudioFormatError when it is encoded in a way that is not known here."""
        super().started(message)
        self.stream_sid = str(message.get("stream_id") or "") or None

    def _named(self, message: Json) -> Json:
        return message  # the connection carries one stream, which messages to Telnyx do not name

    async def _heard(self, media: Json) -> None:
        piece = decode_base64(media["payload"])
        for ready in self._pieces.push(int(media["chunk"]), piece) if "chunk" in media else [piece]:
            await self._hear(ready)

    async def _react(self, message: Json) -> None:
        if message.get("event") == "error":
            problem = message["payload"]
            self.logger.error("Telnyx reports error %s: %s", problem.get("code"), problem.get("title"))
        else:
            await super()._react(message)
