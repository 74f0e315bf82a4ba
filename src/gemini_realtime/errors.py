"""Every error of gemini_realtime: what happened, why, and what to do.

    GeminiRealtimeError
    ├── ConfigError (ValueError)                  something you passed cannot work; nothing was sent
    │   ├── UnsupportedByModel                    the model is known to refuse it
    │   └── MissingDependencyError (ImportError)  an optional extra is not installed
    ├── AudioFormatError (ValueError)             bytes that are not the sound they should be
    ├── ListenError (OSError)                     a server cannot listen there: the port is in use
    ├── NotConnectedError (RuntimeError)          a call that needs a connection, made without one
    ├── HandshakeError (ConnectionError)          the connection could not be opened
    ├── SetupTimeout (TimeoutError)               connected, but the session was not confirmed in time
    ├── SendTimeout (TimeoutError)                the connection is stalled; the message was not accepted
    └── ConnectionClosed (ConnectionError)        a session that was open has ended
        └── ServiceError                          ... and the service said why in a message of its own

Every error has a `.remedy` (for people) and `.retryable` (for programs): may the very same call succeed a little
later? Keys, tokens and audio never enter a message: what the service or a library says is `blanked` first.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, unquote
from weakref import WeakValueDictionary

BLANK = "..."
"""What stands where a secret was."""

SHORTEST_BLANKED = 8
"""Shorter secrets are ordinary words or parts of them: blanking them would spoil every sentence and protect nobody. So
much of one before the end of a text is taken for one, too: the service cuts its reasons at 123 bytes."""

_in_use: WeakValueDictionary[str, Secret] = WeakValueDictionary()


class Secret(str):
    """A key, a token or a password: text like any other, but for its repr, and no error repeats it while it is in use.

    What is made of it by formatting or adding is plain text: make a `Secret` of the result where it is kept.
    """

    __slots__ = ("__weakref__", "_forms")

    _forms: tuple[str, ...]

    def __new__(cls, text: str) -> Secret:
        if (same := _in_use.get(text)) is not None:
            return same
        secret = super().__new__(cls, text)
        _, _, credential = text.rpartition(" ")  # `Bearer TOKEN`, and the token by itself
        forms = {form for part in (text, credential) for form in (part, quote(part, safe=""), unquote(part))}
        secret._forms = tuple(sorted((form for form in forms if len(form) >= SHORTEST_BLANKED), key=len, reverse=True))
        _in_use[text] = secret
        return secret

    def __repr__(self) -> str:
        return repr(BLANK)


def blanked(text: str) -> str:
    """What somebody else said, without the secrets that are in use: services and proxies are known to quote them."""
    for secret in list(_in_use.values()):
        for form in secret._forms:
            if form in text:
                text = text.replace(form, BLANK)
            text = _without_beginning(text, form)
    return text


def _without_beginning(text: str, secret: str) -> str:
    """The text without the beginning of a secret where its end was cut off."""
    at = text.rfind(secret[:SHORTEST_BLANKED])
    cut = len(secret) > SHORTEST_BLANKED and at >= 0 and secret.startswith(text[at:])
    return text[:at] + BLANK if cut else text


class GeminiRealtimeError(Exception):
    """Base of all errors of this package.

    Attributes:
        problem: what happened and why, in one sentence.
        remedy: what to do about it; empty when there is nothing to advise.
        retryable: whether the same call may succeed later without any change.
    """

    retryable: bool = False

    def __init__(self, problem: str, *, remedy: str = "", retryable: bool | None = None) -> None:
        self.problem = blanked(problem)
        self.remedy = blanked(remedy)
        super().__init__(self.problem)
        if retryable is not None:
            self.retryable = retryable

    def __str__(self) -> str:
        return f"{self.problem} → {self.remedy}" if self.remedy else self.problem

    def __reduce__(self) -> tuple[Any, ...]:
        # BaseException would call the class with `args`, which hold the problem alone, not what `__init__` asks for.
        return _restored, (type(self), self.args), self.__dict__


class ConfigError(GeminiRealtimeError, ValueError):
    """Something in the configuration or the arguments cannot work; nothing was sent."""


class UnsupportedByModel(ConfigError):
    """The model is known to refuse this option or message; nothing was sent."""


class MissingDependencyError(ConfigError, ImportError):
    """An optional dependency is needed and not installed; the remedy is the install command."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(
            f"{what} needs the optional extra [{extra}], which is not installed",
            remedy=f"pip install 'gemini-realtime[{extra}]'",
        )


class AudioFormatError(GeminiRealtimeError, ValueError):
    """Audio bytes, or the description of their format, are invalid."""


class ListenError(GeminiRealtimeError, OSError):
    """The embedded server cannot listen where it was told to: the port is in use, or it is not allowed to."""


class NotConnectedError(GeminiRealtimeError, RuntimeError):
    """A call that needs an open connection was made without one."""


class HandshakeError(GeminiRealtimeError, ConnectionError):
    """The connection could not be opened: no route, TLS, proxy, timeout, or an HTTP refusal.

    Attributes:
        status: HTTP status of the refusal, None when there was no HTTP answer.
        body: the first 500 characters of the refusal's body.
        retry_after_s: seconds the service asked to wait, None when it did not.
    """

    def __init__(
        self,
        problem: str,
        *,
        status: int | None = None,
        body: str = "",
        retry_after_s: float | None = None,
        remedy: str = "",
        retryable: bool | None = None,
    ) -> None:
        if retryable is None:
            retryable = status is None or status == 429 or status >= 500
        super().__init__(problem, remedy=remedy, retryable=retryable)
        self.status = status
        self.body = blanked(body)
        self.retry_after_s = retry_after_s


class SetupTimeout(GeminiRealtimeError, TimeoutError):
    """The service accepted the connection but did not confirm the session setup in time."""

    retryable = True


class SendTimeout(GeminiRealtimeError, TimeoutError):
    """Too much is waiting for a stalled connection; the message was not accepted, and nothing of it is sent."""

    retryable = True


class ConnectionClosed(GeminiRealtimeError, ConnectionError):
    """The service, or the network, ended a session that was open.

    Attributes:
        code: WebSocket close code; 1006 when the connection ended without one.
        reason: the service's own words, possibly cut at 123 bytes; may be empty.
        explanation: what this close means, as far as it is known.
    """

    def __init__(self, code: int, reason: str, explanation: str, *, remedy: str = "", retryable: bool = False) -> None:
        reason = blanked(reason)
        said = f" {reason!r}" if reason else ""
        super().__init__(f"connection closed with {code}{said}: {explanation}", remedy=remedy, retryable=retryable)
        self.code = code
        self.reason = reason
        self.explanation = explanation


class ServiceError(ConnectionClosed):
    """The service reported an error in a message (`{"error": ...}`) instead of a close.

    Attributes:
        code: the numeric code of the error.
        status: the canonical name, such as `INVALID_ARGUMENT`; may be empty.
    """

    def __init__(self, code: int, status: str, reason: str, *, remedy: str = "", retryable: bool = False) -> None:
        super().__init__(
            code, reason, f"the service reported {status or 'an error'}", remedy=remedy, retryable=retryable
        )
        self.status = status


def _restored(kind: type[GeminiRealtimeError], args: tuple[Any, ...]) -> GeminiRealtimeError:
    """An error that was pickled or copied; its attributes follow."""
    error = kind.__new__(kind, *args)
    error.args = args
    return error
