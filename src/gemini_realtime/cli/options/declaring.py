"""Options as the fields of a dataclass, so that a command and its work speak of the same object."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, get_type_hints

_Options = TypeVar("_Options")


def takes(options: type[_Options]) -> Callable[[Callable[[_Options], None]], Callable[..., None]]:
    """Make a command of a function that takes its options as one object.

    Args:
        options: a dataclass; each field is declared as Typer wants a parameter, in the order of the help.
    """
    hints = get_type_hints(options, include_extras=True)
    parameters = [
        parameter.replace(annotation=hints[name]) for name, parameter in inspect.signature(options).parameters.items()
    ]

    def decorate(command: Callable[[_Options], None]) -> Callable[..., None]:
        @wraps(command)
        def typed(**values: Any) -> None:
            command(options(**values))

        typed.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        typed.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        return typed

    return decorate
