"""What an application is told.

Events are small, immutable and keyword-built. Names, type strings and fields of `RealtimeEvent`, `SessionCreated`,
`SessionUpdated`, `AudioDelta`, `InputAudioBufferDelta`, `SpeechStarted` and `FunctionCall` are those that AG2 0.7-0.13
documented. One event means one thing; a message of the service that has no event of its own arrives as a plain
`RealtimeEvent`, so nothing the service says is lost.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from gemini_realtime.errors import AudioFormatError
from gemini_realtime.protocol.codec import Frame, decode_base64, without_media


class RealtimeEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all events; on its own, a message of the service that has no event class.

    Attributes:
        raw_message: the dict the service sent, parsed when first read; empty for events made locally.
        type: what the event means, as a string.
    """

    raw_message: dict[str, Any] = msgspec.field(default_factory=dict)
    type: str = "unknown"

    def to_dict(self, *, audio: bool = False) -> dict[str, Any]:
        """The event as a plain dict: its type, its fields, and `raw_message` where that is all there is.

        Args:
            audio: keep audio as it is; otherwise it becomes a byte count.
        """
        fields = {name: _plain(value, audio=audio) for name, value in self._fields(audio=audio).items()}
        if type(self) is RealtimeEvent:
            fields["raw_message"] = self.raw_message if audio else without_media(self.raw_message)
        return fields

    def _fields(self, *, audio: bool) -> dict[str, Any]:
        fields = {name: getattr(self, name) for name in self.__struct_fields__ if name != "raw_message"}
        if "delta" in fields and not audio:
            fields["audio_bytes"] = len(fields.pop("delta").rstrip("=")) * 3 // 4
        return {"type": fields.pop("type"), **fields}

    def __repr__(self) -> str:
        # Audio is the user's voice or long, or both: it stays out of logs and tracebacks.
        fields = self._fields(audio=False)
        del fields["type"]
        return f"{type(self).__name__}({', '.join(f'{name}={_shown(value)}' for name, value in fields.items())})"


def _shown(value: Any) -> str:
    try:
        return repr(value)
    except RecursionError:  # the arguments of a call nest as deeply as the model likes
        return "..."


def _plain(value: Any, *, audio: bool) -> Any:
    if isinstance(value, RealtimeEvent):
        return value.to_dict(audio=audio)
    try:
        return msgspec.to_builtins(value)
    except RecursionError:  # plain already, and too deep to be copied
        return value


# The codec hands every event its whole frame instead of a dict. Reading `raw_message` parses it, and events of one
# frame share the result; the price of an event nobody inspects is one reference.
_stored_raw_message: Any = RealtimeEvent.__dict__["raw_message"]


def _raw_message(event: RealtimeEvent) -> dict[str, Any]:
    stored: Frame | dict[str, Any] = _stored_raw_message.__get__(event)
    return stored.parsed() if isinstance(stored, Frame) else stored


RealtimeEvent.raw_message = property(_raw_message)  # type: ignore[assignment]


class SessionCreated(RealtimeEvent, frozen=True, kw_only=True):
    """The service confirmed the setup; the conversation can begin."""

    type: Literal["session.created"] = "session.created"


class SessionUpdated(RealtimeEvent, frozen=True, kw_only=True):
    """A change made with `session_update` in mid-conversation has taken effect."""

    type: Literal["session.updated"] = "session.updated"


class AudioDelta(RealtimeEvent, frozen=True, kw_only=True):
    """A piece of the model's speech.

    Attributes:
        delta: the audio as base64 text, as the service sent it.
        item_id: always None: Gemini does not name its items.
        rate_hz: sample rate; mono signed 16-bit little-endian.
        stale: it is of an answer that was cut off, and came after `Interrupted`: not to be played.
    """

    type: Literal["response.audio.delta"] = "response.audio.delta"
    delta: str
    item_id: Any = None
    rate_hz: int = 24000
    stale: bool = False

    @property
    def audio(self) -> bytes:
        """The samples: mono signed 16-bit little-endian PCM at `rate_hz`; decoded on each read.

        Whole samples only, and none where the service sent something that is not base64.
        """
        try:
            pcm = decode_base64(self.delta)
        except AudioFormatError:
            return b""
        return pcm[:-1] if len(pcm) & 1 else pcm


class InputAudioBufferDelta(RealtimeEvent, frozen=True, kw_only=True):
    """Echo of audio given to `send_audio`, for observers.

    Attributes:
        delta: the audio as base64 text.
        item_id: always None.
        sent_at: when it was given to `send_audio`, in seconds of the event loop's clock; an echo comes with the next
            event, some 100 ms later, or within half a second of the last piece. None for one that the application made.
    """

    type: Literal["input_audio_buffer.delta"] = "input_audio_buffer.delta"
    delta: str
    item_id: Any = None
    sent_at: float | None = None


class SpeechStarted(RealtimeEvent, frozen=True, kw_only=True):
    """The service heard the user begin to speak (`voiceActivity`, where the model sends it)."""

    type: Literal["input_audio_buffer.speech_started"] = "input_audio_buffer.speech_started"


class FunctionCall(RealtimeEvent, frozen=True, kw_only=True):
    """The model asks for a function; answer with `send_function_result(call_id, ...)`.

    Attributes:
        name: name of the declared function.
        arguments: its arguments by name.
        call_id: names this call; made up locally where the service sent none.
    """

    type: Literal["response.function_call_arguments.done"] = "response.function_call_arguments.done"
    name: str
    arguments: dict[str, Any]
    call_id: str


class FunctionCallCancelled(RealtimeEvent, frozen=True, kw_only=True):
    """The results of these calls are no longer wanted.

    Attributes:
        call_ids: the calls, as in `FunctionCall.call_id`.
    """

    type: Literal["response.function_call.cancelled"] = "response.function_call.cancelled"
    call_ids: list[str]


class TextDelta(RealtimeEvent, frozen=True, kw_only=True):
    """A piece of the model's written answer (TEXT modality).

    Attributes:
        text: to be appended to the pieces before it.
    """

    type: Literal["response.text.delta"] = "response.text.delta"
    text: str


class ThoughtDelta(RealtimeEvent, frozen=True, kw_only=True):
    """A summary of the model's reasoning; not part of the answer.

    Attributes:
        text: one summary, or a piece of it.
    """

    type: Literal["response.thought.delta"] = "response.thought.delta"
    text: str


class InputTranscript(RealtimeEvent, frozen=True, kw_only=True):
    """A piece of what the user was heard to say; no order against the model's answer is promised.

    Attributes:
        text: to be appended to the pieces before it; may be empty.
        finished: the service said that this is the last piece of the utterance (Vertex).
        language: BCP-47 tag, where the service says it.
    """

    type: Literal["input_audio_transcription.delta"] = "input_audio_transcription.delta"
    text: str
    finished: bool = False
    language: str | None = None


class OutputTranscript(RealtimeEvent, frozen=True, kw_only=True):
    """A piece of what the model says aloud.

    Attributes:
        text: to be appended to the pieces before it; may be empty.
        finished: the service said that this is the last piece of the turn (Vertex).
        language: BCP-47 tag, where the service says it.
    """

    type: Literal["response.audio_transcript.delta"] = "response.audio_transcript.delta"
    text: str
    finished: bool = False
    language: str | None = None


class Interrupted(RealtimeEvent, frozen=True, kw_only=True):
    """The model was cut off: throw away its audio that has not been played."""

    type: Literal["response.interrupted"] = "response.interrupted"


class GenerationComplete(RealtimeEvent, frozen=True, kw_only=True):
    """The model has produced its whole answer; the service may still be waiting for it to be played."""

    type: Literal["response.generation_complete"] = "response.generation_complete"


class Usage(RealtimeEvent, frozen=True, kw_only=True):
    """Token counts so far, as the service reports them.

    Attributes:
        prompt_tokens: tokens of the input, history included.
        response_tokens: tokens of the answer.
        total_tokens: everything.
        cached_tokens: part of the prompt that came from a cache.
        thought_tokens: tokens spent thinking.
        tool_use_tokens: tokens of tool results in the prompt.
        prompt_by_modality: prompt tokens by `TEXT`, `AUDIO`, `IMAGE`, `VIDEO`, `DOCUMENT`.
        response_by_modality: response tokens likewise.
    """

    type: Literal["usage"] = "usage"
    prompt_tokens: int = 0
    response_tokens: int = 0
    total_tokens: int = 0
    cached_tokens: int = 0
    thought_tokens: int = 0
    tool_use_tokens: int = 0
    prompt_by_modality: dict[str, int] = {}
    response_by_modality: dict[str, int] = {}


class TurnComplete(RealtimeEvent, frozen=True, kw_only=True):
    """The model's turn is over; the last event of the turn.

    Attributes:
        reason: why, where the service says so (`MALFORMED_FUNCTION_CALL`, `PROHIBITED_INPUT_CONTENT`, ...).
        usage: the token counts that came with it.
        interrupted: the turn was cut off by the user or by a tool result.
    """

    type: Literal["response.done"] = "response.done"
    reason: str | None = None
    usage: Usage | None = None
    interrupted: bool = False


class GoAway(RealtimeEvent, frozen=True, kw_only=True):
    """The service will end this connection soon.

    Attributes:
        time_left_ms: how soon, where the service says so.
    """

    type: Literal["session.go_away"] = "session.go_away"
    time_left_ms: int | None = None


class ConnectionLost(RealtimeEvent, frozen=True, kw_only=True):
    """The connection ended and the conversation is being continued on a new one.

    Attributes:
        code: WebSocket close code, 1006 without one.
        reason: the service's words, may be empty.
    """

    type: Literal["session.connection_lost"] = "session.connection_lost"
    code: int
    reason: str = ""


class Reconnecting(RealtimeEvent, frozen=True, kw_only=True):
    """An attempt to reconnect failed, and the client waits for the next; the first follows `ConnectionLost` at once.

    Attributes:
        attempt: the number of the next one, counted from 1.
        wait_ms: how long until then.
        reason: why the last one failed.
    """

    type: Literal["session.reconnecting"] = "session.reconnecting"
    attempt: int
    wait_ms: int
    reason: str


class ReplayedItem(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was sent again after a loss.

    Attributes:
        kind: `text`, `function_result`, `context`, `activity` (its start, its end, the end of the microphone's stream)
            or `audio`.
        text: the words of a text, the id of a function call.
        start_ms: where audio lies in all audio of the conversation.
        duration_ms: how long it is.
        uncertain: the service may have had it already.
    """

    kind: str
    text: str = ""
    start_ms: int = 0
    duration_ms: int = 0
    uncertain: bool = False


class SessionResumed(RealtimeEvent, frozen=True, kw_only=True):
    """The conversation continues on a new connection.

    Attributes:
        gap_ms: time without a connection.
        replayed: messages that were sent again; a stretch of audio counts as one.
        uncertain: those of them, and others, of which nobody knows whether the service had them already.
        new_session: the service did not resume; a new session was opened in its place.
        items: what was sent again, in order.
    """

    type: Literal["session.resumed"] = "session.resumed"
    gap_ms: int
    replayed: int = 0
    uncertain: int = 0
    new_session: bool = False
    items: list[ReplayedItem] = []


class AudioDropped(RealtimeEvent, frozen=True, kw_only=True):
    """Microphone audio was thrown away because it could not be sent in time.

    Attributes:
        duration_ms: how much.
        reason: why.
    """

    type: Literal["input_audio_buffer.dropped"] = "input_audio_buffer.dropped"
    duration_ms: int
    reason: str


class FunctionResult(RealtimeEvent, frozen=True, kw_only=True):
    """A function that an agent ran has returned its result, which is on its way to the model.

    Attributes:
        name: of the function.
        call_id: as in `FunctionCall.call_id`.
        result: what goes to the model; `error` says what went wrong.
    """

    type: Literal["function_call_output.sent"] = "function_call_output.sent"
    name: str
    call_id: str
    result: dict[str, Any]


class AudioTruncated(RealtimeEvent, frozen=True, kw_only=True):
    """The application cut the answer off with `truncate_audio`: throw away what has not been played of it.

    Attributes:
        audio_end_ms: how much of its audio was heard, as far as the application knows.
        content_index: as it was given.
        item_id: likewise.
    """

    type: Literal["conversation.item.truncated"] = "conversation.item.truncated"
    audio_end_ms: int
    content_index: int = 0
    item_id: Any = None


class TextSent(RealtimeEvent, frozen=True, kw_only=True):
    """An agent sent this text with its `send_text`.

    Attributes:
        role: whose words they are.
        text: the words.
    """

    type: Literal["conversation.item.created"] = "conversation.item.created"
    role: str
    text: str


class PlaybackStopped(RealtimeEvent, frozen=True, kw_only=True):
    """An audio adapter stopped playing an answer that was cut off: how much of it was heard.

    Attributes:
        played_ms: how much of its audio was heard.
        unplayed_ms: how much was thrown away.
    """

    type: Literal["output_audio_buffer.cleared"] = "output_audio_buffer.cleared"
    played_ms: int
    unplayed_ms: int


class DigitPressed(RealtimeEvent, frozen=True, kw_only=True):
    """The caller pressed a key of the telephone (DTMF).

    Attributes:
        digit: `0` to `9`, `*`, `#`, or `A` to `D`.
    """

    type: Literal["input_dtmf.digit"] = "input_dtmf.digit"
    digit: str


class VoiceHealth(RealtimeEvent, frozen=True, kw_only=True):
    """The client has found something wrong with the conversation.

    Attributes:
        finding: what was seen, one word.
        detail: numbers and context, without content.
        action: what was done about it.
    """

    type: Literal["session.voice_health"] = "session.voice_health"
    finding: str
    detail: str = ""
    action: str = ""


OWN_EVENTS: frozenset[type[RealtimeEvent]] = frozenset((
    AudioDropped, AudioTruncated, ConnectionLost, DigitPressed, FunctionResult, PlaybackStopped, Reconnecting,
    SessionResumed, SessionUpdated, VoiceHealth,
))  # fmt: skip
"""What a client or an agent tells by itself: the frames of the service alone do not say it."""
