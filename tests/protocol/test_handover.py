from __future__ import annotations

import struct

from gemini_realtime.protocol.calls import Calls
from gemini_realtime.protocol.events import TextDelta, TurnComplete
from gemini_realtime.protocol.handover import LISTENS_S, LOOK_AGAIN_S, MAX_MARGIN_S, MAX_SPREAD_S, SETTLES_S, Handover
from gemini_realtime.protocol.health import Health, read_health
from gemini_realtime.protocol.ledger import Ledger
from gemini_realtime.protocol.messages import SessionResumptionUpdate
from gemini_realtime.protocol.models import profile_for
from gemini_realtime.protocol.progress import Progress
from gemini_realtime.protocol.resumption import Reconnect, Resumption
from gemini_realtime.protocol.turns import Turns

BEGAN_AT = 100.0
LOUD = struct.pack("<320h", *[8000, -8000] * 160)


class Connected:
    """A conversation that has begun, and the wish to leave its connection."""

    def __init__(self) -> None:
        profile = profile_for("gemini-3.8-live")
        turns, calls, self.ledger = Turns(), Calls(profile), Ledger(15.0)
        health = Health(read_health("off"), turns, calls)
        self.progress = Progress(profile, turns, calls, self.ledger, health)
        self.progress.session_ready(0.1, BEGAN_AT)
        self.resumption = Resumption(Reconnect())
        self.handover = Handover(self.resumption, self.progress, self.ledger)

    def handle(self, now: float) -> None:
        update = SessionResumptionUpdate(new_handle=f"h{now}", resumable=True)
        assert self.resumption.updated(update, now)

    def wish(self, time_left_s: float | None = 50.0, now: float = BEGAN_AT, *, patient: bool = False) -> Handover:
        self.handover.wish(time_left_s, now, patient=patient)
        return self.handover


def leaving(time_left_s: float | None = 50.0) -> Handover:
    return Connected().wish(time_left_s)


def test_a_fifth_of_the_time_is_kept_for_closing_and_no_more_than_some_seconds() -> None:
    assert leaving(10.0).leave_by == 108.0
    assert leaving(50.0).leave_by == 150.0 - MAX_MARGIN_S


def test_the_earliest_of_several_deadlines_holds_and_no_deadline_takes_none_away() -> None:
    handover = leaving(10.0)
    handover.wish(60.0, 101.0)
    handover.wish(None, 102.0)
    assert handover.leave_by == 108.0
    handover.wish(1.0, 103.0)
    assert handover.leave_by == 103.8


def test_only_the_deadline_makes_it_overdue() -> None:
    handover = leaving(10.0)
    assert not handover.overdue(107.9)
    assert handover.overdue(108.0)
    assert handover.due(108.0)
    assert not leaving(None).overdue(1e9)


def test_it_looks_at_once_and_then_again_in_a_while_and_never_past_the_deadline() -> None:
    handover = leaving(10.0)
    assert handover.deadline() == 100.0
    assert not handover.due(100.0)
    assert handover.deadline() == 100.0 + LOOK_AGAIN_S
    assert not handover.due(107.9)
    assert handover.deadline() == 108.0


def test_without_a_handle_nothing_suits_until_the_time_is_up() -> None:
    handover = leaving(10.0)
    assert not handover.due(107.9)
    assert handover.due(108.0)


def test_a_handle_that_holds_everything_suits_at_once() -> None:
    connected = Connected()
    connected.handle(BEGAN_AT)
    assert connected.wish().due(BEGAN_AT)


def test_nothing_suits_in_the_middle_of_a_turn() -> None:
    connected = Connected()
    connected.progress.note([TextDelta(text="well")], BEGAN_AT)
    connected.handle(BEGAN_AT)
    assert not connected.wish().due(BEGAN_AT + 10.0)


def test_nothing_suits_while_somebody_speaks() -> None:
    connected = Connected()
    connected.handle(BEGAN_AT)
    connected.ledger.audio_sent(LOUD, 16000, 20.0, BEGAN_AT)
    connected.resumption.updated(SessionResumptionUpdate(new_handle="h", resumable=True), BEGAN_AT)
    assert not connected.wish().due(BEGAN_AT)
    assert connected.handover.due(BEGAN_AT + LISTENS_S + 0.1)


def test_a_turn_that_is_just_over_gets_time_to_be_saved() -> None:
    connected = Connected()
    connected.handle(BEGAN_AT)
    connected.progress.note([TextDelta(text="well"), TurnComplete()], BEGAN_AT + 1.0)
    handover = connected.wish()
    assert not handover.due(BEGAN_AT + 1.0 + SETTLES_S - 0.1)
    assert handover.due(BEGAN_AT + 1.0 + SETTLES_S)


def test_who_is_patient_waits_for_a_handle_until_half_of_the_time_is_over() -> None:
    connected = Connected()
    connected.handle(BEGAN_AT - 1.0)
    handover = connected.wish(patient=True)
    half = BEGAN_AT + (50.0 - MAX_MARGIN_S) / 2
    assert not handover.due(half - 0.1)
    assert handover.due(half)
    connected.handle(half)
    assert connected.wish(now=half, patient=True).due(half)


def test_many_that_are_told_together_leave_one_after_the_other() -> None:
    connected = Connected()
    connected.handle(BEGAN_AT)
    connected.handover.wish(50.0, BEGAN_AT, spread=0.5)
    assert not connected.handover.due(BEGAN_AT + MAX_SPREAD_S / 2 - 0.1)
    assert connected.handover.due(BEGAN_AT + MAX_SPREAD_S / 2)


def test_nothing_is_wanted_once_it_is_done() -> None:
    handover = leaving(10.0)
    handover.done()
    assert (handover.wanted, handover.deadline(), handover.overdue(1e9), handover.due(1e9)) == (
        False,
        None,
        False,
        False,
    )
