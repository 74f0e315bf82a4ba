"""Which optional extras are installed, as the package's own metadata lists them."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, requires, version

from gemini_realtime import MissingDependencyError

_REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)[^;]*;.*extra == ['\"](?P<extra>[\w-]+)['\"]")


def missing_packages(extra: str) -> list[str]:
    """What an extra needs and is not installed; without uvloop, which only makes it faster."""
    found = map(_REQUIREMENT.match, requires("gemini-realtime") or ())
    names = [match["name"] for match in found if match is not None and match["extra"] == extra]
    return [name for name in names if name != "uvloop" and not _installed(name)]


def extra_with(module: str) -> str:
    """The extra that installs a module: `[cli]` if that does, or if none is known to."""
    name = _normalised(module)
    found = [
        match["extra"]
        for match in map(_REQUIREMENT.match, requires("gemini-realtime") or ())
        if match is not None and match["extra"] != "all" and f"{_normalised(match['name'])}-".startswith(f"{name}-")
    ]
    return "cli" if "cli" in found or not found else found[0]


def missing_to_serve(missing: Callable[[str], list[str]] = missing_packages) -> list[str]:
    """What the embedded server needs to hear and speak and is not installed; nothing, where it can fall back."""
    falls_back = not missing("pocketsphinx") and not missing("espeak")
    return [] if falls_back else missing("local")


def require_server() -> None:
    """Refuse to go on where the embedded server cannot hear or speak.

    Raises:
        MissingDependencyError: part of the extra `[local]` is not installed.
    """
    if missing_to_serve():
        raise MissingDependencyError("the embedded Live server", "local")


def _normalised(name: str) -> str:
    """As packages are compared; a module is named after its package, or after the first words of its name."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True
