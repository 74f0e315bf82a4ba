"""The sound of a telephone line <-> the model's: codes and rates of both directions of one call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from gemini_realtime.audio.format import INPUT_FORMAT, OUTPUT_FORMAT, AudioFormat, Encoding
from gemini_realtime.audio.g711 import alaw_decode, alaw_encode, mulaw_decode, mulaw_encode
from gemini_realtime.audio.resample import Resampler

FRAME_MS: Final = 20
"""What telephone networks send at a time."""

_Code = Callable[[bytes], bytes]

_CODES: Final[dict[Encoding, tuple[_Code, _Code]]] = {
    "mulaw": (mulaw_decode, mulaw_encode),
    "alaw": (alaw_decode, alaw_encode),
    "pcm16": (bytes, bytes),
}


class FromTelephone:
    """What the caller says, as the model wants it.

    Args:
        format: of the line; mono.
    """

    def __init__(self, format: AudioFormat) -> None:
        self.format = format
        self._decode = _CODES[format.encoding][0]
        self._resampler = Resampler(format.rate_hz, INPUT_FORMAT.rate_hz)

    def push(self, audio: bytes) -> bytes:
        """Take audio of the line, and return it as 16 kHz PCM; AudioFormatError when it ends inside a sample."""
        self.format.check(audio)
        return self._resampler.push(self._decode(audio))


class ToTelephone:
    """What the model says, in whole frames as the line wants it.

    Args:
        format: of the line; mono.
    """

    def __init__(self, format: AudioFormat) -> None:
        self.format = format
        self._encode = _CODES[format.encoding][1]
        self._resampler = Resampler(OUTPUT_FORMAT.rate_hz, format.rate_hz)
        self._frame_bytes = format.bytes_for_ms(FRAME_MS)
        self._rest = b""

    def push(self, audio: bytes) -> bytes:
        """Take 24 kHz PCM, and return the whole frames that are complete; the rest waits for more."""
        encoded = self._rest + self._encode(self._resampler.push(audio))
        whole = len(encoded) - len(encoded) % self._frame_bytes
        self._rest = encoded[whole:]
        return encoded[:whole]

    def flush(self) -> bytes:
        """Return the end of an answer, filled up with silence to whole frames, and start afresh."""
        encoded = self._rest + self._encode(self._resampler.flush())
        self._rest = b""
        return encoded + self.format.silence(-len(encoded) % self._frame_bytes)
