"""Frame bytes <-> messages, on the service's side."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from gemini_realtime.audio.format import OUTPUT_FORMAT
from gemini_realtime.local.refusals import INVALID_JSON, ONE_MEMBER, UNKNOWN_NAME, Refused
from gemini_realtime.protocol.codec import decode_client_message, encode, encode_base64
from gemini_realtime.protocol.messages import ClientMessage, ServerMessage

_AUDIO_HEAD: Final = (
    b'{\n  "serverContent": {\n    "modelTurn": {\n      "parts": [\n        {\n          "inlineData": {\n'
    b'            "mimeType": "%s",\n            "data": "'
) % OUTPUT_FORMAT.mime_type.encode()
_AUDIO_TAIL: Final = b'"\n          }\n        }\n      ]\n    }'
_TRANSCRIPT: Final = b',\n    "outputTranscription": {\n      "text": %s\n    }'
_END: Final = b"\n  }\n}\n"


def server_frame(message: ServerMessage | dict[str, Any]) -> bytes:
    """Write a message as the service does: JSON indented by two spaces, a newline at the end.

    Source: recorded sessions.
    """
    return msgspec.json.format(encode(message), indent=2) + b"\n"


def audio_frame(audio: bytes, transcript: str = "") -> bytes:
    """Write the `serverContent` for a piece of speech, without building the message around it."""
    words = _TRANSCRIPT % msgspec.json.encode(transcript) if transcript else b""
    return b"".join((_AUDIO_HEAD, encode_base64(audio), _AUDIO_TAIL, words, _END))


def read_client_frame(frame: bytes | str) -> ClientMessage:
    """Read a frame of a client, text or binary.

    Raises:
        Refused: not the JSON of one client message.
    """
    try:
        message, unknown = decode_client_message(frame)
    except RecursionError:
        raise Refused(INVALID_JSON, detail="Nesting too deep.") from None
    except UnicodeError:
        raise Refused(INVALID_JSON, detail="Not UTF-8.") from None
    except ValueError as error:
        raise Refused(INVALID_JSON, detail=str(error)) from None
    if unknown:
        path, name = unknown[0]
        raise Refused(UNKNOWN_NAME, name=name, where=f" at '{path}'" if path else "")
    names = zip(message.__struct_fields__, message.__struct_encode_fields__, strict=True)
    members = [wire_name for name, wire_name in names if getattr(message, name) is not None]
    if len(members) > 1:
        raise Refused(ONE_MEMBER, name=members[1])
    return message
