"""The conversation with the service, without any I/O: frames and `now` in; events, frames and deadlines out.

It lasts longer than its connection. Usage, by whoever owns the connections:

- `begin(setup, now)` once the first connection is open;
- every received frame goes through `receive(frame, now)`, which returns events in order;
- what the application says goes through `send_*`, at any time; what cannot be sent yet is kept in order;
- after each of these send what `next_frame(now)` gives, until it gives None, and a ping when `take_ping()` says so;
- when the connection is stalled, or no longer, `network(now, stalled=...)`;
- when `deadline()` passes, call `deadline_reached(now)`, which returns events;
- when a connection ends, or cannot be made, `connection_ended(error, now)`;
- while `dial_at` is a time, close the connection if it is open still, dial then, and call `connected(now)` or
  `connection_ended(error, now)`;
- once `ended`, `failure` tells why: None after a normal end.

`now` is in seconds and monotonic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, Final

from gemini_realtime.errors import ConnectionClosed, GeminiRealtimeError, NotConnectedError, ServiceError, SetupTimeout
from gemini_realtime.protocol import local_events, messages, server_events
from gemini_realtime.protocol.audio_ring import is_quiet
from gemini_realtime.protocol.calls import Calls
from gemini_realtime.protocol.closing import Before, Verdict, close_error, is_normal, judge
from gemini_realtime.protocol.codec import (
    AudioFrames,
    DecodeError,
    Frame,
    decode_server_message,
    parse_duration_ms,
)
from gemini_realtime.protocol.doubts import Doubts
from gemini_realtime.protocol.events import (
    AudioDelta,
    AudioDropped,
    FunctionCallCancelled,
    InputTranscript,
    RealtimeEvent,
    SessionCreated,
    SessionResumed,
    SessionUpdated,
    VoiceHealth,
)
from gemini_realtime.protocol.handover import LISTENS_S, LOOK_AGAIN_S, Handover
from gemini_realtime.protocol.health import Expected, Finding, Health, HealthPolicy
from gemini_realtime.protocol.history import Said, contents
from gemini_realtime.protocol.ledger import MAX_WAITING_BYTES, Ledger
from gemini_realtime.protocol.models import ModelProfile
from gemini_realtime.protocol.options import SessionOptions
from gemini_realtime.protocol.outbox import Gate, Outbox, Role
from gemini_realtime.protocol.pings import Pings
from gemini_realtime.protocol.progress import Progress
from gemini_realtime.protocol.resumption import Reconnect, Resumption
from gemini_realtime.protocol.setup_state import SetupState
from gemini_realtime.protocol.turns import Turns


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
_GATES: dict[State, Gate] = {State.SETTING_UP: "setup", State.READY: "open", State.GOING_AWAY: "open"}

UPDATE_WITHIN_S: Final = 60.0
"""How long new options wait for the end of a turn."""

DROPPED_MS: Final = 1000.0
"""Audio that is dropped for long is told of a second at a time, not fifty times a second."""


class Session:
    """One conversation, over one connection after another.

    Args:
        profile: what the model accepts.
        reconnect: whether and how to reconnect after a loss.
        health: what to do about silence.
        max_audio_age_s: how long microphone audio may wait on a stalled connection.

    Attributes:
        state: where the session stands.
        failure: why it ended; None while it is open, and after a normal end.
        resumption: the last handle, and the attempts to reconnect.
        ledger: what was sent and may have to be sent again.
        progress: the turns, and what was said.
        stirred: whether there is more to do than to pass events on: frames or a ping to send, a change of state, a
            deadline that has moved. `attended` clears it.
    """

    def __init__(
        self,
        profile: ModelProfile,
        options: SessionOptions | None = None,
        *,
        reconnect: Reconnect | None = None,
        health: HealthPolicy | None = None,
        max_audio_age_s: float = 1.0,
    ) -> None:
        self.state = State.NEW
        self.failure: GeminiRealtimeError | None = None
        self.stirred = False
        self.resumption = Resumption(reconnect or Reconnect())
        self.ledger = Ledger(self.resumption.policy.audio_ring_s)
        self._profile = profile
        self._turns = Turns()
        self._calls = Calls(profile)
        self._health = Health(health or HealthPolicy(), self._turns, self._calls)
        self.progress = Progress(profile, self._turns, self._calls, self.ledger, self._health)
        self._outbox = Outbox(profile, self.ledger, self._calls, self.progress, max_audio_age_s)
        self.send_audio = self._outbox.send_audio  # a call in between costs a tenth of it, fifty times a second
        self._handover = Handover()
        self._audio = AudioFrames()
        self._setup = SetupState(options or SessionOptions())
        self._pings = Pings()
        self._doubts = Doubts(self._setup, self.resumption, self.ledger)
        self._seed_look_at: float | None = None  # when to look whether somebody has spoken and is silent now

    # --- what whoever carries it asks

    @property
    def begun(self) -> bool:
        """Whether `begin` was called."""
        return self.state is not State.NEW

    @property
    def ended(self) -> bool:
        """Whether the conversation is over."""
        return self.state is State.CLOSED

    @property
    def dial_at(self) -> float | None:
        """When to dial for another connection; None while there is one, and after the end; seconds."""
        return self.resumption.dial_at if self.state is State.AWAY else None

    @property
    def handle(self) -> str | None:
        """The last handle that the service sent."""
        return self.resumption.handle

    def first_dial(self) -> Resumption:
        """Attempts for the first connection, which are counted apart: nothing is to be resumed yet."""
        return Resumption(self.resumption.policy)

    @property
    def waits(self) -> bool:
        """Whether anything that the application said, or its microphone heard, has not gone out."""
        return self.ledger.waits

    @property
    def unsent(self) -> int:
        """How many messages, audio aside, have not gone out."""
        return self.ledger.unsent

    def attended(self) -> None:
        """What there was to do is being done."""
        self.stirred = False

    def has_room(self) -> bool:
        """Whether text and results can be accepted.

        Raises:
            GeminiRealtimeError: why the session ended, when it has.
        """
        if self.state is State.CLOSED:
            raise self.why_ended()
        stalled = self._outbox.stalled and self.state is not State.AWAY
        return not stalled and self.ledger.waiting_bytes <= MAX_WAITING_BYTES

    def why_ended(self) -> GeminiRealtimeError:
        """The error for whoever wants to go on after the end.

        It is raised as often as somebody asks, and each time would add to its traceback what was going on.
        """
        if self.failure is not None:
            return self.failure.with_traceback(None)
        return NotConnectedError("the service has ended the conversation", remedy="leave `connect()` and connect again")

    def may_read(self, *, full: bool, flooded: bool, now: float) -> bool:
        """Whether to read on from the connection.

        Args:
            full: so many events wait to be read that no more should come.
            flooded: so many that nothing at all should.
            now: seconds.
        """
        if full and self.state in (State.SETTING_UP, State.AWAY) and not flooded:
            return True  # the answer to the setup, or to the close, must get through
        if self.state is not State.AWAY:
            self._health.reading(full, now)
        return not full

    def take_dropped(self, *, at_once: bool = True) -> AudioDropped | None:
        """Microphone audio that was dropped and not told yet; None when there is none.

        Args:
            at_once: False leaves less than a second for later.
        """
        dropped = self.ledger.audio.take_dropped(0.0 if at_once else DROPPED_MS)
        return None if dropped is None else local_events.audio_dropped(*dropped)

    # --- the connection

    def ask(self, options: SessionOptions) -> None:
        """Other options, of which no setup is made before the conversation, or in this one any more."""
        self._setup.options = options

    def prepare(self, setup: dict[str, Any], options: SessionOptions | None = None) -> None:
        """The setup to begin with.

        Args:
            setup: the body of the `setup` message.
            options: what it was made from.
        """
        self._setup.change(setup, options or self._setup.options)

    def begin(self, now: float, *, timeout_s: float = 30.0) -> None:
        """Open the session with the setup that was prepared; the history among its options is sent before anything.

        Args:
            now: seconds.
            timeout_s: how long the service may take to confirm.
        """
        given = (self._setup.body.get("sessionResumption") or {}).get("handle")
        if given and self.resumption.handle is None:
            self.resumption.given(given, now)
        self._setup.timeout_s = timeout_s
        if self.resumption.lost_at is None:
            self._set_up(Trigger.BEGIN, now)
        else:  # the connection did not live to see this
            self.resumption.progressed()
            self.resumption.left(now)
            self._move(Trigger.LOST)

    def connected(self, now: float) -> None:
        """There is a new connection after a loss."""
        self._set_up(Trigger.CONNECTED, now)

    def _set_up(self, trigger: Trigger, now: float) -> None:
        self._move(trigger)
        self._pings.connected()
        self._outbox.network(now, stalled=False)
        seeds = self._profile.history_needs_config and bool(self._seed())
        self._outbox.setup(self._setup.sent(self.resumption.usable(now), now, seeds=seeds))

    def network(self, now: float, *, stalled: bool) -> None:
        """The connection is stalled, or no longer."""
        self._health.sending(now, stalled=stalled)
        self._outbox.network(now, stalled=stalled)

    def audio_waits_until(self) -> float:
        """Until when a stalled connection is worth waiting for with the next piece of audio; -inf when there is no
        reason to wait; seconds."""
        return self._outbox.audio_waits_until()

    def next_frame(self, now: float) -> bytes | None:
        """The frame to send now; None when there is none, or none may be sent yet."""
        return self._outbox.next(now)

    def deadline(self) -> float | None:
        """When `deadline_reached` wants to be called; None: never."""
        if self.state is State.SETTING_UP:
            return self._setup.deadline
        if self.state not in _OPEN:
            return None
        times = (
            self._handover.deadline() if self.state is State.GOING_AWAY else None,
            self._health.deadline(),
            self.progress.deadline(),
            self._seed_look_at,
            self._doubts.holds_until,
        )
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
        events: list[RealtimeEvent] = []
        if self._doubts.holds_until is not None and now >= self._doubts.holds_until:
            events += self._doubts.held()
            self._open_gate()
        ping_due, findings = self._health.due(now)
        if ping_due:
            self._pings.send(now)
            self.stirred = True
        events += self.progress.due(now) + self._act_on(findings, now)
        self._complete_seed_if_silent(now)
        self._leave_if_it_suits(now)
        return events

    def take_ping(self) -> bool:
        """Whether to send a ping now."""
        return self._pings.take()

    def pong(self, now: float) -> None:
        """A ping was answered."""
        if (round_trip_s := self._pings.answered(now)) is not None:
            self.progress.measured(round_trip_s)
        self._health.pong(now)

    def end(self, failure: GeminiRealtimeError | None = None) -> None:
        """End the conversation."""
        if self.state is not State.CLOSED:
            self.failure = failure
        self._move(Trigger.ENDED)
        self._outbox.end(self.why_ended)

    def connection_ended(self, error: GeminiRealtimeError, now: float, *, gave_up: bool = False) -> list[RealtimeEvent]:
        """The connection ended, or could not be made: reconnect, or end.

        Args:
            error: how it ended, or why it could not be made.
            now: seconds.
            gave_up: this side ended it, for what was wrong with the conversation.
        """
        if self.state is State.CLOSED or (self.state is State.AWAY and is_normal(error)):
            return []
        policy, before = self.resumption.policy, self._before(now)
        events = self._doubt(error, now, gave_up=gave_up) if policy.enabled else []
        again = self.resumption.refused_again(error, now)
        verdict = Verdict.RECONNECT if events else judge(error, before)
        if (is_normal(error) and not (policy.enabled and policy.after_normal_close)) or verdict is Verdict.END:
            self.end()
        elif verdict is Verdict.FAIL or not policy.enabled:
            self.end(again or error)
        elif again is not None and before.open and not (events or self._doubts.may_be_a_message):
            self.end(again)
        elif not self.resumption.lost(error, now):
            self.end(self.resumption.given_up(error, now))
        else:
            events += self._away(error, now)
        self._health.closed()
        return events

    def _before(self, now: float) -> Before:
        return Before(
            confirmed=self._setup.ever_confirmed,
            open=self.state in _OPEN,
            moved=self.progress.moved,
            owed=not self.progress.between_turns() or self.ledger.waits,
            resumable=self.resumption.usable(now) is not None,
        )

    def _away(self, error: GeminiRealtimeError, now: float) -> list[RealtimeEvent]:
        """The connection is lost, and another is wanted."""
        if self.state is State.NEW:  # what to set up is not known before `begin`
            return []
        was_open = self.state in _OPEN
        self._move(Trigger.LOST)
        if was_open:
            return [local_events.connection_lost(error), *self.progress.connection_lost(now)]
        return [local_events.reconnecting(error, self.resumption.attempts + 1, self.resumption.dial_at - now)]

    def _doubt(self, error: GeminiRealtimeError, now: float, *, gave_up: bool) -> list[RealtimeEvent]:
        """What is done without, if the connection ended for it."""
        if self.state is State.SETTING_UP:
            return self._doubts.setup_failed(error)
        return self._doubts.session_ended(error, now, gave_up=gave_up) if self.state in _OPEN else []

    def _move(self, trigger: Trigger) -> None:
        self.state = TRANSITIONS.get((self.state, trigger), self.state)
        if self.state not in _OPEN:
            self._doubts.connection_left()
        self._open_gate()

    def _open_gate(self) -> None:
        gate = _GATES.get(self.state, "shut")
        self._outbox.open("setup" if gate == "open" and self._doubts.holds_until is not None else gate)
        self.stirred = True

    # --- changing connections

    @property
    def options(self) -> SessionOptions:
        """What the application asks for; a setup that was refused takes with it what was new in it."""
        return self._setup.options

    def update(
        self,
        setup: dict[str, Any],
        options: SessionOptions,
        now: float,
        *,
        in_place: messages.ContextUpdate | None = None,
    ) -> list[RealtimeEvent] | None:
        """New options.

        Args:
            setup: the body of a `setup` message with all of them.
            options: all of them.
            now: seconds.
            in_place: the message that tells the service of those that are new without a new setup, where there is one.

        Returns:
            Events; None when the options can only take effect in another conversation.
        """
        if self.state is State.NEW:
            self.prepare(setup, options)
            return []
        if in_place is not None and self.state in _OPEN:
            self.send_context_update(in_place, options.changes_since(self.options))
            return [SessionUpdated()]  # messages are processed in order: what is said from now on is said under them
        possible = self.resumption.policy.enabled and self._setup.may_change(setup)
        if self.state is State.CLOSED or not possible:
            self.ask(options)
            return None
        self._setup.change(setup, options)
        self._wish_to_leave(UPDATE_WITHIN_S, now)
        return []

    def _wish_to_leave(
        self, time_left_s: float | None, now: float, *, patient: bool = False, spread: float = 0.0
    ) -> None:
        self._move(Trigger.WISH_TO_LEAVE)
        if self.state is State.GOING_AWAY:
            self._handover.wish(time_left_s, now, patient=patient, spread=spread)
            self._leave_if_it_suits(now)

    def _leave_if_it_suits(self, now: float) -> None:
        if self.state is not State.GOING_AWAY or not self._handover.wanted:
            return
        if self._handover.overdue(now) or (self.progress.between_turns() and self._suits(now)):
            self._leave(now)
        else:
            self._handover.look_again(now)

    def _leave(self, now: float) -> None:
        """Leave the connection for another, unless that has happened too often."""
        if self.resumption.left(now, at_once=not self._handover.overdue(now)):
            self._move(Trigger.LEFT)
        else:
            error = close_error(messages.CloseCode.GOING_AWAY, "goAway as soon as the connection was open")
            self.end(self.resumption.given_up(error, now))
        self._health.closed()

    def _suits(self, now: float) -> bool:
        handle_at = self.resumption.handle_at
        if handle_at is None and not self.resumption.distrusted:
            return False  # one may come yet, and without it the service forgets what was said
        idle_since = self.progress.idle_since
        fresh = handle_at is None or (handle_at >= idle_since and not self.ledger.unsaved())
        quiet = is_quiet(self.ledger.audio.recent(now - LISTENS_S))
        return quiet and self._handover.suits(now, idle_since, saved=fresh)

    # --- what the application says; audio goes to the outbox directly

    def send_text(self, role: Role, text: str, turn_complete: bool, now: float) -> None:
        """Text in the conversation, see `Outbox.send_text`."""
        self._outbox.send_text(role, text, turn_complete, now)

    def send_turn(self, role: Role, parts: object, turn_complete: bool, now: float) -> None:
        """A turn of several parts, see `Outbox.send_turn`."""
        self._outbox.send_turn(role, parts, turn_complete, now)

    def send_video(self, image_base64: str, mime_type: str, now: float) -> None:
        """One image of the video stream."""
        self._outbox.send_video(image_base64, mime_type, now)

    def send_activity(self, now: float, *, start: bool) -> None:
        """The user began, or stopped, to speak, see `Outbox.send_activity`."""
        self._outbox.send_activity(now, start=start)

    def send_audio_stream_end(self) -> None:
        """The microphone was switched off, see `Outbox.send_audio_stream_end`."""
        self._outbox.send_audio_stream_end()

    def send_function_result(
        self,
        call_id: str,
        result: Any,
        now: float,
        *,
        scheduling: str | None = None,
        will_continue: bool | None = None,
        parts: object = None,
    ) -> RealtimeEvent | None:
        """The answer to a function call, see `Outbox.send_function_result`."""
        return self._outbox.send_function_result(
            call_id, result, now, scheduling=scheduling, will_continue=will_continue, parts=parts
        )

    def send_context_update(self, update: messages.ContextUpdate, options: Mapping[str, Any]) -> None:
        """New instructions or tools, without a new setup.

        Args:
            update: the message.
            options: those that it changes, as `check_options` returns them.

        Raises:
            UnsupportedByModel: the model is known not to take them.
        """
        self._outbox.send_context_update(update)
        self._setup.amend(update, options)

    # --- saved state

    def saved_state(self, now: float) -> dict[str, Any]:
        """What another process needs to continue the conversation, as plain JSON; holds no audio."""
        handle, handle_at = self.resumption.handle, self.resumption.handle_at
        return {
            "handle": handle,
            "handle_age_s": None if handle_at is None else now - handle_at,
            "history": [turn._asdict() for turn in self.progress.said()],
            "messages": self.ledger.saved_state(handle_at),
            "calls": self._calls.saved_state(handle_at),
        }

    def restore(self, state: dict[str, Any], now: float) -> None:
        """Continue a conversation of another process; to be called before anything else.

        Args:
            state: as `saved_state` gives it; `saved_state.read_state` has checked it.
            now: seconds.
        """
        handle_at = None if state["handle"] is None else now - state["handle_age_s"]
        written = self.ledger.restore(state["messages"])
        self._calls.restore(state.get("calls", ()), handle_at)
        self.progress.restore([Said(**turn) for turn in state["history"]], written, handle_at)
        self.resumption.given(state["handle"], handle_at)
        self._setup.handle_may_go = True

    # --- from the service

    def receive(self, data: bytes, now: float) -> list[RealtimeEvent]:
        """Read one frame; `server_events` says which events come of it, and in which order."""
        self._health.last_frame_at = now
        audio = self._audio.find(data)
        if audio is not None:
            rate_hz = self._audio.rate_hz
            event = server_events.audio(Frame(data), audio, rate_hz)
            if not self._turns.spoke(len(audio), rate_hz):
                return self._noted([event], now)
            self._health.audio(audio, now)
            return [event]
        events = self._read(data, now)
        if len(events) == 1 and isinstance(events[0], AudioDelta) and not events[0].stale:
            self._audio.learn(data, events[0].delta, events[0].rate_hz)
        if self.state is State.GOING_AWAY:
            self._leave_if_it_suits(now)
        return events

    def _noted(self, events: Sequence[RealtimeEvent], now: float) -> list[RealtimeEvent]:
        """Take note of what the service said; returns it, and what comes of it."""
        answers = self.progress.completed
        told, findings = self.progress.note(events, now)
        if findings:
            return told + self._act_on(findings, now)
        if self.progress.completed != answers:
            self.resumption.progressed()
        return told

    def _read(self, data: bytes, now: float) -> list[RealtimeEvent]:
        frame = Frame(data)
        try:
            message, unknown = decode_server_message(data)
        except DecodeError as error:
            return [VoiceHealth(finding="undecodable_frame", detail=str(error), action="ignored")]
        events = self._setup_complete(frame, now) if message.setup_complete is not None else []
        events += self._message(message, frame, now)
        if unknown or not events:
            events.append(server_events.plain(frame))
        if self.progress.deadline() is not None:
            self.stirred = True
        return events

    def _message(self, message: messages.ServerMessage, frame: Frame, now: float) -> list[RealtimeEvent]:
        if message.server_content is not None:
            self.progress.works_on(message.server_content.interaction_status == "IN_PROGRESS")
        said = server_events.message_events(
            message,
            frame,
            interrupted=self._turns.interrupted,
            opened=lambda call: self._calls.opened(call.id, call.name, call.args or {}, now),
        )
        events = self._noted(said, now)
        if self._outbox.seed_is_open and any(isinstance(event, InputTranscript) for event in events):
            self._seed_look_at, self.stirred = now + LISTENS_S, True
        if message.session_resumption_update is not None:
            self._handle(message.session_resumption_update, now)
        if message.go_away is not None:
            events += self._go_away(parse_duration_ms(message.go_away.time_left), now)
        return events + self._error(message.error, now) if message.error is not None else events

    def _error(self, error: messages.ErrorStatus, now: float) -> list[RealtimeEvent]:
        retryable = error.code in (429, 500, 503, 504)
        return self.connection_ended(ServiceError(error.code, error.status, error.message, retryable=retryable), now)

    def _handle(self, update: messages.SessionResumptionUpdate, now: float) -> None:
        # Before the setup is confirmed nothing is known of the session that a handle would stand for.
        if self.state is State.SETTING_UP or not self.resumption.updated(update, now):
            return
        self.progress.handle_received(self.resumption.consumed, now)
        self.stirred = self._pings.measure(now) or self.stirred

    # --- setting up

    def _setup_complete(self, frame: Frame, now: float) -> list[RealtimeEvent]:
        if self.state is not State.SETTING_UP:
            return []
        self._move(Trigger.SETUP_COMPLETE)
        restored = self._setup.handle_may_go
        first, updated = self._setup.confirmed()
        self._take_note_of_setup()
        self._handover.done()
        self._health.opened(now, _expected(self._setup.body, self._profile))
        self.progress.session_ready(max(0.0, now - self._setup.sent_at), now)
        events: list[RealtimeEvent] = []
        if first:
            events.append(SessionCreated(raw_message=server_events.lazy(frame)))
        if restored:
            events += self._resumed(frame, now)
        elif self._setup.handle is None:
            self._outbox.history(self._seed())
        self._doubts.session_ready(now)
        self._open_gate()
        self.ledger.session_ready(now)
        self.resumption.ready(now)
        if updated:
            events.append(SessionUpdated())
        if self._setup.changed:
            self._wish_to_leave(UPDATE_WITHIN_S, now)
        return events

    def _take_note_of_setup(self) -> None:
        setup = self._setup.body
        self._calls.declared(setup.get("tools", ()))
        handling = setup.get("realtimeInputConfig", {}).get("activityHandling")
        self.progress.answers(one_by_one=handling == "NO_INTERRUPTION")

    def _resumed_from(self) -> float | None:
        """The moment the session is resumed from; None for a new one."""
        return None if self._setup.handle is None else self.resumption.handle_at

    def _resumed(self, frame: Frame, now: float) -> list[RealtimeEvent]:
        """The conversation goes on, in the session that the handle stands for or in a new one."""
        ended = self.progress.connection_lost(now)  # where it was left in mid-turn
        resumed_from = self._resumed_from()
        arrived_until = now - self.resumption.gap_ms(now) / 1000 - self.progress.flight_s
        exact = self.resumption.consumed is not None
        resent = self.ledger.resend(resumed_from, exact=exact, arrived_until=arrived_until)
        lost_calls = self._calls.lost(resumed_from)
        self._go_on_with(self.progress.resumed(resent, lost_calls, now), [*lost_calls, *resent.unheard], now)
        items = local_events.replayed(resent.again)
        resumed = SessionResumed(
            raw_message=server_events.lazy(frame),
            gap_ms=self.resumption.gap_ms(now),
            replayed=len(items),
            uncertain=sum(item.uncertain for item in items) + resent.forgotten,
            new_session=self._setup.handle is None,
            items=items,
        )
        events: list[RealtimeEvent] = [*ended, resumed]
        if lost_calls:
            events.append(FunctionCallCancelled(call_ids=lost_calls))
        return events + [local_events.orphaned(call_id) for call_id in resent.orphans]

    def _go_on_with(self, owed: bool, lost_calls: Sequence[str], now: float) -> None:
        """Tell the session what it has to know before what is sent again.

        Args:
            owed: an answer is, which nothing that is sent again asks for.
            lost_calls: calls that the service may wait for, and to which no result comes.
            now: seconds.
        """
        if self._setup.handle is None:
            if owed:
                self.progress.close_question()
            self._outbox.history(self._seed())
        elif self._profile.lost_calls_block and lost_calls:
            self._outbox.lost_calls(lost_calls)
            return  # the model hears of it, and may say something
        if owed and self._nudge():
            self.progress.asked(now)

    def _seed(self) -> list[messages.Content]:
        """What to tell a new session of the conversation before it."""
        seeds = self.resumption.policy.seed_history and self._profile.text_input
        return [*self._setup.history, *(contents(self.progress.said()) if seeds else ())]

    def _complete_seed_if_silent(self, now: float) -> None:
        if self._seed_look_at is None or now < self._seed_look_at:
            return
        if not self._outbox.seed_is_open:
            self._seed_look_at = None
        elif is_quiet(self.ledger.audio.recent(now - LISTENS_S)):
            self._seed_look_at, self.stirred = None, True
            self._outbox.complete_seed()
        else:
            self._seed_look_at = now + LOOK_AGAIN_S

    def _go_away(self, time_left_ms: int | None, now: float) -> list[RealtimeEvent]:
        events: list[RealtimeEvent] = []
        if self.resumption.sent_away(now) and self.resumption.policy.enabled:
            events = self._doubts.give_up_handle("handle_doubted", "sent away again as soon as the session was resumed")
        if self.resumption.policy.enabled and self.resumption.policy.hand_over:
            self._wish_to_leave((time_left_ms or 0) / 1000, now, patient=True, spread=self.resumption.jitter())
        else:
            self._move(Trigger.WISH_TO_LEAVE)
        return events

    def _act_on(self, findings: Sequence[Finding], now: float) -> list[RealtimeEvent]:
        events: list[RealtimeEvent] = []
        for finding in findings:
            action = finding.action if finding.action != "nudge" or self._nudge() else "report"
            events.append(VoiceHealth(finding=finding.finding, detail=finding.detail, action=action))
            self.stirred = True
            if action == "resume" and self.state in _OPEN:
                error = ConnectionClosed(
                    messages.CloseCode.NONE, finding.finding, "it was given up by this side", retryable=True
                )
                events += self.connection_ended(error, now, gave_up=True)
        return events

    def _nudge(self) -> bool:
        self.stirred = True
        return self._outbox.nudge()


def _expected(setup: Mapping[str, Any], profile: ModelProfile) -> Expected:
    """What is to be heard and read of an answer, by this setup."""
    modalities = setup.get("generationConfig", {}).get("responseModalities")
    speaks = profile.conversational and modalities == ["AUDIO"]
    return Expected(
        audio=speaks,
        transcript=speaks and "outputAudioTranscription" in setup,
        silence="proactivity" in setup,
    )
