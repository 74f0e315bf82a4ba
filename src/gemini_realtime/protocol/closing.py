"""What the end of a connection means, given what went before.

The service reuses few codes for many causes. It has been seen to close a healthy call with 1000 ("The operation was
cancelled."), 1007, 1008 and 1011, at random, in up to 6 % of calls, with input that it takes when the session is
resumed. So a code by itself decides only what may be tried before anything has worked; later on such a close is worth
one attempt (`judge`), and what happens when it comes again is counted in `resumption`.

Sources: RFC 6455 7.4.1; reports of what the service was seen to send in the issue trackers of google-genai
(js-genai#1236, cookbook#1225), pipecat (#3112), livekit/agents (#4545), AVA-AI-Voice-Agent (#496), voiceclaw (#66) and
adk-python (#4587).
"""

from __future__ import annotations

from enum import Enum
from typing import Final

import msgspec

from gemini_realtime.errors import (
    ConfigError,
    ConnectionClosed,
    GeminiRealtimeError,
    HandshakeError,
    ServiceError,
    SetupTimeout,
)
from gemini_realtime.protocol.messages import CloseCode

NOT_RETRIED: Final = (400, 401, 403, 404, 407)
"""HTTP refusals that say that the request itself is wrong, or who sends it."""

WORTH_REPEATING_AT_FIRST: Final = (429, 500, 502, 503, 504)
"""HTTP refusals that say that the address is right and the service busy."""


class _Close(msgspec.Struct, frozen=True):
    explanation: str
    remedy: str
    retryable: bool


_BY_CODE: dict[int, _Close] = {
    CloseCode.NORMAL: _Close("the service ended the session", "connect again", False),
    CloseCode.GOING_AWAY: _Close("the service is going away", "connect again", True),
    CloseCode.PROTOCOL_ERROR: _Close("the service saw a protocol error", "report it with a recording", False),
    CloseCode.UNSUPPORTED_DATA: _Close("the service does not take such data", "check what was sent last", False),
    CloseCode.WITHOUT_CODE: _Close("the service closed without saying why", "connect again", True),
    CloseCode.NONE: _Close("the connection broke without a close", "check the network and connect again", True),
    CloseCode.INVALID_ARGUMENT: _Close("the service rejected what was sent", "check the session options", False),
    CloseCode.POLICY: _Close("the service refuses to go on", "check the model name and what the key may use", False),
    CloseCode.TOO_BIG: _Close("a message was too big for the service", "send smaller audio and images", False),
    CloseCode.INTERNAL_ERROR: _Close("the service had an internal error", "connect again", True),
    CloseCode.RESTART: _Close("the service is restarting", "connect again", True),
    CloseCode.OVERLOADED: _Close("the service is overloaded", "wait, then connect again", True),
    CloseCode.BAD_GATEWAY: _Close("a gateway of the service failed", "connect again", True),
}
_UNKNOWN = _Close("the service closed the connection", "see the reason it gave", False)

_OF_THE_NETWORK = (
    CloseCode.GOING_AWAY,
    CloseCode.WITHOUT_CODE,
    CloseCode.NONE,
    CloseCode.RESTART,
    CloseCode.OVERLOADED,
    CloseCode.BAD_GATEWAY,
)
"""Ends that say nothing of what was said in the session."""

_BY_REASON = {
    "api key": ("the API key is not valid", "check `api_key`, GEMINI_API_KEY and GOOGLE_API_KEY"),
    "quota": ("the quota of the key is used up", "wait, or check plan and billing"),
    "user location is not supported": (
        "the service is not offered where this runs",
        "use Vertex AI in a region that has it",
    ),
    "failed to close the connection after receiving a goaway": (
        "the connection reached its time limit",
        "connect again with the last resumption handle",
    ),
    "session not found": ("the resumption handle is unknown or too old", "connect without a handle"),
    "invalid session handle": ("the resumption handle is not valid", "connect without a handle"),
    "is not found for api version": (
        "the model does not exist, or not for the Live API",
        "check `model` and `api_version`",
    ),
    "new_session_expire_time": ("the ephemeral token may no longer open sessions", "mint a new token"),
    "unknown name": ("the service does not know a field that was sent", "check the session options and `setup`"),
    "explicit activity control": (
        "activity_start() and activity_end() need automatic detection off",
        "session_update({'turn_detection': None})",
    ),
    "response modalities": ("the model cannot answer in this modality", "use response_modalities=['AUDIO']"),
}
"""What is known about a reason, by words that it contains."""

_TIME_LIMIT_REASONS = ("after receiving a goaway",)
"""Words of the end of a connection that was announced."""

_PASSING_REASONS = (*_TIME_LIMIT_REASONS, "operation was aborted")
"""Words of reasons that come with the code of a refusal, and say nothing against the next connection."""

_HANDLE_REASONS = ("session not found", "invalid session handle")
"""Words of a refusal of the handle; they have been seen before `setupComplete` and after it."""

_AUTHENTICATION_REASONS = (
    "api key",
    "api_key",
    "authentication",
    "unauthenticated",
    "unauthorized",
    "permission denied",
    "permission_denied",
    "credential",
    "token expired",
    "token has expired",
    "new_session_expire_time",
    "has been suspended",
)
"""Words of refusals that are about who connects, which no other connection changes."""

_AUTHENTICATION_CODES = (401, 403)
_OVERLOAD_CODES = (429, 503, 504)


class Verdict(Enum):
    """What follows from the end of a connection."""

    RECONNECT = "the conversation goes on over another connection"
    END = "the conversation is over, as the service wanted"
    FAIL = "the conversation ends with the error"


class Before(msgspec.Struct, frozen=True):
    """What went before the end of a connection.

    Attributes:
        confirmed: whether a setup of the conversation was ever accepted.
        open: whether the one of this connection was.
        moved: whether the service has said anything in the conversation.
        owed: whether anybody waits for something: for an answer, the rest of one, a result, or to be sent.
        resumable: whether there is a handle.
    """

    confirmed: bool
    open: bool
    moved: bool
    owed: bool
    resumable: bool


def judge(error: GeminiRealtimeError, before: Before) -> Verdict:
    """What the end of a connection means.

    Args:
        error: how it ended, or why it could not be made.
        before: what went before.
    """
    if is_normal(error):
        lost = before.owed or (before.resumable and (before.moved or not before.open))
        return Verdict.RECONNECT if lost else Verdict.END
    if not before.confirmed and isinstance(error, SetupTimeout):
        return Verdict.FAIL
    if worth_retrying(error) or (before.open and before.moved and is_refusal(error) and not _of_the_caller(error)):
        return Verdict.RECONNECT
    return Verdict.FAIL


def is_normal(error: GeminiRealtimeError) -> bool:
    """Whether the service ended the session as one that is over."""
    return isinstance(error, ConnectionClosed) and error.code == CloseCode.NORMAL


def close_error(code: int, reason: str) -> ConnectionClosed:
    """The error for a close by the service.

    Args:
        code: WebSocket close code; 1006 when there was none.
        reason: the service's words, cut by it at 123 bytes.
    """
    close = _BY_CODE.get(code, _UNKNOWN)
    explanation, remedy = close.explanation, close.remedy
    for words, better in _BY_REASON.items():
        if words in reason.lower():
            explanation, remedy = better
            break
    retryable = close.retryable or _says(reason, _PASSING_REASONS)
    return ConnectionClosed(code, reason, explanation, remedy=remedy, retryable=retryable)


def again(error: ConnectionClosed, before: ConnectionClosed) -> ConnectionClosed:
    """The error for a close that came again, in place of the conversation that was to go on."""
    words = f" {before.reason!r}" if before.reason else ""
    explanation = f"{error.explanation}, again after {before.code}{words} and a new connection"
    return ConnectionClosed(error.code, error.reason, explanation, remedy=error.remedy, retryable=error.retryable)


def worth_retrying(error: GeminiRealtimeError) -> bool:
    """Whether a connection that failed like this may succeed later.

    What worked once is wrong about the network rather than about the request, unless the service says otherwise.
    """
    if isinstance(error, HandshakeError):
        return error.status not in NOT_RETRIED
    # The configuration was good before: whoever gives the tokens has none at the moment.
    return error.retryable or isinstance(error, ConfigError)


def worth_repeating_at_first(error: GeminiRealtimeError) -> bool:
    """Whether the very first dial may succeed later: nothing has worked yet, and what is wrong may be the address."""
    return isinstance(error, HandshakeError) and error.status in WORTH_REPEATING_AT_FIRST


def is_refusal(error: GeminiRealtimeError) -> bool:
    """Whether the service ended the session itself, which may be for something that was said in it."""
    if isinstance(error, ServiceError):
        return error.code not in _OVERLOAD_CODES
    if not isinstance(error, ConnectionClosed) or error.code in _OF_THE_NETWORK:
        return False
    return not _says(error.reason, _TIME_LIMIT_REASONS)


def concerns_one(error: GeminiRealtimeError) -> bool:
    """Whether the service ended this session alone, so that nobody else dials in the same moment."""
    alone = (CloseCode.NORMAL, CloseCode.INVALID_ARGUMENT, CloseCode.POLICY)
    return isinstance(error, ConnectionClosed) and error.code in alone


def refuses_setup(error: GeminiRealtimeError) -> bool:
    """Whether a setup was refused, for its handle or for what is new in it, rather than the connection."""
    refusals = (CloseCode.INVALID_ARGUMENT, CloseCode.POLICY)
    return isinstance(error, ConnectionClosed) and error.code in refusals and not error.retryable


def refuses_handle(error: GeminiRealtimeError) -> bool:
    """Whether the service says that it does not know the handle."""
    return isinstance(error, ConnectionClosed) and _says(error.reason, _HANDLE_REASONS)


def _of_the_caller(error: GeminiRealtimeError) -> bool:
    """Whether it is about who connects."""
    if isinstance(error, ServiceError) and error.code in _AUTHENTICATION_CODES:
        return True
    return isinstance(error, ConnectionClosed) and _says(error.reason, _AUTHENTICATION_REASONS)


def _says(reason: str, words: tuple[str, ...]) -> bool:
    return any(some in reason.lower() for some in words)
