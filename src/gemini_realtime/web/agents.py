"""Which agent a page talks to: `module:agent` as on the command line."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Coroutine
from types import ModuleType
from typing import Any, Final

from gemini_realtime.agent import RealtimeAgent
from gemini_realtime.errors import ConfigError

AgentMaker = Callable[[str | None], Coroutine[Any, Any, RealtimeAgent]]
"""Makes an agent for one conversation, with this model where the page may choose one."""

_FORM: Final = "write module:agent, such as --agent my_agent:agent for my_agent.py, in which there is `agent = ...`"


def maker_of(path: str) -> AgentMaker:
    """What makes the agents that this path names.

    Args:
        path: `module:name`. What has that name is a `RealtimeAgent`, for which the module is run anew for each
            conversation, so that conversations share nothing and edits are in force with the next one; or a function
            without arguments, async or not, that makes an agent each time.

    Raises:
        ConfigError: it names no such thing.
    """
    module_name, _, name = path.partition(":")
    if not module_name or not name:
        raise ConfigError(f"{path!r} names no agent", remedy=_FORM)
    found = _named(_imported(module_name), name)
    if isinstance(found, RealtimeAgent):
        fresh: list[RealtimeAgent] = [found]  # the first conversation has the agent that is there already

        async def again(model: str | None) -> RealtimeAgent:
            return fresh.pop() if fresh else _checked(_named(_run_again(module_name), name), path)

        return again
    if not callable(found):
        raise ConfigError(f"{path!r} is a {type(found).__name__}", remedy=f"a RealtimeAgent is wanted: {_FORM}")

    async def made(model: str | None) -> RealtimeAgent:
        agent = found()
        return _checked(await agent if inspect.isawaitable(agent) else agent, path)

    return made


def _imported(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not (name == error.name or name.startswith(f"{error.name}.")):
            raise ConfigError(f"{name!r} cannot be imported: {error}", remedy="install what it needs") from error
        raise ConfigError(
            f"there is no module {name!r}", remedy=f"run the command where {name.partition('.')[0]}.py is; {_FORM}"
        ) from None


def _run_again(name: str) -> ModuleType:
    spec = importlib.util.find_spec(name)
    assert spec is not None, "it was imported once"
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pydantic look their modules up there
    spec.loader.exec_module(module)
    return module


def _named(module: ModuleType, name: str) -> Any:
    try:
        return getattr(module, name)
    except AttributeError:
        agents = [known for known, value in vars(module).items() if isinstance(value, RealtimeAgent)]
        instead = f"there is {', '.join(map(repr, agents))}" if agents else _FORM
        raise ConfigError(f"there is no {name!r} in {module.__name__}", remedy=instead) from None


def _checked(agent: Any, path: str) -> RealtimeAgent:
    if not isinstance(agent, RealtimeAgent):
        raise ConfigError(f"{path!r} makes a {type(agent).__name__}", remedy="let it return a RealtimeAgent")
    return agent
