"""The conversation with the service, without any I/O: frames and `now` in; events, frames and deadlines out.

It lasts longer than its connection. Usage, by whoever owns the connections:

- `begin(setup, now)` once the first connection is open;
- every received frame goes through `speech.next(frame, now)` and, where that knows nothing of it, through
  `receive(frame, now)`, which returns events in order;
- what the application says goes through `send_*`, at any time; what cannot be sent yet is kept in order;
- after each of these ask for `take_actions()`, and send what `next_frame(now)` gives until it is None;
- when the connection is stalled, or no longer, `network(now, stalled=...)`;
- when `deadline()` passes, call `deadline_reached(now)`, which returns events;
- when the connection in use ends, `connection_lost(error, now)`;
- while `dial_at` is a time, close the connection if it is open still, dial then, and call `connected(now)` or
  `connection_ended(error, now)`;
- once `ended`, `failure` tells why: None after a normal end.

`now` is in seconds and monotonic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, Final

import msgspec

from gemini_realtime.errors import ConnectionClosed, GeminiRealtimeError, NotConnectedError, ServiceError, SetupTimeout
from gemini_realtime.protocol import local_events, messages, server_events
from gemini_realtime.protocol.audio_ring import Stretch
from gemini_realtime.protocol.calls import Calls
from gemini_realtime.protocol.closing import Verdict, close_error, is_normal, judge
from gemini_realtime.protocol.codec import DecodeError, Frame, decode_server_message, parse_duration_ms
from gemini_realtime.protocol.doubts import Doubts
from gemini_realtime.protocol.events import AudioDelta, AudioDropped, RealtimeEvent, SessionUpdated, VoiceHealth
from gemini_realtime.protocol.handover import Handover
from gemini_realtime.protocol.health import Finding, Health, HealthPolicy
from gemini_realtime.protocol.inbox import Inbox
from gemini_realtime.protocol.ledger import Ledger
from gemini_realtime.protocol.models import ModelProfile
from gemini_realtime.protocol.options import SessionOptions
from gemini_realtime.protocol.outbox import Gate, Outbox, Role
from gemini_realtime.protocol.progress import Progress
from gemini_realtime.protocol.recovery import Recovery
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


class Actions(msgspec.Struct, frozen=True):
    """What whoever carries the session has to do now, beside sending frames.

    Attributes:
        ping: send a ping.
        dial_at: when to dial for another connection; None while there is one, and after the end; seconds.
        ended: whether the conversation is over.
    """

    ping: bool
    dial_at: float | None
    ended: bool


class Session:
    """One conversation, over one connection after another: which of its owners has a say in which state.

    Args:
        profile: what the model accepts.
        options: of the session, until `ask` or `prepare` brings others.
        reconnect: whether and how to reconnect after a loss.
        health: what to do about silence.
        max_audio_age_s: how long microphone audio may wait on a stalled connection.

    Attributes:
        state: where the session stands.
        failure: why it ended; None while it is open, and after a normal end.
        stirred: whether there is more to do than to pass events on: frames or a ping to send, a change of state, a
            deadline that has moved. `take_actions` clears it.
        resumption: the last handle, and the attempts to reconnect.
        speech: what the model says, while it goes on.
        next_frame: see `Outbox.next`.
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
        resumption = self.resumption = Resumption(reconnect or Reconnect())
        setup = self._setup = SetupState(options or SessionOptions())
        turns, calls, ledger = Turns(), Calls(profile), Ledger(resumption.policy.audio_ring_s)
        self.speech = turns.speech
        watch = Health(health or HealthPolicy(), turns, calls)
        progress = Progress(profile, turns, calls, ledger, watch)
        self._inbox = Inbox(turns, calls, progress, watch, resumption)
        outbox = self._outbox = Outbox(profile, ledger, calls, progress, watch, max_audio_age_s)
        self.next_frame = outbox.next
        self._handover = Handover(resumption, progress, ledger)
        self._doubts = Doubts(setup, resumption, ledger, progress)
        self._recovery = Recovery(profile, setup, resumption, calls, ledger, progress, watch, outbox)

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
        return self._outbox.waits

    @property
    def audio(self) -> Stretch:
        """The audio that was sent last, see `Outbox.audio`."""
        return self._outbox.audio

    @property
    def unsent(self) -> int:
        """How many messages, audio aside, have not gone out."""
        return self._outbox.unsent

    def take_actions(self) -> Actions:
        """What there is to do, which is being done then."""
        self.stirred = False
        return Actions(self._inbox.take_ping(), self.dial_at, self.state is State.CLOSED)

    def has_room(self) -> bool:
        """Whether text and results can be accepted.

        Raises:
            GeminiRealtimeError: why the session ended, when it has.
        """
        return self._outbox.has_room()

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
            self._inbox.paused(full, now)
        return not full

    def take_dropped(self, *, at_once: bool = True) -> AudioDropped | None:
        """Microphone audio that was dropped and not told yet; None when there is none.

        Args:
            at_once: False leaves less than a second for later.
        """
        return self._outbox.take_dropped(0.0 if at_once else DROPPED_MS)

    # --- the connection

    def begin(self, now: float, *, timeout_s: float = 30.0) -> None:
        """Open the session with the setup that was prepared; the history among its options is sent before anything.

        Args:
            now: seconds.
            timeout_s: how long the service may take to confirm.
        """
        given = (self._setup.body.get("sessionResumption") or {}).get("handle")
        if given and self.resumption.handle is None:
            self.resumption.given(given, now)
        self._setup.wait(timeout_s)
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
        self._inbox.connected()
        self._outbox.network(now, stalled=False)
        self._recovery.connected(now)

    def network(self, now: float, *, stalled: bool) -> None:
        """The connection is stalled, or no longer."""
        self._outbox.network(now, stalled=stalled)

    def audio_waits_until(self) -> float:
        """Until when a stalled connection is worth waiting for with the next piece of audio; -inf when there is no
        reason to wait; seconds."""
        return self._outbox.audio_waits_until()

    def pong(self, now: float) -> None:
        """A ping was answered."""
        self._inbox.pong(now)

    def deadline(self) -> float | None:
        """When `deadline_reached` wants to be called; None: never."""
        if self.state is State.SETTING_UP:
            return self._setup.deadline
        if self.state not in _OPEN:
            return None
        leaves = self._handover.deadline() if self.state is State.GOING_AWAY else None
        times = (leaves, self._inbox.deadline(), self._recovery.deadline(), self._doubts.holds_until)
        return min((at for at in times if at is not None), default=None)

    def deadline_reached(self, now: float) -> list[RealtimeEvent]:
        """Time has passed: the session may have lost its connection by it, or ended."""
        if self.state is State.SETTING_UP and self._setup.overdue(now):
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
        ended, findings = self._inbox.due(now)
        events += ended + self._act_on(findings, now)
        self._recovery.due(now)
        self._leave_if_it_suits(now)
        return events

    def connection_lost(self, error: GeminiRealtimeError, now: float) -> list[RealtimeEvent]:
        """The connection in use ended. Of one that is being left that says nothing new; and before the conversation has
        begun, it matters when it begins."""
        return self.connection_ended(error, now) if self.state in (State.SETTING_UP, *_OPEN) else []

    def connection_ended(self, error: GeminiRealtimeError, now: float, *, gave_up: bool = False) -> list[RealtimeEvent]:
        """The connection ended, or could not be made: reconnect, or end.

        Args:
            error: how it ended, or why it could not be made.
            now: seconds.
            gave_up: this side ended it, for what was wrong with the conversation.
        """
        if self.state is State.CLOSED or (self.state is State.AWAY and is_normal(error)):
            return []
        policy, before = self.resumption.policy, self._doubts.before(now, is_open=self.state in _OPEN)
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
        self._inbox.connection_left()
        return events

    def _doubt(self, error: GeminiRealtimeError, now: float, *, gave_up: bool) -> list[RealtimeEvent]:
        """What is done without, if the connection ended for it."""
        if self.state is State.SETTING_UP:
            return self._doubts.setup_failed(error)
        return self._doubts.session_ended(error, now, gave_up=gave_up) if self.state in _OPEN else []

    def _away(self, error: GeminiRealtimeError, now: float) -> list[RealtimeEvent]:
        """The connection is lost, and another is wanted."""
        if self.state is State.NEW:  # what to set up is not known before `begin`
            return []
        was_open = self.state in _OPEN
        self._move(Trigger.LOST)
        if was_open:
            return [local_events.connection_lost(error), *self._recovery.connection_lost(now)]
        return [local_events.reconnecting(error, self.resumption.attempts + 1, self.resumption.dial_at - now)]

    def end(self, failure: GeminiRealtimeError | None = None) -> None:
        """End the conversation."""
        if self.state is not State.CLOSED:
            self.failure = failure
        self._move(Trigger.ENDED)
        self._outbox.end(self.why_ended)

    def leave(self) -> None:
        """End the conversation from this side, which is a normal end; whoever waits to send is told so."""
        if self.state is not State.CLOSED:
            self.end()
            self._outbox.end(lambda: NotConnectedError("the conversation was left", remedy="call connect() first"))

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

    def _go_away(self, time_left_ms: int | None, now: float) -> list[RealtimeEvent]:
        events: list[RealtimeEvent] = []
        if self.resumption.sent_away(now) and self.resumption.policy.enabled:
            events = self._doubts.give_up_handle("handle_doubted", "sent away again as soon as the session was resumed")
        if self.resumption.policy.enabled and self.resumption.policy.hand_over:
            self._wish_to_leave((time_left_ms or 0) / 1000, now, patient=True, spread=self.resumption.jitter())
        else:
            self._move(Trigger.WISH_TO_LEAVE)
        return events

    def _wish_to_leave(
        self, time_left_s: float | None, now: float, *, patient: bool = False, spread: float = 0.0
    ) -> None:
        self._move(Trigger.WISH_TO_LEAVE)
        if self.state is State.GOING_AWAY:
            self._handover.wish(time_left_s, now, patient=patient, spread=spread)
            self._leave_if_it_suits(now)

    def _leave_if_it_suits(self, now: float) -> None:
        """Leave the connection for another, unless that has happened too often."""
        if self.state is not State.GOING_AWAY or not self._handover.due(now):
            return
        if self.resumption.left(now, at_once=not self._handover.overdue(now)):
            self._move(Trigger.LEFT)
        else:
            error = close_error(messages.CloseCode.GOING_AWAY, "goAway as soon as the connection was open")
            self.end(self.resumption.given_up(error, now))
        self._inbox.connection_left()

    # --- its options

    @property
    def options(self) -> SessionOptions:
        """What the application asks for; a setup that was refused takes with it what was new in it."""
        return self._setup.options

    def ask(self, options: SessionOptions) -> None:
        """Other options, of which no setup is made before the conversation, or in this one any more."""
        self._setup.ask(options)

    def prepare(self, setup: dict[str, Any], options: SessionOptions | None = None) -> None:
        """The setup to begin with.

        Args:
            setup: the body of the `setup` message.
            options: what it was made from.
        """
        self._setup.change(setup, options or self._setup.options)
        self._outbox.expect(setup)

    def update(
        self,
        setup: dict[str, Any],
        options: SessionOptions,
        now: float,
        *,
        in_place: messages.ContextUpdate | None = None,
        afresh: bool = False,
    ) -> list[RealtimeEvent] | None:
        """New options.

        Args:
            setup: the body of a `setup` message with all of them.
            options: all of them.
            now: seconds.
            in_place: the message that tells the service of those that are new without a new setup, where there is one.
            afresh: a new session is wanted, which knows nothing of what was said.

        Returns:
            Events; None when the options can only take effect in another conversation.
        """
        if self.state is State.NEW:
            self.prepare(setup, options)
            return []
        if in_place is not None and self.state in _OPEN and not afresh:
            self.send_context_update(in_place, options.changes_since(self.options))
            return [SessionUpdated()]  # messages are processed in order: what is said from now on is said under them
        possible = self.resumption.policy.enabled and (afresh or self._setup.may_change(setup))
        if self.state is State.CLOSED or not possible:
            self.ask(options)
            return None
        self._setup.change(setup, options, afresh=afresh)
        if afresh:
            self.resumption.forget()  # so that no handle is waited for
        self._wish_to_leave(UPDATE_WITHIN_S, now)
        return []

    # --- from the service

    def receive(self, data: bytes, now: float) -> list[RealtimeEvent]:
        """Read one frame; `server_events` says which events come of it, and in which order."""
        events = self._inbox.speech(data, now)
        if events is None:
            events = self._read(data, now)
            if len(events) == 1 and isinstance(event := events[0], AudioDelta):
                self._inbox.learn(data, event)
            if self.state is State.GOING_AWAY:
                self._leave_if_it_suits(now)
        return events

    def _read(self, data: bytes, now: float) -> list[RealtimeEvent]:
        try:
            message, unknown = decode_server_message(data)
        except DecodeError as error:
            return [VoiceHealth(finding="undecodable_frame", detail=str(error), action="ignored")]
        frame = Frame(data)
        events = self._setup_complete(frame, now) if message.setup_complete is not None else []
        events += self._message(message, frame, now)
        if unknown or not events:
            events.append(server_events.plain(frame))
        return events

    def _message(self, message: messages.ServerMessage, frame: Frame, now: float) -> list[RealtimeEvent]:
        said, findings, sooner = self._inbox.message(message, frame, now)
        self.stirred = self.stirred or sooner
        events = said + self._act_on(findings, now) if findings else said
        if self._outbox.seed_is_open and self._recovery.heard(said, now):
            self.stirred = True
        # Before the setup is confirmed nothing is known of the session that a handle would stand for.
        if message.session_resumption_update is not None and self.state is not State.SETTING_UP:
            self._inbox.handle(message.session_resumption_update, now)
            self.stirred = True
        if message.go_away is not None:
            events += self._go_away(parse_duration_ms(message.go_away.time_left), now)
        return events + self._error(message.error, now) if message.error is not None else events

    def _error(self, error: messages.ErrorStatus, now: float) -> list[RealtimeEvent]:
        retryable = error.code in (429, 500, 503, 504)
        return self.connection_ended(ServiceError(error.code, error.status, error.message, retryable=retryable), now)

    def _setup_complete(self, frame: Frame, now: float) -> list[RealtimeEvent]:
        if self.state is not State.SETTING_UP:
            return []
        self._move(Trigger.SETUP_COMPLETE)
        self._handover.done()
        events = self._recovery.session_ready(frame, now)
        self._doubts.session_ready(now)
        if self._doubts.holds_until is not None:
            self._open_gate()
        if self._setup.changed:
            self._wish_to_leave(UPDATE_WITHIN_S, now)
        return events

    def _act_on(self, findings: Sequence[Finding], now: float) -> list[RealtimeEvent]:
        events: list[RealtimeEvent] = []
        for finding in findings:
            self.stirred = True
            mute = finding.finding == "no_answer" and self._doubts.resumed_in_vain and self.resumption.policy.enabled
            if mute:  # no use to wait or to ask on, whatever else is done about silence
                action = "resume"
            else:
                action = finding.action if finding.action != "nudge" or self._outbox.nudge() else "report"
            events.append(VoiceHealth(finding=finding.finding, detail=finding.detail, action=action))
            if mute:
                events += self._doubts.give_up_handle("handle_doubted", "the session was resumed, and does not answer")
            if action == "resume" and self.state in _OPEN:
                error = ConnectionClosed(
                    messages.CloseCode.NONE, finding.finding, "it was given up by this side", retryable=True
                )
                events += self.connection_ended(error, now, gave_up=True)
        return events

    # --- what the application says

    def send_audio(self, pcm: bytes, audio_base64: bytes, rate_hz: int, duration_ms: float, now: float) -> bytes | None:
        """Microphone audio, see `Outbox.send_audio`; what goes on like `audio` goes out by that."""
        return self._outbox.send_audio(pcm, audio_base64, rate_hz, duration_ms, now)

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
        """What another process needs to continue the conversation, see `Recovery.saved_state`."""
        return self._recovery.saved_state(now)

    def restore(self, state: dict[str, Any], now: float) -> None:
        """Continue a conversation of another process, see `Recovery.restore`."""
        self._recovery.restore(state, now)
