"""A conversation between two processes: what `session_state()` gives, and what `connect(state=...)` takes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from gemini_realtime.checking import shown
from gemini_realtime.errors import ConfigError
from gemini_realtime.protocol.messages import ClientMessage

STATE_VERSION: Final = 1

_REMEDY: Final = "pass what session_state() gave, unchanged"


class SavedTurn(msgspec.Struct, frozen=True, kw_only=True):
    """What one side said."""

    role: Literal["user", "model"]
    text: str


class SavedMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message that the service may not have: as in `Entry`, and where it was.

    Attributes:
        where: `inside` the handle and not answered, `sent`, or `waiting` to be.
    """

    kind: Literal["text", "function_result", "context", "activity"]
    frame: str
    where: Literal["inside", "sent", "waiting"]
    label: str = ""
    role: Literal["", "user", "model"] = ""
    asks: bool = False
    answers: bool = False
    uncertain: bool = False


class SavedCall(msgspec.Struct, frozen=True, kw_only=True):
    """A function that the service waits for."""

    id: str
    name: str


class SavedState(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation.

    Attributes:
        version: `STATE_VERSION`.
        model: as configured.
        saved_at: by the wall clock, seconds.
        handle: to resume it with; None when there is none.
        handle_age_s: how old that was then.
        history: what was said last.
        messages: what would have to be sent.
        calls: those that the handle knows.
    """

    version: int
    model: str
    saved_at: float
    handle: str | None
    handle_age_s: float | None
    history: list[SavedTurn]
    messages: list[SavedMessage]
    calls: list[SavedCall] = []


def read_state(state: Any, model: str) -> SavedState:
    """Check a state.

    Args:
        state: of anybody.
        model: for which it has to be.

    Raises:
        ConfigError: it is damaged, or of another model or version; says where, and repeats nothing that was said.
    """
    if not isinstance(state, Mapping):
        raise ConfigError(f"the state is a {type(state).__name__}", remedy=_REMEDY)
    if state.get("version") != STATE_VERSION or state.get("model") != model:
        raise ConfigError(
            f"the state is of {shown(state.get('model'))}, version {shown(state.get('version'))}",
            remedy=f"pass what session_state() of a client for {model} gave",
        )
    try:
        saved = msgspec.json.decode(msgspec.json.encode(dict(state)), type=SavedState)
    except msgspec.ValidationError as error:
        raise ConfigError(f"the state is damaged: {error}", remedy=_REMEDY) from None
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise ConfigError(f"the state is no JSON: {type(error).__name__}", remedy=_REMEDY) from None
    if problem := _what_is_wrong(saved):
        raise ConfigError(f"the state is damaged: {problem}", remedy=_REMEDY)
    return saved


def _what_is_wrong(saved: SavedState) -> str:
    """What no type says; empty when all is well."""
    if not math.isfinite(saved.saved_at):
        return "`saved_at` is no time"
    if (saved.handle is None) != (saved.handle_age_s is None):
        return "a handle and its age come together"
    if saved.handle_age_s is not None and not 0 <= saved.handle_age_s < math.inf:
        return "`handle_age_s` is no duration"
    for place, message in enumerate(saved.messages):
        try:
            msgspec.json.decode(message.frame, type=ClientMessage)
        except (msgspec.MsgspecError, RecursionError):
            return f"`messages[{place}].frame` is no message to the service"
    return ""
