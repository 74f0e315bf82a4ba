"""What plays a recording to one client, in the place of a `Peer`."""

from __future__ import annotations

from logging import getLogger

from gemini_realtime.local.faults.connection import FaultyConnection
from gemini_realtime.local.faults.table import Fault
from gemini_realtime.local.responders.replay import Player, ReplayError
from gemini_realtime.local.server.host import Served
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
        connection.receiver = self

    def connection_made(self) -> None:
        """Begin to play."""
        self._hosts[self] = None

    def message_received(self, message: bytes) -> None:
        """Say what the service said next; a client that does something else than in the recording is told so."""
        try:
            frames = self._player.receive(message)
        except ReplayError as error:
            _log.warning("%s", error)
            self._connection.close(CloseCode.POLICY, str(error))
            return
        for frame in frames:
            self._connection.send(frame)

    def connection_ended(self) -> None:
        """Nobody listens any more."""
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
