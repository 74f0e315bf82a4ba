"""Where a server listens: at a port, and at another with TLS where it is wanted."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Sequence

from gemini_realtime.checking import check_number, check_type
from gemini_realtime.errors import ConfigError
from gemini_realtime.local.server.limits import Limits
from gemini_realtime.local.server.listener import Listener
from gemini_realtime.local.server.newcomers import Newcomers
from gemini_realtime.local.server.request_handler import RequestHandler


class Ports:
    """The ports of a server.

    Args:
        handler: answers whoever comes in.
        limits: of the server.
        host: the address.
        ports: without TLS and with it; 0 for any that is free.
        tls: for the second; None when there is none.
    """

    def __init__(
        self,
        handler: RequestHandler,
        limits: Limits,
        host: str,
        ports: Sequence[int],
        tls: ssl.SSLContext | None,
    ) -> None:
        self._handler = handler
        self._limits = limits
        self._host = host
        self._wanted = list(zip([None] if tls is None else [None, tls], ports, strict=False))
        self._newcomers = Newcomers(limits.newcomers)
        self._listeners: list[Listener] = []

    async def open(self) -> None:
        """Listen.

        Raises:
            ConfigError: a port is taken, or the address is not of this machine.
        """
        for context, port in self._wanted:
            listener = Listener(self._handler, self._limits, self._newcomers, context)
            await listener.start(self._host, port)
            self._listeners.append(listener)

    def close(self) -> None:
        """Listen no more, and end what has not come in yet."""
        self._handler.stopping = True
        for listener in self._listeners:
            listener.stop()
        self._newcomers.drop_all()
        self._listeners.clear()

    def number(self, *, tls: bool = False) -> int:
        """The port that was opened.

        Raises:
            ConfigError: there is none with TLS.
            RuntimeError: the server does not listen.
        """
        if tls and len(self._wanted) < 2:
            raise ConfigError("the server was made without TLS", remedy="pass tls=True")
        if not self._listeners:
            raise RuntimeError("the server does not listen: enter it with `with` or `async with`")
        return self._listeners[int(tls)].port

    def address(self, *, tls: bool = False) -> str:
        """Host and port, as in a URL; raises as `number` does."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{host}:{self.number(tls=tls)}"


def address_of(host: str, api_key: str | None) -> str:
    """The address to bind to. A name may stand for several, each with a port of its own: not where 0 is given.

    Raises:
        ConfigError: others reach it, and there is no key.
    """
    check_type("host", host, str, "an address, such as '127.0.0.1'")
    address = "127.0.0.1" if host == "localhost" else host
    try:
        local = ipaddress.ip_address(address).is_loopback
    except ValueError:
        local = False
    if not local and not api_key:
        raise ConfigError(
            f"{host!r} can be reached from other machines, and there is no key to tell who may call",
            remedy="use 127.0.0.1, or set an API key (`api_key`, --api-key)",
        )
    return address


def check_ports(port: int, tls_port: int, *, tls: bool) -> None:
    """Refuse what is no port.

    Raises:
        ConfigError: it is none, or one for TLS where there is no TLS.
    """
    for name, number in (("port", port), ("tls_port", tls_port)):
        check_number(name, number, 0, 65535, whole=True)
    if tls_port and not tls:
        raise ConfigError("there is a port for TLS and no TLS", remedy="pass tls=True (--tls), or no port for it")
