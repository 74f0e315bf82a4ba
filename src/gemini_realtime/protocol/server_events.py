"""What the service says, in the words of the application: messages to events.

Every frame gives at least one event; nothing a frame holds is dropped. Events of one frame come in this order:
activity of the user, transcript of the user, parts of the model in their order, transcript of the model, function
calls, those that are cancelled, interruption, end of generation, usage, end of turn, goAway; so `TurnComplete` comes
after all else of its turn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any, Final

from gemini_realtime.audio.format import OUTPUT_FORMAT, AudioFormat
from gemini_realtime.protocol import messages
from gemini_realtime.protocol.codec import Frame, parse_duration_ms
from gemini_realtime.protocol.events import (
    AudioDelta,
    FunctionCall,
    FunctionCallCancelled,
    GenerationComplete,
    GoAway,
    InputTranscript,
    Interrupted,
    OutputTranscript,
    RealtimeEvent,
    SpeechStarted,
    TextDelta,
    ThoughtDelta,
    TurnComplete,
    Usage,
)

USUAL_MIME_TYPE: Final = 80
"""Characters; a longer type is read each time, so that what is remembered is bounded in bytes too."""


Opened = Callable[[messages.FunctionCall], str | None]
"""Takes note of a function call; returns its id, None for one that was made before."""


def message_events(
    message: messages.ServerMessage, frame: Frame, *, interrupted: bool, opened: Opened
) -> list[RealtimeEvent]:
    """The events of everything in a message but `setupComplete`.

    Args:
        message: what the service said.
        frame: the same, as it came.
        interrupted: whether the turn was cut off before.
        opened: is told of each function call.
    """
    events: list[RealtimeEvent] = []
    if message.voice_activity is not None:
        events.append(_voice_activity(message.voice_activity, frame))
    if message.server_content is not None:
        events += _said(message.server_content, frame, opened)
    if message.tool_call is not None:
        events += _calls(message.tool_call.function_calls, frame, opened)
    if message.tool_call_cancellation is not None:
        cancelled = list(message.tool_call_cancellation.ids)
        events.append(FunctionCallCancelled(raw_message=lazy(frame), call_ids=cancelled))
    if _has_more(message):
        events.append(plain(frame))
    events += _ends(message.server_content or _NOTHING, message.usage_metadata, frame, interrupted)
    if message.go_away is not None:
        time_left_ms = parse_duration_ms(message.go_away.time_left)
        events.append(GoAway(raw_message=lazy(frame), time_left_ms=time_left_ms))
    return events


_NOTHING = messages.ServerContent()


def _said(content: messages.ServerContent, frame: Frame, opened: Opened) -> Iterator[RealtimeEvent]:
    if content.input_transcription is not None:
        yield _transcript(InputTranscript, content.input_transcription, frame)
    if content.model_turn is not None:
        for part in content.model_turn.parts:
            yield from _part(part, frame, opened)
    if content.output_transcription is not None:
        yield _transcript(OutputTranscript, content.output_transcription, frame)


def _ends(
    content: messages.ServerContent, usage: messages.UsageMetadata | None, frame: Frame, interrupted: bool
) -> Iterator[RealtimeEvent]:
    if content.interrupted:
        yield Interrupted(raw_message=lazy(frame))
    if content.generation_complete:
        yield GenerationComplete(raw_message=lazy(frame))
    counted = _usage(usage, frame) if usage is not None else None
    if counted is not None:
        yield counted
    if content.turn_complete:
        yield TurnComplete(
            raw_message=lazy(frame),
            reason=content.turn_complete_reason,
            usage=counted,
            interrupted=interrupted or bool(content.interrupted),
        )


def _calls(calls: Iterable[messages.FunctionCall], frame: Frame, opened: Opened) -> Iterator[RealtimeEvent]:
    for call in calls:
        if (call_id := opened(call)) is not None:
            arguments = call.args or {}
            yield FunctionCall(raw_message=lazy(frame), name=call.name, arguments=arguments, call_id=call_id)


def audio(frame: Frame, audio_base64: str, rate_hz: int) -> AudioDelta:
    """The event of a frame that is known to hold this audio and nothing else."""
    return AudioDelta(raw_message=lazy(frame), delta=audio_base64, rate_hz=rate_hz)


def lazy(frame: Frame) -> Any:
    """The frame as the `raw_message` of an event, which parses it when asked."""
    return frame


def plain(frame: Frame) -> RealtimeEvent:
    """The event of a message that has none of its own."""
    return RealtimeEvent(raw_message=lazy(frame))


def _part(part: messages.Part, frame: Frame, opened: Opened) -> Iterator[RealtimeEvent]:
    speech = _speech(part.inline_data) if part.inline_data is not None else None
    if part.inline_data is not None and speech is not None:
        yield AudioDelta(raw_message=lazy(frame), delta=part.inline_data.data, rate_hz=speech.rate_hz)
    if part.text is not None:
        yield (ThoughtDelta if part.thought else TextDelta)(raw_message=lazy(frame), text=part.text)
    if part.function_call is not None:
        yield from _calls([part.function_call], frame, opened)
    elif part.text is None and speech is None:
        yield plain(frame)


def _speech(media: messages.Blob) -> AudioFormat | None:
    """The format of the model's speech; None for media that is not what `AudioDelta` promises."""
    known = len(media.mime_type) <= USUAL_MIME_TYPE
    return _known_speech(media.mime_type) if known else _speech_of_type(media.mime_type)


def _speech_of_type(mime_type: str) -> AudioFormat | None:
    format = AudioFormat.as_far_as_said(mime_type, OUTPUT_FORMAT)
    mono_pcm = format is not None and (format.encoding, format.channels) == ("pcm16", 1)
    return format if mono_pcm else None


_known_speech = lru_cache(maxsize=64)(_speech_of_type)
"""Fifty times a second it is the same."""


def _transcript(
    event: type[InputTranscript] | type[OutputTranscript], piece: messages.Transcription, frame: Frame
) -> RealtimeEvent:
    return event(raw_message=lazy(frame), text=piece.text, finished=bool(piece.finished), language=piece.language_code)


def _has_more(message: messages.ServerMessage) -> bool:
    """Whether there is anything that has no event of its own."""
    content = message.server_content or _NOTHING
    return (
        message.session_resumption_update is not None
        or message.voice_activity_detection_signal is not None
        or message.error is not None
        or content.grounding_metadata is not None
        or content.url_context_metadata is not None
        or content.interim_input_transcription is not None
        or content.waiting_for_input
        or content.interaction_status is not None
        or content.speech_state is not None
    )


def _voice_activity(activity: messages.VoiceActivity, frame: Frame) -> RealtimeEvent:
    return SpeechStarted(raw_message=lazy(frame)) if activity.type == "ACTIVITY_START" else plain(frame)


def _usage(usage: messages.UsageMetadata, frame: Frame) -> Usage:
    return Usage(
        raw_message=lazy(frame),
        prompt_tokens=usage.prompt_token_count,
        response_tokens=usage.response_token_count or usage.candidates_token_count,
        total_tokens=usage.total_token_count,
        cached_tokens=usage.cached_content_token_count,
        thought_tokens=usage.thoughts_token_count,
        tool_use_tokens=usage.tool_use_prompt_token_count,
        prompt_by_modality=_by_modality(usage.prompt_tokens_details),
        response_by_modality=_by_modality(usage.response_tokens_details or usage.candidates_tokens_details),
    )


def _by_modality(counts: list[messages.ModalityTokenCount]) -> dict[str, int]:
    return {count.modality: count.token_count for count in counts}
