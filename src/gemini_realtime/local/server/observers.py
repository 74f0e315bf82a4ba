"""Who is told what goes over the connections: nothing of it is changed, and no media leaves the connection."""

from __future__ import annotations

import re
from typing import Any, Final, Protocol

from gemini_realtime.protocol.codec import DecodeError, parse_received, without_media

_MEDIA: Final = re.compile(rb'("data"\s*:\s*")[^"]{32,}"')


class Observer(Protocol):
    """Is told what goes over one connection, in order."""

    def received(self, message: bytes) -> None:
        """The client sent this."""
        ...

    def sent(self, message: bytes) -> None:
        """The client was sent this."""
        ...

    def closed(self, code: int | None, reason: str) -> None:
        """The connection is gone; the code and reason of whoever closed it, None when it was cut."""
        ...


def light(message: bytes) -> bytes:
    """A message without its sound and pictures, made without reading it: there are fifty a second."""
    return _MEDIA.sub(rb'\1"', message) if b'"data"' in message else message


def read(message: bytes) -> dict[str, Any]:
    """A message without its sound and pictures; empty when it is none."""
    try:
        read: dict[str, Any] = without_media(parse_received(message))
    except DecodeError:
        return {}
    return read
