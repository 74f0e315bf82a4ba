"""Whether the files of a model are those that were measured here."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from gemini_realtime.local.speech.worker_program import UnfitError


def check(folder: Path, checksums: Mapping[str, str], package: str) -> None:
    """Compare files with the checksums they are known by.

    Args:
        folder: of the files.
        checksums: SHA-256 of each, hexadecimal, by name.
        package: that they came in, and its version.

    Raises:
        UnfitError: one of them is another, or is not there.
    """
    remedy = f"reinstall it: pip install --force-reinstall --no-deps {package}"
    for name, known in checksums.items():
        try:
            with (folder / name).open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise UnfitError(f"{name} of {package} cannot be read: {error.strerror}", remedy) from error
        if found != known:
            raise UnfitError(f"{name} is not that of {package}: its checksum is {found}", remedy)
