"""What comes from the service, read and noted; and what does not come, which is noted as well: answers, ends of turns,
pongs."""

from __future__ import annotations

from gemini_realtime.protocol import messages, server_events
from gemini_realtime.protocol.calls import Calls
from gemini_realtime.protocol.codec import Frame
from gemini_realtime.protocol.events import AudioDelta, RealtimeEvent
from gemini_realtime.protocol.health import Finding, Health
from gemini_realtime.protocol.pings import Pings
from gemini_realtime.protocol.progress import Progress
from gemini_realtime.protocol.resumption import Resumption
from gemini_realtime.protocol.turns import ENDING, Turns, TurnState


class Inbox:
    """Messages of the service, over one connection after another.

    Args:
        turns: the present turn.
        calls: the functions that the service waits for.
        progress: is told what the service says.
        health: is told that it says something, and knows when it should.
        resumption: is told of handles, and of answers that are complete.
    """

    def __init__(self, turns: Turns, calls: Calls, progress: Progress, health: Health, resumption: Resumption) -> None:
        self._turns = turns
        self._calls = calls
        self._progress = progress
        self._health = health
        self._resumption = resumption
        self._pings = Pings()

    # --- frames

    def speech(self, data: bytes, now: float) -> list[RealtimeEvent] | None:
        """The events of a frame that holds a piece of the model's speech and nothing else; None for any other frame."""
        event = self._turns.speech.find(data)
        if event is None or self._turns.state is not TurnState.GENERATING:
            self._health.frame(now)
            return None if event is None else self._progress.note([event], now)[0]
        self._turns.spoke(len(event.delta), event.rate_hz)
        self._health.audio(event.delta, now)
        if self._health.audible:
            self._turns.speech.go_on()
        return [event]

    def learn(self, data: bytes, event: AudioDelta) -> None:
        """Know the next frame by its bytes that is like this one, which held a piece of speech and nothing else."""
        if not event.stale:
            self._turns.speech.learn(data, event)

    def message(
        self, message: messages.ServerMessage, frame: Frame, now: float
    ) -> tuple[list[RealtimeEvent], list[Finding], bool]:
        """The events of what a message says in the conversation, what is wrong with that, and whether `deadline` may
        be sooner now."""
        if message.server_content is not None:
            self._progress.works_on(message.server_content.interaction_status == "IN_PROGRESS")
        said = server_events.message_events(
            message,
            frame,
            interrupted=self._turns.interrupted,
            opened=lambda call: self._calls.opened(call.id, call.name, call.args or {}, now),
        )
        answers, before = self._progress.completed, self._turns.state
        told, findings = self._progress.note(said, now)
        completed = self._progress.completed != answers and not findings
        if completed and self._resumption.lost_at is None:  # what is left says nothing of what comes
            self._resumption.progressed()
        ends = self._turns.state in ENDING and self._turns.state is not before
        return told, findings, ends or message.tool_call_cancellation is not None

    def handle(self, update: messages.SessionResumptionUpdate, now: float) -> None:
        """The service says whether the session can be resumed, and with which handle."""
        if self._resumption.updated(update, now):
            self._progress.handle_received(self._resumption.consumed, now)
            self._pings.measure(now)

    # --- whether anybody is there

    def connected(self) -> None:
        """There is another connection."""
        self._pings.connected()

    def connection_left(self) -> None:
        """There is none: nothing can be overdue."""
        self._health.closed()

    def paused(self, full: bool, now: float) -> None:
        """Our side stopped reading, or reads again: what may lie unread cannot be overdue."""
        self._health.reading(full, now)

    def take_ping(self) -> bool:
        """Whether to send a ping now."""
        return self._pings.take()

    def pong(self, now: float) -> None:
        """A ping was answered."""
        if (round_trip_s := self._pings.answered(now)) is not None:
            self._progress.measured(round_trip_s)
        self._health.pong(now)

    # --- time

    def deadline(self) -> float | None:
        """When `due` wants to be called; None: never."""
        ends_by, silence = self._progress.deadline(), self._health.deadline()
        if ends_by is None or silence is None:
            return silence if ends_by is None else ends_by
        return min(ends_by, silence)

    def due(self, now: float) -> tuple[list[RealtimeEvent], list[Finding]]:
        """Look at the time: the ends of turns that the service left out, and what is wrong with its silence."""
        ping_due, findings = self._health.due(now)
        if ping_due:
            self._pings.send(now)
        return self._progress.due(now), findings
