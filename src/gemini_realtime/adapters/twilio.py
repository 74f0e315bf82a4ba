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
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit, urlunsplit

from gemini_realtime.adapters.telephone import TelephoneAudioAdapter
from gemini_realtime.errors import ConfigError


class TwilioAudioAdapter(TelephoneAudioAdapter):
    """Carries the sound of one call; what Twilio says of it (`callSid`, `customParameters`) is in `start`."""


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
    fields = "".join(f"{name}{value}" for name, value in sorted((form or {}).items()))
    given = signature.encode("utf-8", "replace")
    return any(hmac.compare_digest(_signature(auth_token, url + fields), given) for url in _as_signed(url))


def _signature(auth_token: str, signed: str) -> bytes:
    return base64.b64encode(hmac.new(auth_token.encode(), signed.encode(), hashlib.sha1).digest())


def _as_signed(url: str) -> Iterator[str]:
    """The forms of a URL that Twilio may have signed: it signs some without their port, and some with the usual one.

    Source: `RequestValidator.validate` of Twilio's own library, which tries the same.
    """
    yield url
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    name, _, port = host.rpartition(":") if host.rpartition(":")[2].isdigit() else (host, "", "")
    usual = "443" if parts.scheme in ("https", "wss") else "80"
    yield urlunsplit(parts._replace(netloc=name if port else f"{host}:{usual}"))
