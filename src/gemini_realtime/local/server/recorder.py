"""Keeps each session in a file, in the form of our recordings, which the server can play and clients can replay.

A line is `{"from": "client" | "server", "frame": {...}}`, without sound and pictures; headers, and keys, are not in it.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from pathlib import Path
from typing import IO

from gemini_realtime.errors import ConfigError
from gemini_realtime.local.server.observers import Observer, read
from gemini_realtime.protocol.codec import encode

_log = logging.getLogger(__name__)


class Recorder(Observer):
    """Writes one session; where it cannot be written the session goes on without it.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] | None = None
        try:
            self._file = path.open("wb")
        except OSError as error:
            self._give_up(error)

    def received(self, message: bytes) -> None:
        """The client sent this."""
        self._note("client", message)

    def sent(self, message: bytes) -> None:
        """The client was sent this."""
        self._note("server", message)

    def closed(self, code: int | None, reason: str) -> None:
        """The connection is gone."""
        file, self._file = self._file, None
        if file is not None:
            try:
                file.close()
            except OSError as error:
                self._give_up(error)

    def _note(self, who: str, message: bytes) -> None:
        if self._file is None:
            return
        try:
            line = encode({"from": who, "frame": read(message)})
        except ConfigError:  # nested more deeply than can be written
            line = encode({"from": who, "frame": {}})
        try:
            self._file.write(line + b"\n")
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        _log.warning("%s: the rest of this session is not recorded: %s", self._path, error.strerror)
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):  # what is in its buffer does not fit either
                file.close()
