"""HTTP at the door of the server: requests and answers as values, and which of two servers gets a connection.

picows answers requests by GET, every WebSocket handshake among them, and no others. So the first bytes decide: what
begins with GET is handed to picows, bytes and all, and everything else to h11.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast
from urllib.parse import parse_qs

import msgspec

MOST_AT_ONCE_BYTES: Final = 8 * 1024
"""Of a client that are read at a time: what is read is taken at once, however many frames are in it."""

_GET: Final = b"GET "


@dataclass(frozen=True)
class Request:
    """A request, complete.

    Attributes:
        method: such as `POST`.
        path: without the query, and without the empty segments that google-genai's base URL leads to.
        query: the first value of each parameter.
        headers: by lower-case name; the values of one that came more than once are joined, as RFC 9110 5.2 has it.
        body: empty for a WebSocket handshake.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""

    @classmethod
    def of(cls, method: bytes, target: bytes, headers: Iterable[tuple[str, str]], body: bytes = b"") -> Request:
        """Take a request line and its headers apart."""
        joined: dict[str, str] = {}
        for name, value in headers:
            known = joined.get(name.lower())
            joined[name.lower()] = value if known is None else f"{known}, {value}"
        path, _, query = target.decode("latin-1").partition("?")
        try:
            parameters = parse_qs(query, max_num_fields=64)
        except ValueError:
            parameters = {}
        return cls(
            method=method.decode("latin-1"),
            path="/" + "/".join(filter(None, path.split("/"))),
            query={name: values[0] for name, values in parameters.items()},
            headers=joined,
            body=body,
        )


@dataclass(frozen=True)
class Response:
    """An answer in JSON.

    Attributes:
        status: of HTTP.
        content: what msgspec can write as JSON.
    """

    status: int
    content: Any

    @property
    def body(self) -> bytes:
        """The content, laid out as Google's APIs do."""
        return msgspec.json.format(msgspec.json.encode(self.content), indent=2) + b"\n"

    @property
    def headers(self) -> dict[str, str]:
        """What goes with any body."""
        return {"Content-Type": "application/json; charset=UTF-8"}


def error(status: int, name: str, message: str, **details: str) -> Response:
    """An error in the form of Google's APIs.

    Args:
        status: of HTTP.
        name: the canonical one, such as `INVALID_ARGUMENT`.
        message: for people.
        details: of the `ErrorInfo` beside it, if any.

    Source: https://google.aip.dev/193.
    """
    content: dict[str, Any] = {"code": status, "message": message, "status": name}
    if details:
        content["details"] = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", **details}]
    return Response(status, {"error": content})


class Doorway(asyncio.BufferedProtocol):
    """A connection of which nobody knows yet what it wants.

    It reads little at a time, for whoever gets the connection has to take all of it at once.

    Args:
        websocket: makes the protocol that answers a GET.
        plain: makes the one that answers anything else; None when `websocket` has to.
        gone: is called when the connection is lost before that is known.
        time_limit_s: for the first bytes to come.
    """

    def __init__(
        self,
        websocket: Callable[[], asyncio.BufferedProtocol],
        plain: Callable[[], asyncio.Protocol] | None,
        gone: Callable[[], None],
        time_limit_s: float,
    ) -> None:
        self._websocket = websocket
        self._plain = plain
        self._gone = gone
        self._time_limit_s = time_limit_s
        self._buffer = bytearray(MOST_AT_ONCE_BYTES)
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the first bytes, but not for long."""
        self._transport = cast(asyncio.Transport, transport)
        self._alarm = asyncio.get_running_loop().call_later(self._time_limit_s, self._transport.abort)

    def get_buffer(self, sizehint: int) -> bytearray:
        """Where to read to."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Hand the connection on as soon as its kind is known."""
        self._received += self._buffer[:nbytes]
        if len(self._received) < len(_GET) and _GET.startswith(self._received):
            return
        self._alarm.cancel()
        if self._plain is None or self._received.startswith(_GET):
            websocket = self._websocket()
            self._transport.set_protocol(websocket)
            websocket.connection_made(self._transport)
            _feed(websocket, self._received, self._transport)
        else:
            plain = self._plain()
            self._transport.set_protocol(plain)
            plain.connection_made(self._transport)
            plain.data_received(self._received)

    def connection_lost(self, exc: Exception | None) -> None:
        """Whoever it was has gone without a word."""
        self._alarm.cancel()
        self._gone()


def _feed(protocol: asyncio.BufferedProtocol, data: bytes, transport: asyncio.Transport) -> None:
    """Give bytes to a protocol that reads into a buffer of its own."""
    while data and not transport.is_closing():
        room = memoryview(protocol.get_buffer(len(data)))
        size = min(len(room), len(data))
        room[:size] = data[:size]
        protocol.buffer_updated(size)
        data = data[size:]
