"""Telephone calls by Twilio Media Streams: mu-law at 8 kHz, both ways.

    @app.websocket("/call")
    async def call(websocket: WebSocket) -> None:
        await websocket.accept()
        await RealtimeAgent(name="host", audio_adapter=TwilioAudioAdapter(websocket), llm_config=llm_config).run()

Twilio is sent to it by `<Connect><Stream url="wss://.../call"/></Connect>`. Needs the extra `[audio]` (numpy).

Sources: https://www.twilio.com/docs/voice/media-streams/websocket-messages,
https://www.twilio.com/docs/usage/security#validating-requests.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from logging import Logger
from typing import Any, Final

from gemini_realtime.adapters.websocket import MediaStreamAdapter
from gemini_realtime.audio.format import INPUT_FORMAT, OUTPUT_FORMAT
from gemini_realtime.audio.g711 import mulaw_decode, mulaw_encode
from gemini_realtime.audio.resample import Resampler
from gemini_realtime.errors import ConfigError

TELEPHONE_RATE_HZ: Final = 8000


class TwilioAudioAdapter(MediaStreamAdapter):
    """Carries the sound of one call.

    Keys that the caller presses arrive as `DigitPressed`; what Twilio said of the call (`callSid`,
    `customParameters`) is in `start`.
    """

    def __init__(self, websocket: Any, *, logger: Logger | None = None) -> None:
        """Prepare an adapter.

        Args:
            websocket: of Starlette or FastAPI, accepted already; or any object with `iter_text` and `send_json`.
            logger: for this adapter.
        """
        super().__init__(websocket, logger=logger)
        self._up = Resampler(TELEPHONE_RATE_HZ, INPUT_FORMAT.rate_hz)
        self._down = Resampler(OUTPUT_FORMAT.rate_hz, TELEPHONE_RATE_HZ)

    def to_model(self, payload: bytes) -> bytes:
        """Mu-law at 8 kHz as 16 kHz PCM."""
        return self._up.push(mulaw_decode(payload))

    def from_model(self, audio: bytes) -> bytes:
        """24 kHz PCM as mu-law at 8 kHz."""
        return mulaw_encode(self._down.push(audio))

    def rest_from_model(self) -> bytes:
        """The end of an answer that the conversion still holds."""
        return mulaw_encode(self._down.flush())


def signed_by_twilio(auth_token: str, url: str, signature: str, form: Mapping[str, str] | None = None) -> bool:
    """Whether a request comes from Twilio.

    Args:
        auth_token: of the account.
        url: as Twilio called it, with scheme (`wss` for a stream), host and query.
        signature: the header `X-Twilio-Signature`.
        form: the fields of a POST request; a stream has none.

    Raises:
        ConfigError: there is no token: anybody could sign with an empty one.
    """
    if not auth_token:
        raise ConfigError("Twilio's auth token is empty", remedy="set it from the account's page in Twilio's console")
    signed = url + "".join(f"{name}{value}" for name, value in sorted((form or {}).items()))
    digest = hmac.new(auth_token.encode(), signed.encode(), hashlib.sha1).digest()
    return hmac.compare_digest(base64.b64encode(digest), signature.encode("utf-8", "replace"))
