from __future__ import annotations

import pytest

from gemini_realtime.protocol.closing import close_error


@pytest.mark.parametrize(
    ("code", "retryable"),
    [(1001, True), (1006, True), (1007, False), (1008, False), (1011, True), (1013, True), (4000, False)],
)
def test_the_number_alone_decides_on_a_retry(code: int, retryable: bool) -> None:
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
