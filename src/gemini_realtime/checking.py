"""What somebody passed, and what they probably meant: names, types and ranges, checked in one form of words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final

from gemini_realtime.errors import ConfigError

LONGEST_SHOWN: Final = 80
"""Characters of a value that an error repeats."""


def shown(given: object) -> str:
    """A value for an error: short, and whatever it is made of."""
    if isinstance(given, (str, bytes)):
        given = given[: LONGEST_SHOWN + 1]
    try:
        text = repr(given)
    except Exception:  # somebody else's code, and numbers and nesting that are too much for Python's
        return f"a {type(given).__name__}"
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 3]}..."


def kind_of(given: object) -> str:
    """What a value is, where what it holds does not matter: `a str`, `an int`, `None`."""
    kind = type(given).__name__
    return "None" if given is None else f"{'an' if kind[:1] in 'aeiouAEIOU' else 'a'} {kind}"


def near_name(given: object, names: Iterable[str], *, alike: float = 0.6) -> str | None:
    """The name that was probably meant, None when none is near; `alike` is 1 for the same name."""
    from difflib import get_close_matches  # only mistakes pay for it

    by_lower_case = {name.lower(): name for name in names}
    written = given.lower() if isinstance(given, str) else shown(given)
    if len(written) > 3 * max(map(len, by_lower_case), default=0):  # near none, and how near would take long to tell
        return None
    near = get_close_matches(written, by_lower_case, n=1, cutoff=alike)
    if not near and len(written) > 2:
        near = sorted((name for name in by_lower_case if name.startswith(written)), key=len)
    return by_lower_case[near[0]] if near else None


def spelling_remedy(given: object, names: Iterable[str], *, choice: str = "") -> str:
    """What to do about a name that does not exist: the near one, where there is one, and all there are.

    Args:
        given: the name.
        names: those that exist.
        choice: says which there are, where their names alone do not.
    """
    names = list(names)
    near = near_name(given, names)
    meant = f"did you mean {near!r}? " if near else ""
    return meant + (choice or f"choose one of {', '.join(names)}")


def check_choice(name: str, given: object, choices: Iterable[str]) -> None:
    """Refuse what is none of the choices.

    Raises:
        ConfigError: it is none; the remedy is the near one, or all of them.
    """
    choices = list(choices)
    if not isinstance(given, str) or given not in choices:
        raise ConfigError(f"`{name}` is {shown(given)}", remedy=spelling_remedy(given, choices))


def check_number(name: str, given: object, least: float, most: float = math.inf, *, whole: bool = False) -> None:
    """Refuse what is no number, or one that is out of range.

    Raises:
        ConfigError: it is none of these.
    """
    kind = "a whole number" if whole else "a number"
    limits = f"from {least:.12g}" + ("" if most == math.inf else f" to {most:.12g}")
    check_type(name, given, int if whole else (int, float), f"{kind} {limits}")
    number: Any = given
    if not (least <= number <= most and number != math.inf):
        raise ConfigError(f"`{name}` is {shown(given)}", remedy=f"pass {kind} {limits}")


def check_type(name: str, given: object, kind: type | tuple[type, ...], wanted: str) -> None:
    """Refuse a value of another type; True and False are no numbers.

    Args:
        name: what it is called.
        given: the value.
        kind: one type or several.
        wanted: what to pass, in words: "a string".

    Raises:
        ConfigError: it is of none of them.
    """
    allowed = kind if isinstance(kind, tuple) else (kind,)
    if not isinstance(given, allowed) or (isinstance(given, bool) and bool not in allowed):
        raise ConfigError(f"`{name}` is {kind_of(given)}", remedy=f"pass {wanted}")


def check_fields(name: str, given: Mapping[Any, Any], fields: Iterable[str]) -> None:
    """Refuse a mapping with names that do not exist in it.

    Raises:
        ConfigError: for the first of them.
    """
    fields = list(fields)
    for field in given:
        if not isinstance(field, str) or field not in fields:
            raise ConfigError(f"`{name}` has no {shown(field)}", remedy=spelling_remedy(field, fields))
