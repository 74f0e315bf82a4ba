"""What `module:name` on a command line stands for."""

from __future__ import annotations

import importlib
import sys
import sysconfig
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from gemini_realtime.agent.agent import RealtimeAgent
from gemini_realtime.errors import ConfigError

_FORM: Final = "write module:agent, such as --agent my_agent:agent for my_agent.py, in which there is `agent`"

_OTHERS: Final = (
    str(Path(__file__).parents[1]),
    *(sysconfig.get_path(kind) for kind in ("stdlib", "purelib", "platlib")),
    "<frozen ",
)
"""Where code is that is not of who runs the command."""


def object_named(path: str, *folders: Path) -> Any:
    """The object that `module:name` stands for; its module is imported.

    Args:
        path: as it was typed.
        folders: where its module is looked for before Python's own places.

    Raises:
        ConfigError: there is no such module or name.
    """
    module_name, _, name = path.partition(":")
    if not module_name or not name:
        raise ConfigError(f"{path!r} names no agent", remedy=_FORM)
    places = [str(folder.absolute()) for folder in folders]
    sys.path[:0] = places
    try:
        module = _imported(module_name)
    finally:
        for place in places:  # by value: the module may have changed the list too
            sys.path.remove(place)
    return named_in(module, name)


def named_in(module: ModuleType, name: str) -> Any:
    """What has this name in a module.

    Raises:
        ConfigError: nothing has.
    """
    try:
        return getattr(module, name)
    except AttributeError:
        agents = [known for known, value in vars(module).items() if isinstance(value, RealtimeAgent)]
        instead = f"there is {', '.join(map(repr, agents))}" if agents else _FORM
        raise ConfigError(f"there is no {name!r} in {module.__name__}", remedy=instead) from None


def _imported(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not (name == error.name or name.startswith(f"{error.name}.")):
            raise ConfigError(f"{name!r} cannot be imported: {error}", remedy="install what it needs") from error
        raise ConfigError(
            f"there is no module {name!r}", remedy=f"run the command where {name.partition('.')[0]}.py is; {_FORM}"
        ) from None
    except Exception as error:  # somebody else's module: whatever it raises
        place = "" if isinstance(error, SyntaxError) else f" at {raised_at(error)}"  # which says it itself
        told = f"{type(error).__name__}: {error}"
        raise ConfigError(f"{name!r} cannot be imported: {told}{place}", remedy="correct it there") from error


def raised_at(error: BaseException) -> str:
    """Where an error was raised, as `restaurant.py:12`: in somebody's own code, if that is on the way.

    Libraries and this package come last: what they raise they were mostly made to.
    """
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not frame.filename.startswith(_OTHERS)]
    frame = [*frames, *own][-1]
    return f"{Path(frame.filename).name}:{frame.lineno}"
