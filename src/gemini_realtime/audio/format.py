"""What a run of audio bytes means: encoding, rate, channels; and what follows from them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal, get_args

import msgspec

from gemini_realtime.errors import AudioFormatError

Encoding = Literal["pcm16", "mulaw", "alaw"]
"""`pcm16`: signed 16-bit little-endian. `mulaw`, `alaw`: one G.711 byte per sample."""

_SAMPLE_BYTES: Final[Mapping[Encoding, int]] = {"pcm16": 2, "mulaw": 1, "alaw": 1}
# The G.711 codes of zero: neither law has it at byte 0, which is nearly full scale.
_SILENCE: Final[Mapping[Encoding, bytes]] = {"pcm16": b"\x00", "mulaw": b"\xff", "alaw": b"\xd5"}
_MIME_TYPES: Final[Mapping[Encoding, str]] = {
    "pcm16": "audio/pcm",
    "mulaw": "audio/PCMU",  # RFC 4856
    "alaw": "audio/PCMA",
}
_ENCODING_OF: Final[Mapping[str, Encoding]] = {
    "audio/pcm": "pcm16",
    # RFC 2586 makes L16 big-endian; Gemini's speech models send little-endian samples under this name.
    "audio/l16": "pcm16",
    "audio/pcmu": "mulaw",
    "audio/pcma": "alaw",
}

MIN_RATE_HZ: Final = 8_000
"""The telephone's. A lower one is a mistake, and a costly one: 2 bytes at 1 Hz are 32,000 once converted."""

MAX_RATE_HZ: Final = 192_000
"""The studio's; a higher one is a mistake."""

_MAX_CHANNELS: Final = 64
_LONGEST_TYPE: Final = 256


class AudioFormat(msgspec.Struct, frozen=True):
    """How audio bytes are to be read; a frame is one sample of every channel.

    Raises:
        AudioFormatError: an unknown encoding, or a rate or channel count that cannot be.
    """

    encoding: Encoding = "pcm16"
    rate_hz: int = 16_000
    channels: int = 1

    def __post_init__(self) -> None:
        if self.encoding not in get_args(Encoding):
            raise AudioFormatError(
                f"{self.encoding!r} is not an audio encoding known here",
                remedy=f"use one of {', '.join(get_args(Encoding))}",
            )
        _check_count("rate_hz", self.rate_hz, MIN_RATE_HZ, MAX_RATE_HZ)
        _check_count("channels", self.channels, 1, _MAX_CHANNELS)

    @classmethod
    def from_mime_type(cls, mime_type: str, *, default_rate_hz: int | None = None) -> AudioFormat:
        """Read `audio/pcm;rate=24000`, in any case and spacing; other parameters are ignored.

        Args:
            mime_type: `audio/pcm`, `audio/L16`, `audio/PCMU` or `audio/PCMA`, with `rate` and `channels`.
            default_rate_hz: what a type without a rate means; Vertex sends a bare `audio/pcm` for 24 kHz.

        Raises:
            AudioFormatError: another type, a rate that is no number, or none and no default.
        """
        name, parameters = _parsed(mime_type)
        if name not in _ENCODING_OF:
            raise AudioFormatError(
                f"{mime_type[:80]!r} is not a type of raw audio",
                remedy=f"use one of {', '.join(_ENCODING_OF)}, such as 'audio/pcm;rate=16000'",
            )
        rate_hz = _number(mime_type, parameters, "rate", default_rate_hz)
        return cls(_ENCODING_OF[name], rate_hz, _number(mime_type, parameters, "channels", 1))

    @classmethod
    def as_far_as_said(cls, mime_type: str, default: AudioFormat) -> AudioFormat | None:
        """Read a MIME type that the service is answerable for: it never raises, whatever it holds.

        Args:
            mime_type: as received; may be empty, which proto3 JSON leaves out.
            default: what is meant where a type, a rate or a channel count is missing or makes no sense.

        Returns:
            None: it names something else, such as an image or compressed audio.
        """
        name, parameters = _parsed(mime_type)
        if "/" not in name:
            return default
        if name not in _ENCODING_OF:
            return None
        rate_hz = _count(parameters.get("rate", ""), MIN_RATE_HZ, MAX_RATE_HZ) or default.rate_hz
        channels = _count(parameters.get("channels", ""), 1, _MAX_CHANNELS) or default.channels
        return cls(_ENCODING_OF[name], rate_hz, channels)

    @property
    def mime_type(self) -> str:
        """The type as the service spells it, such as `audio/pcm;rate=16000`."""
        channels = f";channels={self.channels}" if self.channels != 1 else ""
        return f"{_MIME_TYPES[self.encoding]};rate={self.rate_hz}{channels}"

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of every channel: the smallest piece that is still sound."""
        return _SAMPLE_BYTES[self.encoding] * self.channels

    def duration_ms(self, n_bytes: int) -> float:
        """How long `n_bytes` sound."""
        return n_bytes * 1000 / (self.frame_bytes * self.rate_hz)

    def frames_for_ms(self, ms: float) -> int:
        """How many frames sound for `ms`, to the nearest whole one."""
        return round(ms * self.rate_hz / 1000)

    def bytes_for_ms(self, ms: float) -> int:
        """How many bytes sound for `ms`, to the nearest whole frame."""
        return self.frames_for_ms(ms) * self.frame_bytes

    def silence(self, n_bytes: int) -> bytes:
        """`n_bytes` of nothing to hear."""
        return _SILENCE[self.encoding] * n_bytes

    def check(self, audio: bytes) -> None:
        """Refuse bytes that end inside a frame: what follows them would be noise.

        Raises:
            AudioFormatError: `audio` is not a whole number of frames.
        """
        if len(audio) % self.frame_bytes:
            raise AudioFormatError(
                f"{len(audio)} bytes of {self.mime_type} end inside a frame of {self.frame_bytes} bytes",
                remedy="pass whole frames; a Chunker makes them from any byte stream",
            )


def samples_to_bytes(samples: object) -> bytes:
    """The bytes of 16-bit samples in anything that lends its memory: `bytearray`, `array`, a numpy array.

    Raises:
        AudioFormatError: it lends none, or holds something else than 16-bit integers or bytes.
    """
    try:
        view = memoryview(samples)  # type: ignore[arg-type]
    except TypeError:
        raise AudioFormatError(
            f"audio cannot be a {type(samples).__name__}", remedy="pass bytes of 16-bit samples, or base64 text"
        ) from None
    if view.format.lstrip("@=<") not in ("B", "b", "c", "h"):
        raise AudioFormatError(
            f"the samples are of the type {view.format!r}",
            remedy="make them 16-bit integers; floats from -1 to 1, with numpy: (samples * 32767).astype('<i2')",
        )
    return view.tobytes()


def _check_count(name: str, value: int, least: int, most: int) -> None:
    if not isinstance(value, int) or not least <= value <= most:
        raise AudioFormatError(f"{name}={value!r} is not a whole number from {least} to {most}")


def _number(mime_type: str, parameters: Mapping[str, str], key: str, default: int | None) -> int:
    text = parameters.get(key)
    if text is None and default is not None:
        return default
    if text is None:
        raise AudioFormatError(f"{mime_type[:80]!r} does not say its {key}", remedy=f"append ';{key}=...'")
    if not _DIGITS.fullmatch(text):
        raise AudioFormatError(f"{mime_type[:80]!r}: its {key!r} is not a number")
    return int(text)


def _count(text: str, least: int, most: int) -> int | None:
    """A whole number from `least` to `most`; None for anything else."""
    count = int(text) if _DIGITS.fullmatch(text) else 0
    return count if least <= count <= most else None


def _parsed(mime_type: str) -> tuple[str, Mapping[str, str]]:
    """The type and its parameters, in lower case; of what is longer than any type, the beginning."""
    name, *pairs = (part.strip().lower() for part in mime_type[:_LONGEST_TYPE].split(";"))
    parameters = (pair.partition("=") for pair in pairs)
    # A value may be a quoted string. Source: RFC 2045, section 5.1.
    return name, {key.strip(): value.strip().strip('"') for key, _, value in parameters}


_DIGITS: Final = re.compile(r"[0-9]{1,9}")
"""`str.isdigit` also holds for superscripts, and `int` refuses those, and more than 4,300 digits."""


INPUT_FORMAT: Final = AudioFormat("pcm16", 16_000)
"""What Gemini listens to; it accepts other rates and resamples them itself.

Source: docs.cloud.google.com/vertex-ai/generative-ai/docs/live-api/send-audio-video-streams: "Raw 16-bit PCM
audio at 16 kHz, little-endian".
"""

OUTPUT_FORMAT: Final = AudioFormat("pcm16", 24_000)
"""What Gemini says.

Source: the same page: "Raw 16-bit PCM audio at 24 kHz, little-endian". In recorded sessions the Gemini API
names it `audio/pcm;rate=24000`, Vertex a bare `audio/pcm`.
"""
