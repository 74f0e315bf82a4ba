"""One session with the service, without any I/O: frames and `now` in; events, frames and deadlines out.

Usage, by whoever owns the connection:

- `begin(setup, now)` once the connection is open; then send `frames_to_send()`.
- every received frame goes through `receive(frame, now)`, which returns events in order; then `frames_to_send()` again.
- the `send_*` methods may be called at any time; what is sent before the session is ready is kept in order.
- when `deadline()` passes, call `deadline_reached(now)`; when the connection ends, `connection_ended(code, reason)`.
- when `state` is CLOSED, `failure` tells why: None after a normal end.

`now` is in seconds and monotonic.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any, Literal

from gemini_realtime.errors import GeminiRealtimeError, ServiceError, SetupTimeout, UnsupportedByModel
from gemini_realtime.protocol import messages
from gemini_realtime.protocol.closing import NORMAL, close_error
from gemini_realtime.protocol.codec import (
    AudioFrames,
    DecodeError,
    Frame,
    audio_frame,
    decode_server_message,
    encode,
    parse_duration_ms,
)
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
    SessionCreated,
    SpeechStarted,
    TextDelta,
    ThoughtDelta,
    TurnComplete,
    Usage,
    VoiceHealth,
)
from gemini_realtime.protocol.models import ModelProfile
from gemini_realtime.protocol.resumption import Resumption
from gemini_realtime.protocol.turns import Turns, TurnSignal


class State(Enum):
    """Where the session stands."""

    NEW = "new"
    SETTING_UP = "setting up"
    READY = "ready"
    GOING_AWAY = "going away"
    CLOSED = "closed"


class Trigger(Enum):
    """What moves it."""

    BEGIN = "begin()"
    SETUP_COMPLETE = "setupComplete"
    GO_AWAY = "goAway"
    ERROR = "error"
    SETUP_TIMEOUT = "setup timeout"
    CONNECTION_ENDED = "connection ended"


TRANSITIONS = {
    (State.NEW, Trigger.BEGIN): State.SETTING_UP,
    (State.NEW, Trigger.CONNECTION_ENDED): State.CLOSED,
    (State.SETTING_UP, Trigger.SETUP_COMPLETE): State.READY,
    (State.SETTING_UP, Trigger.ERROR): State.CLOSED,
    (State.SETTING_UP, Trigger.SETUP_TIMEOUT): State.CLOSED,
    (State.SETTING_UP, Trigger.CONNECTION_ENDED): State.CLOSED,
    (State.READY, Trigger.GO_AWAY): State.GOING_AWAY,
    (State.READY, Trigger.ERROR): State.CLOSED,
    (State.READY, Trigger.CONNECTION_ENDED): State.CLOSED,
    (State.GOING_AWAY, Trigger.ERROR): State.CLOSED,
    (State.GOING_AWAY, Trigger.CONNECTION_ENDED): State.CLOSED,
}
"""Pairs that are not listed leave the state as it is: no order of the service's messages is an error here."""

_OPEN = (State.READY, State.GOING_AWAY)

Role = Literal["user", "assistant", "system"]
"""Who speaks, in the words of AG2; the service calls the assistant `model`."""

MAX_OPEN_CALLS = 1024
"""Bound on function calls that were never answered; the oldest are forgotten, and answered without a name."""


class Session:
    """The conversation over one connection.

    Attributes:
        state: where the session stands.
        failure: why it ended; None while it is open, and after a normal end.
        turns: the present turn of the model.
        resumption: the last handle, and the announced end of the connection.
    """

    def __init__(self, profile: ModelProfile) -> None:
        self.state = State.NEW
        self.failure: GeminiRealtimeError | None = None
        self.turns = Turns()
        self.resumption = Resumption()
        self._profile = profile
        self._audio = AudioFrames()
        self._urgent: list[bytes] = []  # setup and history: they precede whatever was sent early
        self._outgoing: list[bytes] = []
        self._history: Sequence[messages.Content] = ()
        self._setup_deadline: float | None = None
        self._content_sent = False
        self._calls: dict[str, messages.FunctionCall] = {}
        self._call_count = 0

    # --- the connection

    def begin(
        self,
        setup: dict[str, Any],
        now: float,
        *,
        history: Sequence[messages.Content] = (),
        timeout_s: float = 30.0,
    ) -> None:
        """Open the session.

        Args:
            setup: the body of the `setup` message.
            history: earlier turns, sent before anything else.
            timeout_s: how long the service may take to confirm.
        """
        self._move(Trigger.BEGIN)
        self._history = history
        self._setup_deadline = now + timeout_s
        self._urgent.append(encode({"setup": setup}))

    def frames_to_send(self) -> list[bytes]:
        """The frames that may be sent now, in order; each is returned once."""
        frames, self._urgent = self._urgent, []
        if self.state in _OPEN:
            frames += self._outgoing
            self._outgoing.clear()
        return frames

    def deadline(self) -> float | None:
        """When `deadline_reached` wants to be called; None: never."""
        return self._setup_deadline

    def deadline_reached(self, now: float) -> None:
        """Time has passed; the session may have ended by it."""
        if self._setup_deadline is not None and now >= self._setup_deadline:
            self._end(
                Trigger.SETUP_TIMEOUT,
                SetupTimeout(
                    "the service did not confirm the session in time",
                    remedy="try again; raise `setup_timeout_s` when the network is slow",
                ),
            )

    def connection_ended(self, code: int, reason: str) -> None:
        """The connection ended; `code` is 1006 when it ended without a close."""
        self._end(Trigger.CONNECTION_ENDED, None if code == NORMAL else close_error(code, reason))

    def _end(self, trigger: Trigger, failure: GeminiRealtimeError | None) -> None:
        if self.state is not State.CLOSED:
            self.failure = failure
        self._setup_deadline = None
        self._move(trigger)

    def _move(self, trigger: Trigger) -> None:
        self.state = TRANSITIONS.get((self.state, trigger), self.state)

    # --- from the service

    def receive(self, data: bytes, now: float) -> list[RealtimeEvent]:
        """Read one frame. Every frame gives at least one event; nothing a frame holds is dropped.

        Events of one frame come in this order: transcript of the user, parts of the model in their order, transcript
        of the model, interruption, end of generation, usage, end of turn; so `TurnComplete` is the last of its turn.
        """
        audio = self._audio.find(data)
        if audio is not None:
            self.turns.signal(TurnSignal.OUTPUT)
            return [AudioDelta(raw_message=_lazy(Frame(data)), delta=audio, rate_hz=self._audio.rate_hz)]
        events = self._read(data, now)
        if len(events) == 1 and isinstance(events[0], AudioDelta):
            self._audio.learn(data, events[0].delta, events[0].rate_hz)
        return events

    def _read(self, data: bytes, now: float) -> list[RealtimeEvent]:
        frame = Frame(data)
        try:
            message, unknown = decode_server_message(data)
        except DecodeError as error:
            return [self._undecodable(frame, error)]
        events: list[RealtimeEvent] = []
        if message.server_content is not None:
            self._server_content(message.server_content, message.usage_metadata, frame, events)
        else:
            self._other_message(message, frame, now, events)
        if unknown or not events:
            events.append(_plain(frame))
        return events

    def _undecodable(self, frame: Frame, error: DecodeError) -> RealtimeEvent:
        if parsed := frame.parsed():
            return RealtimeEvent(raw_message=parsed)
        return VoiceHealth(finding="undecodable_frame", detail=str(error), action="ignored")

    def _server_content(
        self,
        content: messages.ServerContent,
        usage: messages.UsageMetadata | None,
        frame: Frame,
        events: list[RealtimeEvent],
    ) -> None:
        if content.input_transcription is not None:
            events.append(_transcript(InputTranscript, content.input_transcription, frame))
        if content.model_turn is not None:
            self.turns.signal(TurnSignal.OUTPUT)
            events.extend([_part(part, frame) for part in content.model_turn.parts])
        if content.output_transcription is not None:
            events.append(_transcript(OutputTranscript, content.output_transcription, frame))
        if _has_more(content):
            events.append(_plain(frame))
        if content.interrupted:
            self.turns.signal(TurnSignal.INTERRUPTED)
            events.append(Interrupted(raw_message=_lazy(frame)))
        if content.generation_complete:
            self.turns.signal(TurnSignal.GENERATION_COMPLETE)
            events.append(GenerationComplete(raw_message=_lazy(frame)))
        counted = _usage(usage, frame) if usage is not None else None
        if counted is not None:
            events.append(counted)
        if content.turn_complete:
            events.append(self._turn_complete(content, counted, frame))

    def _turn_complete(self, content: messages.ServerContent, usage: Usage | None, frame: Frame) -> TurnComplete:
        interrupted = self.turns.interrupted
        self.turns.signal(TurnSignal.TURN_COMPLETE)
        return TurnComplete(
            raw_message=_lazy(frame), reason=content.turn_complete_reason, usage=usage, interrupted=interrupted
        )

    def _other_message(
        self, message: messages.ServerMessage, frame: Frame, now: float, events: list[RealtimeEvent]
    ) -> None:
        if message.setup_complete is not None:
            self._setup_complete(frame, events)
        if message.tool_call is not None:
            events.extend([self._function_call(call, frame) for call in message.tool_call.function_calls])
        if message.tool_call_cancellation is not None:
            events.append(self._cancelled(message.tool_call_cancellation, frame))
        if message.session_resumption_update is not None:
            self.resumption.updated(message.session_resumption_update, now)
            events.append(_plain(frame))
        if message.go_away is not None:
            events.append(self._go_away(message.go_away, frame, now))
        if message.voice_activity is not None:
            events.append(_voice_activity(message.voice_activity, frame))
        if message.voice_activity_detection_signal is not None:
            events.append(_plain(frame))
        if message.usage_metadata is not None:
            events.append(_usage(message.usage_metadata, frame))
        if message.error is not None:
            self._error(message.error)

    def _setup_complete(self, frame: Frame, events: list[RealtimeEvent]) -> None:
        if self.state is not State.SETTING_UP:
            return
        self._move(Trigger.SETUP_COMPLETE)
        self._setup_deadline = None
        if self._history:
            self._send_history()
        events.append(SessionCreated(raw_message=_lazy(frame)))

    def _function_call(self, call: messages.FunctionCall, frame: Frame) -> FunctionCall:
        self._call_count += 1
        call_id = call.id or f"call-{self._call_count}"
        self._calls[call_id] = call
        if len(self._calls) > MAX_OPEN_CALLS:
            del self._calls[next(iter(self._calls))]
        return FunctionCall(raw_message=_lazy(frame), name=call.name, arguments=call.args or {}, call_id=call_id)

    def _cancelled(self, cancellation: messages.ToolCallCancellation, frame: Frame) -> FunctionCallCancelled:
        for call_id in cancellation.ids:
            self._calls.pop(call_id, None)
        return FunctionCallCancelled(raw_message=_lazy(frame), call_ids=list(cancellation.ids))

    def _go_away(self, go_away: messages.GoAway, frame: Frame, now: float) -> GoAway:
        time_left_ms = parse_duration_ms(go_away.time_left)
        self._move(Trigger.GO_AWAY)
        self.resumption.going_away(time_left_ms, now)
        return GoAway(raw_message=_lazy(frame), time_left_ms=time_left_ms)

    def _error(self, error: messages.ErrorStatus) -> None:
        retryable = error.code in (429, 500, 503, 504)
        self._end(Trigger.ERROR, ServiceError(error.code, error.status, error.message, retryable=retryable))

    # --- to the service

    def send_audio(self, audio_base64: bytes, rate_hz: int) -> None:
        """Microphone audio: base64 of mono signed 16-bit little-endian PCM."""
        self._outgoing.append(audio_frame(audio_base64, rate_hz))

    def send_video(self, image_base64: str, mime_type: str) -> None:
        """One image of the video stream."""
        self._realtime(messages.RealtimeInput(video=messages.Blob(mime_type=mime_type, data=image_base64)))

    def send_text(self, role: Role, text: str, turn_complete: bool) -> None:
        """Text in the conversation.

        Raises:
            UnsupportedByModel: the model takes no text, or no such turn at this point.
        """
        if not self._profile.text_input:
            raise UnsupportedByModel(f"{self._profile.family} takes no text", remedy="send audio")
        if role == "user" and turn_complete and self._profile.text_via_realtime_input:
            self._realtime(messages.RealtimeInput(text=text))
            self._content_sent = True
        else:
            self.send_content([_turn(role, text)], turn_complete)

    def send_content(self, turns: Sequence[messages.Content], turn_complete: bool) -> None:
        """Turns for the history; `turn_complete` asks for an answer.

        Raises:
            UnsupportedByModel: the model takes them only at the beginning.
        """
        if self._content_sent and self._profile.client_content == "first_turn_only":
            raise UnsupportedByModel(
                f"{self._profile.family} takes turns of its history only before the conversation has begun",
                remedy="send what the user says with role 'user' and turn_complete=True",
            )
        self._content_sent = self._content_sent or turn_complete
        content = messages.ClientContent(turns=list(turns), turn_complete=turn_complete)
        self._queue(messages.ClientMessage(client_content=content))

    def send_function_result(self, call_id: str, response: dict[str, Any], **options: Any) -> None:
        """The answer to a function call.

        Args:
            call_id: as in `FunctionCall.call_id`.
            response: an object; its keys `output` and `error` have a meaning to the service.
            options: `scheduling`, `will_continue`.
        """
        call = self._calls.get(call_id)
        if call is not None and not options.get("will_continue"):
            del self._calls[call_id]
        answer = messages.FunctionResponse(
            id=call_id if call is None else call.id,
            name=None if call is None else call.name,
            response=response,
            **options,
        )
        self._queue(messages.ClientMessage(tool_response=messages.ToolResponse(function_responses=[answer])))

    def send_activity(self, *, start: bool) -> None:
        """The user began, or stopped, to speak; only with automatic detection off."""
        edge = messages.RealtimeInput(activity_start={}) if start else messages.RealtimeInput(activity_end={})
        self._realtime(edge)

    def send_audio_stream_end(self) -> None:
        """The microphone was switched off; only with automatic detection on."""
        self._realtime(messages.RealtimeInput(audio_stream_end=True))

    def send_context_update(self, update: messages.ContextUpdate) -> None:
        """New instructions or tools.

        Raises:
            UnsupportedByModel: the model is known not to take them.
        """
        if self._profile.context_update is False:
            raise UnsupportedByModel(
                f"{self._profile.family} cannot change instructions or tools in mid-session",
                remedy="call session_update() before connecting",
            )
        self._queue(messages.ClientMessage(context_update=update))

    def _send_history(self) -> None:
        # Where the setup announced a history, completing it asks for no answer; elsewhere it does.
        content = messages.ClientContent(turns=list(self._history), turn_complete=self._profile.history_needs_config)
        self._urgent.append(encode(messages.ClientMessage(client_content=content)))

    def _realtime(self, item: messages.RealtimeInput) -> None:
        self._queue(messages.ClientMessage(realtime_input=item))

    def _queue(self, message: messages.ClientMessage) -> None:
        self._outgoing.append(encode(message))


_ROLES = {"user": "user", "assistant": "model", "model": "model", "system": "user"}
"""The Gemini API closes with 1007 on a turn of role `system`, so instructions given in a turn travel as the user's."""


def _turn(role: Role, text: str) -> messages.Content:
    return messages.Content(role=_ROLES[role], parts=[messages.Part(text=text)])


# --- the service's words -> events


def _lazy(frame: Frame) -> Any:
    """An event takes the frame for its `raw_message` and parses it when asked."""
    return frame


def _plain(frame: Frame) -> RealtimeEvent:
    return RealtimeEvent(raw_message=_lazy(frame))


def _part(part: messages.Part, frame: Frame) -> RealtimeEvent:
    media = part.inline_data
    if media is not None and media.mime_type.startswith("audio/"):
        return AudioDelta(raw_message=_lazy(frame), delta=media.data, rate_hz=_rate_hz(media.mime_type))
    if part.text is not None and part.thought:
        return ThoughtDelta(raw_message=_lazy(frame), text=part.text)
    if part.text is not None:
        return TextDelta(raw_message=_lazy(frame), text=part.text)
    return _plain(frame)


def _rate_hz(mime_type: str) -> int:
    """`audio/pcm;rate=24000` on the Gemini API, bare `audio/pcm` on Vertex."""
    _, found, rate = mime_type.partition("rate=")
    return int(rate) if found and rate.isdigit() else 24000


def _transcript(
    event: type[InputTranscript] | type[OutputTranscript], piece: messages.Transcription, frame: Frame
) -> RealtimeEvent:
    return event(raw_message=_lazy(frame), text=piece.text, finished=bool(piece.finished), language=piece.language_code)


def _has_more(content: messages.ServerContent) -> bool:
    """Whether there is anything that has no event of its own."""
    return (
        content.grounding_metadata is not None
        or content.url_context_metadata is not None
        or content.interim_input_transcription is not None
        or content.waiting_for_input
        or content.interaction_status is not None
        or content.speech_state is not None
    )


def _voice_activity(activity: messages.VoiceActivity, frame: Frame) -> RealtimeEvent:
    return SpeechStarted(raw_message=_lazy(frame)) if activity.type == "ACTIVITY_START" else _plain(frame)


def _usage(usage: messages.UsageMetadata, frame: Frame) -> Usage:
    return Usage(
        raw_message=_lazy(frame),
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
