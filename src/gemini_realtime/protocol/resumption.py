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
from gemini_realtime.errors import ConfigError, ConnectionClosed, GeminiRealtimeError
from gemini_realtime.protocol.closing import again, concerns_one, is_refusal
from gemini_realtime.protocol.messages import CloseCode, SessionResumptionUpdate

HANDLE_VALID_S: Final = 2 * 3600.0
"""Source: the page named above; Vertex AI speaks of 24 hours, and of 10 minutes."""

SETTLED_AFTER_S: Final = 10.0
"""A new connection that lasts so long counts as good: the next loss begins to count attempts anew."""

MAX_INDEX_DIGITS: Final = 19
"""It is an int64: https://ai.google.dev/api/live#BidiGenerateContentSessionResumptionUpdate."""

MAX_CLOSED_IN_SETUP: Final = 4
"""Closes in a row, some 4 s of them, after which a new session is better than none."""

MAX_DOUBTS: Final = 2
"""Losses in a row, under one handle, after which a new session is better than none."""


class Reconnect(msgspec.Struct, frozen=True, kw_only=True):
    """How a lost connection is made good: the key `reconnect` of `llm_config`.

    Attributes:
        enabled: False ends the conversation with its connection.
        attempts: how often to dial before giving up.
        within_s: how long to try before giving up, seconds since the loss.
        backoff_s: the wait before the second attempt, doubled for each one after it, seconds.
        max_backoff_s: the longest wait, seconds.
        jitter: gives numbers from 0 to 1, which spread the waits of many clients; None for the standard library's. One
            that raises, or gives anything else, counts as 0.5.
        audio_ring_s: how much of the microphone's audio is kept to be sent again, seconds.
        hand_over: whether to change connections before the service closes one it announced to close.
        seed_history: whether a new session, where none can be resumed, is told what was said before.
        after_normal_close: whether a session that the service ended with 1000 is resumed, too, where there is a handle
            or something is owed; False lets it end the reader.
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
    after_normal_close: bool = True


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
    """The last good handle, whether it is to be trusted, and the attempts to reconnect.

    Args:
        policy: what the application wants.

    Attributes:
        handle: the last handle the service sent, None before the first.
        handle_at: when it came, seconds.
        consumed: how many messages of its connection it holds, where it says so (transparent handles).
        lost_at: when the connection was lost, None while there is one; seconds.
        dial_at: when to dial next.
        attempts: how many have been made in vain since the conversation went on last.
        refused: how the service ended the session last, None since the model has completed an answer.
        distrusted: the handle was given up, and what its session says of handles counts for nothing.
    """

    def __init__(self, policy: Reconnect) -> None:
        self.policy = policy
        self.handle: str | None = None
        self.handle_at: float | None = None
        self.consumed: int | None = None
        self.lost_at: float | None = None
        self.dial_at = 0.0
        self.attempts = 0
        self.distrusted = False
        self._trouble_since: float | None = None
        self._ready_at = -math.inf
        self._closed_in_setup = 0
        self._doubts = 0
        self._sent_away = 0
        self._rejections = 0
        self.refused: ConnectionClosed | None = None

    # --- the handle

    def updated(self, update: SessionResumptionUpdate, now: float) -> bool:
        """Keep a new handle; one that is withheld does not erase the last good one. Returns whether one came."""
        if self.distrusted or not (update.resumable and update.new_handle):
            return False
        self.handle, self.handle_at = update.new_handle, now
        self.consumed = _index(update.last_consumed_client_message_index)
        return True

    def given(self, handle: str | None, at: float | None) -> None:
        """The application has a handle from before, which came then."""
        self.handle, self.handle_at = handle, at

    def usable(self, now: float) -> str | None:
        """The handle to come back with, None when there is none or it is too old."""
        if self.handle_at is not None and now - self.handle_at > HANDLE_VALID_S:
            return None
        return self.handle

    def forget(self) -> None:
        """The handle was refused, or is not trusted any more."""
        self.handle = self.handle_at = None
        self._doubts = self._sent_away = 0
        self.distrusted = True

    def keeps_failing(self, error: GeminiRealtimeError) -> bool:
        """Whether the service closes on the handle again and again without saying that it refuses it.

        It has been seen to close with 1011 while the session's old connection is open, and of a connection that broke
        it may not know for long that it is not.
        """
        closed = isinstance(error, ConnectionClosed) and error.code != CloseCode.NONE
        self._closed_in_setup += closed
        return closed and self._closed_in_setup >= MAX_CLOSED_IN_SETUP

    def doubted(self, error: GeminiRealtimeError, opened_with: str | None, now: float, *, gave_up: bool) -> bool:
        """A connection that was in use was lost. Returns whether to trust the handle no longer.

        A network that breaks says something against a handle only where the connection was opened with it, and then
        only together with another loss before any turn was completed.

        Args:
            error: how it was lost.
            opened_with: the handle that the connection was opened with.
            now: seconds.
            gave_up: this side gave it up, for what was wrong with the conversation.
        """
        refused = is_refusal(error)
        if not (refused or gave_up) and (opened_with is None or opened_with != self.handle or self._lasted(now)):
            return False
        self._doubts += 1
        return self._doubts >= MAX_DOUBTS and self.handle is not None

    def sent_away(self, now: float) -> bool:
        """The service announced the end of the connection. Returns whether it does so for the whole session: a second
        time, on a connection that has only just been opened."""
        self._sent_away = 1 if self._lasted(now) else self._sent_away + 1
        return self._sent_away >= MAX_DOUBTS and self.handle is not None

    # --- the same again

    def refused_again(self, error: GeminiRealtimeError, now: float) -> ConnectionClosed | None:
        """The service ended a session. Returns the error that says so of both times, when it did so before and nothing
        has come of reconnecting since."""
        if not isinstance(error, ConnectionClosed) or not is_refusal(error):
            return None
        before, self.refused = self.refused, error
        return None if before is None or self._lasted(now) else again(error, before)

    def rejected_messages(self) -> None:
        """The service has closed the session on the same messages too often."""
        self._rejections += 1

    @property
    def messages_to_blame(self) -> bool:
        """Whether it may be for them: when it rejects what comes after them, too, it is not."""
        return self._rejections == 1

    def progressed(self) -> None:
        """The model has completed an answer: what was wrong before is over."""
        self.attempts = self._doubts = self._rejections = 0
        self._trouble_since = self.refused = None

    # --- coming back

    def lost(self, error: GeminiRealtimeError, now: float) -> bool:
        """The connection is gone, or could not be made. Returns whether to dial again, at `dial_at`."""
        self._count(now)
        if self.lost_at is None:
            self.lost_at = now
        wait_s = 0.0 if concerns_one(error) and not self.attempts else self._wait_s()
        self.dial_at = now + max(wait_s, getattr(error, "retry_after_s", None) or 0.0)
        return self._may_go_on()

    def left(self, now: float, *, at_once: bool = True) -> bool:
        """The connection was left for another. Returns whether to dial again, at `dial_at`: at once, unless that
        happens again and again, or many are sent away together and had no time to go one after the other."""
        self._count(now)
        self.lost_at = now
        self.dial_at = now + (0.0 if at_once and not self.attempts else self._wait_s())
        return self._may_go_on()

    def _count(self, now: float) -> None:
        if self._lasted(now):
            self.attempts, self._trouble_since = 0, None
        elif self._trouble_since is not None:
            self.attempts += 1
        if self._trouble_since is None:
            self._trouble_since = now

    def _may_go_on(self) -> bool:
        since = self.dial_at if self._trouble_since is None else self._trouble_since
        return self.attempts < self.policy.attempts and self.dial_at <= since + self.policy.within_s

    def _lasted(self, now: float) -> bool:
        """Whether there is a connection, and has been for long enough to count as good."""
        return self.lost_at is None and now - self._ready_at >= SETTLED_AFTER_S

    def ready(self, now: float) -> None:
        """The conversation begins, or goes on."""
        self._closed_in_setup = 0
        self.distrusted = False
        if self.lost_at is not None:
            self.lost_at, self._ready_at = None, now

    def gap_ms(self, now: float) -> int:
        """How long there has been no connection."""
        return 0 if self.lost_at is None else round((now - self.lost_at) * 1000)

    def given_up(self, error: GeminiRealtimeError, now: float) -> GeminiRealtimeError:
        """The error to end with, saying how much was tried."""
        if self.attempts and self._trouble_since is not None:
            error.add_note(f"Gave up after {self.attempts} attempts in {now - self._trouble_since:.0f} s.")
        return error

    def _wait_s(self) -> float:
        jitter = self.jitter()
        backoff_s = min(self.policy.backoff_s * 2.0 ** min(self.attempts, 60), self.policy.max_backoff_s)
        # Many clients lose their connections together: the first attempt comes soon, but not of all at once.
        return backoff_s * (jitter if self.attempts == 0 else 0.5 + jitter / 2)

    def jitter(self) -> float:
        """A number from 0 to 1, different for each client."""
        try:
            number = 0.5 if self.policy.jitter is None else float(self.policy.jitter())
        except Exception:  # it is the application's, and nothing that it raises is worth a conversation
            number = 0.5
        return min(max(number, 0.0), 1.0) if math.isfinite(number) else 0.5


def _index(value: str | int | None) -> int | None:
    """The index of a message, None when there is none that could be one."""
    text = str(value) if isinstance(value, int) else value or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MAX_INDEX_DIGITS else None
