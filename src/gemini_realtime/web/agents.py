"""Which agent a page talks to: `module:agent` as on the command line."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Callable, Coroutine
from types import ModuleType
from typing import Any

from gemini_realtime.agent import RealtimeAgent
from gemini_realtime.agent.naming import named_in, object_named
from gemini_realtime.errors import ConfigError

AgentMaker = Callable[[str | None], Coroutine[Any, Any, RealtimeAgent]]
"""Makes an agent for one conversation, with this model where the page may choose one."""


def maker_of(path: str) -> AgentMaker:
    """What makes the agents that this path names.

    Args:
        path: `module:name`. What has that name is a `RealtimeAgent`, for which the module is run anew for each
            conversation, so that conversations share nothing and edits are in force with the next one; or a function
            without arguments, async or not, that makes an agent each time.

    Raises:
        ConfigError: it names no such thing.
    """
    found = object_named(path)
    module_name, _, name = path.partition(":")
    if isinstance(found, RealtimeAgent):
        fresh: list[RealtimeAgent] = [found]  # the first conversation has the agent that is there already

        async def again(model: str | None) -> RealtimeAgent:
            return fresh.pop() if fresh else _checked(named_in(_run_again(module_name), name), path)

        return again
    if not callable(found):
        raise ConfigError(f"{path!r} is a {type(found).__name__}", remedy="name a RealtimeAgent, or what makes one")

    async def made(model: str | None) -> RealtimeAgent:
        agent = found()
        return _checked(await agent if inspect.isawaitable(agent) else agent, path)

    return made


def _run_again(name: str) -> ModuleType:
    spec = importlib.util.find_spec(name)
    assert spec is not None, "it was imported once"
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pydantic look their modules up there
    spec.loader.exec_module(module)
    return module


def _checked(agent: Any, path: str) -> RealtimeAgent:
    if not isinstance(agent, RealtimeAgent):
        raise ConfigError(f"{path!r} makes a {type(agent).__name__}", remedy="let it return a RealtimeAgent")
    return agent
