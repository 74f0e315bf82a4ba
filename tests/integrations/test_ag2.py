"""AG2's own agent through this package's client; AG2 is stood in for here, `interop/` runs the real one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, Literal

import pytest
from pydantic import BaseModel

from gemini_realtime import ConfigError, GeminiRealtimeClient, LiveServer, OutputTranscript
from gemini_realtime.integrations import ag2

AG2 = "autogen.agentchat.realtime.experimental"


class RealtimeEvent(BaseModel):
    raw_message: dict[str, Any]


class SessionCreated(RealtimeEvent):
    type: Literal["session.created"] = "session.created"


class AudioDelta(RealtimeEvent):
    type: Literal["response.audio.delta"] = "response.audio.delta"
    delta: str
    item_id: Any


class Ag2sClient:
    pass


REGISTER = """
_realtime_client_classes = {}

def register_realtime_client():
    def register(cls):
        _realtime_client_classes[cls.__name__] = cls
        return cls
    return register

def get_client(llm_config):
    for cls in _realtime_client_classes.values():
        factory = cls.get_factory(llm_config=llm_config, logger=None)
        if factory is not None:
            return factory()
"""


def module(name: str, **members: Any) -> ModuleType:
    made = ModuleType(name)
    vars(made).update(members)
    return made


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """AG2's register of clients, with AG2's own client in it."""
    register = module(f"{AG2}.clients.realtime_client")
    exec(REGISTER, vars(register))
    register._realtime_client_classes["Ag2sClient"] = Ag2sClient
    events = {"RealtimeEvent": RealtimeEvent, "SessionCreated": SessionCreated, "AudioDelta": AudioDelta}
    modules = [
        register,
        module(f"{AG2}.realtime_events", **events),
        module(f"{AG2}.clients.gemini.client", GeminiRealtimeClient=Ag2sClient),
    ]
    parents = {name.rpartition(".")[0] for name in (made.__name__ for made in modules)}
    for name in {part for parent in parents for part in _and_above(parent)}:
        monkeypatch.setitem(sys.modules, name, module(name, __path__=[]))
    for made in modules:
        monkeypatch.setitem(sys.modules, made.__name__, made)
    return register


def _and_above(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[: length + 1]) for length in range(len(parts))]


async def test_ag2s_agent_is_given_ag2s_events(register: ModuleType) -> None:
    ag2.install()
    async with LiveServer(pace="instant", warm_up=False) as server:
        config = {"config_list": [{"api_type": "google", **server.llm_config()["config_list"][0]}]}
        get_client: Callable[[Any], GeminiRealtimeClient] = register.get_client
        client = get_client(config)
        assert isinstance(client, GeminiRealtimeClient)
        seen = []
        async with client.connect():
            await client.send_text(role="user", text="What is two plus two?")
            async for event in client.read_events():
                seen.append(event)
                if getattr(event, "type", "") == "response.done":
                    break
    assert isinstance(seen[0], SessionCreated)
    audio = [event for event in seen if isinstance(event, AudioDelta)]
    assert audio
    assert all(event.delta for event in audio)
    assert "four" in "".join(event.text for event in seen if isinstance(event, OutputTranscript))


def test_ag2s_own_client_gives_way(register: ModuleType) -> None:
    ag2.install()
    assert list(register._realtime_client_classes.values()) == [GeminiRealtimeClient]


def test_whoever_else_asks_for_a_client_gets_the_plain_one() -> None:
    config = {"config_list": [{"api_type": "google", "model": "gemini-3.8-live", "api_key": "k"}]}
    factory = GeminiRealtimeClient.get_factory(config, None)  # type: ignore[arg-type]
    assert factory is not None
    assert type(factory()) is GeminiRealtimeClient


def test_without_ag2_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "autogen", None)
    with pytest.raises(ConfigError, match="pip install"):
        ag2.install()
