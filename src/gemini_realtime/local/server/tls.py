"""A certificate for this machine, and the environment in which other programs trust it.

It is made by an authority of its own whose key is thrown away at once, so that trusting it lets nobody else in. Both
live in the user's cache folder for half a year; then new ones are made.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import shutil
import ssl
import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

from gemini_realtime.errors import ConfigError, MissingDependencyError

NAMES: Final = ("localhost", "127.0.0.1", "::1")
ORGANIZATION: Final = "gemini-realtime embedded server"

_PERIOD: Final = timedelta(days=182)
_MAX_DAMAGED: Final = 16
_EPOCH: Final = datetime.fromisoformat("2026-01-01T00:00:00+00:00")

_log = logging.getLogger(__name__)


class Identity(NamedTuple):
    """What a server shows, and what its clients need to believe it.

    Attributes:
        context: for the server.
        bundle: certificates of authorities: those that this machine trusts anyway, and ours.
    """

    context: ssl.SSLContext
    bundle: Path


def tls_of(
    given: bool | ssl.SSLContext, wall_clock: Callable[[], datetime]
) -> tuple[ssl.SSLContext | None, Path | None]:
    """What a server shows, if anything, and who vouches for it, where that is for us to say.

    Args:
        given: True for the certificate of this machine, or what holds another.
        wall_clock: the time of day, with its zone.

    Raises: as `local_identity`.
    """
    if isinstance(given, ssl.SSLContext):
        return given, None
    if not given:
        return None, None
    identity = local_identity(wall_clock())
    return identity.context, identity.bundle


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
        context, chain = _certified(folder, now)
        bundle = _kept(folder, _trusted() + _authority(chain))
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


def _certified(folder: Path, now: datetime) -> tuple[ssl.SSLContext, Path]:
    """The first certificate of this half-year that is whole; it is made when there is none.

    A damaged one stays where it is, since another server may be making it anew just now.
    """
    name = f"localhost-{(now - _EPOCH) // _PERIOD}"
    for number in range(1, _MAX_DAMAGED + 1):
        chain = folder / (name if number == 1 else f"{name}-{number}") / "key-and-chain.pem"
        if not chain.exists():
            _make(chain, now)
        try:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(chain)
            ssl.create_default_context(cadata=_authority(chain))
        except (ssl.SSLError, ValueError) as error:
            _log.warning("the certificate in %s is damaged (%s): another is made", chain, error)
        else:
            return context, chain
    raise OSError(f"{folder} holds {_MAX_DAMAGED} damaged certificates")


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


def _kept(folder: Path, text: str) -> Path:
    """A file with this text. Its folder is named after the text, so that no server changes what another points to."""
    digest = hashlib.blake2b(text.encode("ascii"), digest_size=8).hexdigest()
    path = folder / f"authorities-{digest}" / "authorities.pem"
    if path.exists():
        if path.read_bytes() == text.encode("ascii"):
            return path
        _log.warning("%s is damaged: it is written anew", path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent)
    made = Path(name)
    try:
        with open(handle, "w", encoding="ascii", newline="") as file:
            file.write(text)
        made.chmod(0o644)
        made.replace(path)  # in one step, for others may be reading it
    finally:
        made.unlink(missing_ok=True)
    return path
