"""How the conversation goes: what the service says, and what that means for turns, calls, history and ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from gemini_realtime.protocol.calls import Calls
from gemini_realtime.protocol.events import (
    AudioDelta,
    FunctionCall,
    FunctionCallCancelled,
    GenerationComplete,
    InputTranscript,
    Interrupted,
    OutputTranscript,
    RealtimeEvent,
    SpeechStarted,
    TextDelta,
    ThoughtDelta,
    TurnComplete,
)
from gemini_realtime.protocol.health import REFUSALS, Finding, Health
from gemini_realtime.protocol.history import History
from gemini_realtime.protocol.ledger import Entry, Ledger
from gemini_realtime.protocol.messages import SessionResumptionUpdate
from gemini_realtime.protocol.models import ModelProfile
from gemini_realtime.protocol.resumption import Resumption
from gemini_realtime.protocol.turns import Turns, TurnSignal, TurnState

FLIGHT_MARGIN_S: Final = 0.25
"""Beyond a round trip, how long a message may take to get into a handle."""

SPEECH_BEGAN_S: Final = 1.0
"""How long before the service says that somebody speaks the speech may have begun."""

LATE_TRANSCRIPT_S: Final = 2.0
"""So long after an answer what is heard still belongs to its question."""

LOST_REASON: Final = "CONNECTION_LOST"
"""`TurnComplete.reason` of a turn that ended with its connection; not a word of the service."""


_GENERATING = TurnState.GENERATING  # looking a member up in its enum takes longer than comparing it


class Progress:
    """What has become of the conversation so far.

    Args:
        profile: what the model accepts.
        ledger: of what was sent.
        calls: the functions that the service waits for.
        resumption: the last handle.
        health: is told what happens.

    Attributes:
        turns: the present turn of the model.
        history: what was said last.
        idle_since: when the last turn ended, or the session began; seconds.
        round_trip_s: how long a message and the answer to it are under way.
        more_follows: the service said that what it says now is not the whole answer.
    """

    def __init__(
        self, profile: ModelProfile, ledger: Ledger, calls: Calls, resumption: Resumption, health: Health
    ) -> None:
        self.turns = Turns()
        self.history = History()
        self.idle_since = 0.0
        self.round_trip_s = 0.0
        self.more_follows = False
        self._profile = profile
        self._ledger = ledger
        self._calls = calls
        self._resumption = resumption
        self._health = health

    def between_turns(self) -> bool:
        """Whether nobody waits for anything: the model has finished, and every question and call is answered."""
        return self.turns.state is TurnState.IDLE and not self._calls and not self._ledger.asking()

    def cut(self) -> list[RealtimeEvent]:
        """The turn ends with its connection; nobody shall wait for the rest of it."""
        state, self.turns.state = self.turns.state, TurnState.IDLE
        self.history.drop_turn()
        if state is TurnState.IDLE:
            return []
        complete = state is TurnState.GENERATED and not self._profile.interaction_status
        return [TurnComplete(reason=None if complete else LOST_REASON, interrupted=state is TurnState.INTERRUPTED)]

    def saved(self, update: SessionResumptionUpdate, now: float) -> bool:
        """The service told of a handle; returns whether there is a new one."""
        if not self._resumption.updated(update, now):
            return False
        if self._resumption.consumed is not None:
            saved = self._ledger.saved_messages(self._resumption.consumed)
        else:
            saved = self._ledger.saved(now - self.round_trip_s - FLIGHT_MARGIN_S)
        self._remember(saved)
        if self.turns.state is TurnState.IDLE:
            self.history.close_turn()
        return True

    def note(self, events: Iterable[RealtimeEvent], now: float) -> list[Finding]:
        """Take note of what the service said; returns what is wrong with it."""
        findings: list[Finding] = []
        for event in events:
            if (note := _NOTES.get(type(event))) is not None:
                findings += note(self, event, now) or ()
        return findings

    def audio(self, audio_base64: str, rate_hz: int, now: float) -> None:
        """The service sent a piece of speech and nothing else."""
        if self.turns.state is not _GENERATING:
            self._output(now)
        self._health.audio(audio_base64, rate_hz, now)

    def _output(self, now: float) -> None:
        if self.turns.state is not TurnState.GENERATING:
            self.turns.signal(TurnSignal.OUTPUT)
            self._ledger.answer_begins(now)

    def _note_audio(self, event: AudioDelta, now: float) -> None:
        self.audio(event.delta, event.rate_hz, now)

    def _note_text(self, event: TextDelta, now: float) -> None:
        self._output(now)
        self._health.output(now)
        self.history.answer(event.text)

    def _note_thought(self, event: ThoughtDelta, now: float) -> None:
        self._output(now)
        self._health.output(now)

    def _note_call(self, event: FunctionCall, now: float) -> None:
        self._health.output(now)
        self._health.calls(len(self._calls), now)

    def _note_cancelled(self, event: FunctionCallCancelled, now: float) -> None:
        self._calls.cancelled(event.call_ids)
        self._ledger.not_wanted(event.call_ids)
        self._health.calls(len(self._calls), now)

    def _note_input_transcript(self, event: InputTranscript, now: float) -> None:
        self.history.heard(event.text)
        # The service promises no order: the transcript may come during the answer, and after it.
        waits = self.turns.state is TurnState.IDLE and now > self.idle_since + LATE_TRANSCRIPT_S
        if event.text and waits and self._profile.conversational:
            self._health.asked(now)

    def _note_output_transcript(self, event: OutputTranscript, now: float) -> None:
        self.history.answer(event.text)
        self._health.transcript(event.text, now)

    def _note_speech(self, event: SpeechStarted, now: float) -> None:
        self._ledger.hold(now - self.round_trip_s - SPEECH_BEGAN_S)

    def _note_interrupted(self, event: Interrupted, now: float) -> None:
        self.turns.signal(TurnSignal.INTERRUPTED)
        self._ledger.answer_cut()
        self._health.interrupted(now)

    def _note_generated(self, event: GenerationComplete, now: float) -> list[Finding]:
        self.turns.signal(TurnSignal.GENERATION_COMPLETE)
        if not self._profile.interaction_status:  # there it may have been a filler, and the turn's end says so
            self._answered()
        return self._health.generation_complete(now)

    def _note_turn_complete(self, event: TurnComplete, now: float) -> list[Finding]:
        if event.reason in REFUSALS and self.turns.state is TurnState.IDLE:
            self._ledger.answer_begins(now)  # a refusal is all the answer there will be
        self.turns.signal(TurnSignal.TURN_COMPLETE)
        if not self.more_follows:
            self._answered()
        self.idle_since = now
        return self._health.turn_complete(event.reason, now, more_follows=self.more_follows)

    def _answered(self) -> None:
        """The model's answer is over: what it answers is of no more concern."""
        self._remember(self._ledger.answer_over(self.round_trip_s, FLIGHT_MARGIN_S, self._resumption.handle_at))
        self.history.close_turn()

    def _remember(self, consumed: list[Entry]) -> None:
        for entry in consumed:
            if entry.kind == "text":
                self.history.add(entry.role, entry.label)


_NOTES: dict[type, Callable[[Progress, Any, float], list[Finding] | None]] = {
    AudioDelta: Progress._note_audio,
    TextDelta: Progress._note_text,
    ThoughtDelta: Progress._note_thought,
    FunctionCall: Progress._note_call,
    FunctionCallCancelled: Progress._note_cancelled,
    InputTranscript: Progress._note_input_transcript,
    OutputTranscript: Progress._note_output_transcript,
    SpeechStarted: Progress._note_speech,
    Interrupted: Progress._note_interrupted,
    GenerationComplete: Progress._note_generated,
    TurnComplete: Progress._note_turn_complete,
}
"""What an event of the service means to the conversation."""
