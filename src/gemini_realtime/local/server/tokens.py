"""Ephemeral tokens: what is asked for when one is made, and what its bearer may do, without any I/O or clock.

Source: https://ai.google.dev/api/live#ephemeral-auth-tokens; google-genai 3.4.0 (`tokens.py`) for the wire form.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from gemini_realtime.local.wire.acceptance import check_setup
from gemini_realtime.local.wire.fields import is_field, paths_in
from gemini_realtime.local.wire.profiles import profile_of
from gemini_realtime.local.wire.refusals import Refused, Rule
from gemini_realtime.local.wire.validation import conform
from gemini_realtime.protocol.codec import DecodeError, parse_object
from gemini_realtime.protocol.messages import Setup

DEFAULT_USES: Final = 1
DEFAULT_LIFE: Final = timedelta(minutes=30)
DEFAULT_OPENING: Final = timedelta(seconds=60)
MAX_LIFE: Final = timedelta(hours=20)
CAPACITY: Final = 4096
"""Tokens kept; the oldest are forgotten first."""

TOKEN_TOO_LATE: Final = Rule(
    "a session with a token after its newSessionExpireTime",
    1011,
    "new_session_expire_time deadline exceeded",
    "reported by users, 2026-07",
)
TOKEN_EXPIRED: Final = Rule(
    "a message with a token after its expireTime",
    1011,
    "expire_time deadline exceeded",
    "the rule: https://ai.google.dev/api/live#AuthToken; code and words are a guess after new_session_expire_time",
)
TOKEN_USED_UP: Final = Rule(
    "one session more than a token has uses",
    1011,
    "uses exceeded",
    "the rule: https://ai.google.dev/api/live#AuthToken; code and words are a guess after new_session_expire_time",
)


class TokenRequest(msgspec.Struct, rename="camel"):
    """The body of `POST /v1beta/auth_tokens`.

    Attributes:
        uses: sessions that may be opened; 0 for any number.
        expire_time: from when on messages are refused.
        new_session_expire_time: from when on no session may be opened.
        bidi_generate_content_setup: what the session is to be.
        field_mask: which fields of that replace the client's, separated by commas; empty for all.
    """

    uses: int = DEFAULT_USES
    expire_time: datetime | None = None
    new_session_expire_time: datetime | None = None
    bidi_generate_content_setup: dict[str, Any] | None = None
    field_mask: str = ""

    @property
    def mask(self) -> list[list[str]]:
        """The paths of the mask."""
        return [path.strip().split(".") for path in self.field_mask.split(",") if path.strip()]


class BadTokenRequest(ValueError):
    """A token cannot be made as asked; says why."""


class Token:
    """What the bearer of a token may do.

    Attributes:
        name: `auth_tokens/...`.
    """

    def __init__(self, name: str, request: TokenRequest, expires: float, closes: float) -> None:
        self.name = name
        self._setup = request.bidi_generate_content_setup
        self._mask = request.mask
        self._expires = expires
        self._closes = closes
        self._uses_left = request.uses if request.uses else None

    def open(self, setup: dict[str, Any], now: float) -> dict[str, Any]:
        """Open a session: the setup that holds, which is not always the client's.

        Raises:
            Refused: too late, or once too often. Resuming a session is not a use.
        """
        if now >= self._closes:
            raise Refused(TOKEN_TOO_LATE)
        self.check(now)
        effective = self._effective(setup)
        resumption = _get(effective, "sessionResumption")
        resumes = isinstance(resumption, dict) and bool(resumption.get("handle"))
        if self._uses_left is not None and not resumes:
            if self._uses_left == 0:
                raise Refused(TOKEN_USED_UP)
            self._uses_left -= 1
        return effective

    def check(self, now: float) -> None:
        """Let a message of an open session pass.

        Raises:
            Refused: the token has expired.
        """
        if now >= self._expires:
            raise Refused(TOKEN_EXPIRED)

    def _effective(self, setup: dict[str, Any]) -> dict[str, Any]:
        if self._mask:
            for path in self._mask:
                _replace(setup, self._setup or {}, path)
            return setup
        return setup if self._setup is None else self._setup


class Tokens:
    """The tokens of a server.

    Args:
        new_name: gives what nobody can guess.
        clock: seconds, monotonic.
        wall_clock: the time of day, with its zone; it is what the times of a request refer to.
    """

    def __init__(
        self, new_name: Callable[[], str], clock: Callable[[], float], wall_clock: Callable[[], datetime]
    ) -> None:
        self._new_name = new_name
        self._clock = clock
        self._wall_clock = wall_clock
        self._tokens: OrderedDict[str, Token] = OrderedDict()

    def mint(self, body: bytes) -> dict[str, Any]:
        """Make a token; returns its description as the service gives it.

        Raises:
            BadTokenRequest: the body is no such request, or asks for times that cannot be.
        """
        request = _read(body)
        wall, now = self._wall_clock(), self._clock()
        expires = _time("expire_time", request.expire_time, wall, DEFAULT_LIFE)
        closes = _time("new_session_expire_time", request.new_session_expire_time, wall, DEFAULT_OPENING)
        name = f"auth_tokens/{self._new_name()}"
        self._tokens[name] = Token(
            name, request, now + (expires - wall).total_seconds(), now + (closes - wall).total_seconds()
        )
        while len(self._tokens) > CAPACITY:
            self._tokens.popitem(last=False)
        times = {"expireTime": _rfc3339(expires), "newSessionExpireTime": _rfc3339(closes)}
        return {"name": name, **times, "uses": request.uses}

    def find(self, name: str) -> Token | None:
        """The token of this name, expired or not."""
        return self._tokens.get(name)


def _read(body: bytes) -> TokenRequest:
    try:
        given = conform(parse_object(body or b"{}"), "AuthToken")
        request = msgspec.convert(given, TokenRequest)
    except Refused as refused:
        raise BadTokenRequest(refused.reason) from None
    except (DecodeError, msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise BadTokenRequest(f"Invalid JSON payload received. {error}") from None
    if request.uses < 0:
        raise BadTokenRequest("uses must not be negative")
    if request.bidi_generate_content_setup is not None:
        _check_setup(request.bidi_generate_content_setup)
    _check_mask(request.mask, request.bidi_generate_content_setup or {})
    return request


def _check_setup(setup: dict[str, Any]) -> None:
    """Refuse at once what every session with the token would be refused for."""
    read = msgspec.convert(setup, Setup)
    if not read.model:  # the client's to say
        return
    try:
        check_setup(read, profile_of(read.model))
    except Refused as refused:
        raise BadTokenRequest(refused.reason) from None


def _check_mask(mask: list[list[str]], setup: dict[str, Any]) -> None:
    """Source: js-genai#1492, google-gemini/gemini-live-api-examples#49."""
    if not mask:
        return
    if not all(is_field("Setup", path) for path in mask):
        raise BadTokenRequest("field_mask is invalid for BidiGenerateContentSetup")
    spelled = [tuple(map(_camel, path)) for path in mask]
    for path in paths_in(setup, "Setup"):
        if not any(path[: len(named)] == named or named[: len(path)] == path for named in spelled):
            raise BadTokenRequest("BidiGenerateContentSetup contains fields that are not specified in field_mask")


def _time(name: str, given: datetime | None, wall: datetime, default: timedelta) -> datetime:
    if given is None:
        return wall + default
    if given.tzinfo is None:
        raise BadTokenRequest(f"{name} must be a time with a zone, such as 2026-11-22T12:00:00Z")
    if abs(given - wall) >= MAX_LIFE:
        raise BadTokenRequest(f"{name} must be less than 20 hours in the future")
    return given


def _rfc3339(time: datetime) -> str:
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


# --- field masks: paths through JSON whose names may be in lowerCamelCase or snake_case


def _replace(target: dict[str, Any], source: dict[str, Any], path: list[str]) -> None:
    """Make `target` equal to `source` at this path, and nowhere else."""
    name, *rest = path
    theirs, ours = _pop(target, name), _get(source, name)
    if rest:
        inner = theirs if isinstance(theirs, dict) else {}
        _replace(inner, ours if isinstance(ours, dict) else {}, rest)
        ours = inner if inner or isinstance(theirs, dict) else None
    if ours is not None:
        target[_camel(name)] = ours


def _get(values: dict[str, Any], name: str) -> Any:
    return next((value for key, value in values.items() if _camel(key) == _camel(name)), None)


def _pop(values: dict[str, Any], name: str) -> Any:
    spellings = [key for key in values if _camel(key) == _camel(name)]
    return [values.pop(key) for key in spellings][-1] if spellings else None


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in others)
