from __future__ import annotations

from gemini_realtime.protocol.handover import LOOK_AGAIN_S, MAX_MARGIN_S, SETTLES_S, Handover


def leaving(time_left_s: float | None = 50.0, now: float = 100.0) -> Handover:
    handover = Handover()
    handover.done()
    handover.wish(time_left_s, now)
    return handover


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
    assert not leaving(None).overdue(1e9)


def test_it_looks_at_once_and_then_again_in_a_while_and_never_past_the_deadline() -> None:
    handover = leaving(10.0)
    assert handover.deadline() == 100.0
    handover.look_again(100.0)
    assert handover.deadline() == 100.0 + LOOK_AGAIN_S
    handover.look_again(107.9)
    assert handover.deadline() == 108.0


def test_what_is_saved_suits() -> None:
    assert leaving().suits(100.0, 0.0, saved=True)


def test_a_turn_that_is_just_over_gets_time_to_be_saved() -> None:
    handover = leaving()
    assert not handover.suits(100.0 + SETTLES_S - 0.1, 100.0, saved=False)
    assert handover.suits(100.0 + SETTLES_S, 100.0, saved=False)


def test_who_is_patient_waits_for_a_handle_until_half_of_the_time_is_over() -> None:
    handover = Handover()
    handover.wish(50.0, 100.0, patient=True)
    half = 100.0 + (50.0 - MAX_MARGIN_S) / 2
    assert handover.suits(100.0, 100.0, saved=True)
    assert not handover.suits(half - 0.1, 100.0, saved=False)
    assert handover.suits(half, 100.0, saved=False)
    assert not handover.suits(half, half - SETTLES_S / 2, saved=False)
    handover.done()
    handover.wish(50.0, 200.0)
    assert handover.suits(200.0 + SETTLES_S, 200.0, saved=False)


def test_nothing_is_wanted_once_it_is_done() -> None:
    handover = leaving(10.0)
    handover.done()
    assert (handover.wanted, handover.deadline(), handover.overdue(1e9)) == (False, None, False)
