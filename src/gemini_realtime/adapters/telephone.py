"""What telephone services have in common: the sound of a line, as the stream announces it."""

from __future__ import annotations

from collections.abc import Mapping
from logging import Logger
from typing import Any, Final

from gemini_realtime.adapters.media_stream import Json, MediaStreamAdapter
from gemini_realtime.audio.format import AudioFormat, Encoding
from gemini_realtime.audio.telephone import FromTelephone, ToTelephone
from gemini_realtime.errors import AudioFormatError

LINE: Final = AudioFormat("mulaw", 8000)
"""What telephone networks carry, unless a stream says otherwise."""

_ENCODINGS: Final[Mapping[str, Encoding]] = {
    "audio/x-mulaw": "mulaw", "pcmu": "mulaw", "audio/x-alaw": "alaw", "pcma": "alaw",
    "audio/x-l16": "pcm16",
}  # fmt: skip


class TelephoneAudioAdapter(MediaStreamAdapter):
    """Carries the sound of one call, whose stream says at its start how that is encoded.

    Keys that the caller presses arrive as `DigitPressed`; what the service said of the call is in `start`.

    Args:
        websocket: of Starlette or FastAPI, accepted already; or any object with `iter_text` and `send_json`.
        logger: for this adapter.
    """

    def __init__(self, websocket: Any, *, logger: Logger | None = None) -> None:
        super().__init__(websocket, logger=logger)
        self._from_line = FromTelephone(LINE)
        self._to_line = ToTelephone(LINE)

    def to_model(self, payload: bytes) -> bytes:
        """The caller's voice as 16 kHz PCM."""
        return self._from_line.push(payload)

    def from_model(self, audio: bytes) -> bytes:
        """24 kHz PCM as the line wants it, in whole frames of 20 ms."""
        return self._to_line.push(audio)

    def rest_from_model(self) -> bytes:
        """The end of an answer that the conversion still holds."""
        return self._to_line.flush()

    def started(self, message: Json) -> None:
        """The stream begins.

        Raises:
            AudioFormatError: it is encoded in a way that is not known here.
        """
        super().started(message)
        announced = self.start.get("mediaFormat") or self.start.get("media_format")
        if announced is not None:
            self._from_line = FromTelephone(_format_of(announced))


def _format_of(announced: Any) -> AudioFormat:
    """What a stream announces: `{"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}`, or the like."""
    try:
        name = str(announced["encoding"])
        encoding = _ENCODINGS[name.lower()]
        rate_hz = int(announced.get("sampleRate") or announced.get("sample_rate") or LINE.rate_hz)
        channels = int(announced.get("channels") or 1)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise AudioFormatError(
            f"the stream announces {str(announced)[:200]}, which is not a sound known here",
            remedy=f"have the telephone service stream one of {', '.join(_ENCODINGS)}",
        ) from error
    if channels != 1:
        raise AudioFormatError(f"the stream has {channels} channels", remedy="stream the caller alone: one track")
    return AudioFormat(encoding, rate_hz)
