"""Who is told what goes over the connections: nothing of it is changed, and no media leaves the connection."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any, Final

from gemini_realtime.local.wire.media import light
from gemini_realtime.protocol.codec import DecodeError, parse_received, without_media

_MOST_READ_BYTES: Final = 128 * 1024
"""Of a message's words: what is longer is seldom looked at, and reading it would hold up others."""

_log = logging.getLogger(__name__)


class Observer:
    """Is told what goes over one connection, in order."""

    def received(self, message: bytes) -> None:
        """The client sent this."""

    def sent(self, message: bytes) -> None:
        """The client was sent this."""

    def spoken(self, words: str) -> None:
        """The client was sent these words as sound, and wants no transcript of them."""

    def closed(self, code: int | None, reason: str) -> None:
        """The connection is gone; the code and reason of whoever closed it, None when it was cut."""


class Observers(Observer):
    """All who observe one connection. Who raises is not told any more, and the connection goes on.

    Args:
        observers: in the order in which they are told.
    """

    def __init__(self, observers: Iterable[Observer] = ()) -> None:
        self._observers = tuple(observers)

    def received(self, message: bytes) -> None:
        """Tell all of them."""
        for observer in self._observers:
            try:
                observer.received(message)
            except Exception as error:
                self._dismiss(observer, error)

    def sent(self, message: bytes) -> None:
        """Tell all of them."""
        for observer in self._observers:
            try:
                observer.sent(message)
            except Exception as error:
                self._dismiss(observer, error)

    def spoken(self, words: str) -> None:
        """Tell all of them."""
        for observer in self._observers:
            try:
                observer.spoken(words)
            except Exception as error:
                self._dismiss(observer, error)

    def closed(self, code: int | None, reason: str) -> None:
        """Tell all of them."""
        for observer in self._observers:
            try:
                observer.closed(code, reason)
            except Exception as error:
                self._dismiss(observer, error)

    def _dismiss(self, observer: Observer, error: Exception) -> None:
        self._observers = tuple(other for other in self._observers if other is not observer)
        _log.warning("%s failed, and is not told any more of this connection", type(observer).__name__, exc_info=error)


def read(message: bytes) -> dict[str, Any]:
    """A message without its sound and pictures; empty when it is none, or very long."""
    message = light(message)
    if len(message) > _MOST_READ_BYTES:
        return {}
    try:
        read: dict[str, Any] = without_media(parse_received(message))
    except DecodeError:
        return {}
    return read
