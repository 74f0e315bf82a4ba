"""Who is told what goes over the connections: nothing of it is changed, and no media leaves the connection."""

from __future__ import annotations

import re
from typing import Any, Final, Protocol

from gemini_realtime.protocol.codec import DecodeError, parse_received, without_media

_DATA: Final = b'"data"'
_MEDIA: Final = re.compile(rb"[A-Za-z0-9+/_-]{32}")  # other things may be called data, and are words


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
    at = message.find(_DATA)
    if at < 0:
        return message
    kept, begin = [], 0
    while at >= 0:
        start = message.find(b'"', at + len(_DATA)) + 1
        end = message.find(b'"', start)
        if start <= 0 or end < 0:
            break
        if not message[at + len(_DATA) : start - 1].strip(b" :\r\n\t") and _MEDIA.match(message, start, end):
            kept.append(message[begin:start])
            begin = end
        at = message.find(_DATA, end)
    kept.append(message[begin:])
    return b"".join(kept)


def read(message: bytes) -> dict[str, Any]:
    """A message without its sound and pictures; empty when it is none."""
    try:
        read: dict[str, Any] = without_media(parse_received(message))
    except DecodeError:
        return {}
    return read
