"""Which proxy a connection goes through: the one that was given, or that of the environment.

The environment is read as other clients read it: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, in capitals
or not, and on macOS and Windows the settings of the system (`urllib.request.getproxies`). Which of several counts for
a WebSocket is unspecified; the order is that of websockets 15 (`websockets/proxy.py`), with ALL_PROXY after it.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlsplit

from gemini_realtime.errors import ConfigError, Secret

DIRECT: Final = ""
"""No proxy, whatever the environment says."""

SCHEMES: Final = ("http", "https", "socks4", "socks5", "socks5h")

_EXAMPLE: Final = "http://user:password@proxy.example:3128"


def read_proxy(value: Any) -> str | None:
    """The key `proxy` of `llm_config`.

    Args:
        value: a URL; False for no proxy; None, True or an empty string for that of the environment.

    Returns:
        The URL, `DIRECT`, or None for the environment's.

    Raises:
        ConfigError: it is no URL of a proxy. The error does not repeat it, since it may hold a password.
    """
    if value is None or value is True or (isinstance(value, str) and not value):
        return None
    if value is False:
        return DIRECT
    if not isinstance(value, str):
        raise ConfigError(f"`proxy` is a {type(value).__name__}", remedy=f"pass a URL such as {_EXAMPLE}, or False")
    return _checked(value, "`proxy`")


def proxy_of_environment(url: str) -> str | None:
    """The proxy that the environment names for this URL, None when it names none.

    Raises:
        ConfigError: what it names is no URL of a proxy.
    """
    if not _proxies_are_possible():
        return None
    from urllib.request import getproxies, proxy_bypass

    target = urlsplit(url)
    if proxy_bypass(target.netloc.rpartition("@")[2]):
        return None
    found = getproxies()
    kinds = ("wss", "socks", "https", "all") if target.scheme == "wss" else ("ws", "socks", "https", "http", "all")
    kind = next((kind for kind in kinds if found.get(kind)), None)
    if kind is None:
        return None
    proxy = found[kind].strip()
    if kind == "socks":  # as macOS tells of them
        proxy = proxy.replace("http://", "socks5://", 1)
    return _checked(proxy if "://" in proxy else f"http://{proxy}", f"{kind.upper()}_PROXY of the environment")


def _proxies_are_possible() -> bool:
    """Whether it is worth to ask `urllib`, whose import holds up the first connection by 10 ms; few have a proxy."""
    asks_system = sys.platform in ("darwin", "win32")
    return asks_system or any(name.lower().endswith("_proxy") for name in os.environ)


def password_of(proxy: str) -> Secret:
    """The password in the URL of a proxy; empty when there is none."""
    return Secret(urlsplit(proxy).password or "")


def _checked(proxy: str, where: str) -> Secret:
    reason = _what_is_wrong(proxy)
    if reason:
        raise ConfigError(
            f"{where} is not the URL of a proxy: {reason}",
            remedy=f"write it like {_EXAMPLE}; {', '.join(SCHEMES)} are known",
        )
    # Names are resolved by the proxy in any case, which is what the h asks for.
    return Secret("socks5" + proxy[len("socks5h") :] if proxy.lower().startswith("socks5h:") else proxy)


def _what_is_wrong(proxy: str) -> str:
    """Why this is no URL of a proxy, in words that repeat nothing of it; empty when it is one."""
    if not (proxy.isascii() and proxy.isprintable()) or " " in proxy:
        return "it holds characters that have to be percent-encoded"
    if "://" not in proxy:
        return "it has no scheme"
    parts, well_formed = None, False
    with suppress(ValueError):  # whose words may repeat the password
        parts = urlsplit(proxy)
        well_formed = parts.port != 0
    if parts is None or not well_formed:
        return "its address is malformed, or its port is no number from 1 to 65535"
    if parts.scheme not in SCHEMES:
        return "its scheme is not known"
    if not parts.hostname:
        return "it names no host"
    return "it has a query or a fragment" if parts.query or parts.fragment else ""
