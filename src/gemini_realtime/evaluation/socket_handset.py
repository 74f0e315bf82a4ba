"""The handset of an agent that is reached over a WebSocket, as a browser or a telephone service reaches it.

Nothing but sound is known of such an agent: an answer begins with the first loud sample that is played and ends with a
silence, and its words are what a recogniser makes of it.
"""

from __future__ import annotations

import asyncio
import json
from array import array
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Final, Literal, Protocol

import picows

from gemini_realtime.audio.format import INPUT_FORMAT, OUTPUT_FORMAT
from gemini_realtime.errors import HandshakeError
from gemini_realtime.evaluation.handset import Answer, Handset, Voice
from gemini_realtime.evaluation.record import TurnRecord
from gemini_realtime.protocol.codec import decode_base64, encode_base64
from gemini_realtime.protocol.events import PlaybackStopped

Protocols = Literal["pcm", "twilio"]

_PIECE_MS: Final = 20
_LOUD_FROM: Final = 500  # of a sample, -36 dBFS
_SILENCE_S: Final = 0.7  # which ends an answer: sentences have shorter pauses
_WORD_S: Final = 0.4
_TELEPHONE_HZ: Final = 8000
_STREAM: Final = "MZ00000000000000000000000000000000"

Understand = Callable[[bytes], Awaitable[str]]
"""The words of 16 kHz mono s16le."""


class Encoding(Protocol):
    """How sound and marks travel."""

    def opening(self) -> list[str]:
        """What is sent before any sound."""
        ...

    def sent(self, pcm16k: bytes) -> str | bytes:
        """A piece of the caller's sound."""
        ...

    def received(self, message: str | bytes) -> bytes | Literal["clear"] | dict[str, Any] | None:
        """24 kHz sound of the agent; "clear"; a mark, to be returned when it is reached; or nothing of these."""
        ...


class Pcm:
    """Binary messages of PCM, 16 kHz in and 24 kHz out, JSON for the rest: `WebSocketAudioAdapter(binary=True)`."""

    def opening(self) -> list[str]:
        """See `Encoding`, as for the other methods."""
        return []

    def sent(self, pcm16k: bytes) -> str | bytes:
        return pcm16k

    def received(self, message: str | bytes) -> bytes | Literal["clear"] | dict[str, Any] | None:
        return message if isinstance(message, bytes) else _control(message)


class Twilio:
    """Media Streams: JSON messages of mu-law at 8 kHz.

    Source: https://www.twilio.com/docs/voice/media-streams/websocket-messages.
    """

    def __init__(self) -> None:
        from gemini_realtime.audio.resample import Resampler  # needs the extra `[audio]`

        self._to_line = Resampler(INPUT_FORMAT.rate_hz, _TELEPHONE_HZ)
        self._from_line = Resampler(_TELEPHONE_HZ, OUTPUT_FORMAT.rate_hz)

    def opening(self) -> list[str]:
        """See `Encoding`, as for the other methods."""
        format = {"encoding": "audio/x-mulaw", "sampleRate": _TELEPHONE_HZ, "channels": 1}
        start = {"streamSid": _STREAM, "callSid": "CA" + _STREAM[2:], "tracks": ["inbound"], "mediaFormat": format}
        connected = {"event": "connected", "protocol": "Call", "version": "1.0.0"}
        return [json.dumps(connected), json.dumps({"event": "start", "start": start, "streamSid": _STREAM})]

    def sent(self, pcm16k: bytes) -> str | bytes:
        from gemini_realtime.audio.g711 import mulaw_encode

        payload = encode_base64(mulaw_encode(self._to_line.push(pcm16k))).decode()
        return json.dumps({"event": "media", "media": {"track": "inbound", "payload": payload}, "streamSid": _STREAM})

    def received(self, message: str | bytes) -> bytes | Literal["clear"] | dict[str, Any] | None:
        from gemini_realtime.audio.g711 import mulaw_decode

        told = _control(message)
        if isinstance(told, dict) and told.get("event") == "media":
            return self._from_line.push(mulaw_decode(decode_base64(told["media"]["payload"])))
        return told


class SocketHandset(Handset):
    """Calls an agent over a WebSocket, and hears what it says.

    Args:
        voice: gives words as sound.
        encoding: how sound travels.
        understand: recognises what the agent says.

    Attributes:
        turns: what both sides said.
        over: set when the agent has hung up.
        began_s: when the call began, on the clock of the event loop.
    """

    def __init__(self, voice: Voice, encoding: Encoding, understand: Understand) -> None:
        super().__init__()
        self.turns: list[TurnRecord] = []
        self.over = asyncio.Event()
        self._voice = voice
        self._encoding = encoding
        self._understand = understand
        self._socket: picows.WSTransport | None = None
        self._unsaid = b""
        self._sound = bytearray()  # of the answer under way
        self._loud_at: float | None = None  # the agent's last loud sound, of an answer under way
        self.began_s = self.now()
        self._understanding: set[asyncio.Task[None]] = set()

    async def say(self, words: str) -> None:
        """See `Handset`, as for the other methods."""
        pcm16k = await self._voice(words)
        self.turns.append(TurnRecord("caller", words, self.now() - self.began_s))
        await self.sound(pcm16k)

    async def sound(self, pcm16k: bytes) -> None:
        self.begins()
        self._unsaid += pcm16k
        while self._unsaid:
            await self.moment()

    async def type(self, words: str) -> None:
        await self.say(words)

    def tell_stopped(self, event: PlaybackStopped) -> None:
        """Nobody is told: the agent knows by its marks."""

    @property
    def agent_speaks(self) -> bool:
        """Whether an answer is under way."""
        return self._loud_at is not None and self.now() - self._loud_at < _SILENCE_S / 2

    @property
    def words_heard(self) -> int:
        """How many words of the answer under way were heard, at the pace of speech."""
        return int(OUTPUT_FORMAT.duration_ms(len(self._sound)) / 1000 / _WORD_S)

    @asynccontextmanager
    async def connected(self, url: str) -> AsyncIterator[None]:
        """Call, and carry sound both ways for the duration of the context.

        Raises:
            HandshakeError: nobody answers there.
        """
        try:
            socket, _ = await picows.ws_connect(lambda: _Listener(self), url)
        except (OSError, picows.WSError) as error:
            raise HandshakeError(f"no agent answers at {url.partition('?')[0]}: {error}") from None
        self._socket = socket
        for message in self._encoding.opening():
            socket.send(picows.WSMsgType.TEXT, message.encode())
        carrying = asyncio.create_task(self._carry(socket))
        carrying.add_done_callback(lambda _: self.over.set())
        try:
            yield
            self._complete_answer()
            await asyncio.gather(*self._understanding)
        finally:
            socket.disconnect()
            if carrying.done():
                carrying.result()  # raises why the line broke, if it did
            carrying.cancel()

    def received(self, message: str | bytes) -> None:
        """Take a message of the agent."""
        told = self._encoding.received(message)
        if isinstance(told, bytes):
            self._playback.push(told)
        elif told == "clear":
            self._playback.flush()
        elif isinstance(told, dict) and told.get("event") == "mark" and self._socket is not None:
            delay_s = self._playback.queued_ms / 1000
            asyncio.get_running_loop().call_later(delay_s, self._socket.send, picows.WSMsgType.TEXT, _bytes(told))

    async def _carry(self, socket: picows.WSTransport) -> None:
        at = self.now()
        size = INPUT_FORMAT.bytes_for_ms(_PIECE_MS)
        while not self.over.is_set():
            piece, self._unsaid = self._unsaid[:size], self._unsaid[size:]
            if _is_loud(piece):
                self.spoke(at + _PIECE_MS / 1000)
            at += _PIECE_MS / 1000
            await asyncio.sleep(max(0.0, at - self.now()))
            message = self._encoding.sent(piece + bytes(size - len(piece)))
            kind = picows.WSMsgType.BINARY if isinstance(message, bytes) else picows.WSMsgType.TEXT
            socket.send(kind, message if isinstance(message, bytes) else message.encode())
            self._listen(self._playback.take(OUTPUT_FORMAT.bytes_for_ms(_PIECE_MS)))
            self._moment.set()

    def _listen(self, pcm24k: bytes) -> None:
        """Hear a piece of what the agent says, or of its silence."""
        now = self.now()
        if _is_loud(pcm24k):
            answer = self._begin()
            if self._spoke_at is not None and not self._sound:
                answer.after_s, self._spoke_at = now - self._spoke_at, None
            self._loud_at = self._quiet_since = now
        if self._loud_at is None:
            return
        self._sound += pcm24k
        if self._over_since is not None and not self.agent_speaks:
            self.stopped_s.append(max(0.0, self._loud_at - self._over_since))
            self._over_since = None
            if self._answer is not None:
                self._answer.interrupted = True
        if now - self._loud_at > _SILENCE_S:
            self._complete_answer()

    def _complete_answer(self) -> None:
        """Find out what was said, aside: the line goes on meanwhile, and the caller waits for the words."""
        if self._answer is None:
            return
        answer, sound = self._answer, bytes(self._sound)
        self._sound.clear()
        self._loud_at = None
        self._end()
        self.turns.append(TurnRecord("agent", "", answer.begin_s - self.began_s, answer.interrupted))
        self._understanding.add(asyncio.create_task(self._find_words(answer, sound, len(self.turns) - 1)))

    async def _find_words(self, answer: Answer, sound: bytes, number: int) -> None:
        from gemini_realtime.audio.resample import resample

        self._open_calls.add(f"words {number}")
        answer.text = await self._understand(resample(sound, OUTPUT_FORMAT.rate_hz, INPUT_FORMAT.rate_hz))
        self.turns[number] = replace(self.turns[number], text=answer.text)
        self._open_calls.discard(f"words {number}")


class _Listener(picows.WSListener):
    def __init__(self, handset: SocketHandset) -> None:
        self._handset = handset

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        if frame.msg_type is picows.WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code())
            transport.disconnect()
        elif frame.msg_type is picows.WSMsgType.BINARY:
            self._handset.received(frame.get_payload_as_bytes())
        elif frame.msg_type is picows.WSMsgType.TEXT:
            self._handset.received(frame.get_payload_as_utf8_text())

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        self._handset.over.set()


def _control(message: str | bytes) -> Literal["clear"] | dict[str, Any] | None:
    try:
        told = json.loads(message)
    except ValueError:
        return None
    if not isinstance(told, dict):
        return None
    return "clear" if "clear" in (told.get("event"), told.get("type")) else told


def _bytes(told: dict[str, Any]) -> bytes:
    return json.dumps(told).encode()


def _is_loud(pcm: bytes) -> bool:
    samples = array("h", pcm[: len(pcm) // 2 * 2])
    return max(samples, default=0) >= _LOUD_FROM
