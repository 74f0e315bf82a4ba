from __future__ import annotations

from typing import Any

import pytest

from gemini_realtime.errors import ConfigError, GeminiRealtimeError, HandshakeError, ServiceError, SetupTimeout
from gemini_realtime.protocol.closing import (
    Before,
    Verdict,
    again,
    close_error,
    is_refusal,
    judge,
    refuses_handle,
    refuses_setup,
    worth_repeating_at_first,
    worth_retrying,
)


def before(**changed: Any) -> Before:
    """A conversation between two turns, over a connection that is open, with a handle."""
    return Before(**{"confirmed": True, "open": True, "moved": True, "owed": False, "resumable": True, **changed})


FIRST_SETUP = before(confirmed=False, open=False, moved=False, resumable=False)

# --- the verdict


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (1000, "The operation was cancelled."),
        (1000, ""),
        (1007, "The audio content type (CONTENT_TYPE_AUDIO) is not supported for this model configuration."),
        (1008, "Operation is not implemented, or supported, or enabled."),
        (1008, "Requested entity was not found."),
        (1008, ""),
        (1011, "Internal error encountered."),
        (4000, ""),
    ],
)
@pytest.mark.parametrize("owed", [False, True], ids=["between turns", "mid-answer"])
def test_a_close_in_a_conversation_that_has_moved_is_worth_an_attempt(code: int, reason: str, owed: bool) -> None:
    assert judge(close_error(code, reason), before(owed=owed)) is Verdict.RECONNECT


def test_a_normal_close_with_nothing_owed_and_no_handle_is_the_end() -> None:
    assert judge(close_error(1000, ""), before(resumable=False)) is Verdict.END
    assert judge(close_error(1000, ""), before(moved=False)) is Verdict.END
    assert judge(close_error(1000, ""), FIRST_SETUP) is Verdict.END


@pytest.mark.parametrize("without", [{"resumable": False}, {"moved": False}, {"confirmed": False, "open": False}])
def test_a_normal_close_while_something_is_owed_is_a_loss(without: dict[str, Any]) -> None:
    assert judge(close_error(1000, ""), before(owed=True, **without)) is Verdict.RECONNECT


@pytest.mark.parametrize(
    "reason",
    ["API key expired. Please renew the API key.", "Request had invalid authentication credentials.",
     "Permission denied: Consumer has been suspended.", "Token expired"],
)  # fmt: skip
def test_who_is_refused_for_who_they_are_stays_refused(reason: str) -> None:
    assert judge(close_error(1008, reason), before(owed=True)) is Verdict.FAIL


def test_a_refusal_before_the_service_has_said_anything_is_the_end() -> None:
    for code in (1007, 1008):
        assert judge(close_error(code, "no"), before(moved=False, owed=True)) is Verdict.FAIL
        assert judge(close_error(code, "no"), FIRST_SETUP) is Verdict.FAIL


def test_an_error_in_a_message_is_judged_like_a_close() -> None:
    assert judge(ServiceError(400, "INVALID_ARGUMENT", "no"), before()) is Verdict.RECONNECT
    assert judge(ServiceError(400, "INVALID_ARGUMENT", "no"), before(moved=False)) is Verdict.FAIL
    assert judge(ServiceError(403, "PERMISSION_DENIED", "no"), before()) is Verdict.FAIL


def test_the_first_setup_is_waited_for_once() -> None:
    assert judge(SetupTimeout("slow"), FIRST_SETUP) is Verdict.FAIL
    assert judge(SetupTimeout("slow"), before(open=False)) is Verdict.RECONNECT


@pytest.mark.parametrize(
    ("error", "repeated"),
    [
        (HandshakeError("busy", status=429), True),
        (HandshakeError("busy", status=503), True),
        (HandshakeError("no such path", status=404), False),
        (HandshakeError("key", status=403), False),
        (HandshakeError("no such host"), False),
    ],
    ids=str,
)
def test_the_first_dial_is_repeated_where_the_address_is_known_to_be_right(
    error: GeminiRealtimeError, repeated: bool
) -> None:
    assert worth_repeating_at_first(error) is repeated


# --- the kinds


@pytest.mark.parametrize(
    ("error", "refusal"),
    [
        (close_error(1000, ""), True),
        (close_error(1007, ""), True),
        (close_error(1008, "The operation was aborted."), True),
        (close_error(1008, "failed to close the connection after receiving a GoAway signal"), False),
        (close_error(1009, ""), True),
        (close_error(1011, ""), True),
        (close_error(1006, ""), False),
        (close_error(1001, ""), False),
        (close_error(1013, ""), False),
        (ServiceError(400, "INVALID_ARGUMENT", ""), True),
        (ServiceError(503, "UNAVAILABLE", ""), False),
        (HandshakeError("no", status=403), False),
    ],
    ids=str,
)
def test_a_refusal_is_an_end_that_may_be_for_what_was_said(error: GeminiRealtimeError, refusal: bool) -> None:
    assert is_refusal(error) is refusal


def test_a_handle_is_refused_by_the_words_with_any_code() -> None:
    assert refuses_handle(close_error(1008, "BidiGenerateContent session not found"))
    assert refuses_handle(close_error(1011, "Invalid session handle"))
    assert not refuses_handle(close_error(1008, "Requested entity was not found."))


# --- the error


@pytest.mark.parametrize(
    ("code", "retryable"),
    [
        (1000, False),
        (1001, True),
        (1006, True),
        (1007, False),
        (1008, False),
        (1011, True),
        (1013, True),
        (4000, False),
    ],
)
def test_whether_to_connect_again_is_decided_by_the_code_alone(code: int, retryable: bool) -> None:
    for reason in ("", "You exceeded your current quota", "API key expired. Please renew the API key."):
        assert close_error(code, reason).retryable is retryable


def test_the_error_holds_code_and_reason_and_says_what_to_do() -> None:
    error = close_error(1007, "API key not valid. Please pass a valid API key.")
    assert (error.code, error.reason) == (1007, "API key not valid. Please pass a valid API key.")
    assert "API key is not valid" in error.explanation
    assert "GEMINI_API_KEY" in str(error)


def test_an_unknown_code_and_reason_are_still_told() -> None:
    assert "4321" in str(close_error(4321, "so be it"))
    assert "so be it" in str(close_error(4321, "so be it"))


def test_a_reason_that_the_service_cut_off_is_still_understood() -> None:
    reason = "Connection aborted because the client failed to close the connection after receiving a GoAway signal once"
    assert "time limit" in close_error(1008, reason).explanation


def test_a_close_that_came_again_tells_of_both() -> None:
    error = again(close_error(1008, "second"), close_error(1007, "first"))
    assert (error.code, error.reason) == (1008, "second")
    assert "1008 'second'" in str(error)
    assert "1007 'first'" in str(error)


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
        (ConfigError("no token"), True),
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
def test_a_setup_is_refused_by_a_close_that_will_not_pass(error: GeminiRealtimeError, refused: bool) -> None:
    assert refuses_setup(error) is refused
