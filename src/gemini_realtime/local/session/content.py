"""What a client says in writing: turns of `clientContent`, and results of calls, in the form in which they are used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

import msgspec

from gemini_realtime.audio.format import INPUT_FORMAT, AudioFormat
from gemini_realtime.errors import AudioFormatError
from gemini_realtime.local.session.options import text_of
from gemini_realtime.local.thinking import ToolResult
from gemini_realtime.local.wire.media import content_of
from gemini_realtime.local.wire.profiles import ServiceProfile
from gemini_realtime.local.wire.refusals import (
    AUDIO_IN_CONTENT,
    FUNCTION_IN_CONTENT,
    RATE_IN_CONTENT,
    RESULT_IN_CONTENT,
    RESULT_PART,
    ROLE_REFUSED,
    SCHEDULING_REFUSED,
    TOO_LONG,
    Refused,
)
from gemini_realtime.protocol import messages
from gemini_realtime.protocol.codec import decode_base64

Role = Literal["user", "model"]
_RESULT_PARTS: Final = ("image/png", "image/jpeg", "image/webp", "text/plain")
"""What 3.x reads of a result's parts; it closes on a PDF. Source: pydantic-ai 2.68, live 2026-09-28."""
_LONGEST_TEXT_PART: Final = 1024 * 1024
"""Of base64: more than the context window holds."""
_BLANK: Final = " \t\r\n."
_SCHEDULINGS: Final = ("SILENT", "WHEN_IDLE", "INTERRUPT")


@dataclass(eq=False)
class SpokenTurn:
    """A turn that the client has as sound.

    Attributes:
        role: who spoke.
        pcm16k: 16 kHz 16-bit PCM.
        text: the words; None as long as nobody knows them.
    """

    role: Role
    pcm16k: bytes
    text: str | None = None


Told = tuple[Role, str] | ToolResult | SpokenTurn
"""A turn that the client tells of, or the result of a call in it."""


class Content(NamedTuple):
    """What a `clientContent` tells.

    Attributes:
        told: turns and results, in order.
        instructions: what takes the place of the system instruction; None for nothing.
    """

    told: tuple[Told, ...]
    instructions: str | None


def is_blank(text: str) -> bool:
    """Whether a text is a nudge and no words: pipecat 1.14 sends a blank, google-adk 2.13 and livekit a full stop."""
    return not text.strip(_BLANK)


def piece_of(message: messages.ClientMessage, *, media_chunks: bool) -> messages.Blob | None:
    """The piece of microphone audio that a message holds; None where it holds anything else.

    Args:
        message: realtime input, if anything.
        media_chunks: whether the model hears these.
    """
    item = message.realtime_input
    if item is None or item.text is not None or item.video is not None or item.audio_stream_end:
        return None
    if item.activity_start is not None or item.activity_end is not None:
        return None
    chunks = (item.media_chunks or []) if media_chunks else []
    pieces = [*([item.audio] if item.audio is not None else []), *chunks]
    return pieces[0] if len(pieces) == 1 and not pieces[0].mime_type.startswith("image/") else None


def read_content(turns: Sequence[messages.Content], profile: ServiceProfile, *, begun: bool) -> Content:
    """Read the turns of a `clientContent`.

    Args:
        turns: as they came.
        profile: of the model.
        begun: whether the model has had a turn: then no results of functions may be told any more.

    Raises:
        Refused: the model does not take a role or a part.
    """
    told: list[Told] = []
    instructions = None
    recalls = profile.family.seed_audio == "recalled"
    args: dict[str | None, messages.FunctionCall] = {}
    for turn in turns:
        role = _role(turn, profile)
        if role is None:
            instructions = text_of(turn)
            continue
        for part in turn.parts:
            _check(part, profile, begun=begun)
            if part.function_call is not None:
                args[part.function_call.id] = part.function_call
        text = text_of(turn)
        told.append((role, "" if is_blank(text) else text))
        for part in turn.parts:
            if part.function_response is not None:
                told.append(_result(part.function_response, args.get(part.function_response.id)))
            elif recalls and part.inline_data is not None and _is_audio(part.inline_data):
                told.append(SpokenTurn(role, content_of(part.inline_data, "client_content.turns.parts.inline_data")))
    return Content(tuple(told), instructions)


def read_result(response: messages.FunctionResponse, profile: ServiceProfile) -> messages.FunctionResponse:
    """Read the result of a call: `scheduling` is taken from inside `response` too, and so are parts that are text.

    Source: the guide puts `scheduling` inside, the reference beside; pipecat 1.14 `_tool_result` sends both.

    Raises:
        Refused: a part of a kind that the model does not take.
    """
    result, scheduling = dict(response.response or {}), response.scheduling
    if scheduling in _SCHEDULINGS and not profile.family.scheduling:
        raise Refused(SCHEDULING_REFUSED)
    if result.get("scheduling") in _SCHEDULINGS:
        inside = result.pop("scheduling")
        scheduling = scheduling if scheduling in _SCHEDULINGS else inside
    texts = [text for part in response.parts or [] if (text := _part_text(part, profile))]
    if texts:
        result.setdefault("parts", texts)
    return msgspec.structs.replace(response, response=result, scheduling=scheduling)


def _result(response: messages.FunctionResponse, call: messages.FunctionCall | None) -> ToolResult:
    call = call or messages.FunctionCall()
    return ToolResult(response.name or call.name, response.response or {}, call.args or {})


def _role(turn: messages.Content, profile: ServiceProfile) -> Role | None:
    """Who says a turn; None when it is an instruction."""
    match turn.role:
        case "user":
            return "user"
        case "model":
            return "model"
        case None | "" if not profile.family.role_required:
            return "user"
        case "system" if profile.system_role:
            return None
    raise Refused(ROLE_REFUSED)


def _check(part: messages.Part, profile: ServiceProfile, *, begun: bool) -> None:
    if part.function_call is not None or part.function_response is not None:
        if profile.family.seed_functions == "refused":
            raise Refused(FUNCTION_IN_CONTENT)
        if begun and part.function_response is not None:
            raise Refused(RESULT_IN_CONTENT)
    if part.inline_data is not None and _is_audio(part.inline_data):
        if profile.family.seed_audio == "refused":
            raise Refused(AUDIO_IN_CONTENT)
        if profile.family.seed_audio == "recalled" and not _is_heard(part.inline_data.mime_type):
            raise Refused(RATE_IN_CONTENT)


def _is_audio(blob: messages.Blob) -> bool:
    return blob.mime_type.lower().startswith("audio/")


def _is_heard(mime_type: str) -> bool:
    try:
        return AudioFormat.from_mime_type(mime_type) == INPUT_FORMAT
    except AudioFormatError:
        return False


def _part_text(part: dict[str, object], profile: ServiceProfile) -> str:
    """What a part of a result says; nothing where it shows a picture."""
    blob = part.get("inlineData")
    kind = blob.get("mimeType") if isinstance(blob, dict) else None
    if profile.family.result_parts and kind not in _RESULT_PARTS:
        raise Refused(RESULT_PART)
    if kind != "text/plain" or not isinstance(blob, dict):
        return ""
    data = str(blob.get("data", ""))
    if len(data) > _LONGEST_TEXT_PART:
        raise Refused(TOO_LONG)
    return decode_base64(data).decode(errors="replace")
