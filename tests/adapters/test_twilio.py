"""Telephone calls: mu-law at 8 kHz, over a real Starlette server, from a client that behaves as Twilio documents."""

from __future__ import annotations

import base64
import hashlib
import hmac
from base64 import b64decode, b64encode

import pytest

from gemini_realtime import AudioDelta, ConfigError, TurnComplete
from gemini_realtime.adapters.twilio import TwilioAudioAdapter, signed_by_twilio
from gemini_realtime.audio.g711 import mulaw_decode, mulaw_encode
from gemini_realtime.testing import in_virtual_time
from tests.adapters.sounds import loudness, tone
from tests.adapters.test_websocket import START, Call, media

starlette = pytest.importorskip("starlette", reason="the server of the telephone needs the group `test`")


@in_virtual_time
async def test_the_voice_of_the_caller_reaches_the_model_at_16_khz() -> None:
    async with Call(TwilioAudioAdapter) as call:
        await call.says(START, *(media(mulaw_encode(tone(8000, 20))) for _ in range(10)))
    heard = b"".join(call.client.audio)
    assert len(heard) == pytest.approx(16 * 2 * 200, abs=200)
    assert loudness(heard) == pytest.approx(loudness(tone(16_000, 200)), rel=0.2)


@in_virtual_time
async def test_the_voice_of_the_model_reaches_the_caller_as_mu_law() -> None:
    async with Call(TwilioAudioAdapter) as call:
        await call.says(START)
        call.client.events.put_nowait(AudioDelta(delta=b64encode(tone(24_000, 300)).decode()))
        call.client.events.put_nowait(TurnComplete())
        await call.says()
    sent = b"".join(b64decode(m["media"]["payload"]) for m in call.socket.sent if m["event"] == "media")
    assert len(sent) == 8 * 300
    assert loudness(mulaw_decode(sent)) == pytest.approx(loudness(tone(8000, 300)), rel=0.2)


# An example of https://www.twilio.com/docs/usage/security#validating-requests.
URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
FORM = {
    "Digits": "1234",
    "To": "+18005551212",
    "From": "+12349013030",
    "Caller": "+12349013030",
    "CallSid": "CA1234567890ABCDE",
}
SIGNATURE = "0/KCTR6DLpKmkAf8muzZqo1nDgQ="


def test_a_request_is_known_by_its_signature() -> None:
    assert signed_by_twilio("12345", URL, SIGNATURE, FORM)


@pytest.mark.parametrize("signature", ["", SIGNATURE[:-2] + "U=", "schön"])
def test_a_request_with_another_signature_is_not_from_twilio(signature: str) -> None:
    assert not signed_by_twilio("12345", URL, signature, FORM)
    assert not signed_by_twilio("54321", URL, SIGNATURE, FORM)


@pytest.mark.parametrize("url", ["https://mycompany.com:443/myapp.php?foo=1&bar=2", URL])
def test_a_request_is_known_with_its_port_and_without(url: str) -> None:
    assert signed_by_twilio("12345", url, SIGNATURE, FORM)
    signed_with_port = base64.b64encode(hmac.new(b"12345", b"wss://a.example:443/call", hashlib.sha1).digest()).decode()
    assert signed_by_twilio("12345", "wss://a.example/call", signed_with_port)


def test_an_empty_token_is_refused() -> None:
    with pytest.raises(ConfigError, match="auth token"):
        signed_by_twilio("", URL, SIGNATURE, FORM)
