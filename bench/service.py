"""The other end, in a process of its own so that its CPU time is nobody's: feeds or swallows audio, precomputed.

    python -m bench.service [CHAIN]        prints its port, and with a certificate that of its TLS; then, for each line
                                           it is sent and when all connections have ended, how many frames it got from
                                           the last of them

The word in the path says what a connection gets after its setup is confirmed: `/burst` audio as fast as it is read,
`/paced` a message every few milliseconds, `/talk` one every 40 ms as soon as it says something, with what a turn has
besides, its audio beginning with the time at which it was sent, `/talk-usage` the same with the tokens so far in each
message, `/talk-function` with a function call in each turn, `/long` a message of those for every second that it sends,
`/flood-300-10` 300 messages per second for 10 s, as far as they are read, `/stalled-10` nothing, and for 10 s nothing
that it sends is read, `/call` a function call, and the next when it is answered, `/interrupt` an answer as soon as it
says something, which is interrupted by what it says next, `/cut` a handle and, soon after, the end of its connection,
`/silent` nothing, ever; anything else nothing: what it sends is swallowed. Every message is 40 ms of 24 kHz audio
(1,920 bytes) in the form of the service: indented JSON in binary frames; `/burst-640` has messages of so many bytes of
audio.
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
import re
import ssl
import struct
import sys
import time
from itertools import count
from typing import Any, ClassVar

import picows

from bench.contestants import STAMP

AUDIO_BYTES = 24_000 * 2 * 40 // 1000
TURN = 200
"""Pieces of audio in a turn of the model: 8 s."""

PACE_MS = (1.5, 2.5)
"""Uneven, so that wake-ups do not fall into step with the kernel's accounting tick; each message comes alone."""

FLOOD_EVERY_S = 0.01

CUT_AFTER_S = 0.03

NAP_S = 0.001
"""A sink looks at its socket once in a while. Waiting for data there would charge each sender for waking it, which no
sender over a network pays."""

SETUP_COMPLETE = b'{\n  "setupComplete": {}\n}\n'


def audio_message(samples: bytes) -> bytes:
    """A message of the model as the service writes it."""
    blob = {"mimeType": "audio/pcm;rate=24000", "data": base64.b64encode(samples).decode()}
    return _frame({"serverContent": {"modelTurn": {"parts": [{"inlineData": blob}]}}})


def usage(number: int) -> dict[str, object]:
    """What a turn has cost up to its message of this number."""
    prompt, response = 515 + number * 2, number
    return {
        "promptTokenCount": prompt,
        "responseTokenCount": response,
        "totalTokenCount": prompt + response,
        "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": prompt}],
        "responseTokensDetails": [{"modality": "AUDIO", "tokenCount": response}],
    }


def call(number: int) -> dict[str, Any]:
    """A function call of this number."""
    asked = {"id": f"function-call-{number}", "name": "get_weather", "args": {"city": "London"}}
    return {"toolCall": {"functionCalls": [asked]}}


def turn(*, with_usage: bool = False, with_function: bool = False) -> list[bytes]:
    """The messages of a turn, with room for a stamp in those that hold audio."""
    messages: list[dict[str, Any]] = []
    for number in range(TURN):
        blob = {"mimeType": "audio/pcm;rate=24000", "data": base64.b64encode(_chance.randbytes(AUDIO_BYTES)).decode()}
        messages.append({"serverContent": {"modelTurn": {"parts": [{"inlineData": blob}]}}})
        if number % 10 == 0:
            messages.append({"serverContent": {"outputTranscription": {"text": " some words"}}})
    if with_function:
        messages.append(call(0))
    messages += [{"serverContent": {"generationComplete": True}}, {"serverContent": {"turnComplete": True}}]
    for number, message in enumerate(messages):
        if with_usage or number == len(messages) - 1:
            message["usageMetadata"] = usage(number)
    return [_frame(message) for message in messages]


def _frame(message: dict[str, Any]) -> bytes:
    return json.dumps(message, indent=2).encode() + b"\n"


_chance = random.Random(1)
TURNS = {"usage": turn(with_usage=True), "function": turn(with_function=True), "": turn()}
MESSAGES = [audio_message(_chance.randbytes(AUDIO_BYTES)) for _ in range(16)]


def burst(audio_bytes: int) -> bytes:
    """Messages as one run of WebSocket frames: writing them costs the feeder next to nothing."""
    messages = [audio_message(_chance.randbytes(audio_bytes)) for _ in range(16)]
    return b"".join(struct.pack("!BBH", 0x82, 126, len(message)) + message for message in messages)


class Connections:
    """Those of a service.

    Attributes:
        open: how many there are.
        received: how many frames the last that ended got.
        none: set while there are none.
    """

    def __init__(self) -> None:
        self.open = self.received = 0
        self.none = asyncio.Event()
        self.none.set()

    def began(self) -> None:
        """There is one more."""
        self.open += 1
        self.none.clear()

    def ended(self, received: int) -> None:
        """One of them ended."""
        self.open -= 1
        self.received = received
        if not self.open:
            self.none.set()


class Connection(picows.WSListener):
    """One client."""

    def __init__(self, path: str, connections: Connections) -> None:
        self._connections = connections
        connections.began()
        self._serve = next((serve for word, serve in self._ways.items() if word in path), Connection._swallow)
        self._turn = next(messages for word, messages in TURNS.items() if word in path)
        self._numbers = [int(digits) for digits in re.findall(r"-(\d+)", path)]
        self._received = 0
        self._spoken_to = asyncio.Semaphore(0)
        self._writable = asyncio.Event()
        self._writable.set()
        self._serving: asyncio.Task[None] | None = None

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        if frame.msg_type is picows.WSMsgType.CLOSE:
            self._stop()
            transport.send_close(frame.get_close_code())
            transport.disconnect()
            return
        self._received += 1
        if self._received == 1:
            transport.send(picows.WSMsgType.BINARY, SETUP_COMPLETE)
            self._serving = asyncio.create_task(self._serve(self, transport))
        else:
            self._spoken_to.release()

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        self._stop()
        self._connections.ended(self._received)

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def _stop(self) -> None:
        if self._serving is not None:
            self._serving.cancel()

    async def _burst(self, transport: picows.WSTransport) -> None:
        messages = burst(*self._numbers or [AUDIO_BYTES])
        while True:
            transport.underlying_transport.write(messages)
            await self._writable.wait()
            await asyncio.sleep(0)

    async def _paced(self, transport: picows.WSTransport) -> None:
        while True:
            for message in MESSAGES:
                await asyncio.sleep(_chance.uniform(*PACE_MS) / 1000)
                transport.send(picows.WSMsgType.BINARY, message)

    async def _talk(self, transport: picows.WSTransport) -> None:
        await self._spoken_to.acquire()
        due = time.monotonic() + _chance.uniform(0.0, 0.04)  # sessions do not speak in step
        while True:
            for message in self._turn:
                if (audio_at := message.find(b'"data": "')) > 0:
                    due += 0.04
                    await asyncio.sleep(due - time.monotonic())
                    stamp = base64.b64encode(STAMP.pack(time.monotonic()))
                    message = message[: audio_at + 9] + stamp + message[audio_at + 21 :]
                transport.send(picows.WSMsgType.BINARY, message)

    async def _long(self, transport: picows.WSTransport) -> None:
        while True:
            for message in self._turn:
                for _ in range(2 * (b'"data": "' in message)):
                    await self._spoken_to.acquire()
                transport.send(picows.WSMsgType.BINARY, message)

    async def _call(self, transport: picows.WSTransport) -> None:
        for number in count():
            transport.send(picows.WSMsgType.BINARY, _frame(call(number)))
            await self._spoken_to.acquire()

    async def _interrupt(self, transport: picows.WSTransport) -> None:
        while True:
            await self._spoken_to.acquire()
            for message in MESSAGES:
                transport.send(picows.WSMsgType.BINARY, message)
            await self._spoken_to.acquire()
            for said in ({"interrupted": True}, {"turnComplete": True}):
                transport.send(picows.WSMsgType.BINARY, _frame({"serverContent": said}))

    async def _silent(self, transport: picows.WSTransport) -> None:
        """Reads as everybody does."""

    async def _cut(self, transport: picows.WSTransport) -> None:
        handle = {"newHandle": "a-handle", "resumable": True}
        transport.send(picows.WSMsgType.BINARY, _frame({"sessionResumptionUpdate": handle}))
        await asyncio.sleep(CUT_AFTER_S)
        transport.disconnect(graceful=False)

    async def _flood(self, transport: picows.WSTransport) -> None:
        rate, duration_s = self._numbers
        started, sent = time.monotonic(), 0
        while sent < rate * duration_s:
            await asyncio.sleep(FLOOD_EVERY_S)
            await self._writable.wait()
            due = min(int((time.monotonic() - started) * rate), rate * duration_s)
            for number in range(sent, due):
                transport.send(picows.WSMsgType.BINARY, MESSAGES[number % len(MESSAGES)])
            sent = due

    async def _stalled(self, transport: picows.WSTransport) -> None:
        transport.underlying_transport.pause_reading()
        await asyncio.sleep(self._numbers[0])
        transport.underlying_transport.resume_reading()

    async def _swallow(self, transport: picows.WSTransport) -> None:
        while True:
            transport.underlying_transport.pause_reading()
            await asyncio.sleep(NAP_S)
            transport.underlying_transport.resume_reading()
            seen = -1
            while seen != self._received:
                seen = self._received
                for _ in range(2):  # the loop polls the socket in the first round and reads it in the second
                    await asyncio.sleep(0)

    _ways: ClassVar = {
        "/burst": _burst,
        "/paced": _paced,
        "/talk": _talk,
        "/long": _long,
        "/call": _call,
        "/interrupt": _interrupt,
        "/silent": _silent,
        "/cut": _cut,
        "/flood": _flood,
        "/stalled": _stalled,
    }


async def main(chain: str | None) -> None:
    connections = Connections()
    contexts: list[ssl.SSLContext | None] = [None]
    if chain is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(chain)
        contexts.append(context)
    servers = [
        await picows.ws_create_server(
            lambda request: Connection(request.path.decode(), connections),
            "127.0.0.1",
            0,
            ssl=context,
            backlog=1000,
            websocket_handshake_timeout=60,
        )
        for context in contexts
    ]
    for server in servers:
        print(server.sockets[0].getsockname()[1], flush=True)
    while await asyncio.to_thread(sys.stdin.readline):
        await connections.none.wait()
        print(connections.received, flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else None))
