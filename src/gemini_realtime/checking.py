"""What somebody passed, and what they probably meant."""

from __future__ import annotations

import math
from collections.abc import Iterable

from gemini_realtime.errors import ConfigError


def spelling_remedy(given: object, names: Iterable[str], *, choice: str = "") -> str:
    """What to do about a name that does not exist: the near one, where there is one, and all there are.

    Args:
        given: the name.
        names: those that exist.
        choice: says which there are, where their names alone do not.
    """
    from difflib import get_close_matches  # only mistakes pay for it

    by_lower_case = {name.lower(): name for name in names}
    near = get_close_matches(str(given).lower(), by_lower_case, n=1)
    meant = f"did you mean {by_lower_case[near[0]]!r}? " if near else ""
    return meant + (choice or f"choose one of {', '.join(by_lower_case.values())}")


def check_choice(name: str, given: object, choices: Iterable[str]) -> None:
    """Refuse what is none of the choices.

    Raises:
        ConfigError: it is none; the remedy is the near one, or all of them.
    """
    choices = list(choices)
    if given not in choices:
        raise ConfigError(f"`{name}` is {given!r}", remedy=spelling_remedy(given, choices))


def check_number(name: str, given: object, least: float, most: float = math.inf, *, whole: bool = False) -> None:
    """Refuse what is no number, or one that is out of range.

    Raises:
        ConfigError: it is none of these.
    """
    kind = "a whole number" if whole else "a number"
    limits = f"from {least:g}" + ("" if most == math.inf else f" to {most:g}")
    if isinstance(given, bool) or not isinstance(given, int if whole else int | float):
        raise ConfigError(f"`{name}` is a {type(given).__name__}", remedy=f"pass {kind} {limits}")
    if not (math.isfinite(given) and least <= given <= most):
        raise ConfigError(f"`{name}` is {given}", remedy=f"pass {kind} {limits}")
