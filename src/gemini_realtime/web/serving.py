"""The page, served by uvicorn until the command is stopped."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from gemini_realtime.errors import ConfigError, ListenError, MissingDependencyError

try:
    import uvicorn
except ImportError as error:
    raise MissingDependencyError("the page", "web") from error

MAX_MESSAGE_BYTES: Final = 1024 * 1024
"""Of a page: what an hour's conversation comes to in words, when a page goes on after a restart."""

MAX_CONNECTIONS: Final = 100

END_WITHIN_S: Final = 10
"""What a conversation may take to end when the server is stopped."""


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the command."""
        yield


@asynccontextmanager
async def page_served(
    app: Any, host: str, port: int, *, certificate: Path | None = None, key: Path | None = None
) -> AsyncIterator[int]:
    """Serve the application for the duration of the context; gives the port.

    Args:
        app: an ASGI application.
        host: where to listen.
        port: 0 for any that is free.
        certificate: a file, to serve https.
        key: of the certificate, where that file does not hold it.

    Raises:
        ConfigError: the certificate or its key cannot be used.
        ListenError: the port is in use, or the address is none of this machine.
    """
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        lifespan="off",
        server_header=False,
        ws="websockets-sansio",
        limit_concurrency=MAX_CONNECTIONS,
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_per_message_deflate=False,
        ssl_certfile=certificate,
        ssl_keyfile=key,
        timeout_graceful_shutdown=END_WITHIN_S,
    )
    try:
        config.load()
    except OSError as error:  # what ssl raises is one
        raise ConfigError(
            f"https cannot be served with {_names(certificate, key)}: {error.strerror or error}",
            remedy="pass PEM files: the certificate to --certificate, and its private key to --key",
        ) from error
    with _listening(host, port) as listener:
        server = _Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            await serving


def _names(*files: Path | None) -> str:
    return " and ".join(str(file) for file in files if file is not None)


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        raise ListenError(
            f"the page cannot be served at {host}, port {port}: {os.strerror(error.errno) if error.errno else error}",
            remedy="choose another --port, or --port 0 for any that is free",
        ) from None
