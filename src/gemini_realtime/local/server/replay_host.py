"""What plays a recording to one client, in the place of a `Peer`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from logging import getLogger

from gemini_realtime.local.faults.connection import FaultyConnection
from gemini_realtime.local.faults.table import Fault
from gemini_realtime.local.responders.replay import Played, Player, ReplayError
from gemini_realtime.local.server.session_host import Served
from gemini_realtime.protocol.messages import CloseCode

_log = getLogger(__name__)


class ReplayHost:
    """Plays to one client.

    Args:
        player: knows what comes next.
        connection: leads to the client.
        hosts: it is among these while the client is there.
    """

    def __init__(self, player: Player, connection: FaultyConnection, hosts: dict[Served, None]) -> None:
        self._player = player
        self._connection = connection
        self._hosts = hosts
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        connection.receiver = self

    def connection_made(self) -> None:
        """Begin to play."""
        self._hosts[self] = None

    def message_received(self, message: bytes) -> None:
        """Say what the service said next; a client that does something else than in the recording is told so."""
        try:
            self._say(self._player.receive(message, self._loop.time()))
        except ReplayError as error:
            _log.warning("%s", error)
            self._connection.close(CloseCode.POLICY, str(error))

    def _say(self, played: Sequence[Played]) -> None:
        for said in played:
            if isinstance(said, bytes):
                self._connection.send(said)
            elif said.code == CloseCode.NONE:
                self._connection.cut()
            else:
                self._connection.close(said.code, said.reason)
        if self._timer is not None:
            self._timer.cancel()
        deadline = self._player.deadline()
        self._timer = None if deadline is None else self._loop.call_at(deadline, self._due, deadline)

    def _due(self, at: float) -> None:
        self._timer = None
        self._say(self._player.due(max(at, self._loop.time())))  # a timer may come some nanoseconds early

    def connection_ended(self) -> None:
        """Nobody listens any more."""
        if self._timer is not None:
            self._timer.cancel()
        self._hosts.pop(self, None)

    def go_away(self, time_left_s: float) -> None:
        """Nothing: what a recording announces is recorded."""

    def misbehave(self, fault: Fault) -> None:
        """Let a fault happen."""
        self._connection.misbehave(fault)

    def hear(self, speech: str | bytes, lasting_s: float) -> bool:
        """Nothing: what a recording hears is recorded."""
        return False

    async def end(self, code: int, reason: str) -> None:
        """Close the connection, and return when it is gone."""
        self._connection.close(code, reason)
        await self._connection.ended.wait()
