from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_realtime.errors import ConfigError, ConnectionClosed, HandshakeError
from gemini_realtime.protocol.closing import close_error
from gemini_realtime.protocol.messages import SessionResumptionUpdate
from gemini_realtime.protocol.resumption import (
    HANDLE_VALID_S,
    MAX_DOUBTS,
    SETTLED_AFTER_S,
    Reconnect,
    Resumption,
    read_reconnect,
)

BROKEN = close_error(1006, "")


def resumption(jitter: float = 1.0, **policy: Any) -> Resumption:
    return Resumption(Reconnect(jitter=lambda: jitter, **policy))


def handle(name: str, index: str | int | None = None) -> SessionResumptionUpdate:
    return SessionResumptionUpdate(new_handle=name, resumable=True, last_consumed_client_message_index=index)


# --- the policy


@pytest.mark.parametrize("value", [None, True, {}])
def test_coming_back_is_the_default(value: Any) -> None:
    assert read_reconnect(value) == Reconnect()
    assert Reconnect().enabled


@pytest.mark.parametrize("value", [False, "off", {"enabled": False}])
def test_it_can_be_switched_off(value: Any) -> None:
    assert not read_reconnect(value).enabled


def test_fields_are_set_by_name() -> None:
    fields: dict[str, Any] = {"attempts": 3, "backoff_s": 1, "jitter": lambda: 0.5, "hand_over": False}
    assert read_reconnect(fields) == Reconnect(**fields)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("on", "str"),
        (3, "int"),
        ({"atempts": 3}, "did you mean 'attempts'"),
        ({"zzz": 3}, "choose one of enabled, attempts"),
        ({"attempts": 0}, "from 1 to"),
        ({"attempts": 2.5}, "pass a whole number"),
        ({"within_s": True}, "pass a number"),
        ({"within_s": -1}, "from 0 to"),
        ({"backoff_s": math.nan}, "from 0 to"),
        ({"audio_ring_s": 1e9}, "to 600"),
        ({"jitter": 0.5}, "cannot be called"),
        ({"enabled": "no"}, "True or False"),
    ],
    ids=str,
)
def test_anything_else_is_refused_with_what_to_do(value: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        read_reconnect(value)


# --- handles


def test_the_last_good_handle_outlives_one_that_is_withheld() -> None:
    resuming = resumption()
    assert resuming.updated(handle("h1"), 3.0)
    assert not resuming.updated(SessionResumptionUpdate(), 4.0)
    assert not resuming.updated(SessionResumptionUpdate(new_handle="h2"), 5.0)
    assert not resuming.updated(SessionResumptionUpdate(resumable=True), 6.0)
    assert (resuming.handle, resuming.handle_at) == ("h1", 3.0)


@pytest.mark.parametrize(
    ("index", "consumed"),
    [("12", 12), (12, 12), (None, None), ("", None), ("many", None), ("²", None), ("9" * 5000, None), (-1, None)],
)
def test_a_transparent_handle_says_how_much_it_holds(index: str | int | None, consumed: int | None) -> None:
    resuming = resumption()
    resuming.updated(handle("h", index), 0.0)
    assert resuming.consumed == consumed


def test_a_handle_that_is_too_old_is_not_tried() -> None:
    resuming = resumption()
    resuming.updated(handle("h"), 0.0)
    assert resuming.usable(HANDLE_VALID_S) == "h"
    assert resuming.usable(HANDLE_VALID_S + 1) is None


def test_a_handle_that_is_forgotten_is_gone() -> None:
    resuming = resumption()
    resuming.updated(handle("h"), 0.0)
    resuming.forget()
    assert (resuming.usable(0.0), resuming.handle_at) == (None, None)


# --- waiting


def test_waits_double_up_to_the_longest() -> None:
    resuming = resumption(backoff_s=1.0, max_backoff_s=5.0, attempts=6, within_s=1000.0)
    waits = []
    for _ in range(5):
        assert resuming.lost(BROKEN, 0.0)
        waits.append(resuming.dial_at)
    assert waits == [1.0, 2.0, 4.0, 5.0, 5.0]


@given(st.floats(0.0, 1.0), st.integers(1, 8))
def test_jitter_spreads_the_first_attempt_from_zero_and_later_ones_over_half_the_wait(
    jitter: float, losses: int
) -> None:
    resuming = resumption(jitter, backoff_s=1.0, max_backoff_s=16.0, within_s=1000.0)
    for _ in range(losses):
        resuming.lost(BROKEN, 50.0)
    longest_s = min(2.0 ** (losses - 1), 16.0)
    assert 50.0 + (0.0 if losses == 1 else longest_s / 2) <= resuming.dial_at <= 50.0 + longest_s


def test_the_number_of_attempts_is_limited() -> None:
    resuming = resumption(attempts=3)
    assert [resuming.lost(BROKEN, float(now)) for now in range(4)] == [True, True, True, False]


def test_the_time_is_limited_from_the_loss_on() -> None:
    resuming = resumption(backoff_s=0.0, within_s=10.0)
    assert resuming.lost(BROKEN, 100.0)
    assert resuming.lost(BROKEN, 110.0)
    assert not resuming.lost(BROKEN, 110.1)


def test_retry_after_is_heeded_and_never_shortens_the_wait() -> None:
    resuming = resumption(backoff_s=5.0)
    assert resuming.lost(HandshakeError("busy", status=503, retry_after_s=30.0), 100.0)
    assert resuming.dial_at == 130.0
    assert resuming.lost(HandshakeError("busy", status=503, retry_after_s=0.1), 130.0)
    assert resuming.dial_at == 140.0


def test_a_service_that_asks_for_more_patience_than_there_is_ends_it_at_once() -> None:
    resuming = resumption(within_s=10.0)
    assert not resuming.lost(HandshakeError("busy", status=429, retry_after_s=11.0), 0.0)


def test_a_connection_that_lasts_begins_the_count_anew_and_one_that_does_not_goes_on_with_it() -> None:
    resuming = resumption(backoff_s=1.0)
    resuming.lost(BROKEN, 0.0)
    resuming.lost(BROKEN, 1.0)
    resuming.ready(3.0)
    resuming.lost(BROKEN, 3.0 + SETTLED_AFTER_S - 0.1)
    assert resuming.dial_at == 3.0 + SETTLED_AFTER_S - 0.1 + 4.0
    resuming.ready(20.0)
    resuming.lost(BROKEN, 20.0 + SETTLED_AFTER_S)
    assert resuming.dial_at == 20.0 + SETTLED_AFTER_S + 1.0


def test_after_leaving_it_dials_at_once() -> None:
    resuming = resumption()
    resuming.left(7.0)
    assert (resuming.dial_at, resuming.gap_ms(7.5)) == (7.0, 500)


def test_a_service_that_sends_away_at_once_and_again_is_not_dialled_in_a_circle() -> None:
    resuming = resumption(backoff_s=1.0)
    now, waits = 0.0, []
    for _ in range(4):
        resuming.left(now)
        waits.append(resuming.dial_at - now)
        now = resuming.dial_at
        resuming.ready(now)
    assert waits == [0.0, 2.0, 4.0, 8.0]


def test_the_gap_ends_when_the_conversation_goes_on() -> None:
    resuming = resumption()
    assert resuming.gap_ms(1.0) == 0
    resuming.lost(BROKEN, 1.0)
    assert resuming.gap_ms(3.25) == 2250
    resuming.ready(4.0)
    assert resuming.gap_ms(5.0) == 0


def test_giving_up_tells_how_much_was_tried() -> None:
    resuming = resumption(attempts=2)
    for now in (10.0, 11.0, 15.0):
        resuming.lost(BROKEN, now)
    error = resuming.given_up(close_error(1006, ""), 15.0)
    assert error.__notes__ == ["Gave up after 2 attempts in 5 s."]


def test_giving_up_counts_from_the_first_loss_though_connections_came_in_between() -> None:
    resuming = resumption(attempts=2, within_s=1000.0)
    for now in (10.0, 15.0, 20.0):
        resuming.lost(BROKEN, now)
        resuming.ready(now + 1.0)
    error = resuming.given_up(close_error(1006, ""), 20.0)
    assert error.__notes__ == ["Gave up after 2 attempts in 10 s."]


def test_a_completed_answer_begins_the_count_anew() -> None:
    resuming = resumption(attempts=2)
    for now in range(10):
        assert resuming.lost(BROKEN, float(now))
        resuming.ready(now + 0.1)
        resuming.progressed()


def test_being_sent_away_counts_as_an_attempt() -> None:
    resuming = resumption(attempts=3, backoff_s=0.0)
    left = []
    for now in range(5):
        left.append(resuming.left(float(now)))
        resuming.ready(now + 0.1)
    assert left == [True, True, True, False, False]


def test_many_that_are_sent_away_without_time_do_not_dial_in_the_same_moment() -> None:
    resuming = resumption(0.5, backoff_s=1.0)
    resuming.left(7.0, at_once=False)
    assert resuming.dial_at == 7.5


@pytest.mark.parametrize("jitter", [lambda: 1 / 0, lambda: None, lambda: math.nan, lambda: "x", lambda: math.inf])
def test_a_jitter_that_gives_no_number_counts_as_the_middle(jitter: Any) -> None:
    resuming = Resumption(Reconnect(jitter=jitter, backoff_s=1.0))
    assert resuming.lost(BROKEN, 0.0)
    assert resuming.dial_at == 0.5


@pytest.mark.parametrize(("jitter", "wait_s"), [(-5, 0.0), (7, 1.0), (True, 1.0)])
def test_a_jitter_out_of_range_is_taken_for_its_end(jitter: float, wait_s: float) -> None:
    resuming = Resumption(Reconnect(jitter=lambda: jitter, backoff_s=1.0))
    resuming.lost(BROKEN, 0.0)
    assert resuming.dial_at == wait_s


# --- doubts


def test_a_handle_is_doubted_when_connections_opened_with_it_are_lost_in_a_row() -> None:
    resuming = resumption()
    resuming.updated(handle("h"), 0.0)
    assert not resuming.doubted(BROKEN, None, 1.0, gave_up=False)
    told = []
    for now in range(MAX_DOUBTS):
        resuming.lost(BROKEN, float(now))
        resuming.ready(now + 0.1)
        told.append(resuming.doubted(BROKEN, "h", now + 0.2, gave_up=False))
    assert told == [False, True]


def test_a_new_handle_or_a_connection_that_lasted_is_not_doubted_for_its_network() -> None:
    resuming = resumption()
    resuming.updated(handle("h"), 0.0)
    for now in range(0, 100, 20):
        resuming.lost(BROKEN, float(now))
        resuming.ready(now + 1.0)
        assert not resuming.doubted(BROKEN, "h", now + 1.0 + SETTLED_AFTER_S, gave_up=False)
        assert not resuming.doubted(BROKEN, "older", now + 2.0, gave_up=False)


@pytest.mark.parametrize("gave_up", [False, True])
def test_what_is_wrong_with_the_conversation_counts_on_any_connection(gave_up: bool) -> None:
    error = BROKEN if gave_up else close_error(1011, "")
    resuming = resumption()
    resuming.updated(handle("h"), 0.0)
    assert [resuming.doubted(error, None, 100.0, gave_up=gave_up) for _ in range(2)] == [False, True]
    resuming.progressed()
    assert not resuming.doubted(error, None, 100.0, gave_up=gave_up)


def test_a_handle_that_is_given_up_is_not_replaced_by_one_of_its_session() -> None:
    resuming = resumption()
    resuming.updated(handle("h1"), 0.0)
    resuming.forget()
    assert not resuming.updated(handle("h2"), 1.0)
    resuming.lost(BROKEN, 1.0)
    resuming.ready(2.0)
    assert resuming.updated(handle("h3"), 3.0)


def test_a_session_that_is_sent_away_as_soon_as_it_is_resumed_has_reached_its_limit() -> None:
    resuming = resumption()
    resuming.updated(handle("h"), 0.0)
    assert not resuming.sent_away(600.0)
    resuming.left(650.0)
    resuming.ready(651.0)
    assert resuming.sent_away(651.5)


def test_connections_that_last_are_sent_away_without_a_doubt() -> None:
    resuming = resumption()
    resuming.updated(handle("h"), 0.0)
    for now in (600.0, 1200.0, 1800.0):
        assert not resuming.sent_away(now)
        resuming.left(now + 50.0)
        resuming.ready(now + 51.0)


def test_the_same_refusal_again_says_both() -> None:
    resuming = resumption()
    assert resuming.refused_again(close_error(1008, "not implemented"), 0.0) is None
    resuming.lost(BROKEN, 0.0)
    resuming.ready(1.0)
    error = resuming.refused_again(close_error(1011, "internal"), 2.0)
    assert isinstance(error, ConnectionClosed)
    assert error.code == 1011
    assert all(words in str(error) for words in ("1011 'internal'", "after 1008 'not implemented'"))


def test_a_refusal_after_an_answer_or_a_while_is_a_first_one() -> None:
    resuming = resumption()
    resuming.refused_again(close_error(1008, ""), 0.0)
    resuming.progressed()
    assert resuming.refused_again(close_error(1008, ""), 1.0) is None
    resuming.lost(BROKEN, 1.0)
    resuming.ready(2.0)
    assert resuming.refused_again(close_error(1008, ""), 2.0 + SETTLED_AFTER_S) is None


def test_a_network_that_breaks_is_no_refusal() -> None:
    resuming = resumption()
    assert [resuming.refused_again(BROKEN, 0.0) for _ in range(3)] == [None, None, None]
