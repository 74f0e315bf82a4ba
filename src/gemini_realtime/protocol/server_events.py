"""What the service says, in the words of the application: messages to events.

Every frame gives at least one event; nothing a frame holds is dropped. Events of one frame come in this order:
activity of the user, transcript of the user, parts of the model in their order, transcript of the model, function
calls, those that are cancelled, interruption, end of generation, usage, end of turn, goAway; so `TurnComplete` comes
after all else of its turn.
"""

from __future__ import annotations

from collections.abc import Callable
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
    content = message.server_content
    events: list[RealtimeEvent] = []
    if message.voice_activity is not None:
        events.append(_voice_activity(message.voice_activity, frame))
    if content is not None:
        _add_said(events, content, frame, opened)
    if message.tool_call is not None:
        for call in message.tool_call.function_calls:
            _add_call(events, call, frame, opened)
    if message.tool_call_cancellation is not None:
        cancelled = list(message.tool_call_cancellation.ids)
        events.append(FunctionCallCancelled(raw_message=lazy(frame), call_ids=cancelled))
    if _has_more(message) or (content is not None and _says_more(content)):
        events.append(plain(frame))
    usage = _usage(message.usage_metadata, frame) if message.usage_metadata is not None else None
    if content is not None:
        _add_ends(events, content, usage, frame, interrupted)
    elif usage is not None:
        events.append(usage)
    if message.go_away is not None:
        time_left_ms = parse_duration_ms(message.go_away.time_left)
        events.append(GoAway(raw_message=lazy(frame), time_left_ms=time_left_ms))
    return events


# These run for every frame that holds more than audio; as generators they take half as long again.


def _add_said(events: list[RealtimeEvent], content: messages.ServerContent, frame: Frame, opened: Opened) -> None:
    if content.input_transcription is not None:
        events.append(_transcript(InputTranscript, content.input_transcription, frame))
    if content.model_turn is not None:
        for part in content.model_turn.parts:
            _add_part(events, part, frame, opened)
    if content.output_transcription is not None:
        events.append(_transcript(OutputTranscript, content.output_transcription, frame))


def _add_part(events: list[RealtimeEvent], part: messages.Part, frame: Frame, opened: Opened) -> None:
    blob, text = part.inline_data, part.text
    speech = _speech(blob) if blob is not None else None
    if blob is not None and speech is not None:
        events.append(AudioDelta(raw_message=lazy(frame), delta=blob.data, rate_hz=speech.rate_hz))
    if text is not None:
        events.append((ThoughtDelta if part.thought else TextDelta)(raw_message=lazy(frame), text=text))
    if part.function_call is not None:
        _add_call(events, part.function_call, frame, opened)
    elif text is None and speech is None:
        events.append(plain(frame))


def _add_call(events: list[RealtimeEvent], call: messages.FunctionCall, frame: Frame, opened: Opened) -> None:
    call_id = opened(call)
    if call_id is not None:
        arguments = call.args or {}
        events.append(FunctionCall(raw_message=lazy(frame), name=call.name, arguments=arguments, call_id=call_id))


def _add_ends(
    events: list[RealtimeEvent], content: messages.ServerContent, usage: Usage | None, frame: Frame, interrupted: bool
) -> None:
    if content.interrupted:
        events.append(Interrupted(raw_message=lazy(frame)))
    if content.generation_complete:
        events.append(GenerationComplete(raw_message=lazy(frame)))
    if usage is not None:
        events.append(usage)
    if content.turn_complete:
        cut = interrupted or content.interrupted
        reason = content.turn_complete_reason
        events.append(TurnComplete(raw_message=lazy(frame), reason=reason, usage=usage, interrupted=cut))


def lazy(frame: Frame) -> Any:
    """The frame as the `raw_message` of an event, which parses it when asked."""
    return frame


def plain(frame: Frame) -> RealtimeEvent:
    """The event of a message that has none of its own."""
    return RealtimeEvent(raw_message=lazy(frame))


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
    """Whether there is a member that has no event of its own."""
    return (
        message.session_resumption_update is not None
        or message.voice_activity_detection_signal is not None
        or message.error is not None
    )


def _says_more(content: messages.ServerContent) -> bool:
    """Whether there is anything in it that has no event of its own."""
    return (
        content.grounding_metadata is not None
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
