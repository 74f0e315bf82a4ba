"""Errors, and the secrets that must not enter them."""

from __future__ import annotations

import copy
import gc
import pickle
import traceback

import pytest

from gemini_realtime.errors import ConnectionClosed, GeminiRealtimeError, HandshakeError, Secret, ServiceError, blanked

KEY = "AIzaSy-CANARY-KEY-0123456789abcdef"
SAID = f"Permission denied: Consumer 'api_key:{KEY}' has been suspended."


def test_a_secret_is_text_that_does_not_show_itself() -> None:
    secret = Secret(KEY)
    assert secret == KEY
    assert isinstance(secret, str)
    assert KEY not in repr({"x-goog-api-key": secret})


def test_tracebacks_with_locals_show_no_secret() -> None:
    def fail(key: Secret) -> None:
        raise GeminiRealtimeError("no")

    with pytest.raises(GeminiRealtimeError) as raised:
        fail(Secret("another-" + KEY))
    shown = "".join(traceback.TracebackException.from_exception(raised.value, capture_locals=True).format())
    assert "key = '...'" in shown
    assert "another-" + KEY not in shown.replace('Secret("another-" + KEY)', "")


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda secret: pickle.loads(pickle.dumps(secret))])
def test_a_copy_of_a_secret_is_a_secret(copied: object) -> None:
    secret = copied(Secret(KEY))  # type: ignore[operator]
    assert secret == KEY
    assert type(secret) is Secret


def test_errors_do_not_repeat_secrets_that_a_service_quotes() -> None:
    secret = Secret(KEY)
    errors = [
        HandshakeError(f"refused: {SAID}", status=403, body=SAID, remedy=f"use another key than {KEY}"),
        ConnectionClosed(1008, SAID, "the service refuses to go on"),
        ServiceError(403, "PERMISSION_DENIED", SAID),
    ]
    for error in errors:
        assert secret not in f"{error} {error!r} {vars(error)} {error.args}"
        assert "has been suspended" in str(error)


def test_a_token_is_recognised_without_the_word_before_it() -> None:
    header = Secret("Bearer ya29.token-of-a-user")
    assert blanked("token ya29.token-of-a-user is expired") == "token ... is expired"
    assert blanked(f"got {header}") == "got ..."


def test_a_secret_is_recognised_as_a_url_writes_it() -> None:
    password = Secret("p@ss/wörd")
    assert blanked("GET http://user:p%40ss%2Fw%C3%B6rd@proxy/") == "GET http://user:...@proxy/"
    assert blanked(f"password {password}") == "password ..."
    encoded = Secret("s%C3%A4cret")
    assert blanked("password säcret") == "password ..."
    assert encoded == "s%C3%A4cret"


def test_the_beginning_of_a_secret_before_a_cut_is_blanked_too() -> None:
    secret = Secret(KEY)
    for length in range(8, len(secret)):
        assert blanked(f"the key {KEY[:length]}") == "the key ..."
    assert blanked("the key AIzaSy- is well known") == "the key AIzaSy- is well known"


def test_a_secret_too_short_to_be_one_spoils_no_sentence() -> None:
    assert Secret("k") == "k"
    assert blanked("the network took a break") == "the network took a break"


def test_a_secret_that_is_not_in_use_any_more_is_forgotten() -> None:
    secret: Secret | None = Secret("used-once-and-never-again")
    assert blanked("used-once-and-never-again") == "..."
    secret = None
    gc.collect()
    assert secret is None
    assert blanked("used-once-and-never-again") == "used-once-and-never-again"
