"""May the conversation be resumed, when, and with which handle; and how long does this connection last.

The service sends handles with `sessionResumptionUpdate`; while it generates or a tool call is open it says
`resumable: false` with an empty handle. A handle is good for 2 hours after the connection ended, and a connection
is announced to end by `goAway`. Source: https://ai.google.dev/gemini-api/docs/live-session.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from gemini_realtime.checking import check_fields, check_number, check_type
from gemini_realtime.errors import ConfigError, ConnectionClosed, GeminiRealtimeError, HandshakeError
from gemini_realtime.protocol.messages import CloseCode, SessionResumptionUpdate

HANDLE_VALID_S: Final = 2 * 3600.0
"""Source: the page named above; Vertex AI speaks of 24 hours, and of 10 minutes."""

SETTLED_AFTER_S: Final = 10.0
"""A new connection that lasts so long counts as good: the next loss begins to count attempts anew."""

MAX_INDEX_DIGITS: Final = 19
"""It is an int64: https://ai.google.dev/api/live#BidiGenerateContentSessionResumptionUpdate."""

MAX_CLOSED_IN_SETUP: Final = 4
"""Closes in a row, some 4 s of them, after which a new session is better than none."""

NOT_RETRIED: Final = (400, 401, 403, 404, 407)
"""HTTP refusals that say that the request itself is wrong, or who sends it."""


class Reconnect(msgspec.Struct, frozen=True, kw_only=True):
    """How a lost connection is made good: the key `reconnect` of `llm_config`.

    Attributes:
        enabled: False ends the conversation with its connection.
        attempts: how often to dial before giving up.
        within_s: how long to try before giving up, seconds since the loss.
        backoff_s: the wait before the second attempt, doubled for each one after it, seconds.
        max_backoff_s: the longest wait, seconds.
        jitter: gives numbers from 0 to 1, which spread the waits of many clients; None for the standard library's.
        audio_ring_s: how much of the microphone's audio is kept to be sent again, seconds.
        hand_over: whether to change connections before the service closes one it announced to close.
        seed_history: whether a new session, where none can be resumed, is told what was said before.
    """

    enabled: bool = True
    attempts: int = 10
    within_s: float = 120.0
    backoff_s: float = 0.25
    max_backoff_s: float = 10.0
    jitter: Callable[[], float] | None = None
    audio_ring_s: float = 15.0
    hand_over: bool = True
    seed_history: bool = True


_LIMITS: dict[str, tuple[float, float]] = {
    "attempts": (1, 1_000_000),
    "within_s": (0, 86_400),
    "backoff_s": (0, 3600),
    "max_backoff_s": (0, 3600),
    "audio_ring_s": (0, 600),
}


def read_reconnect(value: Any) -> Reconnect:
    """Read the key `reconnect`: None or True for the defaults, False or `"off"`, or a dict of fields of `Reconnect`.

    Raises:
        ConfigError: anything else.
    """
    if value is None or value is True:
        return Reconnect()
    if value is False or (isinstance(value, str) and value == "off"):
        return Reconnect(enabled=False)
    check_type("reconnect", value, Mapping, 'a dict, True, or "off"')
    check_fields("reconnect", value, Reconnect.__struct_fields__)
    for name, given in value.items():
        _check(name, given)
    return msgspec.structs.replace(Reconnect(), **value)


def _check(field: str, given: Any) -> None:
    name = f"reconnect.{field}"
    if field in _LIMITS:
        check_number(name, given, *_LIMITS[field], whole=field == "attempts")
    elif field != "jitter":
        check_type(name, given, bool, "True or False")
    elif given is not None and not callable(given):
        raise ConfigError("`reconnect.jitter` cannot be called", remedy="pass a function that gives 0 to 1")


class Resumption:
    """The last good handle, the announced end of the connection, and the attempts to reconnect.

    Args:
        policy: what the application wants.

    Attributes:
        handle: the last handle the service sent, None before the first.
        handle_at: when it came, seconds.
        consumed: how many messages of its connection it holds, where it says so (transparent handles).
        ends_at: when the service will end the connection, None unless it said so; seconds.
        lost_at: when the connection was lost, None while there is one; seconds.
        dial_at: when to dial next.
    """

    def __init__(self, policy: Reconnect) -> None:
        self.policy = policy
        self.handle: str | None = None
        self.handle_at: float | None = None
        self.consumed: int | None = None
        self.ends_at: float | None = None
        self.lost_at: float | None = None
        self.dial_at = 0.0
        self._attempts = 0
        self._closed_in_setup = 0
        self._ready_at = -math.inf

    def updated(self, update: SessionResumptionUpdate, now: float) -> bool:
        """Keep a new handle; one that is withheld does not erase the last good one. Returns whether one came."""
        if not (update.resumable and update.new_handle):
            return False
        self.handle, self.handle_at = update.new_handle, now
        self.consumed = _index(update.last_consumed_client_message_index)
        return True

    def given(self, handle: str | None, at: float | None) -> None:
        """The application has a handle from before, which came then."""
        self.handle, self.handle_at = handle, at

    def going_away(self, time_left_ms: int | None, now: float) -> None:
        """The service announced the end of the connection."""
        self.ends_at = now + (time_left_ms or 0) / 1000

    def usable(self, now: float) -> str | None:
        """The handle to resume with, None when there is none or it is too old."""
        if self.handle_at is not None and now - self.handle_at > HANDLE_VALID_S:
            return None
        return self.handle

    def forget(self) -> None:
        """The handle was refused, or its session has ended for good."""
        self.handle = self.handle_at = None

    def keeps_failing(self, error: GeminiRealtimeError) -> bool:
        """Whether the service closes on the handle again and again without saying that it refuses it.

        It has been seen to close with 1011 while the session's old connection is open, and of a connection that broke
        it may not know for long that it is not.
        """
        closed = isinstance(error, ConnectionClosed) and error.code != CloseCode.NONE
        self._closed_in_setup += closed
        return closed and self._closed_in_setup >= MAX_CLOSED_IN_SETUP

    # --- reconnecting

    def lost(self, error: GeminiRealtimeError, now: float) -> bool:
        """The connection is gone, or could not be made. Returns whether to dial again, at `dial_at`."""
        self.ends_at = None
        self._attempts = 0 if self.lost_at is None and self._settled(now) else self._attempts + 1
        if self.lost_at is None:
            self.lost_at = now
        self.dial_at = now + max(self._wait_s(), getattr(error, "retry_after_s", None) or 0.0)
        return self._attempts < self.policy.attempts and self.dial_at <= self.lost_at + self.policy.within_s

    def left(self, now: float) -> None:
        """The connection was left for another: dial at once, unless that happens again and again."""
        self._attempts = 0 if self._settled(now) else self._attempts + 1
        self.ends_at, self.lost_at, self.dial_at = None, now, now + (self._wait_s() if self._attempts else 0.0)

    def _settled(self, now: float) -> bool:
        return now - self._ready_at >= SETTLED_AFTER_S

    def ready(self, now: float) -> None:
        """The conversation begins, or goes on."""
        self._closed_in_setup = 0
        if self.lost_at is not None:
            self.lost_at, self._ready_at = None, now

    def gap_ms(self, now: float) -> int:
        """How long there has been no connection."""
        return 0 if self.lost_at is None else round((now - self.lost_at) * 1000)

    def given_up(self, error: GeminiRealtimeError, now: float) -> GeminiRealtimeError:
        """The error to end with, saying how much was tried."""
        if self._attempts:
            error.add_note(f"Gave up after {self._attempts} attempts in {now - (self.lost_at or now):.0f} s.")
        return error

    def _wait_s(self) -> float:
        jitter = self.policy.jitter() if self.policy.jitter is not None else 0.5
        backoff_s = min(self.policy.backoff_s * 2.0 ** min(self._attempts, 60), self.policy.max_backoff_s)
        # Many clients lose their connections together: the first attempt comes soon, but not of all at once.
        return backoff_s * (jitter if self._attempts == 0 else 0.5 + jitter / 2)


def worth_retrying(error: GeminiRealtimeError) -> bool:
    """Whether a connection that failed like this may succeed later.

    What worked once is wrong about the network rather than about the request, unless the service says otherwise.
    """
    if isinstance(error, HandshakeError):
        return error.status not in NOT_RETRIED
    return error.retryable


def handle_refused(error: GeminiRealtimeError) -> bool:
    """Whether the service refuses the handle, or the setup it came with, rather than the connection."""
    return (
        isinstance(error, ConnectionClosed)
        and error.code in (CloseCode.INVALID_ARGUMENT, CloseCode.POLICY)
        and not error.retryable
    )


def _index(value: str | int | None) -> int | None:
    """The index of a message, None when there is none that could be one."""
    text = str(value) if isinstance(value, int) else value or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MAX_INDEX_DIGITS else None
