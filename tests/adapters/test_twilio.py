"""Telephone calls: mu-law at 8 kHz, over a real Starlette server, from a client that behaves as Twilio documents."""

from __future__ import annotations

import asyncio
import json
import math
import socket
from array import array
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gemini_realtime import AudioDelta, ConfigError, LiveServer, TurnComplete
from gemini_realtime.adapters.twilio import TwilioAudioAdapter, signed_by_twilio
from gemini_realtime.agent import RealtimeAgent
from gemini_realtime.audio.g711 import mulaw_decode, mulaw_encode
from gemini_realtime.testing import in_virtual_time
from tests.adapters.test_websocket import START, Call, media

starlette = pytest.importorskip("starlette", reason="the server of the telephone needs the group `test`")


def tone(rate_hz: int, ms: int, hz: int = 440) -> bytes:
    return array(
        "h", [round(8000 * math.sin(2 * math.pi * hz * n / rate_hz)) for n in range(rate_hz * ms // 1000)]
    ).tobytes()


def loudness(pcm: bytes) -> float:
    samples = array("h", pcm)
    return math.sqrt(sum(sample * sample for sample in samples) / len(samples))


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
    assert len(sent) == pytest.approx(8 * 300, abs=1)
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


def test_an_empty_token_is_refused() -> None:
    with pytest.raises(ConfigError, match="auth token"):
        signed_by_twilio("", URL, SIGNATURE, FORM)


SPOKEN = 4000
"""Half a second of mu-law."""


class Telephone:
    """The far end as Twilio behaves: plays what it is sent in real time, returns marks, clears when told to."""

    def __init__(self, websocket: Any) -> None:
        self._websocket = websocket
        self._queue: list[bytes | str] = []
        self.sounded = bytearray()
        self.spoken_to = asyncio.Event()
        self.cleared = asyncio.Event()

    async def call(self, audio: bytes) -> None:
        """Say something, then be silent."""
        await self._send({"event": "connected", "protocol": "Call", "version": "1.0.0"})
        await self._send({"event": "start", "sequenceNumber": "1", "start": {"streamSid": "MZ1", "callSid": "CA1"}})
        silence = mulaw_encode(bytes(320))
        frames = [mulaw_encode(audio[start : start + 320]) for start in range(0, len(audio), 320)]
        for number in range(100_000):
            payload = b64encode(frames[number] if number < len(frames) else silence).decode()
            message = {"track": "inbound", "chunk": str(number), "timestamp": str(20 * number), "payload": payload}
            await self._send({"event": "media", "streamSid": "MZ1", "media": message})
            await self._play()
            await asyncio.sleep(0.005)

    async def listen(self) -> None:
        async for text in self._websocket:
            message = json.loads(text)
            if message["event"] == "media":
                self._queue.append(b64decode(message["media"]["payload"]))
            elif message["event"] == "mark":
                self._queue.append(message["mark"]["name"])
            elif message["event"] == "clear":
                marks = [item for item in self._queue if isinstance(item, str)]
                self._queue.clear()
                self.cleared.set()
                for name in marks:  # "returned when the buffer is emptied", too
                    await self._mark(name)

    async def _play(self) -> None:
        if self._queue and isinstance(self._queue[0], bytes):
            self.sounded += self._queue[0][:160]
            if loudness(mulaw_decode(bytes(self.sounded[-SPOKEN:]))) > 300:
                self.spoken_to.set()
            rest = self._queue[0][160:]
            self._queue[:1] = [rest] if rest else []
        while self._queue and isinstance(self._queue[0], str):
            await self._mark(self._queue.pop(0))

    async def _mark(self, name: Any) -> None:
        await self._send({"event": "mark", "streamSid": "MZ1", "mark": {"name": name}})

    async def _send(self, message: dict[str, Any]) -> None:
        await self._websocket.send(json.dumps(message))


@asynccontextmanager
async def telephone_exchange(live: LiveServer) -> AsyncIterator[str]:
    """A server as an application writes it; gives the URL that Twilio would call."""
    uvicorn = pytest.importorskip("uvicorn")
    from starlette.applications import Starlette
    from starlette.routing import WebSocketRoute
    from starlette.websockets import WebSocket

    async def answer(websocket: WebSocket) -> None:
        await websocket.accept()
        adapter = TwilioAudioAdapter(websocket)
        await RealtimeAgent(name="host", audio_adapter=adapter, llm_config=live.llm_config()).run()

    app = Starlette(routes=[WebSocketRoute("/call", answer)])
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", ws="websockets-sansio", lifespan="off")
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"ws://127.0.0.1:{listener.getsockname()[1]}/call"
        finally:
            server.should_exit = True
            await serving


async def test_a_caller_is_heard_answered_and_hangs_up() -> None:
    websockets = pytest.importorskip("websockets")
    from pathlib import Path

    import gemini_realtime.local
    from gemini_realtime.adapters.files import read_wav
    from gemini_realtime.audio.resample import resample

    samples = next(Path(gemini_realtime.local.__file__).parent.rglob("calculate.wav"))
    question, rate_hz = read_wav(samples)
    async with LiveServer(pace="instant") as live, telephone_exchange(live) as url, asyncio.timeout(60):
        async with websockets.connect(url) as websocket:
            telephone = Telephone(websocket)
            listening = asyncio.create_task(telephone.listen())
            calling = asyncio.create_task(telephone.call(resample(question, rate_hz, 8000)))
            await telephone.spoken_to.wait()
            calling.cancel()
        await asyncio.wait([calling, listening])
