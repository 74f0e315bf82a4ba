"""How a conversation goes on when a session is ready: in the one that the handle stands for, or in a new one.

A resumed session knows all but what was sent since its handle: that is sent again. A new one is told what was said
before, and hears again what was not answered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from gemini_realtime.protocol import local_events
from gemini_realtime.protocol.calls import Calls
from gemini_realtime.protocol.codec import Frame
from gemini_realtime.protocol.events import (
    FunctionCallCancelled,
    InputTranscript,
    RealtimeEvent,
    SessionCreated,
    SessionResumed,
    SessionUpdated,
)
from gemini_realtime.protocol.health import Expected, Health
from gemini_realtime.protocol.history import Said
from gemini_realtime.protocol.ledger import Ledger
from gemini_realtime.protocol.models import ModelProfile
from gemini_realtime.protocol.outbox import Outbox
from gemini_realtime.protocol.progress import Progress
from gemini_realtime.protocol.resumption import Resumption
from gemini_realtime.protocol.seeding import Seeding
from gemini_realtime.protocol.server_events import lazy
from gemini_realtime.protocol.setup_state import SetupState

PATIENCE: Final = 3.0
"""How many times as long as ever before an answer may take in a session that was resumed."""


class Recovery:
    """Sets sessions up, and goes on with the conversation in them.

    Args:
        profile: how the model behaves.
        setup: with which setup, and handle, the session was opened.
        resumption: the handle, and since when there was no connection.
        calls: the functions that the service waits for.
        ledger: of what was sent.
        progress: how far the conversation had come.
        health: is told what the session is to do.
        outbox: sends what the session is told.
    """

    def __init__(
        self,
        profile: ModelProfile,
        setup: SetupState,
        resumption: Resumption,
        calls: Calls,
        ledger: Ledger,
        progress: Progress,
        health: Health,
        outbox: Outbox,
    ) -> None:
        self._profile = profile
        self._setup = setup
        self._resumption = resumption
        self._calls = calls
        self._ledger = ledger
        self._progress = progress
        self._health = health
        self._outbox = outbox
        self._seeding = Seeding(profile, setup, progress, ledger.audio, outbox, repeats=resumption.policy.seed_history)

    # --- a connection

    def connected(self, now: float) -> None:
        """There is a connection: the setup goes first."""
        if self._setup.afresh:
            self._resumption.forget()
            self._progress.forget()
            self._ledger.begin_afresh()
        handle = self._resumption.usable(now)
        self._outbox.setup(self._setup.sent(handle, now, seeds=self._seeding.announced()))

    def connection_lost(self, now: float) -> list[RealtimeEvent]:
        """What ends with a connection."""
        return self._progress.connection_lost(now)

    def session_ready(self, frame: Frame, now: float) -> list[RealtimeEvent]:
        """The service has confirmed the setup, with this frame."""
        goes_on = self._setup.handle_may_go
        first, updated = self._setup.confirmed()
        self._take_note_of_setup(self._setup.body, now)
        events: list[RealtimeEvent] = [SessionCreated(raw_message=lazy(frame))] if first else []
        if goes_on:
            events += self._go_on(frame, now)
        elif self._setup.handle is None:
            self._seeding.send()
        self._ledger.session_ready(now)
        self._resumption.ready(now)
        return [*events, SessionUpdated()] if updated else events

    def _take_note_of_setup(self, setup: Mapping[str, Any], now: float) -> None:
        self._calls.declared(setup.get("tools", ()))
        # A resumed session that says nothing is given up (see `Doubts.resumed_in_vain`): one that is slow is not.
        patience_s = 0.0 if self._setup.handle is None else PATIENCE * self._progress.longest_wait_s
        self._health.opened(now, _expected(setup, self._profile, patience_s))
        listening = setup.get("realtimeInputConfig") or {}
        announced = bool((listening.get("automaticActivityDetection") or {}).get("disabled"))
        one_by_one = listening.get("activityHandling") == "NO_INTERRUPTION"
        self._ledger.questions.configured(one_by_one=one_by_one, announced=announced)
        self._progress.session_ready(max(0.0, now - self._setup.sent_at), now)

    def _go_on(self, frame: Frame, now: float) -> list[RealtimeEvent]:
        ended = self._progress.connection_lost(now)  # where it was left in mid-turn
        new_session, gap_ms = self._setup.handle is None, self._resumption.gap_ms(now)
        resumed_from = None if new_session else self._resumption.handle_at
        exact = self._resumption.consumed is not None
        arrived_until = now - gap_ms / 1000 - self._progress.flight_s
        resent = self._ledger.resend(resumed_from, exact=exact, arrived_until=arrived_until)
        lost_calls = self._calls.lost(resumed_from)
        self._tell(self._progress.resumed(resent, lost_calls, now), [*lost_calls, *resent.unheard], now)
        items = local_events.replayed(resent.again)
        resumed = SessionResumed(
            raw_message=lazy(frame),
            gap_ms=gap_ms,
            replayed=len(items),
            uncertain=sum(item.uncertain for item in items) + resent.forgotten,
            new_session=new_session,
            items=items,
        )
        cancelled = [FunctionCallCancelled(call_ids=lost_calls)] if lost_calls else []
        return [*ended, resumed, *cancelled, *map(local_events.orphaned, resent.orphans)]

    def _tell(self, owed: bool, lost_calls: Sequence[str], now: float) -> None:
        """Tell the session what it has to know before what is sent again.

        Args:
            owed: an answer is, which nothing that is sent again asks for.
            lost_calls: calls that the service may wait for, and to which no result comes.
            now: seconds.
        """
        if self._setup.handle is None:
            self._progress.close_question()
            self._seeding.send()
        elif self._profile.lost_calls_block and lost_calls:
            self._outbox.lost_calls(lost_calls)
            return  # the model hears of it, and may say something
        if owed and self._outbox.nudge():
            self._progress.asked(now)

    # --- a history that counts later

    def heard(self, events: Sequence[RealtimeEvent], now: float) -> bool:
        """What the service says to a history that does not count yet; returns whether `deadline` has moved."""
        heard = any(isinstance(event, InputTranscript) for event in events)
        if heard:
            self._seeding.heard(now)
        return heard

    def deadline(self) -> float | None:
        """When `due` wants to be called; None: never."""
        return self._seeding.look_at

    def due(self, now: float) -> None:
        """Look at the time."""
        self._seeding.due(now)

    # --- saved state

    def saved_state(self, now: float) -> dict[str, Any]:
        """What another process needs to continue the conversation, as plain JSON; holds no audio."""
        handle, handle_at = self._resumption.handle, self._resumption.handle_at
        return {
            "handle": handle,
            "handle_age_s": None if handle_at is None else now - handle_at,
            # What was heard goes as words: the other process does not have the sound of it.
            "history": [turn._asdict() for turn in self._progress.said(heard=True)],
            "messages": self._ledger.saved_state(handle_at),
            "calls": self._calls.saved_state(handle_at),
        }

    def restore(self, state: dict[str, Any], now: float) -> None:
        """Continue a conversation of another process; to be called before anything else.

        Args:
            state: as `saved_state` gives it; `saved_state.read_state` has checked it.
            now: seconds.
        """
        handle_at = None if state["handle"] is None else now - state["handle_age_s"]
        written = self._ledger.restore(state["messages"])
        self._calls.restore(state.get("calls", ()), handle_at)
        self._progress.restore([Said(**turn) for turn in state["history"]], written, handle_at)
        self._resumption.given(state["handle"], handle_at)
        self._setup.restored()


def _expected(setup: Mapping[str, Any], profile: ModelProfile, patience_s: float) -> Expected:
    """What an answer brings, sound or text, by this setup."""
    modalities = setup.get("generationConfig", {}).get("responseModalities")
    speaks = profile.conversational and modalities == ["AUDIO"]
    return Expected(
        audio=speaks,
        transcript=speaks and "outputAudioTranscription" in setup,
        silence=any((setup.get("proactivity") or {}).values()),
        patience_s=patience_s,
    )
