"""Both sides of a conversation on one timeline: the user left, the model right, each when it was heard.

Importing it takes numpy, and is a `MissingDependencyError` without.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from gemini_realtime.audio.format import INPUT_FORMAT, OUTPUT_FORMAT, AudioFormat
from gemini_realtime.audio.resample import Resampler, resample  # first: it says what to install
from gemini_realtime.errors import AudioFormatError
from gemini_realtime.protocol.codec import decode_base64
from gemini_realtime.recordings.lines import Sender
from gemini_realtime.recordings.resent import SentBefore

import numpy as np  # isort: skip

FORMAT: Final = AudioFormat("pcm16", OUTPUT_FORMAT.rate_hz, channels=2)

SILENCED: Final = "output_audio_buffer.cleared"
"""The event by which an adapter tells that the model fell silent."""

JITTER_MS: Final = 100.0
"""Pieces that are no further apart belong together, however unevenly they came."""

UNCERTAIN_MS: Final = 1000.0
"""How long after a moment something may still come that belongs there: an utterance that is sent in large pieces."""

STALE_MS: Final = 2000.0
"""So long after an interruption, or until the turn is over, what the model says is of the answer that was cut off."""

MAX_AHEAD_MS: Final = 15 * 60_000.0
"""How far one side may be ahead of the clock; what is said beyond is not in the audio."""

_BLOCK_MS: Final = 1000.0
_LEAST_MS: Final = 200.0


class Stereo:
    """Places the sound of frames, given in order, and gives it out as far as nothing can change it any more.

    The user's sound ends when it was sent. The model's begins when it arrives, or after what still sounds; what was not
    heard when it was interrupted is taken away.
    """

    def __init__(self) -> None:
        self._user = _Side(INPUT_FORMAT.rate_hz)
        self._model = _Side(OUTPUT_FORMAT.rate_hz)
        self._resampler = Resampler(INPUT_FORMAT.rate_hz, FORMAT.rate_hz)
        self._left = b""
        self._right = b""
        self._sent_before = SentBefore()
        self._given_ms = 0.0
        self._stale_until_ms = 0.0

    def add(self, ms: float, connection: int, sender: Sender, frame: dict[str, Any]) -> None:
        """Take the sound of a frame that was sent or received at `ms`; what is sent again was said once."""
        if sender == "client":
            for blob in blobs_of_user(frame):
                pcm, rate_hz = _sound(blob, INPUT_FORMAT)
                if not pcm or self._sent_before(connection, blob["data"]):
                    continue
                pcm = pcm if rate_hz == self._user.rate_hz else resample(pcm, rate_hz, self._user.rate_hz)
                self._user.add(pcm, ms - len(pcm) / self._user.bytes_per_ms)
            return
        content = frame.get("serverContent", frame.get("server_content"))
        if not isinstance(content, dict):
            return
        for blob in blobs_of_model(content):
            pcm, rate_hz = _sound(blob, OUTPUT_FORMAT)
            if pcm and ms >= self._stale_until_ms and self._model.end_ms < ms + MAX_AHEAD_MS:
                pcm = pcm if rate_hz == self._model.rate_hz else resample(pcm, rate_hz, self._model.rate_hz)
                self._model.add(pcm, ms)
        if content.get("interrupted"):
            self._model.cut(ms)
            self._stale_until_ms = ms + STALE_MS
        if content.get("turnComplete", content.get("turn_complete")):
            self._stale_until_ms = 0.0

    def cut(self, ms: float) -> None:
        """The model fell silent."""
        self._model.cut(ms)

    def take(self, now_ms: float) -> Iterator[bytes]:
        """The sound up to `UNCERTAIN_MS` ago that has not been taken yet, in blocks: `FORMAT`."""
        until_ms = now_ms - UNCERTAIN_MS
        if until_ms >= self._given_ms + _LEAST_MS:
            yield from self._until(until_ms)

    def end(self, now_ms: float) -> Iterator[bytes]:
        """The rest: all that was heard, to the end of the recording; of what the model said, to its end."""
        yield from self._until(max(now_ms, self._user.end_ms, self._model.end_ms))
        self._left += self._resampler.flush()
        yield self._joined()

    def _until(self, until_ms: float) -> Iterator[bytes]:
        while self._given_ms < until_ms:
            self._given_ms = min(until_ms, self._given_ms + _BLOCK_MS)
            self._left += self._resampler.push(self._user.take(self._given_ms))
            self._right += self._model.take(self._given_ms)
            yield self._joined()

    def _joined(self) -> bytes:
        n_bytes = min(len(self._left), len(self._right))
        both = np.empty((n_bytes // 2, 2), "<i2")
        both[:, 0], both[:, 1] = np.frombuffer(self._left[:n_bytes], "<i2"), np.frombuffer(self._right[:n_bytes], "<i2")
        self._left, self._right = self._left[n_bytes:], self._right[n_bytes:]
        return bytes(both.tobytes())


class _Side:
    """What one side says, from where it has been taken on.

    Attributes:
        rate_hz: of its samples.
        bytes_per_ms: likewise.
    """

    def __init__(self, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self.bytes_per_ms = rate_hz * 2 / 1000
        self._taken_bytes = 0
        self._waiting = bytearray()

    @property
    def end_ms(self) -> float:
        """When it will have said everything."""
        return (self._taken_bytes + len(self._waiting)) / self.bytes_per_ms

    def add(self, pcm: bytes, at_ms: float) -> None:
        if at_ms > self.end_ms + JITTER_MS:
            self._pad(at_ms)
        self._waiting += pcm

    def cut(self, at_ms: float) -> None:
        del self._waiting[max(0, self._bytes(at_ms) - self._taken_bytes) :]

    def take(self, until_ms: float) -> bytes:
        self._pad(until_ms)
        n_bytes = max(0, self._bytes(until_ms) - self._taken_bytes)
        taken = bytes(self._waiting[:n_bytes])
        del self._waiting[:n_bytes]
        self._taken_bytes += n_bytes
        return taken

    def _pad(self, until_ms: float) -> None:
        missing = self._bytes(until_ms) - self._taken_bytes - len(self._waiting)
        self._waiting += bytes(max(0, missing))

    def _bytes(self, ms: float) -> int:
        return round(ms * self.rate_hz / 1000) * 2


def blobs_of_user(frame: dict[str, Any]) -> Iterator[Any]:
    """What may be sound in a frame of a client."""
    item = frame.get("realtimeInput", frame.get("realtime_input"))
    if isinstance(item, dict):
        chunks = item.get("mediaChunks", item.get("media_chunks"))
        yield from (item.get("audio"), *(chunks if isinstance(chunks, list) else ()))


def blobs_of_model(content: dict[str, Any]) -> Iterator[Any]:
    """What may be sound in a `serverContent`."""
    turn = content.get("modelTurn", content.get("model_turn"))
    parts = turn.get("parts") if isinstance(turn, dict) else None
    for part in parts if isinstance(parts, list) else ():
        if isinstance(part, dict):
            yield part.get("inlineData", part.get("inline_data"))


def _sound(blob: Any, usual: AudioFormat) -> tuple[bytes, int]:
    """The samples in it, 16-bit mono, and their rate in Hz; none where it is no sound."""
    if not isinstance(blob, dict) or not isinstance(data := blob.get("data"), str):
        return b"", usual.rate_hz
    mime_type = blob.get("mimeType", blob.get("mime_type", ""))
    format = AudioFormat.as_far_as_said(mime_type if isinstance(mime_type, str) else "", usual)
    if format is None or (format.encoding, format.channels) != ("pcm16", 1):
        return b"", usual.rate_hz
    try:
        pcm = decode_base64(data)
    except AudioFormatError:
        return b"", usual.rate_hz
    return pcm[: len(pcm) // 2 * 2], format.rate_hz
