"""A certificate for this machine, and the environment in which other programs trust it.

It is made by an authority of its own whose key is thrown away at once, so that trusting it lets nobody else in. Both
live in the user's cache folder for half a year; then new ones are made.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import ssl
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

from gemini_realtime.errors import ConfigError, MissingDependencyError

NAMES: Final = ("localhost", "127.0.0.1", "::1")
ORGANIZATION: Final = "gemini-realtime embedded server"

_PERIOD: Final = timedelta(days=182)
_EPOCH: Final = datetime.fromisoformat("2026-01-01T00:00:00+00:00")


class Identity(NamedTuple):
    """What a server shows, and what its clients need to believe it.

    Attributes:
        context: for the server.
        bundle: certificates of authorities: those that this machine trusts anyway, and ours.
    """

    context: ssl.SSLContext
    bundle: Path


def local_identity(now: datetime, folder: Path | None = None) -> Identity:
    """The certificate for `NAMES`, made when there is none of this half-year.

    Args:
        now: the time of day, with its zone.
        folder: where it is kept; the user's cache folder by default.

    Raises:
        MissingDependencyError: trustme, platformdirs or certifi is not installed.
        ConfigError: the folder cannot be written to.
    """
    try:
        folder = folder or _cache_folder()
        chain = folder / f"localhost-{(now - _EPOCH) // _PERIOD}" / "key-and-chain.pem"
        if not chain.exists():
            _make(chain, now)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain)
        bundle = folder / "authorities.pem"
        _write_if_new(bundle, _trusted() + _authority(chain))
    except ModuleNotFoundError:
        raise MissingDependencyError("TLS", "local") from None
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"the certificate for localhost cannot be kept: {error}",
            remedy="set XDG_CACHE_HOME to a folder that can be written to",
        ) from None
    return Identity(context, bundle)


def _cache_folder() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("gemini-realtime", appauthor=False)


def _make(chain: Path, now: datetime) -> None:
    """Make authority and certificate. Of several programs that do so at once one wins, and all use what it made."""
    import trustme

    authority = trustme.CA(path_length=0, organization_name=ORGANIZATION)
    certificate = authority.issue_cert(
        *NAMES, organization_name=ORGANIZATION, not_before=now - 2 * _PERIOD, not_after=now + 2 * _PERIOD
    )
    folder = chain.parent
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=folder.parent))  # for the user's eyes only
    try:
        blobs = (certificate.private_key_pem, *certificate.cert_chain_pems, authority.cert_pem)
        with open(os.open(made / chain.name, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
            file.write(b"".join(blob.bytes() for blob in blobs))
        with contextlib.suppress(OSError):
            made.rename(folder)  # fails when there is one, with something in it
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _authority(chain: Path) -> str:
    """The last certificate of the file, which is the authority's."""
    begin = "-----BEGIN CERTIFICATE-----"
    return begin + chain.read_text("ascii").rpartition(begin)[2]


def _trusted() -> str:
    """What Python trusts by itself here, and Mozilla's list, which many programs bring along as certifi.

    A `SSL_CERT_FILE` that is set already is part of the first; what an earlier certificate of ours needed is left out.
    """
    import certifi

    context = ssl.create_default_context(cafile=certifi.where())
    context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    subjects = [str(certificate.get("subject")) for certificate in context.get_ca_certs()]
    encoded = context.get_ca_certs(binary_form=True)
    others = [der for der, subject in zip(encoded, subjects, strict=True) if ORGANIZATION not in subject]
    return "".join(map(ssl.DER_cert_to_PEM_cert, others))


def _write_if_new(path: Path, text: str) -> None:
    """Replace a file in one step, for others may be reading it."""
    if path.exists() and path.read_text("ascii") == text:
        return
    handle, made = tempfile.mkstemp(dir=path.parent)
    with open(handle, "w", encoding="ascii") as file:
        file.write(text)
    Path(made).chmod(0o644)
    Path(made).replace(path)
