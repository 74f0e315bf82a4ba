"""Frame bytes <-> messages.

The common case is one strict, typed decode. Whatever that refuses (a field newer than this package, snake_case names,
`null`, a value of another type) takes the slow path. What a client sends is made to conform to the structs; of what
the service sends every value that makes sense is read, see `proto_json`. What is left out is named.

Bytes are standard or URL-safe base64, padded or not. Source: https://protobuf.dev/programming-guides/json/.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any, TypeVar

import msgspec
import pybase64

from gemini_realtime.errors import AudioFormatError, ConfigError
from gemini_realtime.protocol.messages import ClientMessage, Message, ServerMessage
from gemini_realtime.protocol.proto_json import UnknownField, fit_object, parse_mended, read_message

_Struct = TypeVar("_Struct", bound=Message)

_encoder = msgspec.json.Encoder()
_json_decoder = msgspec.json.Decoder()
_MALFORMED = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are not JSON, not UTF-8, nested too deeply, or not of the expected type."""


@cache  # to make one takes 2 ms, and who has the one needs no other
def _decoder(kind: type[_Struct]) -> msgspec.json.Decoder[_Struct]:
    return msgspec.json.Decoder(kind)


_URL_SAFE_TO_STANDARD = bytes.maketrans(b"-_", b"+/")


class DecodeError(ValueError):
    """A frame that is not one JSON object of the expected shape. Its content stays out of the message."""


class Frame(msgspec.Struct, eq=False):
    """One received frame; its JSON is parsed into a dict when somebody asks for it, once."""

    data: bytes
    _parsed: dict[str, Any] | None = None

    def parsed(self) -> dict[str, Any]:
        """The frame's JSON object; empty when the frame holds none."""
        if self._parsed is None:
            try:
                self._parsed = parse_received(self.data)
            except DecodeError:
                self._parsed = {}
        return self._parsed


class AudioFrames:
    """Finds the audio in frames that hold one piece of it and nothing else, without parsing their JSON.

    Most of what the service sends are such frames, and from one to the next only the audio differs. So the bytes around
    it are learnt from a frame that was parsed, and compared from then on.

    Attributes:
        rate_hz: sample rate of the audio that is found.
    """

    def __init__(self) -> None:
        self.rate_hz = 0
        self._head = self._tail = b""
        self._before = self._after = 0  # bytes of these

    def learn(self, data: bytes, audio_base64: str, rate_hz: int) -> None:
        """Take note of a frame that was found to hold this audio and nothing else."""
        quoted = b'"%b"' % audio_base64.encode()
        # Without escapes, what occurs once occurs where it was read.
        if data.count(quoted) == 1 and b"\\" not in data:
            head, _, tail = data.partition(quoted)
            self._head, self._tail, self.rate_hz = head + b'"', b'"' + tail, rate_hz
            self._before, self._after = len(self._head), len(self._tail)

    def find(self, data: bytes) -> str | None:
        """The audio as base64, if this is such a frame; whether it is base64 indeed shows when it is decoded."""
        start, end = self._before, len(data) - self._after
        # A string without escapes ends at the first quotation mark, and that is where the tail begins.
        if (
            data.find(b'"', start) == end
            and data.startswith(self._head)
            and data.endswith(self._tail)
            and data.find(b"\\", start, end) == -1
        ):
            try:
                return data[start:end].decode()
            except UnicodeDecodeError:
                return None
        return None


def decode_server_message(data: bytes) -> tuple[ServerMessage, list[UnknownField]]:
    """Read a frame of the service.

    Returns:
        The message, and what of the frame is not in it: fields that the structs do not know, or whose values make no
        sense.

    Raises:
        DecodeError: not JSON, or not an object.
    """
    try:
        return _decoder(ServerMessage).decode(data), []
    except _MALFORMED:
        unread: list[UnknownField] = []
        return read_message(parse_received(data), ServerMessage, "", unread), unread


def decode_client_message(data: bytes | str) -> tuple[ClientMessage, list[UnknownField]]:
    """Read a frame of a client.

    Returns:
        The message, and the fields in it that the structs do not know (they are not in the message).

    Raises:
        DecodeError: not JSON, not an object, or a known field of a wrong type.
    """
    try:
        return _decoder(ClientMessage).decode(data), []
    except _MALFORMED:
        return _conform(data, ClientMessage)


def encode(message: Message | dict[str, Any]) -> bytes:
    """Write a message (or a ready-made dict) as one line of JSON.

    Raises:
        ConfigError: there is something in it that JSON has no form for.
    """
    try:
        return _encoder.encode(message)
    except UnicodeEncodeError:  # it would carry the text along
        problem, remedy = "half of a surrogate pair cannot be sent", "encode the text with errors='replace' first"
    except (TypeError, ValueError, RecursionError) as error:
        problem, remedy = f"this cannot be sent as JSON: {error}", "pass dicts, lists, strings, numbers and booleans"
    raise ConfigError(problem, remedy=remedy)


def audio_frame(audio_base64: bytes, rate_hz: int) -> bytes:
    """The `realtimeInput.audio` frame for base64 audio, without building the message around it."""
    return b"".join((audio_head(rate_hz), audio_base64, AUDIO_TAIL))


AUDIO_TAIL = b'"}}}'
"""What follows the audio in such a frame."""


@cache
def audio_head(rate_hz: int) -> bytes:
    """What precedes it."""
    return b'{"realtimeInput":{"audio":{"mimeType":"audio/pcm;rate=%d","data":"' % rate_hz


def audio_of(frame: bytes) -> bytes:
    """The base64 audio in a frame that `audio_frame` made."""
    return frame[frame.rindex(b'"data":"') + 8 : -4]


encode_base64 = pybase64.b64encode
"""Standard, padded base64."""


def decode_base64(text: str | bytes) -> bytes:
    """Read base64 as proto3 JSON allows it: standard or URL-safe, padded or not.

    Raises:
        AudioFormatError: other characters, or a length that base64 cannot have.
    """
    try:
        return pybase64.b64decode(text, None, True)  # by position: keywords take as long to read as the text to decode
    except ValueError:
        pass
    standard = text.encode("ascii", "replace") if isinstance(text, str) else bytes(text)
    standard = standard.translate(_URL_SAFE_TO_STANDARD).rstrip(b"=")
    try:
        return pybase64.b64decode(standard + b"=" * (-len(standard) % 4), validate=True)
    except ValueError:
        raise AudioFormatError(
            f"the {len(text)} characters given are not base64",
            remedy="pass raw PCM as bytes, or base64 text of it",
        ) from None


def parse_object(data: bytes | str) -> dict[str, Any]:
    """Parse a frame into a plain dict.

    Raises:
        DecodeError: not JSON, or not an object.
    """
    try:
        return _object(_json_decoder.decode(data), data)
    except _MALFORMED as error:
        raise DecodeError(f"{len(data)} bytes are not JSON") from error


def parse_received(data: bytes) -> dict[str, Any]:
    """Parse a frame of the service into a plain dict; a value that is no JSON costs that value alone.

    Raises:
        DecodeError: not JSON in another way, or not an object.
    """
    try:
        parsed = _json_decoder.decode(data)
    except _MALFORMED:
        try:
            parsed = parse_mended(data)
        except ValueError:
            raise DecodeError(f"{len(data)} bytes are not JSON") from None
    return _object(parsed, data)


def _object(parsed: Any, data: bytes | str) -> dict[str, Any]:
    if not isinstance(parsed, dict):
        raise DecodeError(f"{len(data)} bytes are JSON, but not an object")
    return parsed


def parse_duration_ms(duration: str | None) -> int | None:
    """Read a protobuf Duration such as `9.500s`; None when there is none, or it cannot be read."""
    found = _DURATION.fullmatch(duration or "")
    return None if found is None else round(float(found[1]) * 1000)


_DURATION = re.compile(r"(-?[0-9]{1,12}(?:\.[0-9]{1,9})?)s")
"""Source: https://protobuf.dev/reference/protobuf/google.protobuf/#duration."""


def without_media(message: Any) -> Any:
    """A copy of a message, or of a part of one, in which audio and images are empty.

    It goes from level to level instead of into itself: how deeply a message nests is up to whoever sent it.
    """
    copied: list[Any] = [message]
    places: list[tuple[Any, Any, Any]] = [(copied, 0, "")]  # a container, where in it, and under which name that is
    while places:
        container, at, field = places.pop()
        value = container[at]
        if isinstance(value, dict):
            container[at] = value = _without_own_media(value, field)
            places += [(value, name, name) for name, member in value.items() if isinstance(member, dict | list)]
        elif isinstance(value, list):
            container[at] = value = value.copy()
            places += [(value, i, field) for i, member in enumerate(value) if isinstance(member, dict | list)]
    return copied[0]


def _without_own_media(message: dict[str, Any], field: str) -> dict[str, Any]:
    # proto3 JSON leaves out a type that is empty: the field says that it is a blob, too.
    blob = field in _BLOBS or "mimeType" in message or "mime_type" in message
    return {name: "" if name in _MEDIA or (blob and name == "data") else value for name, value in message.items()}


_BLOBS = {"inlineData", "inline_data", "audio", "video", "mediaChunks", "media_chunks"}
_MEDIA = {"voiceSampleAudio", "voice_sample_audio", "consentAudio", "consent_audio", "imageData", "image_data"}


def _conform(data: bytes | str, struct: type[_Struct]) -> tuple[_Struct, list[UnknownField]]:
    unknown: list[UnknownField] = []
    fitted = fit_object(parse_object(data), struct, "", unknown)
    try:
        return msgspec.convert(fitted, struct), unknown
    except msgspec.ValidationError as error:
        raise DecodeError(_without_values(str(error))) from None


def _without_values(validation_error: str) -> str:
    """msgspec names types and paths, except for enums and constraints, where the value follows a quote."""
    return validation_error.partition("'")[0].strip()
