"""Frame bytes <-> messages.

The common case is one strict, typed decode. Whatever that refuses (a field newer than this package, snake_case names,
`null`) takes the slow path: the JSON is made to conform to the structs, and what does not fit is named, never lost.

Rules of proto3 JSON that hold here: names in lowerCamelCase or snake_case, mixed; bytes in standard or URL-safe
base64, padded or not; `null` means unset. Source: https://protobuf.dev/programming-guides/json/.
"""

from __future__ import annotations

from functools import cache
from types import UnionType
from typing import Any, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
import pybase64

from gemini_realtime.errors import AudioFormatError, ConfigError
from gemini_realtime.protocol.messages import ClientMessage, Message, ServerMessage

_Struct = TypeVar("_Struct", bound=Message)

_encoder = msgspec.json.Encoder()
_server_decoder = msgspec.json.Decoder(ServerMessage)
_client_decoder = msgspec.json.Decoder(ClientMessage)
_json_decoder = msgspec.json.Decoder()
_MALFORMED = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are not JSON, not UTF-8, nested too deeply, or not of the expected type."""

_URL_SAFE_TO_STANDARD = bytes.maketrans(b"-_", b"+/")


class DecodeError(ValueError):
    """A frame that is not one JSON object of the expected shape. Its content stays out of the message."""


class UnknownField(NamedTuple):
    """A field the structs do not know: its name as sent, and where (`setup.generation_config`), empty at the top."""

    path: str
    name: str


class Frame(msgspec.Struct, eq=False):
    """One received frame; its JSON is parsed into a dict when somebody asks for it, once."""

    data: bytes
    _parsed: dict[str, Any] | None = None

    def parsed(self) -> dict[str, Any]:
        """The frame's JSON object; empty when the frame holds none."""
        if self._parsed is None:
            try:
                self._parsed = parse_object(self.data)
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

    def learn(self, data: bytes, audio_base64: str, rate_hz: int) -> None:
        """Take note of a frame that was found to hold this audio and nothing else."""
        quoted = b'"%b"' % audio_base64.encode()
        # Without escapes, what occurs once occurs where it was read.
        if data.count(quoted) == 1 and b"\\" not in data:
            head, _, tail = data.partition(quoted)
            self._head, self._tail, self.rate_hz = head + b'"', b'"' + tail, rate_hz

    def find(self, data: bytes) -> str | None:
        """The audio as base64, if this is such a frame; whether it is base64 indeed shows when it is decoded."""
        head, tail = self._head, self._tail
        start, end = len(head), len(data) - len(tail)
        # A string without escapes ends at the first quotation mark, and that is where the tail begins.
        if (
            data.startswith(head)
            and data.endswith(tail)
            and data.find(b'"', start) == end
            and data.find(b"\\", start, end) == -1
        ):
            audio = data[start:end]
            return audio.decode("ascii") if audio.isascii() else None
        return None


def decode_server_message(data: bytes) -> tuple[ServerMessage, list[UnknownField]]:
    """Read a frame of the service.

    Returns:
        The message, and the fields in it that the structs do not know (they are not in the message).

    Raises:
        DecodeError: not JSON, not an object, or a known field of a wrong type.
    """
    try:
        return _server_decoder.decode(data), []
    except _MALFORMED:
        return _conform(data, ServerMessage)


def decode_client_message(data: bytes | str) -> tuple[ClientMessage, list[UnknownField]]:
    """Read a frame of a client; as `decode_server_message`, for the other direction."""
    try:
        return _client_decoder.decode(data), []
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
    return b"".join((_audio_prefix(rate_hz), audio_base64, b'"}}}'))


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
        parsed = _json_decoder.decode(data)
    except _MALFORMED as error:
        raise DecodeError(f"{len(data)} bytes are not JSON") from error
    if not isinstance(parsed, dict):
        raise DecodeError(f"{len(data)} bytes are JSON, but not an object")
    return parsed


def parse_duration_ms(duration: str | None) -> int | None:
    """Read a protobuf Duration such as `9.500s`; None when there is none, or it cannot be read."""
    if not duration or not duration.endswith("s"):
        return None
    try:
        return round(float(duration[:-1]) * 1000)
    except (ValueError, OverflowError):
        return None


def without_media(message: Any) -> Any:
    """A copy of a message, or of a part of one, in which the `data` of audio and images is empty."""
    if isinstance(message, dict):
        blob = ("mimeType" in message or "mime_type" in message) and "data" in message
        return {name: "" if blob and name == "data" else without_media(item) for name, item in message.items()}
    if isinstance(message, list):
        return [without_media(item) for item in message]
    return message


@cache
def _audio_prefix(rate_hz: int) -> bytes:
    return b'{"realtimeInput":{"audio":{"mimeType":"audio/pcm;rate=%d","data":"' % rate_hz


# --- the slow path: make JSON conform to the structs ---------------------------------------------------------------


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


def fit_object(value: dict[str, Any], struct: type[Message], path: str, unknown: list[UnknownField]) -> dict[str, Any]:
    """Rename fields to the wire's spelling, drop nulls, and move what the struct does not know to `unknown`."""
    fields = fields_of(struct)
    fitted = {}
    for name, member in value.items():
        if name not in fields:
            unknown.append(UnknownField(path, name))
        elif member is not None:
            wire_name, snake_name, nested = fields[name]
            fitted[wire_name] = _fit(member, nested, f"{path}.{snake_name}" if path else snake_name, unknown)
    return fitted


def _fit(value: Any, nested: type[Message] | None, path: str, unknown: list[UnknownField]) -> Any:
    if nested is None:
        return value
    if isinstance(value, dict):
        return fit_object(value, nested, path, unknown)
    if isinstance(value, list):
        return [_fit(item, nested, f"{path}[{index}]", unknown) for index, item in enumerate(value)]
    return value


class Field(NamedTuple):
    """One field of a message: both spellings, and the message inside it, if any."""

    wire_name: str
    snake_name: str
    nested: type[Message] | None


@cache
def fields_of(struct: type[Message]) -> dict[str, Field]:
    """The struct's fields under both spellings."""
    hints = get_type_hints(struct)
    fields: dict[str, Field] = {}
    for snake_name, wire_name in zip(struct.__struct_fields__, struct.__struct_encode_fields__, strict=True):
        field = Field(wire_name, snake_name, _nested_struct(hints[snake_name]))
        fields[snake_name] = fields[wire_name] = field
    return fields


def _nested_struct(hint: Any) -> type[Message] | None:
    """The message inside `X`, `X | None` or `list[X]`; None for anything else."""
    if isinstance(hint, type) and issubclass(hint, Message):
        return hint
    if get_origin(hint) in (Union, UnionType, list):
        return next(filter(None, map(_nested_struct, get_args(hint))), None)
    return None
