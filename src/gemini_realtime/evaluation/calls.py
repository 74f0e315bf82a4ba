"""One call of a scene: an agent, a service for it, a caller, and what came of it."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from gemini_realtime.agent import ConversationLog, RealtimeAgent
from gemini_realtime.agent.observers import RealtimeObserver
from gemini_realtime.errors import ConfigError, GeminiRealtimeError
from gemini_realtime.evaluation.caller import CallerAtWork, Complaints
from gemini_realtime.evaluation.expectations import courtesies
from gemini_realtime.evaluation.handset import Handset
from gemini_realtime.evaluation.record import CallRecord, CallResult, Line, ToolRecord
from gemini_realtime.evaluation.scenes import Scene, Suite
from gemini_realtime.local.in_memory import InMemoryServer
from gemini_realtime.local.serve import LiveServer
from gemini_realtime.local.speech.spelled import spell
from gemini_realtime.local.thinking import Responder
from gemini_realtime.protocol.events import RealtimeEvent, SessionResumed
from gemini_realtime.testing.speech import speech_from_text
from gemini_realtime.testing.virtual_time import run_in_virtual_time

MakeAgent = Callable[[dict[str, Any]], Any]
"""Makes the agent under test for a configuration; may be async."""

GEMINI = "gemini"
"""The model that is no stand-in: the real service, with a key from the environment."""

_LIMIT_S = 3600.0


@dataclass(frozen=True)
class Stage:
    """Where calls take place.

    Attributes:
        make_agent: makes the agent anew for each call.
        sound: with real speech and in real time; without, speech is spelled and time is virtual.
    """

    make_agent: MakeAgent
    sound: bool = False


def play(suite: Suite, scene: Scene, seed: int, stage: Stage) -> CallResult:
    """Hold one call.

    Returns:
        What came of it; an agent that fails is a result too.

    Raises:
        ConfigError: the suite or the agent cannot be used at all.
    """
    began = time.perf_counter()
    call = _call(suite, scene, seed, stage)
    try:
        record = asyncio.run(call) if stage.sound else run_in_virtual_time(call, limit_s=_LIMIT_S)
    except ConfigError:
        raise
    except AssertionError as error:  # of virtual time
        return CallResult(scene.name, seed, error=f"the call hangs: {error}", took_s=time.perf_counter() - began)
    except Exception as error:  # somebody else's agent: whatever it raises is what came of the call
        told = str(error) if isinstance(error, GeminiRealtimeError) else f"the agent raised {error!r}"
        return CallResult(scene.name, seed, error=told, took_s=time.perf_counter() - began)
    verdicts = [*courtesies(record, scene.expect), *(expectation.check(record) for expectation in scene.expect)]
    return CallResult(scene.name, seed, verdicts, record, took_s=time.perf_counter() - began)


def agent_named(name: str, *folders: Path) -> MakeAgent:
    """What `module:function` stands for; modules are looked for in these folders, then where Python looks.

    Raises:
        ConfigError: there is no such module or function.
    """
    module_name, _, attribute = name.partition(":")
    if not module_name or not attribute:
        raise ConfigError(f"{name!r} names no agent", remedy="write module:function, such as restaurant:agent")
    places = [str(folder.absolute()) for folder in folders]
    sys.path[:0] = places
    try:
        found = getattr(importlib.import_module(module_name), attribute)
    except ModuleNotFoundError as error:
        if error.name != module_name.partition(".")[0] and error.name != module_name:
            raise
        raise ConfigError(
            f"there is no module {module_name!r}",
            remedy=f"put it beside the suite, or install it; looked in {', '.join(places)}",
        ) from None
    except AttributeError:
        raise ConfigError(f"{module_name} has no {attribute!r}", remedy="name the function that makes it") from None
    finally:
        del sys.path[: len(places)]
    if isinstance(found, RealtimeAgent) or not callable(found):
        raise ConfigError(
            f"{name} is a {type(found).__name__}", remedy="name a function that makes an agent for an llm_config"
        )
    make: MakeAgent = found
    return make


class _Resumptions(RealtimeObserver):
    """Counts what became of the connection."""

    new_sessions = 0

    async def initialize_session(self) -> None:
        """Nothing to prepare."""

    async def run_loop(self) -> None:
        """Nothing to do beside the events."""

    async def on_event(self, event: RealtimeEvent) -> None:
        """Count."""
        self.new_sessions += isinstance(event, SessionResumed) and event.new_session


@dataclass(frozen=True)
class _Service:
    """What an agent talks to, and how to trouble it."""

    llm_config: dict[str, Any]
    misbehave: Callable[[str], None]


async def _call(suite: Suite, scene: Scene, seed: int, stage: Stage) -> CallRecord:
    speed = scene.caller.speed
    voice = _voice if stage.sound else partial(spell, speed=speed)
    log, resumptions = ConversationLog(), _Resumptions()
    handset = Handset(voice, log)
    async with _service(suite, scene, seed, sound=stage.sound) as service:
        made = stage.make_agent(service.llm_config)
        agent = await made if inspect.isawaitable(made) else made
        if not isinstance(agent, RealtimeAgent):
            raise ConfigError(f"the agent is a {type(agent).__name__}", remedy="return a RealtimeAgent")
        for observer in (log, handset, resumptions):
            agent.register_observer(observer)
        work = CallerAtWork(scene.caller, handset, Random(f"{scene.name}:{seed}"), service.misbehave)
        async with agent.running():
            await _unless_over(work.call(), log)
    return _record(log, handset, resumptions, work.complaints)


async def _unless_over(calling: Any, log: ConversationLog) -> None:
    """Call until all is said, or the agent has ended the conversation."""
    call, over = asyncio.ensure_future(calling), asyncio.ensure_future(log.over.wait())
    try:
        await asyncio.wait([call, over], return_when=asyncio.FIRST_COMPLETED)
        if call.done():
            call.result()
    finally:
        for task in (call, over):
            task.cancel()
        await asyncio.wait([call, over])


@asynccontextmanager
async def _service(suite: Suite, scene: Scene, seed: int, *, sound: bool) -> AsyncIterator[_Service]:
    model = scene.model or suite.model
    if model == GEMINI:
        yield _Service({"config_list": [{"model": "gemini-3.8-live", "api_type": "google"}]}, _no_faults)
        return
    options: dict[str, Any] = {"responder": _responder(model, suite.folder), "faults": scene.faults, "seed": seed}
    if sound:
        async with LiveServer(**options, warm_up=False) as server:
            yield _Service(server.llm_config(), server.misbehave)
        return
    in_memory = InMemoryServer(**options)
    # Without chance in the pauses between attempts, a call takes the same course each time.
    yield _Service(in_memory.llm_config(reconnect={"jitter": lambda: 1.0}), in_memory.misbehave)


def _responder(model: str | Responder, folder: Path) -> str | Responder:
    """The file of a script or a recording is looked for beside the suite."""
    if not isinstance(model, str):
        return model
    kind, _, file = model.partition(":")
    return f"{kind}:{folder / file}" if kind in ("script", "replay") else model


def _no_faults(fault: str) -> None:
    raise ConfigError(f"the real service takes no faults, such as {fault!r}", remedy="play the scene on another model")


def _voice(words: str) -> bytes:
    return speech_from_text(words)


def _record(log: ConversationLog, handset: Handset, resumptions: _Resumptions, complaints: Complaints) -> CallRecord:
    uses = [use for turn in log.turns for use in turn.tools]
    lines = [
        Line(
            "caller" if turn.role == "user" else "agent",
            turn.said.strip() if turn.heard is None else turn.heard,
            turn.begin_ms / 1000,
            turn.interrupted,
        )
        for turn in log.turns
        if turn.said
    ]
    return CallRecord(
        lines=lines,
        tools=[
            ToolRecord(use.name, use.arguments, use.result, None if use.duration_ms is None else use.duration_ms / 1000)
            for use in uses
        ],
        answered_after_s=[answer.after_s for answer in handset.answers if answer.after_s is not None],
        stopped_after_s=handset.stopped_s,
        unanswered=complaints.unanswered,
        coughs_answered=complaints.coughs_answered,
        not_interrupted=complaints.not_interrupted,
        gave_up=complaints.gave_up,
        resumed=log.resumed,
        new_sessions=resumptions.new_sessions,
        cost_usd=log.cost_usd,
        lasted_s=max((turn.end_ms for turn in log.turns), default=0.0) / 1000,
    )
