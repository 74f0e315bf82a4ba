"""The faults by name, with what can be said about each: `cut:after_frames=10,times=1`."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from gemini_realtime.checking import spelling_remedy
from gemini_realtime.errors import ConfigError

Value = int | float | str

_INTERNAL_ERROR: Final = "Internal error encountered."
"""What the service says with 1011."""


SPURIOUS_CLOSES: Final = {
    "audio-type": (1007, "The audio content type (audio/pcm) is not supported."),
    "not-implemented": (1008, "Operation is not implemented, or supported, or enabled."),
    "not-found": (1008, "Requested entity was not found."),
    "empty": (1008, ""),
    "cancelled": (1000, "The operation was cancelled."),
}
"""What a healthy connection was closed with, in up to 6 % of calls, on input that was taken before.

Sources: AVA 496, cookbook 1225, js-genai 1236, livekit/agents 4545, voiceclaw 66, pipecat 3112, 2025-2026; the last
at ten minutes. What stands in the parentheses is a guess.
"""


@dataclass(frozen=True)
class Parameter:
    """What can be said about a fault.

    Attributes:
        name: with its unit.
        default: None for none.
        meaning: for people.
        type: of the value.
        least: smallest number that makes sense.
        most: largest one.
        choices: the only values, if they are few.
    """

    name: str
    default: Value | None
    meaning: str
    type: type[Value] = int
    least: float = 0
    most: float = math.inf
    choices: tuple[Value, ...] = ()

    @property
    def usage(self) -> str:
        """Such as `after_frames=1`."""
        if self.default is None:
            return self.name
        return f"{self.name}={f'{self.default:g}' if isinstance(self.default, float) else self.default}"

    @property
    def domain(self) -> str:
        """What a value may be."""
        if self.choices:
            return "one of " + ", ".join(map(str, self.choices))
        if self.type is str:
            return "a text"
        kind = "a whole number" if self.type is int else "a number"
        return f"{kind} from {self.least:g}" + (f" to {self.most:g}" if self.most < math.inf else "")

    def read(self, value: Value) -> Value:
        """A value as it was written, or as it is.

        Raises:
            ValueError: it cannot be one.
        """
        number = self.type(value)
        if isinstance(number, str):
            if self.choices and number not in self.choices:
                raise ValueError
            return number
        allowed = not self.choices or number in self.choices
        if isinstance(value, bool) or not allowed or not (self.least <= number <= self.most and math.isfinite(number)):
            raise ValueError
        if self.type is int and number != float(value):
            raise ValueError
        return number


@dataclass(frozen=True)
class Kind:
    """A fault that there is.

    Attributes:
        name: of the fault.
        meaning: what happens, in one line.
        parameters: what can be said about it.
        at_handshake: whether it happens while the client connects, and never later.
    """

    name: str
    meaning: str
    parameters: tuple[Parameter, ...]
    at_handshake: bool = False

    @property
    def usage(self) -> str:
        """Such as `slow-pong:delay_s=10,times,connection`."""
        return f"{self.name}:{','.join(parameter.usage for parameter in self.parameters)}"

    @property
    def own_parameters(self) -> tuple[Parameter, ...]:
        """Those that it does not share with others."""
        return tuple(parameter for parameter in self.parameters if parameter not in EVERY_FAULT + ONCE)

    @property
    def once(self) -> bool:
        """Whether it happens once on a connection, at a time that can be said."""
        return set(ONCE) <= set(self.parameters)

    def check(self, args: dict[str, Value]) -> dict[str, Value]:
        """The values of these arguments.

        Raises:
            ConfigError: one that there is not, or that cannot be.
        """
        return {name: self._checked(name, value) for name, value in args.items()}

    def _checked(self, name: str, value: Value) -> Value:
        parameter = next((parameter for parameter in self.parameters if parameter.name == name), None)
        if parameter is None:
            raise ConfigError(f"the fault {self.name!r} has no argument {name!r}", remedy=f"write {self.usage}")
        try:
            return parameter.read(value)
        except (TypeError, ValueError, OverflowError):
            raise ConfigError(
                f"{name} of the fault {self.name!r} is {value!r}, not {parameter.domain}", remedy=f"write {self.usage}"
            ) from None


EVERY_FAULT: Final = (
    Parameter("times", None, "how often it happens, on all connections together; always by default", least=1),
    Parameter("connection", None, "only on this connection, counted from 1", least=1),
)
"""What can be said about every fault."""

ONCE: Final = (
    Parameter("after_frames", 1, "once the server has sent so many frames; `setupComplete` is the first"),
    Parameter("after_s", None, "instead: so long after the connection opened", float),
)
"""What can be said about one that happens once on a connection."""


def _kind(name: str, meaning: str, *parameters: Parameter, at_handshake: bool = False) -> Kind:
    return Kind(name, meaning, (*parameters, *EVERY_FAULT), at_handshake)


def _moment(name: str, meaning: str, *parameters: Parameter) -> Kind:
    return _kind(name, meaning, *ONCE, *parameters)


def _probability() -> Parameter:
    return Parameter("probability", 0.1, "of each frame", float, most=1)


def _delay() -> Parameter:
    return Parameter("delay_s", 10.0, "how late", float)


FAULTS: Final = {
    kind.name: kind
    for kind in (
        # --- before there is a session
        _kind("refuse", "hang up on the client before any answer", at_handshake=True),
        _kind(
            "reject",
            "answer the handshake with an HTTP error",
            Parameter("status", 503, "of HTTP", choices=(401, 403, 429, 500, 503)),
            Parameter("retry_after_s", None, "the header Retry-After; there is none by default"),
            at_handshake=True,
        ),
        _kind("late-setup", "send setupComplete late, and what follows it too", _delay()),
        _kind("no-setup", "never send setupComplete"),
        _kind("refuse-handle", "close a session that is to be resumed, as with a handle that nobody knows"),
        # --- the connection
        _moment("cut", "end the connection without a close frame"),
        _moment("silence", "send nothing any more, no pong either, and leave the connection open"),
        _moment("stop-reading", "read nothing any more, so that the client cannot send for long"),
        _moment(
            "close",
            "close the connection",
            Parameter("code", 1011, "of the close frame", least=1000, most=4999),
            Parameter("reason", _INTERNAL_ERROR, "of the close frame; cut at 123 bytes", str),
        ),
        _moment(
            "go-away",
            "send goAway, and close when its time is over",
            Parameter("time_left_s", 0.0, "what is announced, and kept", float),
        ),
        _moment(
            "spurious-close",
            "close a healthy connection in a way that users of the service met",
            Parameter("reason", "audio-type", "what is said", str, choices=tuple(SPURIOUS_CLOSES)),
        ),
        _kind("slow-pong", "answer pings late", _delay()),
        # --- a session that is resumed
        _kind("silent-resume", "confirm a session that is to be resumed, and never say anything in it"),
        _kind(
            "close-after-resume",
            "confirm a session that is to be resumed, and close the connection",
            Parameter("code", 1008, "of the close frame", least=1000, most=4999),
            Parameter("reason", "Requested entity was not found.", "of the close frame; cut at 123 bytes", str),
            Parameter("after_s", 0.0, "so long after `setupComplete`", float),
        ),
        _kind(
            "go-away-after-resume",
            "send goAway as soon as a session is resumed, and close when its time is over",
            Parameter("time_left_s", 300.0, "what is announced, and kept", float),
        ),
        # --- frames
        _moment(
            "garbage",
            "send bytes that are not a WebSocket frame",
            Parameter("size_bytes", 64, "how many", least=1),
        ),
        _moment("truncate", "send the next frame without its end, which is not JSON any more"),
        _moment(
            "oversize",
            "send a frame that means nothing and is very long",
            Parameter("size_bytes", 16 * 1024 * 1024 + 1, "how long", least=2),
        ),
        _kind(
            "fragment",
            "send every message in fragments, as WebSocket allows",
            Parameter("size_bytes", 1024, "of a fragment", least=1),
        ),
        _kind("duplicate", "send frames twice", _probability()),
        _kind("reorder", "send speech and transcripts after the frame that follows them", _probability()),
        # --- the model's turn
        _kind("empty-turn", "complete a turn in which nothing is said"),
        _moment("interrupted", "send `interrupted` though nobody spoke, and go on"),
        _kind("no-turn-complete", "never send turnComplete"),
        _kind("cancel-calls", "cancel function calls as soon as they are made"),
        _kind(
            "repeat-calls",
            "make function calls twice, with the same ids",
            Parameter("form", "again", "as `toolCall` again, or in `modelTurn` first", str, choices=("again", "parts")),
        ),
        _kind("text-turn", "answer in text alone though speech was asked for"),
        _kind("thought-turn", "complete a turn in which something is thought and nothing said"),
        _kind("repeat-turn", "say an answer twice, and complete its turn twice"),
        _kind("early-transcript", "send transcripts long before their sound", _delay()),
        _kind(
            "tone",
            "send a tone instead of speech",
            Parameter("frequency_hz", 440, "of the tone", least=1, most=12_000),
            Parameter("peak", 8000, "of the tone, where full scale is 32767", most=32_767),
        ),
        _kind(
            "near-silence",
            "send noise at the edge of hearing instead of speech",
            Parameter("peak", 3, "of the noise, where full scale is 32767", most=32767),
        ),
        _kind(
            "slow-audio",
            "send speech at this pace",
            Parameter("rate", 0.5, "seconds of speech per second", float, least=0.001),
        ),
        _kind(
            "fast-audio",
            "send the whole turn as fast as it is made, and complete it before it can be heard",
            at_handshake=True,
        ),
    )
}
"""All of them, by name."""


class Fault:
    """Something that goes wrong, when and how often.

        Fault("cut", after_frames=10, times=1)

    Args:
        name: of `FAULTS`.
        args: its parameters; those left out have their defaults.

    Attributes:
        kind: what it is.

    Raises:
        ConfigError: there is no such fault, or it has no such argument.
    """

    def __init__(self, name: str, /, **args: Value) -> None:
        if name not in FAULTS:
            raise ConfigError(f"there is no fault {name!r}", remedy=spelling_remedy(name, FAULTS))
        self.kind = FAULTS[name]
        self._args = self.kind.check(args)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fault) and (self.kind, self._args) == (other.kind, other._args)

    def __hash__(self) -> int:
        return hash((self.kind, frozenset(self._args.items())))

    def __repr__(self) -> str:
        return f"Fault({self.kind.name!r}{''.join(f', {name}={value!r}' for name, value in self._args.items())})"

    def __getitem__(self, parameter: str) -> Any:
        """The value of a parameter, or its default."""
        default = next(known.default for known in self.kind.parameters if known.name == parameter)
        return self._args.get(parameter, default)

    def at_once(self) -> Fault:
        """The same without waiting for anything, unless it was said what for."""
        if not self.kind.once or {"after_frames", "after_s"} & set(self._args):
            return self
        return Fault(self.kind.name, **self._args, after_frames=0)


def parse_fault(text: str) -> Fault:
    """Read a fault as it is written on the command line: `NAME` or `NAME:ARG=VALUE,...`.

    Raises:
        ConfigError: there is no such fault, or it has no such argument.
    """
    name, _, written = text.partition(":")
    # A comma inside a value is one that no argument follows: `close:reason=sorry, not now,times=1`.
    pairs = [part.partition("=") for part in re.split(r",\s*(?=\w+=)", written) if part]
    return Fault(name.strip(), **{argument.strip(): value for argument, _, value in pairs})


def help_lines() -> Iterator[str]:
    """How faults are written, then each of them: what happens, and its arguments with their defaults."""
    yield "NAME or NAME:ARGUMENT=VALUE,ARGUMENT=VALUE, such as cut:after_frames=10,times=1."
    yield "\nEvery fault has these arguments:"
    yield from map(_help_line, EVERY_FAULT)
    yield "\nThose that happen once on a connection also have these:"
    yield from map(_help_line, ONCE)
    for kind in FAULTS.values():
        yield f"\n{kind.name}{' (once)' if kind.once else ''}: {kind.meaning}"
        yield from map(_help_line, kind.own_parameters)


def _help_line(parameter: Parameter) -> str:
    return f"    {parameter.usage:<35} {parameter.meaning}"
