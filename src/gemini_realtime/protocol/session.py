"""The conversation with the service, without any I/O: frames and `now` in; events, frames and deadlines out.

It lasts longer than its connection. Usage, by whoever owns the connections:

- `begin(setup, now)` once the first connection is open;
- every received frame goes through `receive(frame, now)`, which returns events in order;
- the `send_*` methods may be called at any time; what cannot be sent yet is kept in order;
- after each of these send what `next_frame(now)` gives, until it gives None;
- when `deadline()` passes, call `deadline_reached(now)`, which returns events and may ask for a ping (`take_ping`);
- when a connection ends, or cannot be made, `connection_ended(error, now)`;
- when `state` is AWAY, close the connection if it is open still, wait until `resumption.dial_at`, dial, and call
  `connected(now)` or `connection_ended(error, now)`;
- when `state` is CLOSED, `failure` tells why: None after a normal end.

`now` is in seconds and monotonic.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any, Final, Literal

from gemini_realtime.errors import ConnectionClosed, GeminiRealtimeError, ServiceError, SetupTimeout, UnsupportedByModel
from gemini_realtime.protocol import messages, reading, telling
from gemini_realtime.protocol.calls import Calls
from gemini_realtime.protocol.closing import NO_CLOSE
from gemini_realtime.protocol.codec import (
    AudioFrames,
    DecodeError,
    Frame,
    audio_frame,
    decode_server_message,
    encode,
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
    SessionResumed,
    SessionUpdated,
    SpeechStarted,
    TextDelta,
    ThoughtDelta,
    TurnComplete,
    VoiceHealth,
)
from gemini_realtime.protocol.handover import LISTENS_S, Handover
from gemini_realtime.protocol.health import Finding, Health, HealthPolicy
from gemini_realtime.protocol.history import History, Said
from gemini_realtime.protocol.ledger import Entry, Kind, Ledger, Rewound
from gemini_realtime.protocol.models import ModelProfile
from gemini_realtime.protocol.resumption import Reconnect, Resumption, handle_refused, worth_retrying
from gemini_realtime.protocol.setups import Setups
from gemini_realtime.protocol.turns import Turns, TurnSignal, TurnState


class State(Enum):
    """Where the session stands."""

    NEW = "new"
    SETTING_UP = "setting up"
    READY = "ready"
    GOING_AWAY = "going away"
    AWAY = "away"
    CLOSED = "closed"


class Trigger(Enum):
    """What moves it."""

    BEGIN = "begin()"
    SETUP_COMPLETE = "setupComplete"
    WISH_TO_LEAVE = "goAway, or a new setup"
    LEFT = "handed over"
    LOST = "connection lost"
    CONNECTED = "connected()"
    ENDED = "ended"


TRANSITIONS = {
    (State.NEW, Trigger.BEGIN): State.SETTING_UP,
    (State.NEW, Trigger.LOST): State.AWAY,
    (State.NEW, Trigger.ENDED): State.CLOSED,
    (State.SETTING_UP, Trigger.SETUP_COMPLETE): State.READY,
    (State.SETTING_UP, Trigger.LOST): State.AWAY,
    (State.SETTING_UP, Trigger.ENDED): State.CLOSED,
    (State.READY, Trigger.WISH_TO_LEAVE): State.GOING_AWAY,
    (State.READY, Trigger.LOST): State.AWAY,
    (State.READY, Trigger.ENDED): State.CLOSED,
    (State.GOING_AWAY, Trigger.LEFT): State.AWAY,
    (State.GOING_AWAY, Trigger.LOST): State.AWAY,
    (State.GOING_AWAY, Trigger.ENDED): State.CLOSED,
    (State.AWAY, Trigger.CONNECTED): State.SETTING_UP,
    (State.AWAY, Trigger.LOST): State.AWAY,
    (State.AWAY, Trigger.ENDED): State.CLOSED,
}
"""Pairs that are not listed leave the state as it is: no order of the service's messages is an error here."""

_OPEN = (State.READY, State.GOING_AWAY)
_CONNECTED = (State.SETTING_UP, *_OPEN)

Role = Literal["user", "assistant", "system"]
"""Who speaks, in the words of AG2; the service calls the assistant `model`."""

FLIGHT_MARGIN_S: Final = 0.25
"""Beyond a round trip, how long a message may take to get into a handle."""

MAX_ROUND_TRIP_S: Final = 2.0
"""The service has been seen to answer pings after 30 s: that is not how long its messages are under way."""

SPEECH_BEGAN_S: Final = 1.0
"""How long before the service says that somebody speaks the speech may have begun."""

LATE_TRANSCRIPT_S: Final = 2.0
"""So long after an answer what is heard still belongs to its question."""

UPDATE_WITHIN_S: Final = 60.0
"""How long new options wait for the end of a turn."""

LOST_REASON: Final = "CONNECTION_LOST"
"""`TurnComplete.reason` of a turn that ended with its connection; not a word of the service."""


class Session:
    """One conversation, over one connection after another.

    Args:
        profile: what the model accepts.
        reconnect: whether and how to come back after a loss.
        health: what to do about silence.
        max_audio_age_s: how long microphone audio may wait for a network that takes nothing.

    Attributes:
        state: where the session stands.
        failure: why it ended; None while it is open, and after a normal end.
        turns: the present turn of the model.
        resumption: the last handle, and the attempts to come back.
        ledger: what was sent and may have to be sent again.
        history: what was said last.
        calls: the functions that the service waits for.
        max_audio_age_s: as given.
    """

    def __init__(
        self,
        profile: ModelProfile,
        *,
        reconnect: Reconnect | None = None,
        health: HealthPolicy | None = None,
        max_audio_age_s: float = 1.0,
    ) -> None:
        self.state = State.NEW
        self.failure: GeminiRealtimeError | None = None
        self.turns = Turns()
        self.resumption = Resumption(reconnect or Reconnect())
        self.ledger = Ledger(self.resumption.policy.audio_ring_s)
        self.history = History()
        self.calls = Calls()
        self._profile = profile
        self._health = Health(health or HealthPolicy())
        self._handover = Handover()
        self.max_audio_age_s = max_audio_age_s
        self._audio = AudioFrames()
        self._setup = Setups()
        self._flows = False  # whether nothing waits, so that audio may go out at once
        self._urgent: list[bytes] = []  # setup and history: they precede whatever was sent early
        self._video: bytes | None = None
        self._round_trip_s = 0.0
        self._content_sent = False
        self._more_follows = False
        self._ping_due = False
        self._pinged_at = 0.0

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
            now: seconds.
            history: earlier turns, sent before anything else.
            timeout_s: how long the service may take to confirm.
        """
        given = (setup.get("sessionResumption") or {}).get("handle")
        if given and self.resumption.handle is None:
            self.resumption.handle, self.resumption.handle_at = given, now
        self._setup = Setups(setup, list(history), timeout_s, handle_may_go=self._setup.handle_may_go)
        if self.resumption.lost_at is None:
            self._set_up(Trigger.BEGIN, now)
        else:  # the connection did not live to see this
            self.resumption.left(now)
            self._move(Trigger.LOST)

    def connected(self, now: float) -> None:
        """There is a new connection after a loss."""
        self._set_up(Trigger.CONNECTED, now)

    def _set_up(self, trigger: Trigger, now: float) -> None:
        self._move(trigger)
        seeds = self._profile.history_needs_config and bool(self._seed())
        self._urgent = [encode({"setup": self._setup.sent(self.resumption.usable(now), now, seeds=seeds)})]

    @property
    def has_urgent(self) -> bool:
        """Whether anything is due that does not come from the application, be it a ping."""
        return bool(self._urgent) or self._ping_due

    def next_frame(self, now: float) -> bytes | None:
        """The frame to send now; None when there is none, or none may be sent yet."""
        if self._urgent and self.state in _CONNECTED:
            return self._urgent.pop(0)
        if self.state not in _OPEN:
            return None
        frame = self.ledger.next(now)
        if frame is None:
            frame, self._video = self._video, None
            if frame is not None:
                self.ledger.count_sent()
            self._flows = frame is None
        return frame

    def deadline(self) -> float | None:
        """When `deadline_reached` wants to be called; None: never."""
        if self.state is State.SETTING_UP:
            return self._setup.deadline
        if self.state not in _OPEN:
            return None
        times = (self._handover.deadline() if self.state is State.GOING_AWAY else None, self._health.deadline())
        return min((at for at in times if at is not None), default=None)

    def deadline_reached(self, now: float) -> list[RealtimeEvent]:
        """Time has passed: the session may have lost its connection by it, or ended."""
        if self.state is State.SETTING_UP and self._setup.deadline is not None and now >= self._setup.deadline:
            error = SetupTimeout(
                "the service did not confirm the session in time",
                remedy="try again; raise `setup_timeout_s` when the network is slow",
            )
            return self.connection_ended(error, now)
        if self.state not in _OPEN:
            return []
        ping_due, findings = self._health.due(now)
        if ping_due:
            self._ping_due, self._pinged_at = True, now
        events = self._act_on(findings, now)
        self._leave_if_it_suits(now)
        return events

    def take_ping(self) -> bool:
        """Whether to send a ping now."""
        due, self._ping_due = self._ping_due, False
        return due

    def pong(self, now: float) -> None:
        """A ping was answered."""
        self._round_trip_s = min(max(0.0, now - self._pinged_at), MAX_ROUND_TRIP_S)
        self._health.pong(now)

    def reading(self, now: float, *, paused: bool) -> None:
        """Our side stopped to read, or reads again: what does not arrive meanwhile is not the service's fault."""
        self._health.reading(paused, now)

    def end(self, failure: GeminiRealtimeError | None = None) -> None:
        """End the conversation."""
        if self.state is not State.CLOSED:
            self.failure = failure
        self._move(Trigger.ENDED)

    def connection_ended(self, error: GeminiRealtimeError | None, now: float) -> list[RealtimeEvent]:
        """The connection ended, or could not be made: come back, or end.

        Args:
            error: why; None when the service ended it normally, which is the end of the conversation.
            now: seconds.
        """
        if self.state is State.CLOSED or (error is None and self.state is State.AWAY):
            return []
        events = self._refused(error) if error is not None and self.state is State.SETTING_UP else []
        if error is None or not self._may_come_back(error, again=bool(events)):
            self.end(error)
        elif not self.resumption.lost(error, now):
            self.end(self.resumption.given_up(error, now))
        else:
            if self.state in _OPEN:
                events.append(telling.connection_lost(error))
                events += self._cut_turn()
            if self.state is not State.NEW:  # what to set up is not known before `begin`
                self._move(Trigger.LOST)
        self._health.closed()
        return events

    def _may_come_back(self, error: GeminiRealtimeError, *, again: bool) -> bool:
        return self.resumption.policy.enabled and (again or worth_retrying(error))

    def _refused(self, error: GeminiRealtimeError) -> list[RealtimeEvent]:
        """A setup may be refused for what is new in it: new options, or the handle. Without that it worked before."""
        if not handle_refused(error):
            return []
        if self._setup.revert():
            return [VoiceHealth(finding="update_refused", detail=str(error), action="kept the options in force")]
        if self._setup.handle is not None and self._setup.handle_may_go:
            self.resumption.forget()
            return [VoiceHealth(finding="handle_refused", detail=str(error), action="opening a new session")]
        return []

    def _cut_turn(self) -> list[RealtimeEvent]:
        """The turn ends with its connection; nobody shall wait for the rest of it."""
        state, self.turns.state = self.turns.state, TurnState.IDLE
        self.history.drop_turn()
        if state is TurnState.IDLE:
            return []
        complete = state is TurnState.GENERATED and not self._profile.interaction_status
        return [TurnComplete(reason=None if complete else LOST_REASON, interrupted=state is TurnState.INTERRUPTED)]

    def _move(self, trigger: Trigger) -> None:
        self.state = TRANSITIONS.get((self.state, trigger), self.state)
        self._flows = False

    # --- changing connections

    def update(
        self, setup: dict[str, Any], now: float, *, in_place: messages.ContextUpdate | None = None
    ) -> list[RealtimeEvent] | None:
        """New options.

        Args:
            setup: the body of a `setup` message with all of them.
            now: seconds.
            in_place: the message that tells the service of them without a new setup, where there is one.

        Returns:
            Events; None when the options can only take effect in another conversation.
        """
        if in_place is not None and self.state in _OPEN:
            self.send_context_update(in_place, now)
            self._setup.changed_in_place(setup)
            return [SessionUpdated()]  # messages are processed in order: what is said from now on is said under them
        before = self._setup.change(setup)
        possible = self.resumption.policy.enabled and self._setup.resumable
        if self.state is State.CLOSED or not possible:
            self._setup.change(before)
            return None
        self._wish_to_leave(UPDATE_WITHIN_S, now)
        return []

    def _wish_to_leave(self, time_left_s: float | None, now: float) -> None:
        self._move(Trigger.WISH_TO_LEAVE)
        if self.state is State.GOING_AWAY:
            self._handover.wish(time_left_s, now)
            self._leave_if_it_suits(now)

    def _leave_if_it_suits(self, now: float) -> None:
        if self.state is not State.GOING_AWAY or not self._handover.wanted:
            return
        if self._handover.overdue(now) or (self._between_turns() and self._suits(now)):
            self._move(Trigger.LEFT)
            self.resumption.left(now)
            self._health.closed()
        else:
            self._handover.look_again(now)

    def _between_turns(self) -> bool:
        return self.turns.state is TurnState.IDLE and not self.calls and not self.ledger.asking()

    def _suits(self, now: float) -> bool:
        handle_at = self.resumption.handle_at
        if handle_at is None:
            return False  # one may come yet, and without it the service forgets what was said
        fresh = handle_at >= self._handover.idle_since and not self.ledger.unsaved()
        return self._handover.suits(now, saved=fresh, recent_audio=self.ledger.recent_audio(now - LISTENS_S))

    # --- moving house

    def saved_state(self, now: float) -> dict[str, Any]:
        """What another process needs to continue the conversation, as plain JSON; holds no audio."""
        handle, handle_at = self.resumption.handle, self.resumption.handle_at
        return {
            "handle": handle,
            "handle_age_s": None if handle_at is None else now - handle_at,
            "history": [turn._asdict() for turn in self.history.said()],
            "messages": self.ledger.saved_state(handle_at),
        }

    def restore(self, state: dict[str, Any], now: float) -> None:
        """Continue a conversation of another process; to be called before anything else.

        Raises:
            KeyError, TypeError, AttributeError: it is not what `saved_state` gives.
        """
        self.history = History(Said(**turn) for turn in state["history"])
        self.ledger.restore(state["messages"], now)
        self.resumption.handle = state["handle"]
        self.resumption.handle_at = None if state["handle"] is None else now - state["handle_age_s"]
        self._setup = Setups(handle_may_go=True)

    # --- from the service

    def receive(self, data: bytes, now: float) -> list[RealtimeEvent]:
        """Read one frame; `reading` says which events come of it, and in which order."""
        self._health.last_frame_at = now
        audio = self._audio.find(data)
        if audio is not None:
            rate_hz = self._audio.rate_hz
            if self.turns.state is not TurnState.GENERATING:
                self._output(now)
            self._health.audio(audio, rate_hz, now)
            return [reading.audio(Frame(data), audio, rate_hz)]
        events = self._read(data, now)
        if len(events) == 1 and isinstance(events[0], AudioDelta):
            self._audio.learn(data, events[0].delta, events[0].rate_hz)
        if self.state is State.GOING_AWAY:
            self._leave_if_it_suits(now)
        return events

    def _noted(self, events: list[RealtimeEvent], now: float) -> list[RealtimeEvent]:
        """Take note of what the service said; returns it, and what comes of it."""
        findings: list[Finding] = []
        for event in events:
            if (note := _NOTES.get(type(event))) is not None:
                findings += note(self, event, now) or ()
        return events + self._act_on(findings, now)

    def _read(self, data: bytes, now: float) -> list[RealtimeEvent]:
        frame = Frame(data)
        try:
            message, unknown = decode_server_message(data)
        except DecodeError as error:
            if parsed := frame.parsed():
                return [RealtimeEvent(raw_message=parsed)]
            return [VoiceHealth(finding="undecodable_frame", detail=str(error), action="ignored")]
        content = message.server_content
        if content is not None:
            self._more_follows = content.interaction_status == "IN_PROGRESS"
            said = reading.content_events(content, message.usage_metadata, frame, interrupted=self.turns.interrupted)
            events = self._noted(said, now)
        else:
            events = self._other_message(message, frame, now)
        if unknown or not events:
            events.append(reading.plain(frame))
        return events

    def _other_message(self, message: messages.ServerMessage, frame: Frame, now: float) -> list[RealtimeEvent]:
        own = self._setup_complete(frame, now) if message.setup_complete is not None else []
        said: list[RealtimeEvent] = []
        if message.tool_call is not None:
            said += [self._function_call(call, frame, now) for call in message.tool_call.function_calls]
        if message.tool_call_cancellation is not None:
            said.append(reading.cancelled(message.tool_call_cancellation, frame))
        if message.session_resumption_update is not None:
            self._handle(message.session_resumption_update, now)
            said.append(reading.plain(frame))
        if message.go_away is not None:
            said.append(reading.going_away(message.go_away, frame))
        if message.voice_activity is not None:
            said.append(reading.voice_activity(message.voice_activity, frame))
        if message.voice_activity_detection_signal is not None:
            said.append(reading.plain(frame))
        if message.usage_metadata is not None:
            said.append(reading.usage_event(message.usage_metadata, frame))
        if message.error is not None:
            said.append(reading.plain(frame))
        events = own + self._noted(said, now)
        return events + self._error(message.error, now) if message.error is not None else events

    def _error(self, error: messages.ErrorStatus, now: float) -> list[RealtimeEvent]:
        retryable = error.code in (429, 500, 503, 504)
        return self.connection_ended(ServiceError(error.code, error.status, error.message, retryable=retryable), now)

    def _function_call(self, call: messages.FunctionCall, frame: Frame, now: float) -> FunctionCall:
        call_id = self.calls.opened(call, now)
        return FunctionCall(raw_message=reading.lazy(frame), name=call.name, arguments=call.args or {}, call_id=call_id)

    def _handle(self, update: messages.SessionResumptionUpdate, now: float) -> None:
        if self.state is State.SETTING_UP or not self.resumption.updated(update, now):
            return  # before the setup is confirmed nothing is known of the session that it would stand for
        if self.resumption.consumed is not None:
            saved = self.ledger.saved_messages(self.resumption.consumed)
        else:
            saved = self.ledger.saved(now - self._round_trip_s - FLIGHT_MARGIN_S)
        self._remember(saved)
        if self.turns.state is TurnState.IDLE:
            self.history.close_turn()
        self._ping_due, self._pinged_at = True, now

    def _remember(self, consumed: list[Entry]) -> None:
        for entry in consumed:
            if entry.kind == "text":
                self.history.add(entry.role, entry.label)

    # --- setting up

    def _setup_complete(self, frame: Frame, now: float) -> list[RealtimeEvent]:
        if self.state is not State.SETTING_UP:
            return []
        self._move(Trigger.SETUP_COMPLETE)
        restored = self._setup.handle_may_go
        first, updated = self._setup.confirmed()
        self._round_trip_s = max(0.0, now - self._setup.sent_at)
        self._handover.done(now)
        self._health.opened(now)
        events: list[RealtimeEvent] = []
        rewound = self._rewind() if restored else None
        if self._setup.handle is None:
            self._content_sent = self.ledger.will_ask()
            self._send_history(self._seed())
        if first:
            events.append(SessionCreated(raw_message=reading.lazy(frame)))
        if rewound is not None:
            events += self._resumed(rewound, frame, now)
        self.resumption.ready(now)
        self.ledger.may_flow(now)
        if updated:
            events.append(SessionUpdated())
        if self._setup.changed:
            self._wish_to_leave(UPDATE_WITHIN_S, now)
        return events

    def _taken_up_at(self) -> float | None:
        """When the session was as it is taken up; None for a new one."""
        return None if self._setup.handle is None else self.resumption.handle_at

    def _rewind(self) -> Rewound:
        return self.ledger.rewind(self._taken_up_at(), exact=self.resumption.consumed is not None)

    def _resumed(self, rewound: Rewound, frame: Frame, now: float) -> list[RealtimeEvent]:
        cancelled = self.calls.lost(self._taken_up_at())
        self._health.calls(len(self.calls), now)
        if any(entry.asks for entry in rewound.again) or (self.ledger.owed and self._nudge()):
            self._health.asked(now)
        items = telling.replayed(rewound.again)
        resumed = SessionResumed(
            raw_message=reading.lazy(frame),
            gap_ms=self.resumption.gap_ms(now),
            replayed=len(items),
            uncertain=sum(item.uncertain for item in items) + rewound.forgotten,
            new_session=self._setup.handle is None,
            items=items,
        )
        # A connection that had to be left in mid-turn takes the turn with it.
        events = [*(self._cut_turn() if self.turns.state is not TurnState.IDLE else ()), resumed]
        if cancelled:
            events.append(FunctionCallCancelled(call_ids=cancelled))
        return events + [telling.orphaned(call_id) for call_id in rewound.orphans]

    def _seed(self) -> list[messages.Content]:
        """What to tell a new session of the conversation before it."""
        seeds = self.resumption.policy.seed_history and self._profile.text_input
        return [*self._setup.history, *(self.history.contents() if seeds else ())]

    def _send_history(self, history: Sequence[messages.Content]) -> None:
        if history:
            # Where the setup announced a history, completing it asks for no answer; elsewhere it does.
            content = messages.ClientContent(turns=list(history), turn_complete=self._profile.history_needs_config)
            self._urgent.append(encode(messages.ClientMessage(client_content=content)))
            self.ledger.count_sent()

    # --- what the events mean to the conversation

    def _output(self, now: float) -> None:
        if self.turns.state is not TurnState.GENERATING:
            self.turns.signal(TurnSignal.OUTPUT)
            self.ledger.answer_begins(now)

    def _note_audio(self, event: AudioDelta, now: float) -> None:
        self._output(now)
        self._health.audio(event.delta, event.rate_hz, now)

    def _note_text(self, event: TextDelta, now: float) -> None:
        self._output(now)
        self._health.output(now)
        self.history.answer(event.text)

    def _note_thought(self, event: ThoughtDelta, now: float) -> None:
        self._output(now)
        self._health.output(now)

    def _note_call(self, event: FunctionCall, now: float) -> None:
        self._health.output(now)
        self._health.calls(len(self.calls), now)

    def _note_cancelled(self, event: FunctionCallCancelled, now: float) -> None:
        self.calls.cancelled(event.call_ids)
        self.ledger.not_wanted(event.call_ids)
        self._health.calls(len(self.calls), now)

    def _note_input_transcript(self, event: InputTranscript, now: float) -> None:
        self.history.heard(event.text)
        # The service promises no order: the transcript may come during the answer, and after it.
        waits = self.turns.state is TurnState.IDLE and now > self._handover.idle_since + LATE_TRANSCRIPT_S
        if event.text and waits and self._profile.conversational:
            self._health.asked(now)

    def _note_output_transcript(self, event: OutputTranscript, now: float) -> None:
        self.history.answer(event.text)
        self._health.transcript(event.text, now)

    def _note_speech(self, event: SpeechStarted, now: float) -> None:
        self.ledger.hold(now - self._round_trip_s - SPEECH_BEGAN_S)

    def _note_interrupted(self, event: Interrupted, now: float) -> None:
        self.turns.signal(TurnSignal.INTERRUPTED)
        self.ledger.answer_cut()
        self._health.interrupted(now)

    def _note_generated(self, event: GenerationComplete, now: float) -> list[Finding]:
        self.turns.signal(TurnSignal.GENERATION_COMPLETE)
        if not self._profile.interaction_status:  # there it may have been a filler, and the turn's end says so
            self._answered()
        return self._health.generation_complete(now)

    def _note_turn_complete(self, event: TurnComplete, now: float) -> list[Finding]:
        self.turns.signal(TurnSignal.TURN_COMPLETE)
        if not self._more_follows:
            self._answered()
        self._handover.idle_since = now
        return self._health.turn_complete(event.reason, now, more_follows=self._more_follows)

    def _note_go_away(self, event: GoAway, now: float) -> None:
        self.resumption.going_away(event.time_left_ms, now)
        if self.resumption.policy.enabled and self.resumption.policy.hand_over:
            self._wish_to_leave((event.time_left_ms or 0) / 1000, now)
        else:
            self._move(Trigger.WISH_TO_LEAVE)

    def _answered(self) -> None:
        """The model's answer is over: what it answers is of no more concern."""
        self._remember(self.ledger.answer_over(self._round_trip_s, FLIGHT_MARGIN_S, self.resumption.handle_at))
        self.history.close_turn()

    def _act_on(self, findings: Sequence[Finding], now: float) -> list[RealtimeEvent]:
        events: list[RealtimeEvent] = []
        for finding in findings:
            action = finding.action if finding.action != "nudge" or self._nudge() else "report"
            events.append(VoiceHealth(finding=finding.finding, detail=finding.detail, action=action))
            if action == "resume" and self.state in _OPEN:
                error = ConnectionClosed(NO_CLOSE, finding.finding, "it was given up by this side", retryable=True)
                events += self.connection_ended(error, now)
        return events

    def _nudge(self) -> bool:
        """Ask the model to go on, where there is a message for it."""
        if self.state not in _OPEN or self._profile.client_content != "any" or not self._profile.text_input:
            return False
        self._urgent.append(encode(messages.ClientMessage(client_content=messages.ClientContent(turn_complete=True))))
        self._flows = False
        self.ledger.count_sent()
        return True

    # --- to the service

    def send_audio(
        self, audio_base64: bytes, rate_hz: int, duration_ms: float, now: float, *, stalled: bool
    ) -> bytes | None:
        """Microphone audio: base64 of mono signed 16-bit little-endian PCM.

        Args:
            audio_base64: the audio.
            rate_hz: its sample rate.
            duration_ms: how long it is.
            now: seconds.
            stalled: whether the connection takes nothing at the moment.

        Returns:
            The frame to send at once; None when it waits for others, or for a connection.
        """
        frame = audio_frame(audio_base64, rate_hz)
        if self._flows and not stalled:
            self.ledger.audio_sent(frame, duration_ms, now)
            return frame
        self._flows = False
        if self.state in _OPEN:
            self.ledger.drop_older(now - self.max_audio_age_s)
        self.ledger.add_audio(frame, duration_ms, now)
        return None

    def send_video(self, image_base64: str, mime_type: str) -> None:
        """One image of the video stream. Of those that cannot be sent yet only the last is kept."""
        item = messages.RealtimeInput(video=messages.Blob(mime_type=mime_type, data=image_base64))
        self._video = encode(messages.ClientMessage(realtime_input=item))

    def send_text(self, role: Role, text: str, turn_complete: bool, now: float) -> None:
        """Text in the conversation.

        Raises:
            UnsupportedByModel: the model takes no text, or no such turn at this point.
        """
        if not self._profile.text_input:
            raise UnsupportedByModel(f"{self._profile.family} takes no text", remedy="send audio")
        if role == "user" and turn_complete and self._profile.text_via_realtime_input:
            self._content_sent = True
            message = messages.ClientMessage(realtime_input=messages.RealtimeInput(text=text))
        else:
            message = messages.ClientMessage(client_content=self._content(role, text, turn_complete))
        self._queue("text", message, now, label=text, role=_ROLES[role], asks=turn_complete)
        if turn_complete:
            self._health.asked(now)

    def _content(self, role: Role, text: str, turn_complete: bool) -> messages.ClientContent:
        if self._content_sent and self._profile.client_content == "first_turn_only":
            raise UnsupportedByModel(
                f"{self._profile.family} takes turns of its history only before the conversation has begun",
                remedy="send what the user says with role 'user' and turn_complete=True",
            )
        self._content_sent = self._content_sent or turn_complete
        turn = messages.Content(role=_ROLES[role], parts=[messages.Part(text=text)])
        return messages.ClientContent(turns=[turn], turn_complete=turn_complete)

    def send_function_result(
        self, call_id: str, response: dict[str, Any], now: float, **options: Any
    ) -> RealtimeEvent | None:
        """The answer to a function call.

        Args:
            call_id: as in `FunctionCall.call_id`.
            response: an object; its keys `output` and `error` have a meaning to the service.
            now: seconds.
            options: `scheduling`, `will_continue`.

        Returns:
            None; or, when the service has forgotten the call, the event that says so: then nothing is sent.
        """
        if call_id in self.calls.orphans:
            return telling.orphaned(call_id)
        call, since = self.calls.answered(call_id, finally_=not options.get("will_continue"))
        since = now if call is None else since  # of a call that nobody knows, a session taken up again knows nothing
        answer = messages.FunctionResponse(
            id=call_id if call is None else call.id,
            name=None if call is None else call.name,
            response=response,
            **options,
        )
        message = messages.ClientMessage(tool_response=messages.ToolResponse(function_responses=[answer]))
        self._queue("function_result", message, now, label=call_id, since=since)
        self._health.calls(len(self.calls), now)
        if not self.calls and options.get("scheduling") != "SILENT":
            self._health.asked(now)
        return None

    def send_activity(self, now: float, *, start: bool) -> None:
        """The user began, or stopped, to speak; only with automatic detection off."""
        if start:
            self.ledger.hold_next()
        edge = messages.RealtimeInput(activity_start={}) if start else messages.RealtimeInput(activity_end={})
        self._realtime(edge, now, asks=not start)

    def send_audio_stream_end(self, now: float) -> None:
        """The microphone was switched off; only with automatic detection on."""
        self._realtime(messages.RealtimeInput(audio_stream_end=True), now)

    def send_context_update(self, update: messages.ContextUpdate, now: float) -> None:
        """New instructions or tools.

        Raises:
            UnsupportedByModel: the model is known not to take them.
        """
        if self._profile.context_update is False:
            raise UnsupportedByModel(
                f"{self._profile.family} cannot change instructions or tools in mid-session",
                remedy="call session_update(), which takes up the session again with them",
            )
        self._setup.amend(update)
        self._queue("context", messages.ClientMessage(context_update=update), now)

    def _realtime(self, item: messages.RealtimeInput, now: float, *, asks: bool = False) -> None:
        self._queue("activity", messages.ClientMessage(realtime_input=item), now, asks=asks)
        if asks:
            self._health.asked(now)

    def _queue(self, kind: Kind, message: messages.ClientMessage, now: float, **details: Any) -> None:
        self._flows = False
        self.ledger.add(kind, encode(message), now, **details)


_NOTES: dict[type, Callable[[Session, Any, float], list[Finding] | None]] = {
    AudioDelta: Session._note_audio,
    TextDelta: Session._note_text,
    ThoughtDelta: Session._note_thought,
    FunctionCall: Session._note_call,
    FunctionCallCancelled: Session._note_cancelled,
    InputTranscript: Session._note_input_transcript,
    OutputTranscript: Session._note_output_transcript,
    SpeechStarted: Session._note_speech,
    Interrupted: Session._note_interrupted,
    GenerationComplete: Session._note_generated,
    TurnComplete: Session._note_turn_complete,
    GoAway: Session._note_go_away,
}
"""What an event of the service means to the conversation."""

_ROLES = {"user": "user", "assistant": "model", "model": "model", "system": "user"}
"""The Gemini API closes with 1007 on a turn of role `system`, so instructions given in a turn travel as the user's."""
