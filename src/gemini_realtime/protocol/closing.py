"""What a close of the connection means.

Whether a close is worth a retry is decided by its number alone. The reason text only improves the explanation: the
service reuses few numbers for many causes. Source of codes and texts: RFC 6455 section 7.4.1, and reports in the issue
trackers of google-genai, js-genai and livekit/agents of what the service was seen to send.
"""

from __future__ import annotations

from typing import NamedTuple

from gemini_realtime.errors import ConnectionClosed
from gemini_realtime.protocol.messages import CloseCode


class _Close(NamedTuple):
    explanation: str
    remedy: str
    retryable: bool


_BY_CODE: dict[int, _Close] = {
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

_PASSING_REASONS = ("after receiving a goaway", "operation was aborted")
"""Words of reasons that come with the code of a refusal, and say nothing against the next connection."""


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
    retryable = close.retryable or any(words in reason.lower() for words in _PASSING_REASONS)
    return ConnectionClosed(code, reason, explanation, remedy=remedy, retryable=retryable)
