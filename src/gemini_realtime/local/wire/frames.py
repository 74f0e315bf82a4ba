"""Frame bytes <-> messages, on the service's side."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from gemini_realtime.audio.format import OUTPUT_FORMAT
from gemini_realtime.local.wire.fields import snake_case
from gemini_realtime.local.wire.media import light
from gemini_realtime.local.wire.refusals import (
    INVALID_JSON,
    NULL_HANDLE,
    TOO_LONG,
    TOO_MUCH_IN_IT,
    UNKNOWN_NAME,
    Refused,
)
from gemini_realtime.local.wire.validation import conform
from gemini_realtime.protocol.codec import DecodeError, decode_client_message, encode, encode_base64, parse_object
from gemini_realtime.protocol.messages import ClientMessage, ServerMessage

_PART: Final = (
    b'\n        {\n          "inlineData": {\n            "mimeType": "%s",\n'
    b'            "data": "%s"\n          }\n        }'
)
_HEAD: Final = b'{\n  "serverContent": {\n    "modelTurn": {\n'
_ROLE: Final = b'      "role": "model",\n'
_PARTS: Final = b'      "parts": [%s\n      ]\n    }'
_TRANSCRIPT: Final = b',\n    "outputTranscription": {\n      "text": %s\n    }'
_END: Final = b"\n  }\n}\n"
_MIME_TYPE: Final = OUTPUT_FORMAT.mime_type.encode()
_VERTEX_MIME_TYPE: Final = b"audio/pcm"


MAX_VALUES: Final = 32_768
"""Objects, lists and texts in one message of a client: far more than anybody sends, and all that can be read without
holding up others. The service's own bound is not known."""
MAX_NUMBERS: Final = 131_072
"""As many as a context window of 128k has tokens."""
MAX_HUGE_NUMBERS: Final = 1_000
"""Such as 1e300: msgspec takes 8 us for each, and lets no other thread run meanwhile."""
MAX_WORD_BYTES: Final = 3 * 1024 * 1024
"""What is neither sound nor picture: a context window of 128k tokens of 4 characters, of which JSON may need six bytes
for each."""

_SHORT: Final = 8 * 1024
_LONG: Final = 512 * 1024
_QUICK_VALUES: Final = 500
_QUICK_NUMBERS: Final = 1_000
_HUGE: Final = re.compile(rb"[0-9][eE][+-]?[0-9]{3}")


def takes_long(frame: bytes) -> bool:
    """Whether a frame would take more than a few milliseconds to read: for its length, or for what is in it."""
    if len(frame) > _LONG:
        return True
    return len(frame) > _SHORT and (_values_in(frame) > _QUICK_VALUES or frame.count(b",") > _QUICK_NUMBERS)


def _values_in(frame: bytes) -> int:
    """How many objects, lists and texts there are at most; some may be words of a text."""
    return frame.count(b"{") + frame.count(b"[") + frame.count(b'"') // 2


def server_frame(message: ServerMessage | dict[str, Any]) -> bytes:
    """Write a message as the service does: JSON indented by two spaces, a newline at the end.

    Source: recorded sessions.
    """
    return msgspec.json.format(encode(message), indent=2) + b"\n"


def audio_frame(parts: Sequence[bytes], transcript: str = "", *, vertex: bool = False) -> bytes:
    """Write the `serverContent` for a piece of speech, without building the message around it.

    Vertex AI names the role, and no rate. Source: recorded sessions.
    """
    mime_type = _VERTEX_MIME_TYPE if vertex else _MIME_TYPE
    audio = b",".join(_PART % (mime_type, encode_base64(part)) for part in parts)
    words = _TRANSCRIPT % msgspec.json.encode(transcript) if transcript else b""
    return b"".join((_HEAD, _ROLE if vertex else b"", _PARTS % audio, words, _END))


def read_client_frame(frame: bytes | str) -> ClientMessage:
    """Read a frame of a client, text or binary.

    Media, which is most of what a client sends, is not looked at twice.

    Raises:
        Refused: not the JSON of one client message, or too much in it.
    """
    if len(frame) > _SHORT:
        _check_size(light(frame if isinstance(frame, bytes) else frame.encode(errors="replace")))
    try:
        message, unknown = decode_client_message(frame)
        if not unknown and _is_media(message):
            return message
    except (DecodeError, UnicodeError, RecursionError):
        pass
    try:
        return msgspec.convert(conform(_parsed(frame), "ClientMessage"), ClientMessage)
    except RecursionError:
        raise Refused(INVALID_JSON, detail="Nesting too deep.") from None
    except msgspec.ValidationError:
        raise Refused(INVALID_JSON, detail="A value is out of range.") from None


def _check_size(words: bytes) -> None:
    """Refuse what nobody could read without holding up others; `words` is a message without its media."""
    numbers = words.count(b",")
    if len(words) > MAX_WORD_BYTES:
        raise Refused(TOO_LONG, note=f"a message with {len(words)} bytes beside its sound and pictures")
    if _values_in(words) > MAX_VALUES or numbers > MAX_NUMBERS or _has_too_huge_numbers(words, numbers):
        raise Refused(TOO_MUCH_IN_IT, note=f"a message of more than {MAX_VALUES} values, or {MAX_NUMBERS} numbers")


def _has_too_huge_numbers(words: bytes, numbers: int) -> bool:
    return numbers > MAX_HUGE_NUMBERS and len(_HUGE.findall(words)) > MAX_HUGE_NUMBERS


def refuse_null_handle(frame: bytes | str) -> None:
    """Refuse a setup in which the handle is null, which proto3 JSON takes for none.

    Raises:
        Refused: it is.
    """
    setup = _parsed(frame).get("setup") or {}
    resumption = setup.get("sessionResumption", setup.get("session_resumption")) or {}
    if resumption.get("handle", "") is None:
        raise Refused(NULL_HANDLE)


def refuse_fields(frame: bytes | str, names: Sequence[str]) -> None:
    """Refuse a setup with one of these fields, in either spelling.

    Raises:
        Refused: it has one.
    """
    spellings = {spelling for name in names for spelling in (name, snake_case(name))}
    found = spellings & (_parsed(frame).get("setup") or {}).keys()
    if found:
        raise Refused(UNKNOWN_NAME, name=min(found), where=" at 'setup'")


def _is_media(message: ClientMessage) -> bool:
    item = message.realtime_input
    return (
        item is not None
        and item.activity_start is None
        and item.activity_end is None
        and message.setup is None
        and message.client_content is None
        and message.tool_response is None
        and message.context_update is None
    )


def _parsed(frame: bytes | str) -> dict[str, Any]:
    try:
        return parse_object(frame)
    except UnicodeError:
        raise Refused(INVALID_JSON, detail="Not UTF-8.") from None
    except RecursionError:
        raise Refused(INVALID_JSON, detail="Nesting too deep.") from None
    except DecodeError as error:
        raise Refused(INVALID_JSON, detail=str(error)) from None
