"""Messages of the service, for `ScriptedService.say`: the JSON that Gemini sends, one function per kind.

A message that has no function here is a dict that you write down yourself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gemini_realtime.audio.format import OUTPUT_FORMAT
from gemini_realtime.protocol.codec import encode_base64

Json = dict[str, Any]

MS_PER_CHARACTER: Final = 60
"""How long it takes to say a text: 17 characters a second, an unhurried speaker."""

_HALF_PERIOD: Final = OUTPUT_FORMAT.rate_hz // 400
_TONE: Final = b"\x00\x10" * _HALF_PERIOD + b"\x00\xf0" * _HALF_PERIOD
"""A period of 200 Hz, at an eighth of full scale: a sound that nobody takes for silence."""


def setup_complete() -> Json:
    """The session can begin."""
    return {"setupComplete": {}}


def text(words: str) -> Json:
    """A piece of a written answer."""
    return _model_turn({"text": words})


def thought(words: str) -> Json:
    """A summary of what the model thinks."""
    return _model_turn({"text": words, "thought": True})


def audio(pcm: bytes, *, rate_hz: int = OUTPUT_FORMAT.rate_hz) -> Json:
    """A piece of a spoken answer: mono signed 16-bit little-endian samples."""
    data = encode_base64(pcm).decode("ascii")
    return _model_turn({"inlineData": {"mimeType": f"audio/pcm;rate={rate_hz}", "data": data}})


def output_transcript(words: str) -> Json:
    """A piece of what the model says, in writing."""
    return {"serverContent": {"outputTranscription": {"text": words}}}


def input_transcript(words: str) -> Json:
    """A piece of what the user was heard to say."""
    return {"serverContent": {"inputTranscription": {"text": words}}}


def tool_call(name: str, args: Mapping[str, Any] | None = None, *, call_id: str = "call-1") -> Json:
    """The model asks for a function."""
    return {"toolCall": {"functionCalls": [{"id": call_id, "name": name, "args": dict(args or {})}]}}


def tool_call_cancellation(*call_ids: str) -> Json:
    """The results of these calls are no longer wanted."""
    return {"toolCallCancellation": {"ids": list(call_ids)}}


def interrupted() -> Json:
    """The model was cut off."""
    return {"serverContent": {"interrupted": True}}


def generation_complete() -> Json:
    """The model has produced its whole answer."""
    return {"serverContent": {"generationComplete": True}}


def turn_complete(reason: str | None = None) -> Json:
    """The model's turn is over, and perhaps why (`MALFORMED_FUNCTION_CALL`, ...)."""
    content: Json = {"turnComplete": True}
    return {"serverContent": content if reason is None else {**content, "turnCompleteReason": reason}}


def go_away(time_left_s: float = 50.0) -> Json:
    """The connection will be closed soon."""
    return {"goAway": {"timeLeft": f"{time_left_s:g}s"}}


def resumption_handle(handle: str) -> Json:
    """What a later connection resumes this session with."""
    return {"sessionResumptionUpdate": {"newHandle": handle, "resumable": True}}


def answer(words: str, pcm: bytes | None = None) -> list[Json]:
    """A whole spoken answer, from its first sound to the end of the turn.

    Args:
        words: the transcript.
        pcm: the sound, 24 kHz; by default a tone that lasts as long as it takes to say the words.
    """
    sound = pcm if pcm is not None else tone(len(words) * MS_PER_CHARACTER)
    return [output_transcript(words), audio(sound), generation_complete(), turn_complete()]


def tone(duration_ms: float) -> bytes:
    """A sound of 24 kHz for where it does not matter which."""
    size = OUTPUT_FORMAT.bytes_for_ms(duration_ms)
    return (_TONE * (size // len(_TONE) + 1))[:size]


def _model_turn(part: Json) -> Json:
    return {"serverContent": {"modelTurn": {"parts": [part]}}}
