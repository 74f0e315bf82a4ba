"""What goes between a program and the server, as the events of one conversation."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from gemini_realtime.agent.log import ConversationLog
from gemini_realtime.local.server.observers import Observer
from gemini_realtime.protocol.codec import DecodeError, Frame, decode_client_message, decode_server_message
from gemini_realtime.protocol.events import (
    AudioDelta,
    FunctionCallCancelled,
    FunctionResult,
    InputTranscript,
    Interrupted,
    OutputTranscript,
    RealtimeEvent,
    SessionResumed,
    TextDelta,
    TurnComplete,
)
from gemini_realtime.protocol.messages import FunctionCall, FunctionResponse
from gemini_realtime.protocol.server_events import message_events

LOST = "CONNECTION_LOST"
"""`TurnComplete.reason` of a turn that ended with its connection, as the client has it."""


class Line:
    """Follows a program's conversation from the server's side, over one connection after another.

    Args:
        log: takes note.

    Attributes:
        ready: set while a session can hear.
    """

    def __init__(self, log: ConversationLog) -> None:
        self.ready = asyncio.Event()
        self._log = log
        self._loop = asyncio.get_running_loop()
        self._newest: _Connection | None = None
        self._lost_at: float | None = None
        self._calls: dict[str, str] = {}  # the names of open calls
        self._known: set[str] = set()
        self._said = ""  # by the caller, and not yet seen in a transcript
        self._answering = self._cut = False

    def observer(self) -> Observer:
        """Who is told of the next connection."""
        return _Connection(self)

    def caller_says(self, words: str, *, lasting_s: float = 0.0) -> None:
        """Take note of what the caller says from now on; its transcript tells nothing new."""
        self._said = words.strip()
        self._log.note_typed(words, lasting_s=lasting_s)

    # --- called on the thread of the server

    def tell(self, what: Callable[..., None], *details: Any) -> None:
        """Have something noted in the conversation's own thread."""
        with suppress(RuntimeError):  # the caller's event loop is over, and the server's not yet
            self._loop.call_soon_threadsafe(what, *details)

    # --- called on the caller's

    def received(self, connection: _Connection, message: bytes) -> None:
        """The program sent this."""
        try:
            told, _ = decode_client_message(message)
        except DecodeError:
            return
        if told.setup is not None and told.setup.session_resumption is not None:
            connection.resumes = bool(told.setup.session_resumption.handle)
        if told.tool_response is not None:
            for response in told.tool_response.function_responses:
                self._result(response)

    def sent(self, connection: _Connection, message: bytes) -> None:
        """The program was sent this."""
        try:
            said, _ = decode_server_message(message)
        except DecodeError:
            return
        if said.setup_complete is not None:
            self._connected(connection)
        for event in message_events(said, Frame(message), interrupted=self._cut, opened=self._called):
            self._happened(event)

    def spoken(self, words: str) -> None:
        """The program was sent these words as sound, without a transcript."""
        self._happened(OutputTranscript(text=words))

    def closed(self, connection: _Connection) -> None:
        """A connection is gone."""
        if connection is not self._newest:
            return
        self.ready.clear()
        self._lost_at = self._loop.time()
        if self._answering:
            self._happened(TurnComplete(reason=LOST, interrupted=self._cut))

    def _connected(self, connection: _Connection) -> None:
        self._newest = connection
        if connection.resumes and self._lost_at is not None:
            self._log.note(SessionResumed(gap_ms=round(1000 * (self._loop.time() - self._lost_at))))
        self.ready.set()

    def _happened(self, event: RealtimeEvent) -> None:
        match event:
            case InputTranscript() if self._is_echo(event.text):
                return
            case Interrupted():
                self._cut = True
            case TurnComplete():
                self._answering = self._cut = False
            case AudioDelta() | TextDelta() | OutputTranscript():
                self._answering = True
            case FunctionCallCancelled(call_ids=call_ids):
                for call_id in call_ids:
                    self._calls.pop(call_id, None)
        self._log.note(event)

    def _is_echo(self, text: str) -> bool:
        """Whether this transcript is of what the caller said through the server: that is noted already."""
        piece = text.strip()
        if not self._said.startswith(piece):
            return False
        self._said = self._said[len(piece) :].lstrip()
        return True

    def _called(self, call: FunctionCall) -> str | None:
        call_id = call.id or f"{call.name}-{len(self._known) + 1}"  # Vertex AI names none
        if call_id in self._known:
            return None
        self._known.add(call_id)
        self._calls[call_id] = call.name
        return call_id

    def _result(self, response: FunctionResponse) -> None:
        call_id = response.id or next((i for i, name in self._calls.items() if name == response.name), "")
        name = self._calls.get(call_id, response.name or "")
        if not response.will_continue:
            self._calls.pop(call_id, None)
        self._log.note(FunctionResult(name=name, call_id=call_id, result=response.response or {}))


class _Connection(Observer):
    """One of the program's connections.

    Attributes:
        resumes: whether its setup names a session to go on with.
    """

    def __init__(self, line: Line) -> None:
        self.resumes = False
        self._line = line

    def received(self, message: bytes) -> None:
        self._line.tell(self._line.received, self, message)

    def sent(self, message: bytes) -> None:
        self._line.tell(self._line.sent, self, message)

    def spoken(self, words: str) -> None:
        self._line.tell(self._line.spoken, words)

    def closed(self, code: int | None, reason: str) -> None:
        self._line.tell(self._line.closed, self)
