"""Frames of the service made from the structs: all of their fields set, and one place changed at a time."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from gemini_realtime.protocol.health import read_health
from gemini_realtime.protocol.messages import Message, ServerMessage
from gemini_realtime.protocol.models import profile_for
from gemini_realtime.protocol.session import Session

Path = tuple[str | int, ...]

_EXAMPLES: dict[Any, Any] = {str: "words", bool: True, int: 7, Any: 1}

WRONG: list[Any] = [
    None, True, False, 0, 7, -1, 2**63, 10**30, 12.0, 12.5, 1e300, "", "words", "true", "7", "7.5", "1e2", "NaN",
    "Infinity", "\u00b2", "9" * 5000, [], [None], [[]], ["words"], [7], {}, {"a": 1}, [{"a": 1}], {"seconds": 9},
]  # fmt: skip
"""Values of every type that JSON has, and text that is nearly a number."""


def _example(hint: Any) -> Any:
    """JSON that is right for a field."""
    if get_origin(hint) in (Union, UnionType):
        return _example(get_args(hint)[0])
    if get_origin(hint) is Annotated:
        return "AUDIO"
    if get_origin(hint) is list:
        return [_example(get_args(hint)[0]) for _ in range(2)]
    if get_origin(hint) is dict:
        return {"key": 1}
    if issubclass(hint, Message):
        return _example_of(hint)
    return _EXAMPLES[hint]


def _example_of(struct: type[Message]) -> dict[str, Any]:
    """A message in which every field is set."""
    hints = get_type_hints(struct, include_extras=True)
    names = zip(struct.__struct_fields__, struct.__struct_encode_fields__, strict=True)
    return {wire_name: _example(hints[name]) for name, wire_name in names}


FULL = _example_of(ServerMessage)
"""A frame in which every field of every message is set."""


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """Every place in a frame that holds something."""
    if path:
        yield path
    inside: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, member in inside:
        yield from places(member, (*path, name))


def with_value(frame: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    """The frame with something else in one place."""
    changed = copy.deepcopy(frame)
    inner: Any = changed
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return changed


# --- what a session makes of them


def new_session() -> Session:
    """A session that waits for its setup to be confirmed."""
    session = Session(profile_for("gemini-3.8-live"), health=read_health("off"))
    session.prepare({"model": "models/gemini-3.8-live"})
    session.begin(0.0)
    return session


def ready_session() -> Session:
    """A session whose setup is confirmed."""
    session = new_session()
    session.receive(b'{"setupComplete":{}}', 0.0)
    return session


def check_neighbours(frame: dict[str, Any], path: Path) -> None:
    """No value in one place of a frame costs an event of another member."""
    others = _without(frame, path)
    beside = _heard(others) if any(others.values()) else []
    if path[0] == "usageMetadata" or path[:2] in _IN_TURN_COMPLETE:
        beside = [event for event in beside if not event.startswith("TurnComplete")]
    for wrong in WRONG:
        rest = iter(_heard(with_value(frame, path, wrong)))
        assert all(event in rest for event in beside), wrong


_IN_TURN_COMPLETE = {("serverContent",), ("serverContent", "interrupted"), ("serverContent", "turnCompleteReason")}
"""Besides the counts, what shows in the event of the turn's end."""


def _without(frame: dict[str, Any], path: Path) -> dict[str, Any]:
    """The frame without the member that holds a place: of `serverContent`, one of its members."""
    name, *inside = path
    if name == "serverContent" and inside:
        content = {member: value for member, value in frame[name].items() if member != inside[0]}
        return {**frame, "serverContent": content}
    return {member: value for member, value in frame.items() if member != name}


def _heard(frame: dict[str, Any]) -> list[str]:
    happened = ready_session().receive(json.dumps(frame).encode(), 1.0)
    assert happened
    for event in happened:
        json.dumps(event.to_dict(audio=True))
    return [repr(event) for event in happened]
