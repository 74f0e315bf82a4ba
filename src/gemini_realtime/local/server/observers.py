"""Who is told what goes over the connections: nothing of it is changed, and no media leaves the connection."""

from __future__ import annotations

from typing import Any, Final

from gemini_realtime.local.wire.media import light
from gemini_realtime.protocol.codec import DecodeError, parse_received, without_media

_MOST_READ_BYTES: Final = 128 * 1024
"""Of a message's words: what is longer is seldom looked at, and reading it would hold up others."""


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
