"""How the conversation goes: what the service says, and what that means for turns, calls, history and ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import inf
from typing import Any, Final

import msgspec

from gemini_realtime.protocol.audio_ring import Piece, is_quiet
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
from gemini_realtime.protocol.history import History, Said
from gemini_realtime.protocol.ledger import Ledger, Resent
from gemini_realtime.protocol.models import ModelProfile
from gemini_realtime.protocol.turns import LATE_TRANSCRIPT_S, Turns, TurnState

FLIGHT_MARGIN_S: Final = 0.25
"""Beyond a round trip, how long a message may take to get into a handle."""

SPEECH_BEGAN_S: Final = 1.0
"""How long before the service says that somebody speaks the speech may have begun."""

GIVES_UP_S: Final = 10.0
"""What was understood and not answered so long after the model was free to do so is not going to be: a cough, a word to
somebody else."""

LOST_REASON: Final = "CONNECTION_LOST"
"""`TurnComplete.reason` of a turn that ended with its connection; not a word of the service."""

NOT_COMPLETED_REASON: Final = "NOT_COMPLETED"
"""`TurnComplete.reason` of a turn whose end the service left out; not a word of the service."""

_GENERATING, _INTERRUPTED = TurnState.GENERATING, TurnState.INTERRUPTED
"""Looking a member up in its enum takes longer than comparing it."""


class Progress:
    """What has become of the conversation so far.

    Args:
        profile: what the model accepts.
        turns: the present turn of the model.
        calls: the functions that the service waits for.
        ledger: of what was sent.
        health: is told what happens.

    Attributes:
        round_trip_s: how long a message and the answer to it are under way.
        moved: whether the service has said anything at all.
        completed: how many answers the model has completed.
    """

    def __init__(self, profile: ModelProfile, turns: Turns, calls: Calls, ledger: Ledger, health: Health) -> None:
        self.round_trip_s = 0.0
        self.moved = False
        self.completed = 0
        self._profile = profile
        self._turns = turns
        self._calls = calls
        self._ledger = ledger
        self._health = health
        self._history = History()
        self._handle_at: float | None = None
        self._ready_at = -inf
        self._more_follows = False  # the service said that what it says now is not the whole answer

    # --- where it stands

    @property
    def idle_since(self) -> float:
        """When the last turn ended, or the session began; seconds."""
        return max(self._turns.ended_at, self._ready_at)

    @property
    def longest_wait_s(self) -> float:
        """How long an answer took at most to begin, seconds."""
        return self._turns.longest_wait_s

    @property
    def flight_s(self) -> float:
        """How long a message may take until the service has it, seconds."""
        return self.round_trip_s + FLIGHT_MARGIN_S

    def between_turns(self) -> bool:
        """Whether nobody waits for anything: the model has finished, and every question and call is answered.

        A function that the model does not wait for may go on where the session is resumed with its call.
        """
        if self._turns.state is not TurnState.IDLE or self._calls.blocking or self._ledger.asking():
            return False
        return self._handle_at is None or not self._calls.since(self._handle_at)

    def said(self, *, heard: bool = False) -> list[Said]:
        """What was said, and will not be sent again; with `heard` also what was heard and is not answered."""
        complete = self._turns.state is TurnState.GENERATED and not self._may_be_filler()
        return self._history.said(self._ledger.kept(), answer=complete, heard=heard)

    def forget(self) -> None:
        """What was said is not to be told to anybody any more."""
        self._history = History()

    def restore(self, said: Iterable[Said], written: Iterable[tuple[int, str, str]], handle_at: float | None) -> None:
        """Go on with the conversation of another process.

        Args:
            said: what was said there.
            written: number, role and words of the texts that may be sent again.
            handle_at: when the last handle came, seconds.
        """
        self._history = History(said)
        for number, role, text in written:
            self._history.typed(number, role, text)
        self._handle_at = handle_at

    # --- what this side does

    def typed(self, number: int, role: str, text: str) -> None:
        """The application wrote a message of this number."""
        self._history.typed(number, role, text)

    def speech_announced(self) -> None:
        """The application says that somebody begins to speak, in its next message."""
        self._ledger.activity_started()
        self._history.speech_started()

    def asked(self, now: float) -> None:
        """The service owes an answer."""
        self._turns.asked(now)

    def result_given(self, call_id: str, number: int, now: float, *, silent: bool) -> None:
        """The application gave the last result for a call, in the message of this number."""
        blocking = self._calls.blocking
        self._calls.answered(call_id)
        self._ledger.call_answered(call_id, number, silent=silent)
        if blocking and not self._calls.blocking:
            self._health.went_on(now)
        if not silent and not self._calls.blocking:
            self._turns.asked(now)

    # --- what the service says

    def note(self, events: Sequence[RealtimeEvent], now: float) -> tuple[list[RealtimeEvent], list[Finding]]:
        """Take note of what the service said.

        Returns:
            The events as the application is to have them: late output is marked as stale, and before new output comes
            the end of a turn that the service left out; and what is wrong with it all.
        """
        told: list[RealtimeEvent] = []
        findings: list[Finding] = []
        turns = self._turns
        for event in events:
            kind = type(event)
            if kind in _OUTPUT:
                if turns.state is _INTERRUPTED and turns.is_stale(now):
                    told.append(self._stale(event))
                    continue
                if turns.state is not _GENERATING and (
                    kind is not OutputTranscript or self._begins_turn(event, now)  # type: ignore[arg-type]
                ):
                    told += self._begin_turn(now)
            elif kind is TurnComplete and turns.ended_here and turns.owed_since is None:
                told.append(RealtimeEvent(raw_message=event.raw_message))  # the end was told already
                self._turns.completed(now)
                continue
            if (note := _NOTES.get(kind)) is not None:
                self.moved = True
                findings += note(self, event, now) or ()
            told.append(event)
        return told, findings

    def works_on(self, more_follows: bool) -> None:
        """Whether the service says, with what it says now, that its answer will go on after the end of this turn."""
        self._more_follows = more_follows

    def handle_received(self, consumed: int | None, now: float) -> None:
        """The service told of a new handle.

        Args:
            consumed: how many messages of this connection it holds, where the service says so.
            now: seconds.
        """
        self._handle_at = now
        if consumed is not None:
            self._ledger.transparent_handle_received(consumed)
        else:
            self._ledger.handle_received(now - self.flight_s)

    def _stale(self, event: RealtimeEvent) -> RealtimeEvent:
        """Output of an answer that was cut off: it is told, and begins nothing."""
        if isinstance(event, OutputTranscript):
            self._history.answer(event.text)
        return msgspec.structs.replace(event, stale=True) if isinstance(event, AudioDelta) else event

    def _begins_turn(self, event: OutputTranscript, now: float) -> bool:
        """Whether a transcript comes before its audio."""
        turns = self._turns
        if not event.text or turns.state is _GENERATING or turns.is_late(now):
            return False
        # After the end of generation it is of what was said, unless something was asked since.
        return turns.state is not TurnState.GENERATED or turns.owed_since is not None

    def _begin_turn(self, now: float) -> list[RealtimeEvent]:
        self._health.turn_began()
        ends = self._ended_here(now) if self._turns.ends_by() is not None and not self._may_be_filler() else []
        if now > self.idle_since + GIVES_UP_S:
            self._ledger.questions.given_up(now - GIVES_UP_S)
        self._turns.output(now)
        self._history.answer_began(now)
        self._ledger.answer_began(now)
        return ends

    def _may_be_filler(self) -> bool:
        return self._profile.interaction_status and not self._turns.interrupted

    def _note_audio(self, event: AudioDelta, now: float) -> None:
        self._turns.spoke(len(event.delta), event.rate_hz)
        self._health.audio(event.delta, now)

    def _note_text(self, event: TextDelta, now: float) -> None:
        self._health.output(now)
        self._history.answer(event.text)

    def _note_thought(self, event: ThoughtDelta, now: float) -> None:
        self._health.output(now)

    def _note_call(self, event: FunctionCall, now: float) -> None:
        self._turns.called()
        self._ledger.call_opened(event.call_id)
        self._health.called(now)

    def _note_cancelled(self, event: FunctionCallCancelled, now: float) -> None:
        blocking = self._calls.blocking
        self._calls.cancelled(event.call_ids)
        self._ledger.calls_cancelled(event.call_ids)
        if blocking and not self._calls.blocking:
            self._health.went_on(now)

    def _note_input_transcript(self, event: InputTranscript, now: float) -> None:
        if not event.text:
            return
        self._turns.heard(now, in_words=self._profile.input_words)
        self._history.heard(event.text if self._profile.input_words else f" {event.text}", now)
        self._ledger.heard(now - self.round_trip_s, FLIGHT_MARGIN_S, now, speaks_on=self._turns.speaks_on)
        # The service promises no order: the transcript may come during the answer, and after it.
        waits = self._turns.state is TurnState.IDLE and now > self.idle_since + LATE_TRANSCRIPT_S
        if waits and self._profile.conversational:
            self._turns.asked(now, aloud=True)

    def _note_output_transcript(self, event: OutputTranscript, now: float) -> None:
        self._history.answer(event.text)
        self._health.transcript(event.text, now)
        if event.text:
            self._turns.wrote()

    def _note_speech(self, event: SpeechStarted, now: float) -> None:
        self._ledger.speech_started(now - self.round_trip_s - SPEECH_BEGAN_S)
        self._history.speech_started()

    def _note_interrupted(self, event: Interrupted, now: float) -> None:
        self._turns.cut(now)
        self._ledger.answer_cut()

    def _note_generated(self, event: GenerationComplete, now: float) -> list[Finding]:
        findings = self._health.generation_complete(now)
        if self._turns.interrupted:  # what was cut off does not become complete
            self._ledger.may_be_answered()
        self._answer_completes()
        self._turns.generated(now)
        if not self._profile.interaction_status:  # there it may have been a filler, and the turn's end says so
            self._answered(now)
        return findings

    def _note_turn_complete(self, event: TurnComplete, now: float) -> list[Finding]:
        if event.reason in REFUSALS and self._turns.state is TurnState.IDLE:
            self._ledger.answer_began(now)  # a refusal is all the answer there will be
            self.completed += 1
        findings = self._health.turn_complete(event.reason, now, more_follows=self._more_follows)
        self._answer_completes()
        self._complete(now, more_follows=self._more_follows)
        return findings

    def _answer_completes(self) -> None:
        self.completed += self._turns.state is _GENERATING

    def _complete(self, now: float, *, more_follows: bool = False) -> None:
        if not more_follows:
            self._answered(now)
        self._history.close_turn(now, interrupted=self._turns.interrupted)
        self._turns.completed(now, more_follows=more_follows)
        self._calls.turn_ended()

    def _answered(self, now: float) -> None:
        """The model's answer is over: what it answers is of no more concern."""
        if self._ledger.utterances.answering is None:
            return
        waits = not self._profile.content_interrupts and self._ledger.typed_several()
        one_by_one = self._ledger.questions.one_by_one or waits
        self._ledger.answer_completed(
            self.round_trip_s,
            FLIGHT_MARGIN_S,
            self._handle_at,
            one_question=one_by_one,
            filler=self._calls.calling,
        )
        waiting = self._ledger.asking() or self._ledger.questions.any_heard
        if one_by_one and self._turns.owed_since is None and waiting:
            self._turns.asked(now)  # the next question has its turn

    # --- time

    def deadline(self) -> float | None:
        """When `due` wants to be called; None: never. It may be early, as speech may still come."""
        ends_by = self._turns.ends_by()
        return None if ends_by is None or self._may_be_filler() or self._calls.blocking else ends_by

    def due(self, now: float) -> list[RealtimeEvent]:
        """Look at the time: a turn whose audio is over, and whose end the service left out, ends."""
        deadline = self.deadline()
        return [] if deadline is None or now < deadline else self._ended_here(now)

    def _ended_here(self, now: float) -> list[RealtimeEvent]:
        interrupted = self._turns.interrupted
        self._complete(now)
        if not self._profile.conversational:  # a transcriber has no turns
            return []
        self._turns.ended()
        return [TurnComplete(reason=NOT_COMPLETED_REASON, interrupted=interrupted)]

    # --- connections

    def session_ready(self, round_trip_s: float, now: float) -> None:
        """There is a session on a new connection."""
        self.round_trip_s, self._ready_at = round_trip_s, now

    def measured(self, round_trip_s: float) -> None:
        """How long a message and the answer to it are under way."""
        self.round_trip_s = round_trip_s

    def connection_lost(self, now: float) -> list[RealtimeEvent]:
        """The turn ends with its connection; nobody shall wait for the rest of it."""
        if self._turns.state is TurnState.GENERATED and not self._may_be_filler():
            self._history.close_turn(now)
        cut = self._turns.lost(now)
        filler = cut is TurnState.GENERATED and self._profile.interaction_status
        if (cut is _GENERATING or filler) and self._turns.owed_since is None:
            self._turns.asked(now)  # for the rest
        self._history.lose_turn()
        if cut is TurnState.IDLE:
            return []
        reason = LOST_REASON if filler or cut is not TurnState.GENERATED else None
        return [TurnComplete(reason=reason, interrupted=cut is TurnState.INTERRUPTED)]

    def resumed(self, resent: Resent, lost_calls: Sequence[str], now: float) -> bool:
        """The conversation goes on in a session that knows all but this; returns whether to ask for an answer that is
        owed, since nothing that is sent again asks for it."""
        self._ledger.calls_lost(lost_calls)
        audible = (item for item in resent.again if isinstance(item, Piece) and not is_quiet([item.pcm]))
        if (first := next(audible, None)) is not None:
            self._history.ask_again(first.at)
        asked, heard = self._ledger.will_ask(), not is_quiet(self._ledger.audio.waiting_pcm())
        # Whoever makes a call has been asked for something.
        owed = self._turns.owed_since is not None or bool(lost_calls or resent.orphans)
        self._turns.not_awaited()
        if asked or (heard and owed):
            self._turns.asked(now)
        return (self._ledger.owed or (owed and not heard)) and not asked and not self._calls.blocking

    def withdrawn(self) -> None:
        """Messages will not be sent after all: nobody waits for answers to them."""
        if not (self._ledger.asking() or self._ledger.will_ask()):
            self._turns.not_awaited()

    def close_question(self) -> None:
        """What was heard last is said: a new session is told of it, and asked for the answer."""
        self._history.close_question()


_OUTPUT = frozenset((AudioDelta, TextDelta, ThoughtDelta, OutputTranscript))
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
