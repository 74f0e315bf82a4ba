"""What runs in the process of a `Worker`: requests in, an engine's answers out.

A request and an answer are a `HEADER`, a head in JSON and a body. Requests come in batches, and the answers to one in
any order. The first answer comes unasked and says that the engine is loaded, or why it does not load. End of input ends
the process.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import struct
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, BinaryIO, Final, NamedTuple, Protocol, runtime_checkable

HEADER: Final = struct.Struct(">BHII")
"""What becomes of the request; how many more are in its batch, or the place in it of the one that is answered; bytes of
the head; bytes of the body."""

DONE: Final = 0
REFUSED: Final = 1
UNFIT: Final = 2  # the engine does not load


_REINSTALL: Final = "see that its packages are whole: pip install --force-reinstall 'gemini-realtime[local]'"


class Message(NamedTuple):
    """A request, or an answer."""

    head: dict[str, Any]
    body: bytes


class Engine(Protocol):
    """What a worker is for."""

    def answer(self, head: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
        """Do what is asked for.

        Raises:
            ValueError: that cannot be; the message says why.
        """
        ...


@runtime_checkable
class BatchEngine(Protocol):
    """An engine to which several requests at once are less work than one after the other."""

    def answer_all(self, requests: Sequence[Message]) -> Iterator[tuple[int, Message]]:
        """Do what is asked for; gives each answer as soon as it is there, with the place of its request."""
        ...


class UnfitError(Exception):
    """An engine cannot be loaded; there is something that the user can do about it."""

    def __init__(self, why: str, remedy: str) -> None:
        super().__init__(why)
        self.remedy = remedy


def start_command(engine: str, settings: Mapping[str, Any]) -> list[str]:
    """The arguments of Python that start the program with an engine."""
    # Not with -m: the engine imports this module by its name, and is to find the same classes there.
    return ["-c", f"from {__name__} import main; main()", engine, json.dumps(settings)]


def serve(engine: Engine | BatchEngine, requests: BinaryIO, replies: BinaryIO) -> None:
    """Answer requests until they end."""
    _reply(replies, 0, DONE, {})
    while batch := list(_batch(requests)):
        if isinstance(engine, BatchEngine):
            for place, (head, body) in engine.answer_all(batch):
                _reply(replies, place, DONE, head, body)
            continue
        for place, request in enumerate(batch):
            try:
                head, body = engine.answer(*request)
            except ValueError as error:
                _reply(replies, place, REFUSED, {"why": str(error)})
            else:
                _reply(replies, place, DONE, head, body)


def _batch(requests: BinaryIO) -> Iterator[Message]:
    """The next requests that belong together; none at the end of input."""
    to_come = 1
    while to_come and len(header := requests.read(HEADER.size)) == HEADER.size:
        _, to_come, head_bytes, body_bytes = HEADER.unpack(header)
        request = requests.read(head_bytes + body_bytes)
        if len(request) < head_bytes + body_bytes:
            return
        yield Message(json.loads(request[:head_bytes]), request[head_bytes:])


def _reply(replies: BinaryIO, place: int, status: int, head: dict[str, Any], body: bytes = b"") -> None:
    encoded = json.dumps(head).encode()
    replies.write(HEADER.pack(status, place, len(encoded), len(body)) + encoded + body)
    replies.flush()


def main() -> None:
    """Load the engine that the command line names, and serve."""
    engine, settings = sys.argv[1:]
    # Where there are no process groups, as on Windows, Ctrl-C reaches this one too.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    replies = os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)  # libraries print; that is no reply
    with suppress(BrokenPipeError):  # the parent is gone
        try:
            loaded = importlib.import_module(engine).load(**json.loads(settings))
        except UnfitError as error:
            _reply(replies, 0, UNFIT, {"why": str(error), "remedy": error.remedy})
            return
        except Exception as error:  # of any library, whose files may be damaged
            why = f"{engine.rpartition('.')[2]} does not load: {type(error).__name__}: {error}"
            _reply(replies, 0, UNFIT, {"why": why, "remedy": _REINSTALL})
            return
        serve(loaded, sys.stdin.buffer, replies)
