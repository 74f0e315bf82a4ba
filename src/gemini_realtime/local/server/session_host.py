"""What serves one client: carries out what its `Peer` asks, with what hears, answers and speaks.

Nothing about the protocol is decided here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from logging import getLogger
from typing import Protocol, assert_never

from gemini_realtime.errors import MissingDependencyError
from gemini_realtime.local.faults.connection import FaultyConnection
from gemini_realtime.local.faults.table import Fault
from gemini_realtime.local.server.alarm import Alarm
from gemini_realtime.local.server.answering import Answerer, Backends
from gemini_realtime.local.server.listening import Listening
from gemini_realtime.local.server.reading import Reading
from gemini_realtime.local.server.sessions import Sessions
from gemini_realtime.local.server.tasks import Tasks
from gemini_realtime.local.session.actions import (
    Action,
    Close,
    EndAudio,
    EndUtterance,
    Hear,
    Note,
    Recall,
    Respond,
    Send,
    Spoken,
    StartUtterance,
    Stop,
)
from gemini_realtime.local.session.conversation import State
from gemini_realtime.local.session.peer import Peer
from gemini_realtime.protocol.messages import CloseCode

_log = getLogger(__name__)


class Served(Protocol):
    """A client that is being served."""

    def go_away(self, time_left_s: float) -> None:
        """Announce the end of the connection."""
        ...

    def misbehave(self, fault: Fault) -> None:
        """Let a fault happen."""
        ...

    def hear(self, speech: str | bytes, lasting_s: float) -> bool:
        """Act as if the user had been heard; returns whether there is a session that can hear."""
        ...

    async def end(self, code: int, reason: str) -> None:
        """Close the connection, and return when nothing of it is left."""
        ...


class SessionHost:
    """Serves one client.

    Args:
        peer: knows the protocol.
        connection: leads to the client.
        backends: shared with other clients.
        clock: seconds, monotonic.
        sessions: where the session to resume may have to be looked up first.
        aside: a thread for what takes long to read.
        hosts: it is among these from when the client is there until nothing of it is left.
    """

    def __init__(
        self,
        peer: Peer,
        connection: FaultyConnection,
        backends: Backends,
        clock: Callable[[], float],
        sessions: Sessions,
        aside: Executor,
        hosts: dict[Served, None],
    ) -> None:
        self.peer = peer
        self._connection = connection
        self._clock = clock
        self._hosts = hosts
        self._tasks = Tasks(self._task_failed, self._leave)
        self._reading = Reading(sessions, aside)
        self._listening = Listening(peer, self.act, connection, backends, self._tasks, self._fail)
        self._answerer = Answerer(peer, self.act, connection.writable, connection.misbehave, backends, clock)
        self._reply: asyncio.Task[None] | None = None
        self._alarm = Alarm(clock, self._deadline_reached)
        connection.receiver = self

    def connection_made(self) -> None:
        """Begin to serve."""
        self._hosts[self] = None

    def message_received(self, message: bytes) -> None:
        """Take a message of the client."""
        heard = self.peer.microphone(message, self._clock())
        if heard is not None:
            self._listening.take(heard)
            if not self.peer.settled:
                self.act()
        elif self._reading.takes_long(message, first=self.peer.state is State.NEW):
            self._connection.hold()
            self._tasks.start(partial(self._take_aside, message))
        else:
            self.peer.receive(message, self._clock())
            self.act()

    def connection_ended(self) -> None:
        """Stop everything: nobody listens any more."""
        try:
            self.peer.connection_ended()
            self._alarm.set(self.peer.deadline())
        finally:
            self._listening.stop()
            self._tasks.cancel()
            self._leave()

    def go_away(self, time_left_s: float) -> None:
        """Announce the end of the connection."""
        self.peer.go_away(time_left_s, self._clock())
        self.act()

    def misbehave(self, fault: Fault) -> None:
        """Let a fault happen."""
        self._connection.misbehave(fault)

    def hear(self, speech: str | bytes, lasting_s: float) -> bool:
        """Act as if the user had spoken: words, or 16 kHz PCM whose words are then recognised."""
        if self.peer.state in (State.NEW, State.CLOSED):
            return False
        self.peer.speech_started()
        self.act()
        self._tasks.start(partial(self._listening.pretend, speech, lasting_s))
        return True

    async def end(self, code: int, reason: str) -> None:
        """Close the connection, and return when nothing of it is left."""
        self.peer.close(code, reason)
        self.act()
        await self._connection.ended.wait()
        await self._tasks.wait()

    def act(self) -> None:
        """Carry out what the peer asks for."""
        while actions := self.peer.actions():
            for action in actions:
                self._do(action)
        self._alarm.set(self.peer.deadline())

    def _do(self, action: Action) -> None:
        match action:
            case Hear() | StartUtterance() | EndUtterance() | EndAudio():
                self._listening.take(action)
            case Send(frame):
                self._connection.send(frame)
            case Spoken(words):
                self._connection.spoke(words)
            case Close(code, reason):
                _log.info("closing a connection with %d: %s", code, reason)
                self._connection.close(code, reason)
            case Note(text):
                _log.warning("%s", text)
            case Recall(turn):
                self._tasks.start(partial(self._listening.recall, turn))
            case Respond(reply_id, request):
                self._reply = self._tasks.start(partial(self._answerer.answer, reply_id, request))
            case Stop():
                self._answerer.forget()
                if self._reply is not None:
                    self._reply.cancel()
            case _:
                assert_never(action)

    async def _take_aside(self, message: bytes) -> None:
        try:
            read = await self._reading.read(message)
            self.peer.receive(message, self._clock(), read=read)
            self.act()
        finally:
            self._connection.release()

    def _deadline_reached(self) -> None:
        self.peer.deadline_reached(self._clock())
        self.act()

    def _fail(self, error: Exception) -> None:
        """End the session, telling the client what is its concern."""
        if isinstance(error, MissingDependencyError):
            _log.error("%s", error)
            self.peer.close(CloseCode.INTERNAL_ERROR, f"The server cannot hear or speak: {error.remedy}")
        else:
            _log.error("a session failed", exc_info=error)
            self.peer.close(CloseCode.INTERNAL_ERROR, "Internal error encountered.")

    def _task_failed(self, error: Exception) -> None:
        self._fail(error)
        self.act()

    def _leave(self) -> None:
        if self._connection.ended.is_set() and not self._tasks:
            self._hosts.pop(self, None)
