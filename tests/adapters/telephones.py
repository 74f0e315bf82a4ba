"""Telephone services as they document themselves: the far end of a call, in real time.

Twilio: https://www.twilio.com/docs/voice/media-streams/websocket-messages. Telnyx:
https://developers.telnyx.com/api-reference/websockets/stream-call-media-over-websocket. Plivo:
https://plivo.com/docs/voice/audio-streaming/audio-streaming.
"""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode, b64encode
from collections import deque
from typing import Any, ClassVar

from gemini_realtime.audio.format import AudioFormat
from gemini_realtime.audio.telephone import FRAME_MS, FromTelephone
from tests.adapters.sounds import loudness


class Twilio:
    """Sends what the caller says, 20 ms at a time; plays what it is sent, returns marks, and clears when told to.

    Args:
        websocket: of the library websockets, connected.

    Attributes:
        heard: what the caller heard, as 16 kHz PCM.
        clears: how often the queue was emptied.
    """

    line: ClassVar = AudioFormat("mulaw", 8000)

    def __init__(self, websocket: Any) -> None:
        self._websocket = websocket
        self._says: deque[bytes] = deque()
        self._queue: deque[bytes | str] = deque()  # frames to play, and marks
        self._decoder = FromTelephone(self.line)
        self._changed = asyncio.Condition()
        self._number = 0
        self.heard = bytearray()
        self.clears = 0

    # --- the caller

    def say(self, audio: bytes) -> None:
        """Say something: audio of the line."""
        frame_bytes = self.line.bytes_for_ms(FRAME_MS)
        for start in range(0, len(audio), frame_bytes):
            frame = audio[start : start + frame_bytes]
            self._says.append(frame + self.line.silence(frame_bytes - len(frame)))

    async def until_heard(self, ms: float, *, since_ms: float = 0.0) -> None:
        """Wait until the caller has heard so much speech, pauses left out."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.speech_ms(since_ms) >= ms)

    async def until_cleared(self, times: int = 1) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self.clears >= times)

    async def until_listening(self, ms: float) -> None:
        """Listen for so long."""
        until_ms = self.now_ms + ms
        async with self._changed:
            await self._changed.wait_for(lambda: self.now_ms >= until_ms)

    def speech_ms(self, since_ms: float = 0.0) -> float:
        """How much the caller has heard that was no silence."""
        frame = 2 * 16 * FRAME_MS
        heard = bytes(self.heard[int(since_ms) * 32 :])
        return FRAME_MS * sum(loudness(heard[at : at + frame]) > 100 for at in range(0, len(heard) - frame + 1, frame))

    def speech_until(self, ms: float) -> float:
        """From the first sound the caller heard to a moment, pauses included."""
        frame = 2 * 16 * FRAME_MS
        first = next(
            at for at in range(0, len(self.heard), frame) if loudness(bytes(self.heard[at : at + frame])) > 100
        )
        return ms - first / 32

    @property
    def now_ms(self) -> float:
        """How long the caller has been listening."""
        return len(self.heard) / 32

    # --- the service

    async def run(self) -> None:
        """Hold the call until it is cancelled or the other end hangs up."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._play())
            tasks.create_task(self._read())

    async def _play(self) -> None:
        for message in self.beginning():
            await self._send(message)
        clock = asyncio.get_running_loop().time
        begin = clock()
        silence = self.line.silence(self.line.bytes_for_ms(FRAME_MS))
        while True:
            self._number += 1
            await asyncio.sleep(max(0.0, begin + self._number * FRAME_MS / 1000 - clock()))
            await self._send(self.media(self._says.popleft() if self._says else silence))
            while self._queue and isinstance(self._queue[0], str):
                await self._send(self.played(str(self._queue.popleft())))
            frame = self._queue.popleft() if self._queue else silence
            assert isinstance(frame, bytes)
            self.heard += self._decoder.push(frame)
            async with self._changed:
                self._changed.notify_all()

    async def _read(self) -> None:
        async for text in self._websocket:
            await self.receive(json.loads(text))

    async def _send(self, message: dict[str, Any]) -> None:
        await self._websocket.send(json.dumps(message))

    def queue_audio(self, payload: str) -> None:
        """Queue audio to be played, frame by frame."""
        audio, frame_bytes = b64decode(payload, validate=True), self.line.bytes_for_ms(FRAME_MS)
        assert audio
        assert len(audio) % frame_bytes == 0
        self._queue += [audio[at : at + frame_bytes] for at in range(0, len(audio), frame_bytes)]

    def queue_mark(self, name: str) -> None:
        self._queue.append(name)

    async def clear(self) -> list[str]:
        """Empty the queue; returns the marks that were in it."""
        marks = [item for item in self._queue if isinstance(item, str)]
        self._queue.clear()
        async with self._changed:
            self.clears += 1
            self._changed.notify_all()
        return marks

    # --- how this service puts it

    def beginning(self) -> list[dict[str, Any]]:
        start = {
            "streamSid": "MZ1", "accountSid": "AC1", "callSid": "CA1", "tracks": ["inbound"], "customParameters": {},
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        }  # fmt: skip
        return [
            {"event": "connected", "protocol": "Call", "version": "1.0.0"},
            {"event": "start", "sequenceNumber": "1", "start": start, "streamSid": "MZ1"},
        ]

    def media(self, frame: bytes) -> dict[str, Any]:
        number, payload = str(self._number), b64encode(frame).decode()
        media = {"track": "inbound", "chunk": number, "timestamp": str(20 * self._number), "payload": payload}
        return {"event": "media", "sequenceNumber": number, "streamSid": "MZ1", "media": media}

    def dtmf(self, digit: str) -> dict[str, Any]:
        return {"event": "dtmf", "streamSid": "MZ1", "dtmf": {"track": "inbound_track", "digit": digit}}

    def played(self, name: str) -> dict[str, Any]:
        return {"event": "mark", "streamSid": "MZ1", "mark": {"name": name}}

    async def press(self, digit: str) -> None:
        await self._send(self.dtmf(digit))

    async def receive(self, message: dict[str, Any]) -> None:
        assert message["streamSid"] == "MZ1"
        match message["event"]:
            case "media":
                self.queue_audio(message["media"]["payload"])
            case "mark":
                self.queue_mark(message["mark"]["name"])
            case "clear":
                for name in await self.clear():  # they come back at a clear, too
                    await self._send(self.played(name))
            case other:
                raise AssertionError(f"Twilio knows no {other}")


class Telnyx(Twilio):
    """Names the stream beside `start`, in other words, and swaps pieces now and then: it guarantees no order."""

    def beginning(self) -> list[dict[str, Any]]:
        format = {"encoding": "PCMU", "sample_rate": 8000, "channels": 1}
        start = {"user_id": "3E6F995F", "call_control_id": "v2:T02llQx", "client_state": "", "media_format": format}
        return [
            {"event": "connected", "version": "1.0.0"},
            {"event": "start", "sequence_number": "1", "stream_id": "32DE0DEA", "start": start},
        ]

    def media(self, frame: bytes) -> dict[str, Any]:
        payload = b64encode(frame).decode()
        media = {"track": "inbound", "chunk": str(self._number), "timestamp": "0", "payload": payload}
        return {"event": "media", "sequence_number": "9", "stream_id": "32DE0DEA", "media": media}

    async def _send(self, message: dict[str, Any]) -> None:
        if message["event"] == "media" and self._number % 10 == 3:
            self._late = message
            return
        await super()._send(message)
        if message["event"] == "media" and self._number % 10 == 4:
            await super()._send(self._late)

    def dtmf(self, digit: str) -> dict[str, Any]:
        return {"event": "dtmf", "stream_id": "32DE0DEA", "sequence_number": "5", "dtmf": {"digit": digit}}

    def played(self, name: str) -> dict[str, Any]:
        return {"event": "mark", "stream_id": "32DE0DEA", "mark": {"name": name}}

    async def receive(self, message: dict[str, Any]) -> None:
        match message:
            case {"event": "media", "media": {"payload": payload}, **rest} if not rest:
                self.queue_audio(payload)
            case {"event": "mark", "mark": {"name": name}, **rest} if not rest:
                self.queue_mark(name)
            case {"event": "clear", **rest} if not rest:
                for name in await self.clear():
                    await self._send(self.played(name))
            case _:
                raise AssertionError(f"Telnyx does not know {message['event']}")


class Plivo(Twilio):
    """Streams L16 unless it is asked for mu-law, and returns no checkpoint whose audio was cleared."""

    line: ClassVar = AudioFormat("pcm16", 16_000)

    def beginning(self) -> list[dict[str, Any]]:
        format = {"encoding": "audio/x-l16", "sampleRate": 16_000}
        start = {"callId": "1234", "streamId": "8765", "accountId": "MA1", "tracks": ["inbound"], "mediaFormat": format}
        return [{"event": "start", "sequenceNumber": 1, "start": start, "extra_headers": ""}]

    def media(self, frame: bytes) -> dict[str, Any]:
        payload = b64encode(frame).decode()
        media = {"track": "inbound", "chunk": self._number, "timestamp": "0", "payload": payload}
        return {"event": "media", "sequenceNumber": self._number, "streamId": "8765", "media": media}

    def dtmf(self, digit: str) -> dict[str, Any]:
        dtmf = {"track": "inbound", "digit": digit, "timestamp": "0"}
        return {"event": "dtmf", "streamId": "8765", "sequenceNumber": 5, "dtmf": dtmf}

    def played(self, name: str) -> dict[str, Any]:
        return {"event": "playedStream", "streamId": "8765", "sequenceNumber": 7, "name": name}

    async def receive(self, message: dict[str, Any]) -> None:
        match message:
            case {"event": "playAudio", "media": media}:
                assert (media["contentType"], media["sampleRate"]) == ("audio/x-l16", 16_000)
                self.queue_audio(media["payload"])
            case {"event": "checkpoint", "streamId": "8765", "name": name}:
                self.queue_mark(name)
            case {"event": "clearAudio", "streamId": "8765"}:
                await self.clear()
                await self._send({"event": "clearedAudio", "streamId": "8765", "sequenceNumber": 8})
            case _:
                raise AssertionError(f"Plivo does not know {message['event']}")
