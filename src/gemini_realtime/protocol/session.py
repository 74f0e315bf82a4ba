"""The conversation with the service, without any I/O: frames and `now` in; events, frames and deadlines out.

It lasts longer than its connection. Usage, by whoever owns the connections:

- `begin(setup, now)` once the first connection is open;
- every received frame goes through `receive(frame, now)`, which returns events in order;
- what the application says goes into `outbox`, at any time; what cannot be sent yet is kept in order;
- after each of these send what `outbox.next(now)` gives, until it gives None;
- when `deadline()` passes, call `deadline_reached(now)`, which returns events and may ask for a ping (`take_ping`);
- when a connection ends, or cannot be made, `connection_ended(error, now)`;
- when `state` is AWAY, close the connection if it is open still, wait until `resumption.dial_at`, dial, and call
  `connected(now)` or `connection_ended(error, now)`;
- when `state` is CLOSED, `failure` tells why: None after a normal end.

`now` is in seconds and monotonic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, Final

from gemini_realtime.errors import ConnectionClosed, GeminiRealtimeError, ServiceError, SetupTimeout
from gemini_realtime.protocol import local_events, messages, server_events
from gemini_realtime.protocol.calls import Calls
from gemini_realtime.protocol.codec import (
    AudioFrames,
    DecodeError,
    Frame,
    decode_server_message,
    parse_duration_ms,
)
from gemini_realtime.protocol.events import (
    AudioDelta,
    FunctionCallCancelled,
    RealtimeEvent,
    SessionCreated,
    SessionResumed,
    SessionUpdated,
    VoiceHealth,
)
from gemini_realtime.protocol.handover import LISTENS_S, Handover
from gemini_realtime.protocol.health import Finding, Health, HealthPolicy
from gemini_realtime.protocol.history import History, Said
from gemini_realtime.protocol.ledger import Ledger, Rewound
from gemini_realtime.protocol.models import ModelProfile
from gemini_realtime.protocol.outbox import Gate, Outbox
from gemini_realtime.protocol.progress import Progress
from gemini_realtime.protocol.resumption import Reconnect, Resumption, handle_refused, worth_retrying
from gemini_realtime.protocol.setup_state import SetupState


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

MAX_ROUND_TRIP_S: Final = 2.0
"""The service has been seen to answer pings after 30 s: that is not how long its messages are under way."""

PONG_LOST_S: Final = 60.0
"""A ping that has not been answered for so long will not be."""

UPDATE_WITHIN_S: Final = 60.0
"""How long new options wait for the end of a turn."""


class Session:
    """One conversation, over one connection after another.

    Args:
        profile: what the model accepts.
        reconnect: whether and how to reconnect after a loss.
        health: what to do about silence.
        max_audio_age_s: how long microphone audio may wait for a stalled connection.

    Attributes:
        state: where the session stands.
        failure: why it ended; None while it is open, and after a normal end.
        resumption: the last handle, and the attempts to reconnect.
        ledger: what was sent and may have to be sent again.
        calls: the functions that the service waits for.
        progress: the turns, and what was said.
        outbox: takes what the application says.
        stirred: whether there is more to do than to pass events on: frames or a ping to send, a change of state, a
            deadline that has moved. Whoever has done it clears this.
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
        self.resumption = Resumption(reconnect or Reconnect())
        self.ledger = Ledger(self.resumption.policy.audio_ring_s)
        self.calls = Calls()
        self.stirred = False
        self._profile = profile
        self._health = Health(health or HealthPolicy())
        self.progress = Progress(profile, self.ledger, self.calls, self.resumption, self._health)
        self.outbox = Outbox(profile, self.ledger, self.calls, self._health, max_audio_age_s)
        self._handover = Handover()
        self._audio = AudioFrames()
        self._setup = SetupState()
        self._ping_due = False
        self._pinged_at = 0.0
        self._pings_out = 0

    # --- the connection

    def begin(
        self,
        setup: dict[str, Any],
        now: float,
        *,
        history: Sequence[messages.Content] = (),
        timeout_s: float = 30.0,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        """Open the session.

        Args:
            setup: the body of the `setup` message.
            now: seconds.
            history: earlier turns, sent before anything else.
            timeout_s: how long the service may take to confirm.
            options: what the setup was made from, kept with it as `options`.
        """
        given = (setup.get("sessionResumption") or {}).get("handle")
        if given and self.resumption.handle is None:
            self.resumption.handle, self.resumption.handle_at = given, now
        may_go = self._setup.handle_may_go
        self._setup = SetupState(setup, list(history), timeout_s, handle_may_go=may_go, options=options)
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
        self._pings_out = 0
        seeds = self._profile.history_needs_config and bool(self._seed())
        self.outbox.setup(self._setup.sent(self.resumption.usable(now), now, seeds=seeds))

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
            self._ping(now)
        events = self._act_on(findings, now)
        self._leave_if_it_suits(now)
        return events

    def _ping(self, now: float) -> None:
        self._ping_due, self._pinged_at, self.stirred = True, now, True
        self._pings_out += 1

    def _measure(self, now: float) -> None:
        """Ask for the round trip, unless the answer could be taken for that to an earlier ping."""
        if now >= self._pinged_at + PONG_LOST_S:
            self._pings_out = 0
        if not self._pings_out:
            self._ping(now)

    def take_ping(self) -> bool:
        """Whether to send a ping now."""
        due, self._ping_due = self._ping_due, False
        return due

    def pong(self, now: float) -> None:
        """A ping was answered."""
        if self._pings_out == 1:  # of several nobody says which is answered
            self.progress.round_trip_s = min(max(0.0, now - self._pinged_at), MAX_ROUND_TRIP_S)
        self._pings_out = max(0, self._pings_out - 1)
        self._health.pong(now)

    def reading(self, now: float, *, paused: bool) -> None:
        """Our side stopped to read, or reads again: what does not arrive meanwhile is not the service's fault."""
        self._health.reading(paused, now)

    def sending(self, now: float, *, stalled: bool) -> None:
        """The connection is stalled, or no longer."""
        self._health.sending(now, stalled=stalled)

    def end(self, failure: GeminiRealtimeError | None = None) -> None:
        """End the conversation."""
        if self.state is not State.CLOSED:
            self.failure = failure
        self._move(Trigger.ENDED)

    def connection_ended(self, error: GeminiRealtimeError | None, now: float) -> list[RealtimeEvent]:
        """The connection ended, or could not be made: reconnect, or end.

        Args:
            error: why; None when the service ended it normally, which is the end of the conversation.
            now: seconds.
        """
        if self.state is State.CLOSED or (error is None and self.state is State.AWAY):
            return []
        events = self._refused(error) if error is not None and self.state is State.SETTING_UP else []
        if error is None or not self._may_reconnect(error, again=bool(events)):
            self.end(error)
        elif not self.resumption.lost(error, now):
            self.end(self.resumption.given_up(error, now))
        else:
            if self.state in _OPEN:
                events.append(local_events.connection_lost(error))
                events += self.progress.cut()
            if self.state is not State.NEW:  # what to set up is not known before `begin`
                self._move(Trigger.LOST)
        self._health.closed()
        return events

    def _may_reconnect(self, error: GeminiRealtimeError, *, again: bool) -> bool:
        return self.resumption.policy.enabled and (again or worth_retrying(error))

    def _refused(self, error: GeminiRealtimeError) -> list[RealtimeEvent]:
        """A setup may be refused for what is new in it: new options, or the handle. Without that it worked before."""
        if not handle_refused(error) and not self.resumption.keeps_failing(error):
            return []
        if self._setup.revert():
            return [VoiceHealth(finding="update_refused", detail=str(error), action="kept the options in force")]
        if self._setup.handle is not None and self._setup.handle_may_go:
            self.resumption.forget()
            return [VoiceHealth(finding="handle_refused", detail=str(error), action="opening a new session")]
        return []

    def _move(self, trigger: Trigger) -> None:
        self.state = TRANSITIONS.get((self.state, trigger), self.state)
        self.outbox.open(_GATES.get(self.state, "shut"))
        self.stirred = True

    # --- changing connections

    @property
    def options(self) -> Mapping[str, Any]:
        """Those of the setup in force or on its way: a setup that was refused takes its own with it."""
        return self._setup.options

    def update(
        self,
        setup: dict[str, Any],
        now: float,
        *,
        in_place: messages.ContextUpdate | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> list[RealtimeEvent] | None:
        """New options.

        Args:
            setup: the body of a `setup` message with all of them.
            now: seconds.
            in_place: the message that tells the service of them without a new setup, where there is one.
            options: those that are new in it.

        Returns:
            Events; None when the options can only take effect in another conversation.
        """
        if in_place is not None and self.state in _OPEN:
            self.send_context_update(in_place, now, options=options)
            return [SessionUpdated()]  # messages are processed in order: what is said from now on is said under them
        possible = self.resumption.policy.enabled and self._setup.may_change(setup)
        if self.state is State.CLOSED or not possible:
            return None
        self._setup.change(setup, options)
        self._wish_to_leave(UPDATE_WITHIN_S, now)
        return []

    def _wish_to_leave(self, time_left_s: float | None, now: float, *, patient: bool = False) -> None:
        self._move(Trigger.WISH_TO_LEAVE)
        if self.state is State.GOING_AWAY:
            self._handover.wish(time_left_s, now, patient=patient)
            self._leave_if_it_suits(now)

    def _leave_if_it_suits(self, now: float) -> None:
        if self.state is not State.GOING_AWAY or not self._handover.wanted:
            return
        if self._handover.overdue(now) or (self.progress.between_turns() and self._suits(now)):
            self._move(Trigger.LEFT)
            self.resumption.left(now)
            self._health.closed()
        else:
            self._handover.look_again(now)

    def _suits(self, now: float) -> bool:
        handle_at = self.resumption.handle_at
        if handle_at is None:
            return False  # one may come yet, and without it the service forgets what was said
        idle_since = self.progress.idle_since
        fresh = handle_at >= idle_since and not self.ledger.unsaved()
        recent_audio = self.ledger.recent_audio(now - LISTENS_S)
        return self._handover.suits(now, idle_since, saved=fresh, recent_audio=recent_audio)

    def send_context_update(
        self, update: messages.ContextUpdate, now: float, *, options: Mapping[str, Any] | None = None
    ) -> None:
        """New instructions or tools, without a new setup.

        Args:
            update: the message.
            now: seconds.
            options: those that it changes.

        Raises:
            UnsupportedByModel: the model is known not to take them.
        """
        self.outbox.send_context_update(update, now)
        self._setup.amend(update, options)

    # --- saved state

    def saved_state(self, now: float) -> dict[str, Any]:
        """What another process needs to continue the conversation, as plain JSON; holds no audio."""
        handle, handle_at = self.resumption.handle, self.resumption.handle_at
        return {
            "handle": handle,
            "handle_age_s": None if handle_at is None else now - handle_at,
            "history": [turn._asdict() for turn in self.progress.history.said()],
            "messages": self.ledger.saved_state(handle_at),
        }

    def restore(self, state: dict[str, Any], now: float) -> None:
        """Continue a conversation of another process; to be called before anything else.

        Raises:
            KeyError, TypeError, AttributeError: it is not what `saved_state` gives.
        """
        self.progress.history = History(Said(**turn) for turn in state["history"])
        self.ledger.restore(state["messages"], now)
        self.resumption.handle = state["handle"]
        self.resumption.handle_at = None if state["handle"] is None else now - state["handle_age_s"]
        self._setup = SetupState(handle_may_go=True)

    # --- from the service

    def receive(self, data: bytes, now: float) -> list[RealtimeEvent]:
        """Read one frame; `server_events` says which events come of it, and in which order."""
        self._health.last_frame_at = now
        audio = self._audio.find(data)
        if audio is not None:
            rate_hz = self._audio.rate_hz
            self.progress.audio(audio, rate_hz, now)
            return [server_events.audio(Frame(data), audio, rate_hz)]
        events = self._read(data, now)
        if len(events) == 1 and isinstance(events[0], AudioDelta):
            self._audio.learn(data, events[0].delta, events[0].rate_hz)
        if self.state is State.GOING_AWAY:
            self._leave_if_it_suits(now)
        return events

    def _noted(self, events: list[RealtimeEvent], now: float) -> list[RealtimeEvent]:
        """Take note of what the service said; returns it, and what comes of it."""
        return events + self._act_on(self.progress.note(events, now), now)

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
        return events

    def _message(self, message: messages.ServerMessage, frame: Frame, now: float) -> list[RealtimeEvent]:
        if message.server_content is not None:
            self.progress.more_follows = message.server_content.interaction_status == "IN_PROGRESS"
        said = server_events.message_events(
            message,
            frame,
            interrupted=self.progress.turns.interrupted,
            opened=lambda call: self.calls.opened(call, now),
        )
        events = self._noted(said, now)
        if message.session_resumption_update is not None:
            self._handle(message.session_resumption_update, now)
        if message.go_away is not None:
            self._go_away(parse_duration_ms(message.go_away.time_left), now)
        return events + self._error(message.error, now) if message.error is not None else events

    def _error(self, error: messages.ErrorStatus, now: float) -> list[RealtimeEvent]:
        retryable = error.code in (429, 500, 503, 504)
        return self.connection_ended(ServiceError(error.code, error.status, error.message, retryable=retryable), now)

    def _handle(self, update: messages.SessionResumptionUpdate, now: float) -> None:
        # Before the setup is confirmed nothing is known of the session that a handle would stand for.
        if self.state is not State.SETTING_UP and self.progress.saved(update, now):
            self._measure(now)

    # --- setting up

    def _setup_complete(self, frame: Frame, now: float) -> list[RealtimeEvent]:
        if self.state is not State.SETTING_UP:
            return []
        self._move(Trigger.SETUP_COMPLETE)
        restored = self._setup.handle_may_go
        first, updated = self._setup.confirmed()
        self.progress.round_trip_s = max(0.0, now - self._setup.sent_at)
        self.progress.idle_since = now
        self._handover.done()
        self._health.opened(now)
        events: list[RealtimeEvent] = []
        rewound = self._rewind() if restored else None
        if self._setup.handle is None:
            self.outbox.history(self._seed())
        if first:
            events.append(SessionCreated(raw_message=server_events.lazy(frame)))
        if rewound is not None:
            events += self._resumed(rewound, frame, now)
        self.resumption.ready(now)
        self.ledger.may_flow(now)
        if updated:
            events.append(SessionUpdated())
        if self._setup.changed:
            self._wish_to_leave(UPDATE_WITHIN_S, now)
        return events

    def _resumed_from(self) -> float | None:
        """The moment the session is resumed from; None for a new one."""
        return None if self._setup.handle is None else self.resumption.handle_at

    def _rewind(self) -> Rewound:
        return self.ledger.rewind(self._resumed_from(), exact=self.resumption.consumed is not None)

    def _resumed(self, rewound: Rewound, frame: Frame, now: float) -> list[RealtimeEvent]:
        cancelled = self.calls.lost(self._resumed_from())
        self._health.calls(len(self.calls), now)
        if any(entry.asks for entry in rewound.again) or (self.ledger.owed and self._nudge()):
            self._health.asked(now)
        items = local_events.replayed(rewound.again)
        resumed = SessionResumed(
            raw_message=server_events.lazy(frame),
            gap_ms=self.resumption.gap_ms(now),
            replayed=len(items),
            uncertain=sum(item.uncertain for item in items) + rewound.forgotten,
            new_session=self._setup.handle is None,
            items=items,
        )
        # A connection that had to be left in mid-turn takes the turn with it.
        events = [*self.progress.cut(), resumed]
        if cancelled:
            events.append(FunctionCallCancelled(call_ids=cancelled))
        return events + [local_events.orphaned(call_id) for call_id in rewound.orphans]

    def _seed(self) -> list[messages.Content]:
        """What to tell a new session of the conversation before it."""
        seeds = self.resumption.policy.seed_history and self._profile.text_input
        return [*self._setup.history, *(self.progress.history.contents() if seeds else ())]

    def _go_away(self, time_left_ms: int | None, now: float) -> None:
        self.resumption.going_away(time_left_ms, now)
        if self.resumption.policy.enabled and self.resumption.policy.hand_over:
            self._wish_to_leave((time_left_ms or 0) / 1000, now, patient=True)
        else:
            self._move(Trigger.WISH_TO_LEAVE)

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
                events += self.connection_ended(error, now)
        return events

    def _nudge(self) -> bool:
        self.stirred = True
        return self.outbox.nudge()
