"""The examples that are servers: called as a telephone service and a browser call them."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import importlib.util
import re
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from types import ModuleType

import pytest

from gemini_realtime import LiveServer
from gemini_realtime.adapters.files import read_wav
from gemini_realtime.audio.g711 import mulaw_encode
from gemini_realtime.audio.resample import resample
from tests.serving import serving

EXAMPLES = Path(__file__).parents[1] / "examples"
SAMPLES = Path(__file__).parents[1] / "src" / "gemini_realtime" / "local" / "samples"
TOKEN = "a token of Twilio's"


def example(name: str) -> ModuleType:
    """The example as a module of its own."""
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def phone(monkeypatch: pytest.MonkeyPatch, live_server_tls: LiveServer) -> ModuleType:
    """The telephone example, which talks to the embedded server."""
    pytest.importorskip("fastapi", reason="the example's framework")
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", TOKEN)
    return example("phone")


def post(url: str, form: dict[str, str], signature: str) -> str:
    request = urllib.request.Request(
        url, urllib.parse.urlencode(form).encode(), headers={"X-Twilio-Signature": signature}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return str(answer.read().decode())


def signature(url: str, form: dict[str, str]) -> str:
    """As https://www.twilio.com/docs/usage/security#validating-requests says."""
    signed = url + "".join(f"{name}{form[name]}" for name in sorted(form))
    return base64.b64encode(hmac.new(TOKEN.encode(), signed.encode(), hashlib.sha1).digest()).decode()


def mulaw_frames(path: Path) -> list[bytes]:
    """A recording, and 2 s of silence after it, as a telephone carries it: 20 ms of mu-law at 8 kHz each."""
    pcm, rate_hz = read_wav(path)
    mulaw = mulaw_encode(resample(pcm, rate_hz, 8000) + bytes(32_000))
    return [mulaw[start : start + 160].ljust(160, b"\xff") for start in range(0, len(mulaw), 160)]


async def test_a_caller_is_led_to_the_agent_and_answered(phone: ModuleType) -> None:
    streamdouble = pytest.importorskip("streamdouble.api", reason="a double of Twilio's media streams")
    async with serving(phone.app) as host, asyncio.timeout(60):
        incoming, form = f"http://{host}/incoming", {"CallSid": "CA1", "From": "+15550100"}
        twiml = await asyncio.to_thread(post, incoming, form, signature(incoming, form))
        stream = re.search(r'<Connect><Stream url="([^"]+)"/></Connect>', twiml)
        assert stream, twiml
        report = await streamdouble.call(stream[1], frames=mulaw_frames(SAMPLES / "weather.wav"))
    assert report.violations == []
    assert report.spoke
    assert len(report.audio_received) > 8000  # a second of mu-law: "It is foggy and 12 degrees in London."


async def test_a_request_that_twilio_did_not_sign_is_turned_away(phone: ModuleType) -> None:
    async with serving(phone.app) as host:
        with pytest.raises(urllib.error.HTTPError, match="403"):
            await asyncio.to_thread(post, f"http://{host}/incoming", {"CallSid": "CA1"}, "forged")
