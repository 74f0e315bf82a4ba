from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gemini_realtime import ConfigError
from gemini_realtime.web.agents import maker_of

HOST = """
from gemini_realtime import RealtimeAgent

LLM_CONFIG = {"config_list": [{"model": "gemini-3.8-live", "api_key": "offline"}]}
agent = RealtimeAgent(name="host", llm_config=LLM_CONFIG)
number = 7

def make():
    return RealtimeAgent(name="made", llm_config=LLM_CONFIG)

async def make_later():
    return make()

def make_nothing():
    return None
"""


@pytest.fixture(autouse=True)
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The module `a_host`, which is not imported yet."""
    path = tmp_path / "a_host.py"
    path.write_text(HOST)
    (tmp_path / "a_lame_host.py").write_text("import a_module_that_is_not_there")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # an edit within a second would not be seen
    yield path
    for name in ("a_host", "a_lame_host"):
        sys.modules.pop(name, None)


def test_each_conversation_has_an_agent_of_its_own_with_the_edits_so_far(module: Path) -> None:
    make = maker_of("a_host:agent")
    first, second = asyncio.run(make(None)), asyncio.run(make(None))
    assert first is not second
    module.write_text(HOST.replace('"host"', '"hostess"'))
    assert [agent.name for agent in (first, second, asyncio.run(make(None)))] == ["host", "host", "hostess"]


@pytest.mark.parametrize("path", ["a_host:make", "a_host:make_later"])
async def test_a_function_is_called_for_each_conversation(path: str) -> None:
    make = maker_of(path)
    first, second = await make(None), await make(None)
    assert first is not second
    assert first.name == "made"


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("a_host", "names no agent.*module:agent"),
        (":agent", "names no agent"),
        ("a_hoast:agent", "no module 'a_hoast'.*where a_hoast.py is"),
        ("a_lame_host:agent", "a_lame_host.*a_module_that_is_not_there.*install"),
        ("a_host:agents", "no 'agents' in a_host.*there is 'agent'"),
        ("a_host:number", "is a int.*RealtimeAgent"),
    ],
)
def test_what_names_no_agent_is_said(path: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        maker_of(path)


async def test_a_function_that_makes_no_agent_is_said() -> None:
    with pytest.raises(ConfigError, match=r"makes a NoneType.*return a RealtimeAgent"):
        await maker_of("a_host:make_nothing")(None)
