"""What turns and results of functions are made of: text, images and sound, in the forms an application has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from gemini_realtime.audio.format import INPUT_FORMAT, AudioFormat
from gemini_realtime.checking import kind_of, shown, spelling_remedy
from gemini_realtime.errors import AudioFormatError, ConfigError, UnsupportedByModel
from gemini_realtime.protocol import messages
from gemini_realtime.protocol.codec import decode_base64, encode_base64
from gemini_realtime.protocol.fields import check_json, dumped, fitted, plain, wire_name
from gemini_realtime.protocol.models import ModelProfile

IMAGE_TYPES: Final = ("image/jpeg", "image/png", "image/webp")
"""Source: `google_supported_mime_types_in_tool_returns` of pydantic-ai 2.68, verified live on 2026-09-28."""

RESULT_TYPES: Final = (*IMAGE_TYPES, "text/plain")
"""The same source; anything else closes the connection, a PDF for one."""


class Media(msgspec.Struct, frozen=True):
    """An image or a piece of sound in a turn: `Media(png, "image/png")`, `Media(pcm, "audio/pcm;rate=16000")`.

    Attributes:
        data: the file's bytes; of sound, mono signed 16-bit little-endian samples.
        mime_type: what they are.

    Raises:
        ConfigError: data that is no bytes, or none, or a type that is none.
        AudioFormatError: sound that ends inside a sample.
    """

    data: bytes | bytearray | memoryview
    mime_type: str

    def __post_init__(self) -> None:
        if not isinstance(self.data, bytes | bytearray | memoryview):
            raise ConfigError(f"the `data` of Media is {kind_of(self.data)}", remedy="pass bytes")
        if not len(self.data):
            raise ConfigError("the `data` of Media is empty", remedy="pass the bytes of an image, or samples")
        if not isinstance(self.mime_type, str) or "/" not in self.mime_type:
            raise ConfigError("the `mime_type` of Media is no MIME type", remedy="pass one such as 'image/png'")
        format = AudioFormat.as_far_as_said(self.mime_type, INPUT_FORMAT)
        if format is not None:
            format.check(bytes(self.data))

    def __repr__(self) -> str:
        # Pictures and voices stay out of logs and tracebacks.
        return f"Media(<{len(self.data)} bytes>, {self.mime_type!r})"


PartInput = str | bytes | Media | Mapping[str, Any]
"""What becomes a part: text; the bytes of a JPEG, PNG or WebP; media with its type; a part as the service spells it."""


def read_turn(given: object, name: str = "parts") -> list[messages.Part]:
    """The parts of a turn.

    Args:
        given: one `PartInput`, or a sequence of them.
        name: what they are called in errors.

    Raises:
        ConfigError: they cannot be what they are.
    """
    return [_as_part(item) for item in _read(given, name)]


def read_past_turn(given: object, name: str = "parts") -> list[messages.Part]:
    """The parts of a turn before the conversation, which may also be calls of functions and their results, as the
    service or google-genai spells them; the rest is as for `read_turn`."""
    return [
        _function_part(part, place) if _is_of_function(part) else _as_part(_part(part, place))
        for part, place in ((dumped(place, item), place) for item, place in _each(given, name))
    ]


_FUNCTION_FIELDS: Final = {"function_call", "functionCall", "function_response", "functionResponse"}


def _is_of_function(part: object) -> bool:
    return isinstance(part, Mapping) and not _FUNCTION_FIELDS.isdisjoint(part)


def _function_part(part: Mapping[str, Any], place: str) -> messages.Part:
    spelled = plain(place, part)
    check_json(place, spelled)
    members = {str(_snake(name)): member for name, member in spelled.items() if member is not None}
    for name in members.keys() - _OF_FUNCTION:
        raise ConfigError(f"`{place}` holds {name!r} beside a function", remedy="make a part of each")
    try:
        fit = {wire_name(messages.Part, name): fitted(name, member, messages.Part) for name, member in members.items()}
    except ConfigError as error:
        raise ConfigError(f"`{place}`: {error.problem}", remedy=error.remedy) from None
    read = msgspec.convert(fit, messages.Part)
    named = [member for member in (read.function_call, read.function_response) if member is not None and member.name]
    if len(named) != 1:
        raise ConfigError(f"`{place}` names no function", remedy="say the `name` of one that was called")
    return read


_OF_FUNCTION: Final = {"function_call", "function_response", "thought", "thought_signature"}


def _as_part(item: str | Media) -> messages.Part:
    if isinstance(item, str):
        return messages.Part(text=item)
    return messages.Part(inline_data=messages.Blob(mime_type=item.mime_type, data=_base64(item)))


def read_result(given: object, name: str = "parts") -> list[dict[str, Any]]:
    """The parts of a function's result; text becomes `text/plain`. Arguments and errors are those of `read_turn`."""
    media = [item if isinstance(item, Media) else Media(_utf8(item), "text/plain") for item in _read(given, name)]
    return [{"inlineData": {"mimeType": item.mime_type, "data": _base64(item)}} for item in media]


def in_words(parts: Sequence[messages.Part]) -> str:
    """A turn as text, for a history that holds no media."""
    return "\n".join(
        part.text or "" if part.inline_data is None else f"[{part.inline_data.mime_type}]" for part in parts
    )


def refuse_turn(parts: Sequence[messages.Part], profile: ModelProfile, name: str = "parts") -> None:
    """Refuse parts of a turn that the service is known to refuse.

    Raises:
        ConfigError: no model takes them.
        UnsupportedByModel: this one does not.
    """
    if not profile.known:
        return
    for index, part in enumerate(parts):
        if (part.function_call or part.function_response) and profile.seed_functions == "refused":
            raise UnsupportedByModel(
                f"{profile.title} takes no calls of functions in a history, as in `{name}[{index}]`",
                remedy="say in a text what was called, and what came of it",
            )
        mime_type = part.inline_data.mime_type if part.inline_data is not None else None
        if mime_type is not None and mime_type.lower().startswith("audio/"):
            _refuse_audio(mime_type, profile, f"{name}[{index}]")
        elif mime_type is not None:
            _refuse_type(mime_type, IMAGE_TYPES, f"{name}[{index}]")


def refuse_result(parts: Sequence[dict[str, Any]], profile: ModelProfile, name: str = "parts") -> None:
    """Refuse parts of a function's result; errors are those of `refuse_turn`."""
    if not profile.known:
        return
    if not profile.result_parts:
        raise UnsupportedByModel(
            f"{profile.title} does not look at the parts of a result",
            remedy="say it in the result itself, or show it with send_turn()",
        )
    for index, part in enumerate(parts):
        _refuse_type(part["inlineData"]["mimeType"], RESULT_TYPES, f"{name}[{index}]")


def _refuse_type(mime_type: str, types: Sequence[str], place: str) -> None:
    if mime_type.partition(";")[0].strip().lower() not in types:
        raise ConfigError(f"`{place}` is {mime_type[:80]!r}", remedy=f"the service takes {', '.join(types)}")


def _refuse_audio(mime_type: str, profile: ModelProfile, place: str) -> None:
    if profile.seed_audio == "refused":
        raise UnsupportedByModel(f"{profile.title} takes no audio in a turn", remedy="send it with send_audio()")
    try:
        format = AudioFormat.from_mime_type(mime_type)
    except AudioFormatError as error:
        raise ConfigError(f"`{place}`: {error.problem}", remedy=error.remedy) from None
    if format != INPUT_FORMAT:
        # 24 kHz closes the connection with 1008. Source: pydantic-ai 2.68, verified live.
        raise ConfigError(
            f"`{place}` is {format.mime_type}", remedy=f"resample it: a turn takes {INPUT_FORMAT.mime_type}"
        )


# --- from what was given


def _read(given: object, name: str) -> list[str | Media]:
    """Each part as text or media."""
    return [_part(item, place) for item, place in _each(given, name)]


def _each(given: object, name: str) -> list[tuple[object, str]]:
    """Each part, and where it stands."""
    if isinstance(given, str | bytes | bytearray | memoryview | Media | Mapping) or not isinstance(given, Sequence):
        given = [given]
    if not given:
        raise ConfigError(f"`{name}` is empty", remedy="pass text, images or both")
    return [(item, f"{name}[{index}]") for index, item in enumerate(given)]


def _part(item: object, place: str) -> str | Media:
    if isinstance(item, str | Media):
        return item
    if isinstance(item, bytes | bytearray | memoryview):
        return Media(bytes(item), _type_of(bytes(item[:16]), place))
    if isinstance(part := dumped(place, item), Mapping):  # `types.Part` of google-genai
        return _spelled_part(part, place)
    raise ConfigError(f"`{place}` is {kind_of(item)}", remedy="pass text, the bytes of an image, or Media")


def image_type(start: bytes) -> str | None:
    """The type of an image by its first bytes; None where it is none that a model takes."""
    if start.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if start.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if start.startswith(b"RIFF") and start[8:12] == b"WEBP":
        return "image/webp"
    return None


def _type_of(start: bytes, place: str) -> str:
    if (mime_type := image_type(start)) is None:
        raise ConfigError(
            f"`{place}` is neither a JPEG nor a PNG nor a WebP", remedy="say what it is: Media(data, 'image/...')"
        )
    return mime_type


def _spelled_part(part: Mapping[str, Any], place: str) -> str | Media:
    if len(part) != 1:
        found = ", ".join(map(repr, part)) or "nothing"
        raise ConfigError(f"`{place}` holds {found}", remedy="one part is either `text` or `inline_data`")
    ((given, member),) = part.items()
    name = _snake(given)
    if name == "text" and isinstance(member, str):
        return member
    if name == "inline_data" and isinstance(member, Mapping):
        return _spelled_media(member, f"{place}.inline_data")
    if name in ("text", "inline_data"):
        raise ConfigError(f"`{place}.{name}` is {kind_of(member)}", remedy="pass text, or data and its type")
    raise ConfigError(f"`{place}` has a field {shown(given)}", remedy=spelling_remedy(given, ("text", "inline_data")))


def _spelled_media(blob: Mapping[str, Any], place: str) -> Media:
    members = {_snake(name): member for name, member in blob.items()}
    for name in members.keys() - _BLOB:
        raise ConfigError(f"`{place}` has a field {name!r}", remedy=spelling_remedy(name, _BLOB))
    data = members.get("data")
    try:
        data = decode_base64(data) if isinstance(data, str) else data
    except AudioFormatError:
        raise ConfigError(f"`{place}.data` is not base64", remedy="pass bytes, or base64 text of them") from None
    if not isinstance(data, bytes | bytearray | memoryview):
        raise ConfigError(f"`{place}.data` is {kind_of(data)}", remedy="pass bytes, or base64 text of them")
    mime_type = members.get("mime_type")
    return Media(bytes(data), _type_of(bytes(data[:16]), place) if mime_type is None or mime_type == "" else mime_type)


_BLOB: Final = {"data", "mime_type", "display_name"}


def _snake(name: object) -> object:
    return _SNAKE.get(str(name), name)


_SNAKE: Final = {
    "inlineData": "inline_data",
    "mimeType": "mime_type",
    "displayName": "display_name",
    "functionCall": "function_call",
    "functionResponse": "function_response",
    "thoughtSignature": "thought_signature",
}


def _base64(media: Media) -> str:
    return encode_base64(bytes(media.data)).decode("ascii")


def _utf8(text: str) -> bytes:
    return text.encode(errors="replace")
