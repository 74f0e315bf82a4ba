"""Reads on a thread what takes long, and looks up in the file what only it may know, for the loop is for everybody."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from logging import getLogger
from typing import Final

from gemini_realtime.local.server.session_store import is_unavailable
from gemini_realtime.local.server.sessions import Sessions
from gemini_realtime.local.wire.frames import read_client_frame, takes_long
from gemini_realtime.local.wire.media import decode_media
from gemini_realtime.local.wire.refusals import Refused, Rule
from gemini_realtime.protocol.messages import ClientMessage, CloseCode, Setup

_UNAVAILABLE: Final = Rule(
    "a handle that cannot be looked up for now, since the file is locked, or the disk does not answer",
    CloseCode.INTERNAL_ERROR,
    "Internal error encountered.",
    "what the service says of its own troubles; after it clients come again with the same handle",
)

_log = getLogger(__name__)


class Reading:
    """Reads the messages of one client that are better read aside.

    Args:
        sessions: where the session to resume may have to be looked up first.
        aside: a thread for it.
    """

    def __init__(self, sessions: Sessions, aside: Executor) -> None:
        self._sessions = sessions
        self._aside = aside

    def takes_long(self, message: bytes, *, first: bool) -> bool:
        """Whether reading it would hold up other clients, or its session may be in the file only."""
        return (first and self._sessions.stored and b"handle" in message) or takes_long(message)

    async def read(self, message: bytes) -> Callable[[bytes | str], ClientMessage]:
        """What gives the message as it was read, or raises why it is refused, to whoever takes it for reading."""
        read = await asyncio.get_running_loop().run_in_executor(self._aside, _read, message)
        if isinstance(read, ClientMessage) and not await self._look_up(read.setup):
            read = Refused(_UNAVAILABLE)
        return partial(_as_read, read)

    async def _look_up(self, setup: Setup | None) -> bool:
        """Whether all is known of the session to resume that there is to know; if not, it may be later."""
        handle = setup.session_resumption.handle if setup is not None and setup.session_resumption else None
        if not handle or not self._sessions.needs_loading(handle):
            return True
        try:
            found = await asyncio.to_thread(self._sessions.load, handle)
        except sqlite3.Error as error:
            _log.warning("a session cannot be looked up: %s", error)
            return not is_unavailable(error)
        if found is not None:
            self._sessions.remember(handle, *found)
        return True


def _read(message: bytes) -> ClientMessage | Refused:
    """Read a message on another thread, where nothing may be raised that nobody waits for."""
    try:
        read = read_client_frame(message)
        decode_media(read)
    except Refused as refused:
        return refused
    return read


def _as_read(read: ClientMessage | Refused, message: bytes | str) -> ClientMessage:
    if isinstance(read, Refused):
        raise read
    return read
