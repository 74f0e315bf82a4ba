"""One line for each message: when, which way, what, how much, and the words in it. Never sound, pictures or keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Final

from gemini_realtime.errors import ConfigError
from gemini_realtime.local.server.observers import Observer, read
from gemini_realtime.protocol.codec import encode

_MAX_WORDS: Final = 200
_INSTRUCTIONS: Final = ("setup", "contextUpdate", "context_update")
_ENVELOPES: Final = ("serverContent", "realtimeInput", "realtime_input")
_CALLS: Final = ("functionCalls", "functionCall", "functionResponses", "functionResponse", "function_responses")


class MessageLog(Observer):
    """Writes the lines of one connection.

    Args:
        name: of the connection.
        write: takes a line.
        wall_clock: the time of day.
    """

    def __init__(self, name: str, write: Callable[[str], None], wall_clock: Callable[[], datetime]) -> None:
        self._name = name
        self._write = write
        self._wall_clock = wall_clock

    def received(self, message: bytes) -> None:
        """The client sent this."""
        self._line("received", message)

    def sent(self, message: bytes) -> None:
        """The client was sent this."""
        self._line("sent", message)

    def closed(self, code: int | None, reason: str) -> None:
        """The connection is gone."""
        self._put("closed", "cut" if code is None else f"{code} {reason}".rstrip(), "")

    def _line(self, way: str, message: bytes) -> None:
        parsed = read(message)
        words = " ".join(_words(parsed))
        words = words.replace("\n", " ")
        shown = words if len(words) <= _MAX_WORDS else words[:_MAX_WORDS] + "..."
        self._put(way, _kind(parsed), f"{len(message):>7} B", shown)

    def _put(self, way: str, kind: str, *more: str) -> None:
        time = self._wall_clock().strftime("%H:%M:%S.%f")[:-3]
        self._write("  ".join((time, self._name, f"{way:<8}", f"{kind:<40}", *more)).rstrip())


def _kind(message: dict[str, Any]) -> str:
    """The names of the members, and of those inside that say what it is."""
    kinds = []
    for name, member in message.items():
        inner = name in _ENVELOPES and isinstance(member, dict) and bool(member)
        kinds += [f"{name}.{field}" for field in member] if inner else [name]
    return "+".join(kinds) or "{}"


def _words(message: dict[str, Any]) -> Iterator[str]:
    """Transcripts, text, and calls with their arguments and results, in order; of what instructs, nothing."""
    told = [(name, member) for name, member in message.items() if name not in _INSTRUCTIONS]
    places: list[tuple[str, Any]] = told[::-1]
    while places:
        name, value = places.pop()
        if isinstance(value, list):
            places += [(name, item) for item in reversed(value)]
        elif isinstance(value, dict) and name in _CALLS:
            yield f"{value.get('name', '')}({_written(value.get('args', value.get('response')))})"
        elif isinstance(value, dict):
            places += list(value.items())[::-1]
        elif name == "text" and isinstance(value, str):
            yield f'"{value}"'


def _written(told: Any) -> str:
    try:
        return encode(told).decode() if isinstance(told, dict) else ""
    except ConfigError:  # nested more deeply than can be written
        return "..."
