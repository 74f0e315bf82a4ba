"""Errors, and the secrets that must not enter them."""

from __future__ import annotations

import copy
import gc
import pickle
import traceback
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from gemini_realtime import errors
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
    quoting = [
        HandshakeError(f"refused: {SAID}", status=403, body=SAID, remedy=f"use another key than {KEY}"),
        ConnectionClosed(1008, SAID, "the service refuses to go on"),
        ServiceError(403, "PERMISSION_DENIED", SAID),
    ]
    for error in quoting:
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
    encoded = Secret("s%C3%A4cretly")
    assert blanked("password säcretly") == "password ..."
    assert encoded == "s%C3%A4cretly"


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


# --- pickled and copied

EXAMPLES = [
    errors.GeminiRealtimeError("it failed", remedy="try again", retryable=True),
    errors.ConfigError("no such option", remedy="use another"),
    errors.UnsupportedByModel("the model takes no text", remedy="send audio"),
    errors.MissingDependencyError("speech", "local"),
    errors.ListenError("port 80 is in use", remedy="take another"),
    errors.AudioFormatError("half a sample"),
    errors.NotConnectedError("not connected"),
    errors.HandshakeError("refused", status=429, body="quota", retry_after_s=2.5, remedy="wait"),
    errors.SetupTimeout("too late"),
    errors.SendTimeout("stalled"),
    errors.ConnectionClosed(1011, "overloaded", "something failed inside", remedy="wait", retryable=True),
    errors.ServiceError(429, "RESOURCE_EXHAUSTED", "slow down", retryable=True),
]


def all_kinds(kind: type[GeminiRealtimeError] = GeminiRealtimeError) -> set[type[GeminiRealtimeError]]:
    here = {kind} if kind.__module__ == errors.__name__ else set()
    return here.union(*map(all_kinds, kind.__subclasses__()))


def test_every_kind_of_error_is_among_the_examples() -> None:
    assert {type(error) for error in EXAMPLES} == all_kinds()


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("again", [lambda error: pickle.loads(pickle.dumps(error)), copy.copy, copy.deepcopy],
                         ids=["pickle", "copy", "deepcopy"])  # fmt: skip
def test_errors_survive_pickle_and_copy_whole(
    error: GeminiRealtimeError, again: Callable[[GeminiRealtimeError], GeminiRealtimeError]
) -> None:
    error.add_note("after 3 attempts")
    restored = again(error)
    assert type(restored) is type(error)
    assert (str(restored), repr(restored), restored.args) == (str(error), repr(error), error.args)
    assert vars(restored) == vars(error)
    assert restored.retryable == error.retryable


def test_errors_of_an_applications_own_kind_survive_too() -> None:
    restored = pickle.loads(pickle.dumps(Refused("quota", 3)))
    assert (type(restored), restored.attempts, str(restored)) == (Refused, 3, "quota → wait")


class Refused(errors.ConfigError):
    def __init__(self, problem: str, attempts: int) -> None:
        super().__init__(problem, remedy="wait")
        self.attempts = attempts


def test_an_error_comes_back_from_a_process_pool() -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool, pytest.raises(errors.ServiceError) as caught:
        pool.submit(fail).result(timeout=60)
    assert (caught.value.code, caught.value.status) == (429, "RESOURCE_EXHAUSTED")


def fail() -> None:
    raise errors.ServiceError(429, "RESOURCE_EXHAUSTED", "slow down", retryable=True)
