"""One plain HTTP request and its answer, by h11. A connection serves one: nobody calls these paths in a hurry."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, cast

import h11

from gemini_realtime.local.server.http import Request, Response, error

MAX_HEAD_BYTES: Final = 16 * 1024
"""As picows allows a handshake."""

MAX_BODY_BYTES: Final = 1024 * 1024
"""A token request with a long system instruction is a few kilobytes."""


class Exchange(asyncio.Protocol):
    """Reads a request, answers it, and closes.

    Args:
        answer: what to answer.
        time_limit_s: for the request to be complete.
        gone: is called when it is over.
    """

    def __init__(
        self, answer: Callable[[Request], Response], time_limit_s: float, gone: Callable[[], None] = lambda: None
    ) -> None:
        self._answer = answer
        self._time_limit_s = time_limit_s
        self._gone = gone
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD_BYTES)
        self._head: h11.Request | None = None
        self._body = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the request, but not for long."""
        self._transport = cast(asyncio.Transport, transport)
        self._alarm = asyncio.get_running_loop().call_later(self._time_limit_s, self._transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """The exchange is over."""
        self._alarm.cancel()
        self._gone()

    def data_received(self, data: bytes) -> None:
        """Read on, until the request is complete or cannot be one."""
        if self._transport.is_closing():
            return
        try:
            self._http.receive_data(data)
            self._read()
        except h11.RemoteProtocolError as problem:
            self._send(error(problem.error_status_hint, "INVALID_ARGUMENT", f"{problem}."))

    def _read(self) -> None:
        while True:
            match self._http.next_event():
                case h11.Request() as head:
                    self._head = head
                    if self._http.they_are_waiting_for_100_continue:
                        self._write(h11.InformationalResponse(status_code=100, headers=[]))
                case h11.Data(data=data):
                    self._body += data
                    if len(self._body) > MAX_BODY_BYTES:
                        self._send(error(413, "INVALID_ARGUMENT", f"The body is longer than {MAX_BODY_BYTES} bytes."))
                        return
                case h11.EndOfMessage():
                    self._send(self._answer(self._request()))
                    return
                case _:
                    return

    def _request(self) -> Request:
        assert self._head is not None
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in self._head.headers]
        return Request.of(self._head.method, self._head.target, headers, self._body)

    def _send(self, response: Response) -> None:
        if self._http.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            body = response.body
            headers = [*response.headers.items(), ("Content-Length", str(len(body))), ("Connection", "close")]
            self._write(h11.Response(status_code=response.status, headers=headers))
            if self._head is None or self._head.method != b"HEAD":
                self._write(h11.Data(data=body))
            self._write(h11.EndOfMessage())
        self._transport.close()

    def _write(self, event: h11.Event) -> None:
        self._transport.write(self._http.send(event) or b"")
