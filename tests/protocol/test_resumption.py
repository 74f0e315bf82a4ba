from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_realtime.errors import ConfigError, GeminiRealtimeError, HandshakeError, ServiceError, SetupTimeout
from gemini_realtime.protocol.closing import close_error
from gemini_realtime.protocol.messages import SessionResumptionUpdate
from gemini_realtime.protocol.resumption import (
    HANDLE_VALID_S,
    SETTLED_AFTER_S,
    Reconnect,
    Resumption,
    handle_refused,
    read_reconnect,
    worth_retrying,
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


@pytest.mark.parametrize(("index", "consumed"), [("12", 12), (12, 12), (None, None), ("", None), ("many", None)])
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


def test_an_announced_end_is_that_of_one_connection() -> None:
    resuming = resumption()
    resuming.going_away(2500, 10.0)
    assert resuming.ends_at == 12.5
    resuming.lost(BROKEN, 11.0)
    assert resuming.ends_at is None


def test_giving_up_tells_how_much_was_tried() -> None:
    resuming = resumption(attempts=2)
    for now in (10.0, 11.0, 15.0):
        resuming.lost(BROKEN, now)
    error = resuming.given_up(close_error(1006, ""), 15.0)
    assert error.__notes__ == ["Gave up after 2 attempts in 5 s."]


# --- what is worth it


@pytest.mark.parametrize(
    ("error", "worth"),
    [
        (close_error(1006, ""), True),
        (close_error(1011, "Internal error encountered."), True),
        (close_error(1007, "Request contains an invalid argument."), False),
        (close_error(1008, "model is not found for API version v1beta"), False),
        (close_error(1008, "failed to close the connection after receiving a GoAway signal"), True),
        (HandshakeError("no route"), True),
        (HandshakeError("busy", status=429), True),
        (HandshakeError("busy", status=503), True),
        (HandshakeError("key", status=401), False),
        (HandshakeError("key", status=403), False),
        (HandshakeError("proxy", status=407), False),
        (HandshakeError("gone", status=404), False),
        (SetupTimeout("slow"), True),
        (ServiceError(429, "RESOURCE_EXHAUSTED", "", retryable=True), True),
        (ServiceError(400, "INVALID_ARGUMENT", ""), False),
    ],
    ids=str,
)  # fmt: skip
def test_what_says_that_the_request_is_wrong_is_not_tried_again(error: GeminiRealtimeError, worth: bool) -> None:
    assert worth_retrying(error) is worth


@pytest.mark.parametrize(
    ("error", "refused"),
    [
        (close_error(1008, "BidiGenerateContent session not found"), True),
        (close_error(1007, "Invalid session handle"), True),
        (close_error(1008, "The operation was aborted."), False),
        (close_error(1011, "Internal error encountered."), False),
        (HandshakeError("no", status=400), False),
    ],
    ids=str,
)
def test_a_handle_is_refused_by_a_close_that_will_not_pass(error: GeminiRealtimeError, refused: bool) -> None:
    assert handle_refused(error) is refused
