"""What the service takes and users then suffer from: each is said once, in the log."""

from __future__ import annotations

import logging
from array import array
from collections.abc import Callable
from typing import Any, Final

from gemini_realtime.audio.format import INPUT_FORMAT, AudioFormat
from gemini_realtime.errors import AudioFormatError
from gemini_realtime.local.server.observers import Observer
from gemini_realtime.local.wire.frames import takes_long
from gemini_realtime.local.wire.media import sound_of
from gemini_realtime.local.wire.refusals import Refused
from gemini_realtime.protocol.codec import AudioFrames, DecodeError, decode_base64, parse_received

LONG_PIECE_MS: Final = 400
"""From here on an interruption is noticeably late; https://ai.google.dev/gemini-api/docs/live-guide says 20-40 ms."""

_LOOKS_AT: Final = 400  # pieces of audio: 8 s and more; who does well so far is left alone
_MAX_BYTES: Final = 512 * 1024  # seconds of audio; what is longer is not looked at, for it takes long
_SAMPLE_BYTES: Final = 4096
_LISTENS_S: Final = 5.0
_LABELLED_WRONG: Final = {1.5: 24_000, 2.75625: 44_100, 3.0: 48_000}
"""How much faster than it sounds audio comes in that is of this rate and is called 16 kHz."""

_log = logging.getLogger(__name__)


class Advice:
    """What one server has said already.

    Args:
        clock: seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._said: set[str] = set()
        self._left_behind = False

    def observer(self) -> Adviser:
        """Who looks at one connection."""
        return Adviser(self, self._clock)

    def say(self, kind: str, text: str, *details: object) -> None:
        """Say it, unless it was said."""
        if kind not in self._said:
            self._said.add(kind)
            _log.warning(text, *details)

    def begins(self, *, resumes: bool) -> None:
        """A session is set up."""
        if self._left_behind and not resumes:
            self.say(
                "handle",
                "a connection that was told to go ended, and the next began anew: with the handle of its last"
                " sessionResumptionUpdate the conversation would have gone on",
            )
        self._left_behind = False

    def leaves(self, *, handle: bool) -> None:
        """A connection that was sent away has ended; whether the client had a handle to come back with."""
        self._left_behind = handle


class Adviser(Observer):
    """Looks at one connection.

    Args:
        advice: says it.
        clock: seconds, monotonic.
    """

    def __init__(self, advice: Advice, clock: Callable[[], float]) -> None:
        self._advice = advice
        self._clock = clock
        self._frames = AudioFrames()
        self._sound = INPUT_FORMAT  # of what is found in these
        self._pieces = 0
        self._began_at = 0.0
        self._audio_s = 0.0
        self._pairs: int | None = 0  # pieces that may be stereo; None when one was not
        self._has_handle = self._sent_away = False

    def received(self, message: bytes) -> None:
        """Look at the setup, and at the first pieces of audio."""
        if self._pieces >= _LOOKS_AT or len(message) > _MAX_BYTES or takes_long(message):
            return
        audio = self._frames.find(message)
        if audio is not None:
            self._hear(audio, self._sound)
            return
        try:
            parsed = parse_received(message)
        except DecodeError:
            return
        if isinstance(setup := parsed.get("setup"), dict):
            resumption = setup.get("sessionResumption", setup.get("session_resumption"))
            self._advice.begins(resumes=isinstance(resumption, dict) and bool(resumption.get("handle")))
        realtime = parsed.get("realtimeInput", parsed.get("realtime_input"))
        if isinstance(realtime, dict) and isinstance(blob := realtime.get("audio"), dict):
            self._learn(message, blob)

    def sent(self, message: bytes) -> None:
        """Notice handles, and the order to go."""
        if b'"newHandle"' in message:
            self._has_handle = True
        elif b'"goAway"' in message:
            self._sent_away = True

    def closed(self, code: int | None, reason: str) -> None:
        """Remember whether the client could come back."""
        if self._sent_away:
            self._advice.leaves(handle=self._has_handle)

    def _learn(self, message: bytes, blob: dict[str, Any]) -> None:
        audio = str(blob.get("data", ""))
        try:
            sound = sound_of(str(blob.get("mimeType", blob.get("mime_type", ""))))
        except Refused:
            return
        if audio:
            self._frames.learn(message, audio, sound.rate_hz)
            self._sound = sound
        self._hear(audio, sound)

    def _hear(self, audio: str, sound: AudioFormat) -> None:
        self._pieces += 1
        piece_ms = sound.duration_ms(len(audio) * 3 // 4)
        if piece_ms >= LONG_PIECE_MS:
            self._advice.say(
                "pieces",
                "audio comes in pieces of %.1f s: the model hears of an interruption that much later; send 20-40 ms",
                piece_ms / 1000,
            )
        if self._pairs is not None:
            self._pairs = self._pairs_with(audio, self._pairs)
        self._measure_rate(sound, piece_ms / 1000)

    def _pairs_with(self, audio: str, pairs: int) -> int | None:
        try:
            pcm = decode_base64(audio)
        except AudioFormatError:
            return pairs
        samples = array("h", pcm[: min(len(pcm), _SAMPLE_BYTES) // 4 * 4])
        if samples[0::2] != samples[1::2]:
            return None
        if len(set(samples)) < 8:  # silence, or too little to tell
            return pairs
        if pairs == 4:
            self._advice.say(
                "stereo", "audio seems to be stereo, each sample twice: the model hears it at half the speed; send mono"
            )
        return pairs + 1

    def _measure_rate(self, sound: AudioFormat, piece_s: float) -> None:
        now = self._clock()
        if self._pieces == 1:
            self._began_at = now
        self._audio_s += piece_s
        took_s = now - self._began_at
        if sound.rate_hz != INPUT_FORMAT.rate_hz or took_s < _LISTENS_S:
            return
        faster = self._audio_s / took_s
        for factor, rate_hz in _LABELLED_WRONG.items():
            if abs(faster / factor - 1) < 0.03:
                self._advice.say(
                    "rate",
                    "audio comes %.1f times as fast as it sounds: is it of %d Hz, and called %s?",
                    faster,
                    rate_hz,
                    sound.mime_type,
                )
