"""TLS of a client: whom it trusts."""

from __future__ import annotations

import os
import ssl
import tempfile
from functools import lru_cache
from typing import Final

CERTIFICATE_BYTES: Final = 8 * 1024
"""What one takes in PEM, and more."""


def client_context(given: ssl.SSLContext | None = None) -> ssl.SSLContext:
    """The context to connect with.

    Args:
        given: to be used in place of one that trusts the system's certificates, or those that SSL_CERT_FILE and
            SSL_CERT_DIR name, as they are now.
    """
    context = given or _trusted()
    if not _files_can_be_written():
        # aiofastnet 1.2, which is beneath picows, reads the peer's certificate from a temporary file, and without one
        # the handshake never ends. This mark makes it use Python's own TLS, which takes some tenth more per message.
        context._aiofastnet_force_fallback_ssl = True  # type: ignore[attr-defined]
    return context


def _trusted() -> ssl.SSLContext:
    paths = ssl.get_default_verify_paths()
    return _read(paths, None if paths.cafile is None else os.stat(paths.cafile).st_mtime_ns)


@lru_cache(maxsize=1)  # to read them takes 20 ms, and each time 0.8 MB for as long as the connection lives
def _read(paths: ssl.DefaultVerifyPaths, changed_ns: int | None) -> ssl.SSLContext:
    return ssl.create_default_context()


def _files_can_be_written() -> bool:
    """Whether there is a folder for temporary files, and room in it."""
    try:
        with tempfile.TemporaryFile() as file:
            file.write(bytes(CERTIFICATE_BYTES))
    except OSError:
        return False
    return True
