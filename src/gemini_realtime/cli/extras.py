"""Which optional extras are installed, as the package's own metadata lists them."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, requires, version

from gemini_realtime import MissingDependencyError

_REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)[^;]*;.*extra == ['\"](?P<extra>[\w-]+)['\"]")


def missing_packages(extra: str) -> list[str]:
    """What an extra needs and is not installed; without uvloop, which only makes it faster."""
    found = map(_REQUIREMENT.match, requires("gemini-realtime") or ())
    names = [match["name"] for match in found if match is not None and match["extra"] == extra]
    return [name for name in names if name != "uvloop" and not _installed(name)]


def require(extra: str, what: str) -> None:
    """Refuse to go on without an extra.

    Raises:
        MissingDependencyError: part of it is not installed.
    """
    if missing_packages(extra):
        raise MissingDependencyError(what, extra)


def _installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True
