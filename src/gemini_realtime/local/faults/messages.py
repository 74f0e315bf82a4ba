"""What a message of the service says, of whatever shape it is: clients, scripts and recordings send what they like."""

from __future__ import annotations

from typing import Any

import msgspec

from gemini_realtime.errors import AudioFormatError
from gemini_realtime.local.wire.frames import server_frame
from gemini_realtime.protocol.codec import decode_base64

Message = dict[str, Any]


def read(frame: bytes) -> Message:
    """A message; an empty one for what is none."""
    try:
        return as_object(msgspec.json.decode(frame))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}


def as_object(value: Any) -> Message:
    """An object; an empty one for what is none."""
    return value if isinstance(value, dict) else {}


def objects(value: Any) -> list[Message]:
    """The objects in a list; none in what is no list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def content_of(message: Message) -> Message:
    """The `serverContent` of a message."""
    return as_object(message.get("serverContent"))


def parts_of(message: Message) -> list[Message]:
    """The parts of the model's turn in a message."""
    return objects(as_object(content_of(message).get("modelTurn")).get("parts"))


def sounds_of(message: Message) -> list[tuple[Message, int]]:
    """The pieces of audio in a message, each with its size in bytes."""
    blobs = [as_object(part.get("inlineData")) for part in parts_of(message)]
    return [(blob, size) for blob in blobs if (size := _sound_bytes(blob))]


def calls_of(message: Message) -> list[Message]:
    """The function calls in a message."""
    return objects(as_object(message.get("toolCall")).get("functionCalls"))


def transcript_of(message: Message) -> str:
    """What is said in a message, in writing."""
    text = as_object(content_of(message).get("outputTranscription")).get("text")
    return text if isinstance(text, str) else ""


def resumes(message: bytes) -> bool:
    """Whether a client's message sets up a session that is to be resumed."""
    setup = as_object(read(message).get("setup"))
    resumption = as_object(setup.get("sessionResumption", setup.get("session_resumption")))
    return bool(resumption.get("handle"))


def without(message: Message, keys: tuple[str, ...]) -> bytes | None:
    """The frame of a message without these keys of its content; None when there is nothing more in it."""
    content = {key: value for key, value in content_of(message).items() if key not in keys}
    rest = {key: value for key, value in message.items() if key != "serverContent"}
    if not content and not rest:
        return None
    return server_frame({**({"serverContent": content} if content else {}), **rest})


def _sound_bytes(blob: Message) -> int:
    kind, data = blob.get("mimeType"), blob.get("data")
    if not isinstance(kind, str) or not isinstance(data, str) or not kind.startswith("audio/"):
        return 0
    try:
        return len(decode_base64(data))
    except AudioFormatError:
        return 0
