"""What stands between a connection and the one that serves it: a token that must hold, or no way in at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from gemini_realtime.local.server.connection import Connection, Receiver
from gemini_realtime.local.server.tokens import Token
from gemini_realtime.local.wire.refusals import Refused, Rule


class Rejected:
    """Closes a connection as soon as it is open, which is how the service says that it does not know the caller.

    Args:
        connection: whose receiver this becomes.
        rule: why.
    """

    def __init__(self, connection: Connection, rule: Rule) -> None:
        self._connection = connection
        self._rule = rule
        connection.receiver = self

    def connection_made(self) -> None:
        """Say why, and goodbye."""
        self._connection.close(self._rule.code, self._rule.reason)

    def message_received(self, message: bytes) -> None:
        """Nobody reads it."""

    def connection_ended(self) -> None:
        """There is nothing to clean up."""


class TokenCheck:
    """Lets messages through as far as a token allows, and replaces in the setup what the token locks.

    Args:
        connection: whose receiver this becomes.
        receiver: who gets the messages.
        token: the caller's.
        clock: seconds, monotonic.
    """

    def __init__(self, connection: Connection, receiver: Receiver, token: Token, clock: Callable[[], float]) -> None:
        self._connection = connection
        self._receiver = receiver
        self._token = token
        self._clock = clock
        self._opened = False
        connection.receiver = self

    def connection_made(self) -> None:
        """Tell who is behind."""
        self._receiver.connection_made()

    def message_received(self, message: bytes) -> None:
        """Pass a message on, or close."""
        try:
            if self._opened:
                self._token.check(self._clock())
            else:
                message = self._open(message)
        except Refused as refused:
            self._connection.close(refused.code, refused.reason)
        else:
            self._receiver.message_received(message)

    def connection_ended(self) -> None:
        """Tell who is behind."""
        self._receiver.connection_ended()

    def _open(self, message: bytes) -> bytes:
        """The first message with the setup that holds; one that is no setup is for others to refuse."""
        first = _parsed(message)
        setup = first.get("setup") if isinstance(first, dict) else None
        if not isinstance(setup, dict):
            return message
        self._opened = True
        return msgspec.json.encode({**first, "setup": self._token.open(setup, self._clock())})


def _parsed(message: bytes) -> Any:
    try:
        return msgspec.json.decode(message)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
