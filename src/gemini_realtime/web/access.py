"""Who may use the page: the secret that it shows, and the hosts and origins from which it may come.

The secret is no cookie, for cookies go to every port of a host: the page keeps it for its own origin and tab, and says
it in a header or in the first message of its WebSocket. What a browser opens has a ticket for the secret in its
address, which is good once: other users of a machine may read the arguments of programs.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from gemini_realtime.errors import ConfigError, Secret

LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})

SHORTEST_PASSWORD: Final = 8

WRONG_SECRET_WAIT_S: Final = 1.0
"""How long whoever guessed wrong waits for the answer, one after the other."""

MAX_WAITING: Final = 8
"""How many may wait so; of others the secret is not looked at."""


class Access:
    """Decides who may use the page.

    Args:
        secret: what the page has to show.
        host: where the page is served; names of this machine are good for loopback, addresses in numbers for others.
        names: further names under which it may be asked for, as behind a proxy.

    Attributes:
        secret: what the page has to show.
    """

    def __init__(self, secret: str, *, host: str = "127.0.0.1", names: Iterable[str] = ()) -> None:
        self.secret = Secret(secret)
        self._host = host
        self._names = LOOPBACK_NAMES | {host.lower()} | {name.lower() for name in names}
        self._tickets: set[str] = set()
        self._wrong = asyncio.Lock()
        self._waiting = 0

    def allows_host(self, host: str) -> bool:
        """Whether a `Host` header names this machine: a foreign name that leads here is another site's trick.

        An address in numbers cannot be one, where the page is served to other machines.
        """
        name = _name_of(host)
        return name in self._names or (not is_loopback(self._host) and _is_address(name))

    def allows_origin(self, origin: str, host: str) -> bool:
        """Whether an `Origin` header names the page itself, as it was asked for."""
        return origin.partition("://")[2].lower() == host.lower() != ""

    async def admits(self, secret: object) -> bool:
        """Whether this is the secret. Wrong ones are answered late, and not at all when many guess."""
        if self._waiting >= MAX_WAITING:
            return False
        if isinstance(secret, str) and hmac.compare_digest(secret.encode("utf-8", "replace"), self.secret.encode()):
            return True
        self._waiting += 1
        try:
            async with self._wrong:
                await asyncio.sleep(WRONG_SECRET_WAIT_S)
        finally:
            self._waiting -= 1
        return False

    def ticket(self) -> str:
        """Something that is good for the secret, once."""
        ticket = secrets.token_urlsafe(16)
        self._tickets.add(ticket)
        return ticket

    def redeem(self, ticket: object) -> str | None:
        """The secret for a ticket that was not used yet."""
        if ticket not in self._tickets:
            return None
        self._tickets.discard(str(ticket))
        return self.secret


def access_to(host: str, password: str | None, names: Iterable[str], folder: Path) -> Access:
    """Who may use a page that is served at this address.

    Args:
        host: an address, or `localhost`.
        password: what the page asks for; by default the secret of this user, who need not know it.
        names: further names under which it may be asked for.
        folder: where that secret is kept.

    Raises:
        ConfigError: others would reach the page without a password, or it is too short; the folder cannot be used.
    """
    if password is not None and len(password) < SHORTEST_PASSWORD:
        raise ConfigError(
            f"the password has fewer than {SHORTEST_PASSWORD} characters", remedy="choose a longer one for --auth"
        )
    if password is None and not is_loopback(host):
        raise ConfigError(
            f"other machines reach {host}, and whoever does would talk at your expense",
            remedy="pass --auth PASSWORD, or serve 127.0.0.1",
        )
    return Access(password or kept_secret(folder), host=host, names=names)


def kept_secret(folder: Path) -> str:
    """The secret of this user, made when there is none; it stays, so that a page goes on when its server was restarted.

    Raises:
        ConfigError: the folder cannot be used.
    """
    path = folder / "web-secret"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(32))
        except FileExistsError:
            path.chmod(0o600)
        secret = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"the secret of the page cannot be kept: {error}",
            remedy="set XDG_CACHE_HOME to a folder that can be written to, or pass --auth PASSWORD",
        ) from None
    if len(secret) < SHORTEST_PASSWORD:
        raise ConfigError(f"{path} is damaged", remedy="delete it: a new one is made")
    return secret


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches it."""
    return host.lower() == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _name_of(host: str) -> str:
    """The name in a `Host` header; empty when it is none."""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port
    except ValueError:  # it is no number
        return ""
    nothing_else = parts.netloc == host and "@" not in host
    return parts.hostname or "" if nothing_else else ""
