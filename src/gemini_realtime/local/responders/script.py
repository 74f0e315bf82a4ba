"""The responder that follows a script: when this is said, then these words, calls, waits, messages and faults.

    replies:
      - when: {contains: weather}
        then:
          - say: One moment.
          - call: get_weather
            args: {city: Oslo}
      - when: {result: get_weather}
        then:
          - wait: 1.5
          - say: It is foggy.
      - when: any
        then:
          - frame: {serverContent: {interrupted: true}}

The first reply whose conditions hold is given, so the same conversation always goes the same way.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from logging import getLogger
from pathlib import Path
from typing import Any, Final

from gemini_realtime.errors import ConfigError
from gemini_realtime.local.faults import Fault, parse_fault
from gemini_realtime.local.responders.sentences import split_sentences
from gemini_realtime.local.responders.yaml_file import Value, read_yaml
from gemini_realtime.local.thinking import Call, Frame, Item, Request, Responder, Say, Wait

_WORD: Final = re.compile(r"[\w']+")
_SPEAKABLE: Final = re.compile(r"[a-z' ]+")

_log = getLogger(__name__)


@dataclass(frozen=True)
class Condition:
    """When a reply is given. All that is there has to hold; what is heard is compared by words.

    Attributes:
        exact: the whole of what is heard, case and punctuation apart.
        contains: some words of it, in a row.
        regex: is found in it as it was recognised or typed; case makes no difference.
        turn: how many questions there have been in the session, with this one.
        result: the function whose result has come. Without it a reply is one to a question.
    """

    exact: str | None = None
    contains: str | None = None
    regex: re.Pattern[str] | None = None
    turn: int | None = None
    result: str | None = None

    def holds(self, request: Request) -> bool:
        """Whether the reply is one to this."""
        names = [result.name for result in request.results]
        heard = _words(request.heard)
        return (
            (self.result in names if names else self.result is None)
            and self.exact in (None, heard)
            and (self.contains is None or f" {self.contains} " in f" {heard} ")
            and (self.regex is None or self.regex.search(request.heard) is not None)
            and self.turn in (None, _turn_number(request))
        )


@dataclass(frozen=True)
class Reply:
    """A reply, and when it is given."""

    when: Condition
    then: tuple[Item, ...]


class Script(Responder):
    """Replies as a script in YAML says; see the module, and docs/responders.md.

    Raises:
        ConfigError: the file is no script; the message names line and column, and what is allowed there.
        MissingDependencyError: the extra [script] is not installed.
    """

    def __init__(self, path: Path) -> None:
        self._replies = read_script(path)

    async def respond(self, request: Request) -> AsyncIterator[Item]:
        """Give the first reply whose conditions hold."""
        for reply in self._replies:
            if reply.when.holds(request):
                for item in reply.then:
                    yield item
                return
        if not request.results:
            _log.warning("the script has no reply to turn %d", _turn_number(request))

    def grammar(self, tools: Sequence[dict[str, Any]]) -> str | None:
        """Name what has to be said exactly, so that it is heard that way."""
        said = {reply.when.exact for reply in self._replies if reply.when.exact}
        sentences = sorted(sentence for sentence in said if _SPEAKABLE.fullmatch(sentence))
        return f"#JSGF V1.0; grammar script; public <said> = {' | '.join(sentences)};" if sentences else None


def read_script(path: Path) -> list[Reply]:
    """Read the replies of a script, in order; raises as `Script` does."""
    replies = read_yaml(path, "script", "script").fields(["replies"], required=["replies"])["replies"].items()
    return [_reply(reply.fields(["when", "then"], required=["when", "then"])) for reply in replies]


def _reply(fields: dict[str, Value]) -> Reply:
    return Reply(_condition(fields["when"]), tuple(item for value in fields["then"].items() for item in _items(value)))


def _condition(value: Value) -> Condition:
    if value.is_text("any"):
        return Condition()
    fields = value.fields(list(_CONDITIONS))
    if not fields:
        raise value.error("there is no condition", f"give any, or some of {', '.join(_CONDITIONS)}")
    return Condition(**{name: _CONDITIONS[name](field) for name, field in fields.items()})


def _items(value: Value) -> Iterator[Item]:
    """The items of one line of a reply: a text may be several sentences."""
    fields = value.fields([*_ITEMS, "args"])
    names = [name for name in _ITEMS if name in fields]
    if len(names) != 1:
        problem = f"{' and '.join(names)} cannot be one" if names else "there is nothing to do"
        raise value.error(problem, f"give one of {', '.join(_ITEMS)}")
    args = fields.get("args")
    if args is not None and names[0] not in ("call", "fault"):
        raise args.error(f"{names[0]} has no args", "leave them out")
    yield from _ITEMS[names[0]](fields[names[0]], args)


def _said(value: Value) -> str:
    words = _words(value.text())
    if not words:
        raise value.error("there is no word in this", "give what is said")
    return words


def _regex(value: Value) -> re.Pattern[str]:
    try:
        return re.compile(value.text(), re.IGNORECASE)
    except re.error as error:
        raise value.error(f"this is no regular expression: {error}", "see Python's re module") from error


def _turn(value: Value) -> int:
    number = value.number(1)
    if not number.is_integer():
        raise value.error("a turn is a whole number", "the first one is 1")
    return int(number)


def _say(value: Value, _args: Value | None) -> Iterator[Item]:
    sentences, rest = split_sentences(value.text())
    return (Say(sentence) for sentence in [*sentences, rest.strip()] if sentence)


def _call(value: Value, args: Value | None) -> Iterator[Item]:
    yield Call(value.text(), args.object() if args is not None else {})


def _wait(value: Value, _args: Value | None) -> Iterator[Item]:
    yield Wait(value.number(0))


def _frame(value: Value, _args: Value | None) -> Iterator[Item]:
    yield Frame(value.object())


def _fault(value: Value, args: Value | None) -> Iterator[Item]:
    name = value.text()
    named = args.object() if args is not None and args.is_object else {}
    written = args.text() if args is not None and not args.is_object else ""
    try:
        fault = Fault(name, **named) if named else parse_fault(f"{name}:{written}")
    except ConfigError as error:
        raise value.error(error.problem, error.remedy) from None
    if fault.kind.at_handshake:
        raise value.error(f"{fault.kind.name} happens while a client connects", "give it to the server")
    yield fault


_CONDITIONS: Final[dict[str, Callable[[Value], Any]]] = {
    "exact": _said,
    "contains": _said,
    "regex": _regex,
    "turn": _turn,
    "result": Value.text,
}
_ITEMS: Final[dict[str, Callable[[Value, Value | None], Iterator[Item]]]] = {
    "say": _say,
    "call": _call,
    "wait": _wait,
    "frame": _frame,
    "fault": _fault,
}


def _words(text: str) -> str:
    return " ".join(_WORD.findall(text.lower().replace("’", "'")))


def _turn_number(request: Request) -> int:
    asked_before = sum(turn.role == "user" for turn in request.history)
    return max(1, asked_before) if request.results else asked_before + 1
