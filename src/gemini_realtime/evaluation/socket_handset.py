"""The handset of an agent that is reached over a WebSocket, as a browser or a telephone service reaches it.

Nothing but sound is known of such an agent: an answer begins with the first loud sample that is played and ends with a
silence, and its words are what a recogniser makes of it.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Final, Literal, Protocol
from urllib.parse import unquote, urlsplit, urlunsplit

import picows

from gemini_realtime.audio.chunks import Chunker, WholeFrames
from gemini_realtime.audio.format import INPUT_FORMAT, OUTPUT_FORMAT, AudioFormat
from gemini_realtime.audio.levels import first_audible_ms, last_audible_ms, level_db
from gemini_realtime.errors import AudioFormatError, ConfigError, GeminiRealtimeError, HandshakeError
from gemini_realtime.evaluation.handset import Answer, Handset, Voice
from gemini_realtime.evaluation.microphone import Microphone
from gemini_realtime.evaluation.record import TurnRecord
from gemini_realtime.local.speech.hearing import MAX_UTTERANCE_MS
from gemini_realtime.protocol.codec import decode_base64, encode_base64
from gemini_realtime.protocol.events import PlaybackStopped
from gemini_realtime.transport.tls import client_context

Protocols = Literal["pcm", "twilio"]

_PIECE_MS: Final = 20
_SILENCE_S: Final = 0.7  # which ends an answer: sentences have shorter pauses
_WORD_S: Final = 0.4
_ANSWERED_WITHIN_S: Final = 20.0  # programs that load a model first take their time
_AHEAD_MAX_MS: Final = 600_000
_CUT_MS: Final = 100
LINE: Final = AudioFormat("mulaw", 8000)
_ACCOUNT, _CALL, _STREAM = (kind + 32 * "0" for kind in ("AC", "CA", "MZ"))

Json = dict[str, Any]

Understand = Callable[[bytes], Awaitable[str]]
"""The words of 16 kHz mono s16le."""


class Encoding(Protocol):
    """How sound and everything else travels."""

    def opening(self) -> list[str]:
        """What is sent before any sound."""
        ...

    def sent(self, pcm16k: bytes) -> list[str | bytes]:
        """The messages that a piece of the caller's sound completes."""
        ...

    def pressed(self, digit: str) -> str:
        """The message of a key of the telephone."""
        ...

    def returned(self, mark: Json) -> str:
        """The message that returns a mark."""
        ...

    def closing(self) -> list[str]:
        """What is sent when the caller hangs up."""
        ...

    def received(self, message: str | bytes) -> bytes | Json:
        """Sound of the agent, 24 kHz mono s16le; or whatever else it tells."""
        ...


def encoding_and_address(url: str) -> tuple[Encoding, str]:
    """How sound travels to `ws://...` or `twilio+ws://...`, and the address of the WebSocket.

    Raises:
        ConfigError: it is neither.
    """
    scheme, _, rest = url.partition("://")
    encoding, _, websocket = scheme.rpartition("+")
    try:
        has_host = bool(urlsplit(f"{websocket}://{rest}").hostname)
    except ValueError:
        has_host = False
    if encoding not in ("", "twilio") or websocket not in ("ws", "wss") or not has_host:
        raise ConfigError("the URL is no address of an agent", remedy="write ws://HOST:PORT/PATH, or twilio+ws://...")
    return Twilio() if encoding else Pcm(), f"{websocket}://{rest}"


class Pcm:
    """Binary messages of PCM, 16 kHz in and 24 kHz out, JSON for the rest: `WebSocketAudioAdapter(binary=True)`."""

    def opening(self) -> list[str]:
        """See `Encoding`, as for the other methods."""
        return []

    def sent(self, pcm16k: bytes) -> list[str | bytes]:
        return [pcm16k]

    def pressed(self, digit: str) -> str:
        return json.dumps({"event": "dtmf", "dtmf": {"digit": digit}})

    def returned(self, mark: Json) -> str:
        return json.dumps(mark)

    def closing(self) -> list[str]:
        return []

    def received(self, message: str | bytes) -> bytes | Json:
        if isinstance(message, bytes):
            return message
        told = _json(message)
        if told.get("event") == "media":
            raise AudioFormatError("its sound in JSON")
        return told


class Twilio:
    """Media Streams: JSON messages of mu-law at 8 kHz.

    Source: https://www.twilio.com/docs/voice/media-streams/websocket-messages.
    """

    def __init__(self) -> None:
        from gemini_realtime.audio.resample import Resampler  # needs the extra `[audio]`

        self._to_line = Resampler(INPUT_FORMAT.rate_hz, LINE.rate_hz)
        self._frames = Chunker(LINE, _PIECE_MS)
        self._from_line = Resampler(LINE.rate_hz, OUTPUT_FORMAT.rate_hz)
        self._messages = self._chunks = 0

    def opening(self) -> list[str]:
        """See `Encoding`, as for the other methods."""
        start = {
            "accountSid": _ACCOUNT,
            "streamSid": _STREAM,
            "callSid": _CALL,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": LINE.rate_hz, "channels": 1},
            "customParameters": {},
        }
        connected = {"event": "connected", "protocol": "Call", "version": "1.0.0"}
        return [json.dumps(connected), self._numbered("start", start)]

    def sent(self, pcm16k: bytes) -> list[str | bytes]:
        from gemini_realtime.audio.g711 import mulaw_encode

        return [self._media(frame) for frame in self._frames.push(mulaw_encode(self._to_line.push(pcm16k)))]

    def pressed(self, digit: str) -> str:
        return self._numbered("dtmf", {"track": "inbound_track", "digit": digit})

    def returned(self, mark: Json) -> str:
        return self._numbered("mark", mark["mark"])

    def closing(self) -> list[str]:
        return [self._numbered("stop", {"accountSid": _ACCOUNT, "callSid": _CALL})]

    def received(self, message: str | bytes) -> bytes | Json:
        from gemini_realtime.audio.g711 import mulaw_decode

        told = _json(message)
        if told.get("event") == "mark":
            return {"event": "mark", "mark": {"name": str(told["mark"]["name"])}}
        if told.get("event") == "media":
            return self._from_line.push(mulaw_decode(decode_base64(told["media"]["payload"])))
        return told

    def _media(self, frame: bytes) -> str:
        self._chunks += 1
        at_ms = (self._chunks - 1) * _PIECE_MS
        payload = encode_base64(frame).decode()
        media = {"track": "inbound", "chunk": str(self._chunks), "timestamp": str(at_ms), "payload": payload}
        return self._numbered("media", media)

    def _numbered(self, event: str, content: Json) -> str:
        self._messages += 1
        return json.dumps({"event": event, "sequenceNumber": str(self._messages), event: content, "streamSid": _STREAM})


class SocketHandset(Handset):
    """Calls an agent over a WebSocket, and hears what it says.

    Args:
        voice: gives words as sound.
        encoding: how sound travels.
        understand: recognises what the agent says.
        microphone: that the caller speaks into.

    Attributes:
        turns: what both sides said.
        over: set when the agent has hung up.
        began_s: when the call began, on the clock of the event loop.
    """

    def __init__(self, voice: Voice, encoding: Encoding, understand: Understand, microphone: Microphone) -> None:
        super().__init__()
        self.turns: list[TurnRecord] = []
        self.over = asyncio.Event()
        self._voice = voice
        self._encoding = encoding
        self._understand = understand
        self._microphone = microphone
        self._socket: picows.WSTransport | None = None
        self._whole_frames = WholeFrames(OUTPUT_FORMAT)
        self._received_ms = 0.0
        self._came_at: float | None = None  # when sound came into silence, until the first piece of it is taken
        self._lag_s = 0.0  # from then until that: what came is played at once
        self._marks: deque[tuple[float, Json]] = deque()  # and when they are reached, in ms of what was received
        self._sound = bytearray()  # of the answer under way
        self._loud_at: float | None = None  # the agent's last loud sound, of an answer under way
        self.began_s = self.now()
        self._understanding: set[asyncio.Task[None]] = set()
        self._unreadable: GeminiRealtimeError | None = None

    async def say(self, words: str) -> None:
        """See `Handset`, as for the other methods."""
        pcm16k = await self._voice(words)
        self.turns.append(TurnRecord("caller", words, self.now() - self.began_s))
        await self.sound(pcm16k)

    async def sound(self, pcm16k: bytes) -> None:
        self._microphone.speak(pcm16k)
        while self._microphone.speaks:
            await self.moment()

    async def type(self, words: str) -> None:
        await self.say(words)

    def press(self, digit: str) -> None:
        self.spoke(self.now())
        self._send(self._encoding.pressed(digit))

    async def answered(self, since_s: float, patience_s: float) -> bool:
        met = await super().answered(since_s, patience_s)
        await asyncio.gather(*self._understanding)  # which takes its time, and not the agent's
        return met

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
            AudioFormatError: the agent sends what is no sound.
        """
        self._socket = await _dialled(url, self)
        for message in self._encoding.opening():
            self._send(message)
        carrying = asyncio.create_task(self._carry())
        carrying.add_done_callback(lambda _: self.over.set())
        try:
            yield
            self._complete_answer()
            await asyncio.gather(*self._understanding)
        finally:
            for message in self._encoding.closing():
                self._send(message)
            self._socket.send_close(picows.WSCloseCode.OK)
            self._socket.disconnect()
            carrying.cancel()
            await asyncio.wait([carrying])
        if self._unreadable is not None:
            raise self._unreadable
        if not carrying.cancelled():
            carrying.result()  # raises why the line broke, if it did

    def received(self, message: str | bytes) -> None:
        """Take a message of the agent; one that cannot be read ends the call."""
        try:
            told = self._encoding.received(message)
            if isinstance(told, bytes):
                self._play_later(told)
            elif "clear" in (told.get("event"), told.get("type")):
                self._clear()
            elif told.get("event") == "mark":
                self._marks.append((self._received_ms, told))
        except AudioFormatError as error:
            self._hang_up_on(error.problem, error.remedy)
        except (ValueError, LookupError, TypeError) as error:
            self._hang_up_on(f"a message that cannot be read ({type(error).__name__})")

    def _hang_up_on(self, what: str, remedy: str = "") -> None:
        remedy = remedy or (
            "call ws:// where it sends binary PCM of 24 kHz (`WebSocketAudioAdapter(binary=True)`), and twilio+ws:// "
            "where it sends Twilio's messages"
        )
        self._unreadable = AudioFormatError(f"the agent sends {what}", remedy=remedy)
        self.over.set()

    def _play_later(self, pcm24k: bytes) -> None:
        if self._playback.queued_ms > _AHEAD_MAX_MS:
            problem = f"sound for more than {_AHEAD_MAX_MS / 60_000:g} minutes at once"
            raise AudioFormatError(problem, remedy="let it send no more than it wants heard")
        if self._playback.idle:
            self._came_at = self.now()
        frames = self._whole_frames.push(pcm24k)
        self._playback.push(frames)
        self._received_ms += OUTPUT_FORMAT.duration_ms(len(frames))

    def _clear(self) -> None:
        """Throw away what was not played; its marks are returned at once, as Twilio returns them."""
        unplayed_ms = self._playback.flush()
        if self._answer is not None and self._loud_at is not None and unplayed_ms:
            self._loud_at = min(self._loud_at, self.now())
            self._answer.interrupted = True
            self.cut_short += self._last_spoke_at < self._answer.begin_s
        self._return_marks()

    def _return_marks(self) -> None:
        """Return the marks that were reached."""
        played_ms = self._received_ms - self._playback.queued_ms
        while self._marks and self._marks[0][0] <= played_ms:
            self._send(self._encoding.returned(self._marks.popleft()[1]))

    def _send(self, message: str | bytes) -> None:
        assert self._socket is not None
        if isinstance(message, bytes):
            self._socket.send(picows.WSMsgType.BINARY, message)
        else:
            self._socket.send(picows.WSMsgType.TEXT, message.encode())

    async def _carry(self) -> None:
        at = self.now()
        while not self.over.is_set():
            piece = self.said(self._microphone, at, _PIECE_MS)
            at += _PIECE_MS / 1000
            await asyncio.sleep(max(0.0, at - self.now()))
            self.keep_time(at)
            played = self._playback.take(OUTPUT_FORMAT.bytes_for_ms(_PIECE_MS))
            for message in self._encoding.sent(self._microphone.heard(piece, played)):
                self._send(message)
            self._return_marks()
            self._listen(played)
            self._moment.set()

    def _listen(self, pcm24k: bytes) -> None:
        """Hear a piece of what the agent says, or of its silence."""
        now = self.now()
        if self._came_at is not None:
            self._lag_s, self._came_at = now - self._came_at, None
        begin_ms, end_ms = first_audible_ms(pcm24k, OUTPUT_FORMAT), last_audible_ms(pcm24k, OUTPUT_FORMAT)
        if begin_ms is not None and end_ms is not None:
            played_at = now - self._lag_s
            self._audible_until(played_at + begin_ms / 1000, played_at + end_ms / 1000)
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

    def _audible_until(self, begin_s: float, end_s: float) -> None:
        if self._answer is None:
            answer = self._begin()
            answer.begin_s = begin_s
            self._first_heard(answer, begin_s)
        self._loud_at = self._quiet_since = end_s

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

        pcm16k = resample(sound, OUTPUT_FORMAT.rate_hz, INPUT_FORMAT.rate_hz)
        answer.text = " ".join([await self._understand(utterance) for utterance in utterances(pcm16k)])
        self.turns[number] = replace(self.turns[number], text=answer.text)


class _Listener(picows.WSListener):
    def __init__(self, handset: SocketHandset) -> None:
        self._handset = handset
        self._kind = picows.WSMsgType.TEXT  # of the message under way
        self._fragments = bytearray()

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        kind = frame.msg_type
        if kind is picows.WSMsgType.CLOSE:
            # An empty close has no code, and 0, which picows then gives, may not be sent: RFC 6455 7.4.
            transport.send_close(frame.get_close_code() if frame.payload_size else picows.WSCloseCode.OK)
            transport.disconnect()
        elif kind in (picows.WSMsgType.BINARY, picows.WSMsgType.TEXT, picows.WSMsgType.CONTINUATION):
            if kind is not picows.WSMsgType.CONTINUATION:
                self._kind = kind
            self._fragments += frame.get_payload_as_bytes()
            if frame.fin:
                message, self._fragments = bytes(self._fragments), bytearray()
                is_sound = self._kind is picows.WSMsgType.BINARY
                self._handset.received(message if is_sound else message.decode("utf-8", "replace"))

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        self._handset.over.set()


async def _dialled(url: str, handset: SocketHandset) -> picows.WSTransport:
    """Call; errors name the host alone, since path and query may hold a secret, and picows quotes both."""
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    headers = {"Authorization": f"Basic {encode_base64(unquote(user).encode()).decode()}"} if user else {}
    try:
        socket, _ = await picows.ws_connect(
            lambda: _Listener(handset),
            urlunsplit(parts._replace(netloc=host)),
            ssl_context=client_context() if parts.scheme == "wss" else None,
            extra_headers=headers,
            max_redirects=0,
            websocket_handshake_timeout=_ANSWERED_WITHIN_S,
        )
        return socket
    except picows.WSHandshakeError as error:
        status = None if error.response is None else int(error.response.status)
        problem = f"{host} refuses the call" + ("" if status is None else f" with HTTP {status}")
        remedy = "check the path, and what the agent wants to know of its caller"
        raised = HandshakeError(problem, status=status, remedy=remedy)
    except ssl.SSLCertVerificationError as error:
        remedy = "set SSL_CERT_FILE to a certificate that vouches for it"
        raised = HandshakeError(f"the certificate of {host} is not trusted: {error.verify_message}", remedy=remedy)
    except TimeoutError:
        raised = HandshakeError(f"no agent answers at {host} within {_ANSWERED_WITHIN_S:g} s")
    except OSError as error:
        raised = HandshakeError(f"no agent answers at {host}: {error.strerror or type(error).__name__}")
    raise raised


def utterances(pcm16k: bytes) -> list[bytes]:
    """Sound in pieces that a recogniser takes at once, cut where it is quietest."""
    longest, frame = INPUT_FORMAT.bytes_for_ms(MAX_UTTERANCE_MS), INPUT_FORMAT.bytes_for_ms(_CUT_MS)
    utterances = []
    while len(pcm16k) > longest:
        cuts = range(longest // 2 // frame * frame, longest - frame, frame)
        cut = min(cuts, key=lambda at: level_db(pcm16k[at : at + frame])) + frame // 2
        utterances.append(pcm16k[:cut])
        pcm16k = pcm16k[cut:]
    return [*utterances, pcm16k]


def _json(message: str | bytes) -> Json:
    """A message that is an object; nothing for any other, of which each framework has some."""
    try:
        told = json.loads(message)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
