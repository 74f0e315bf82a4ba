"""One call of a scene: an agent, a service for it, a caller, and what came of it."""

from __future__ import annotations

import asyncio
import inspect
import os
import re
import shutil
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, cast

from gemini_realtime.agent import ConversationLog, RealtimeAgent
from gemini_realtime.agent.naming import object_named, raised_at
from gemini_realtime.agent.observers import RealtimeObserver
from gemini_realtime.checking import kind_of
from gemini_realtime.client import GeminiRealtimeClient
from gemini_realtime.errors import ConfigError, GeminiRealtimeError
from gemini_realtime.evaluation.caller import Complaints, SimulatedCaller
from gemini_realtime.evaluation.expectations import LATE_S, implied
from gemini_realtime.evaluation.handset import AgentHandset, Handset, ProgramHandset
from gemini_realtime.evaluation.judging import judged
from gemini_realtime.evaluation.record import CallRecord, CallResult, ToolRecord, TurnRecord
from gemini_realtime.evaluation.scenes import Caller, Scene, Suite
from gemini_realtime.evaluation.socket_handset import SocketHandset, encoding_and_address
from gemini_realtime.evaluation.voices import aloud, load_voice, microphone_of
from gemini_realtime.local.choices import responder_named
from gemini_realtime.local.in_memory import InMemoryServer
from gemini_realtime.local.serve import LiveServer
from gemini_realtime.local.speech.defaults import DefaultHearing, DefaultSpeaking
from gemini_realtime.local.speech.hearing import load_detection
from gemini_realtime.local.speech.spelled import SpelledHearing, SpelledSpeaking, spell
from gemini_realtime.local.thinking import Item, Request, Responder
from gemini_realtime.protocol.events import RealtimeEvent, SessionResumed
from gemini_realtime.testing.program import Program
from gemini_realtime.testing.virtual_time import run_in_virtual_time

if TYPE_CHECKING:
    from gemini_realtime.local.responders.chat import Chat

MakeAgent = Callable[[dict[str, Any]], Any]
"""Makes the agent under test for a configuration; may be async."""

GEMINI = "gemini"
"""The model that is no stand-in: the real service, with a key from the environment."""

_LIMIT_S = 3600.0
_ATTEMPTS = 3  # to hold a call while the machine keeps time


@dataclass(frozen=True)
class Target:
    """What is called: an agent, a program or an address; and how.

    Attributes:
        make_agent: makes the agent anew for each call.
        sound: with real speech and in real time; without, speech is spelled and time is virtual.
        command: a program that is called instead, in real time; the server plays its caller, without sound.
        url: of an agent that is called over a WebSocket, in real time and with real speech: `ws://...` for binary PCM,
            `twilio+ws://...` for Twilio's Media Streams.
        record: where calls that were not as expected are kept as recordings, with a page to look at; not of a `url`.

    Raises:
        ConfigError: the URL is no address of an agent.
    """

    make_agent: MakeAgent | None = None
    sound: bool = False
    command: Sequence[str] = ()
    url: str = ""
    record: Path | None = None

    def __post_init__(self) -> None:
        if self.url:
            encoding_and_address(self.url)


def play(suite: Suite, scene: Scene, seed: int, target: Target) -> CallResult:
    """Hold one call.

    Returns:
        What came of it; an agent that fails is a result too.

    Raises:
        ConfigError: the suite or the agent cannot be used at all.
    """
    began = time.perf_counter()
    folder = None if target.record is None else target.record / f"{_file_name(scene.name)}-{seed}"
    attempts = 0
    while True:
        attempts += 1
        result = _checked(suite, scene, seed, target, folder)
        if attempts == _ATTEMPTS or not _untimely(result):
            break
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
    result = replace(result, took_s=time.perf_counter() - began, attempts=attempts)
    rubric = suite.rubric(scene)
    if rubric and not result.error:
        result = replace(result, judgements=judged(suite.judge, rubric, result.record, seed))
    return result if folder is None else replace(result, recording=_kept(folder, passed=result.passed))


def _untimely(result: CallResult) -> bool:
    """Whether nothing but time was against it, on a machine that was late itself."""
    unmet = [verdict for verdict in result.verdicts if not verdict.met]
    return bool(unmet) and all(verdict.timed for verdict in unmet) and result.record.late_s > LATE_S


def _checked(suite: Suite, scene: Scene, seed: int, target: Target, folder: Path | None) -> CallResult:
    try:
        record = _held(suite, scene, seed, target, folder)
    except ConfigError:
        raise
    except AssertionError as error:  # of virtual time, or of a program that cannot be called
        return CallResult(scene.name, seed, error=str(error) if target.command else f"the call hangs: {error}")
    except Exception as error:  # somebody else's agent: whatever it raises is what came of the call
        told = (
            str(error)
            if isinstance(error, GeminiRealtimeError)
            else f"the agent raised {error!r} at {raised_at(error)}"
        )
        return CallResult(scene.name, seed, error=told)
    verdicts = [*implied(record, scene.expect), *(expectation.check(record) for expectation in scene.expect)]
    speechless = f"the caller had no words any more: {record.speechless}" if record.speechless else ""
    return CallResult(scene.name, seed, verdicts, record, error=speechless)


def _kept(folder: Path, *, passed: bool) -> str:
    """Keep the recording of a call that failed, with a page; returns where that is."""
    recordings = sorted(folder.glob("*/recording.json"))
    if passed or not recordings:
        shutil.rmtree(folder, ignore_errors=True)
        return ""
    try:
        from gemini_realtime.inspection.page import Inspected, write_page

        page = folder / "inspection.html"
        write_page([Inspected(recordings[-1].parent)], page)
    except (GeminiRealtimeError, OSError):  # without numpy, say: the recording is there all the same
        return str(recordings[-1].parent)
    return str(page)


def _file_name(scene: str) -> str:
    return re.sub(r"[^\w-]+", "-", scene).strip("-") or "scene"


def agent_named(name: str, *folders: Path) -> MakeAgent:
    """What `module:function` stands for; modules are looked for in these folders, then where Python looks.

    Raises:
        ConfigError: there is no such module or function.
    """
    found = object_named(name, *folders)
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


def _held(suite: Suite, scene: Scene, seed: int, target: Target, folder: Path | None) -> CallRecord:
    if target.command:
        return asyncio.run(_program_call(suite, scene, seed, target.command, folder))
    if target.url:
        return asyncio.run(_socket_call(scene, seed, target.url))
    call = _agent_call(suite, scene, seed, target, folder)
    return asyncio.run(call) if target.sound else run_in_virtual_time(call, limit_s=_LIMIT_S)


async def _agent_call(suite: Suite, scene: Scene, seed: int, target: Target, folder: Path | None) -> CallRecord:
    assert target.make_agent is not None, "there is an agent or a program"
    if target.sound:
        await load_voice(scene.caller)
    else:
        _check_quiet(scene, "play the scene with --sound")
    voice = partial(aloud, scene.caller) if target.sound else partial(_spelled, scene.caller.speed)
    log, resumptions = ConversationLog(), _Resumptions()
    handset = AgentHandset(voice, log, await microphone_of(scene.caller, _random(scene, seed, ":room")))
    async with _service(suite, scene, seed, sound=target.sound) as service:
        made = target.make_agent(service.llm_config)
        agent = await made if inspect.isawaitable(made) else made
        if not isinstance(agent, RealtimeAgent):
            raise ConfigError(
                f"the function that makes the agent returned {kind_of(agent)}", remedy="return a RealtimeAgent from it"
            )
        if folder is not None:
            cast("GeminiRealtimeClient", agent.realtime_client).record(folder)
        for observer in (log, handset, resumptions):
            agent.register_observer(observer)
        work = SimulatedCaller(scene.caller, handset, _random(scene, seed), service.misbehave)
        async with agent.running():
            await _unless_over(work.call(), log.over)
    return _record(scene.caller, log, handset, work.complaints, resumptions.new_sessions)


async def _program_call(
    suite: Suite, scene: Scene, seed: int, command: Sequence[str], folder: Path | None
) -> CallRecord:
    _check_quiet(scene, "call an agent with --sound, or an address")
    options = {**_options(suite, scene, seed), "record_to": folder}
    server = LiveServer(**options, tls=True, hearing=SpelledHearing(), speaking=SpelledSpeaking(), warm_up=False)
    async with server:
        program = Program(command, {**os.environ, **server.environment()}, suite.folder)
        handset = ProgramHandset(server, program, speed=scene.caller.speed)
        work = SimulatedCaller(scene.caller, handset, _random(scene, seed), handset.call.fault)
        async with handset.listening():
            await program.start()
            ending = asyncio.create_task(_over_with(program, handset.log))
            try:
                await handset.call.connected()
                await _unless_over(work.call(), handset.log.over)
                failed_with = program.ending if program.exit_code else ""
            finally:
                await program.end()
                ending.cancel()
    record = _record(scene.caller, handset.log, handset, work.complaints, new_sessions=0)
    return replace(record, failed_with=failed_with)


async def _socket_call(scene: Scene, seed: int, url: str) -> CallRecord:
    encoding, address = encoding_and_address(url)
    for fault in scene.faults:
        _no_faults(fault)
    hearing = DefaultHearing()
    handset = SocketHandset(
        partial(aloud, scene.caller),
        encoding,
        partial(hearing.transcribe, phrases=None),
        await microphone_of(scene.caller, _random(scene, seed, ":room")),
    )
    work = SimulatedCaller(scene.caller, handset, _random(scene, seed), _no_faults)
    try:
        await asyncio.gather(hearing.start(), load_voice(scene.caller))
        async with handset.connected(address):
            await _unless_over(work.call(), handset.over)
    finally:
        await hearing.close()
    return CallRecord(
        turns=sorted(handset.turns, key=lambda turn: turn.at_s),
        lasted_s=handset.now() - handset.began_s,
        **_of_caller(scene.caller, handset, work.complaints),
    )


async def _over_with(program: Program, log: ConversationLog) -> None:
    """A program that ends has hung up."""
    await program.ended()
    await log.on_close()


def _check_quiet(scene: Scene, remedy: str) -> None:
    """Refuse a caller who is heard as words that are spelled cannot be."""
    if scene.caller.needs_sound:
        raise ConfigError(
            f"the caller of {scene.name!r} is heard by telephone or among other sounds, which takes real speech",
            remedy=remedy,
        )


def _random(scene: Scene, seed: int, what_for: str = "") -> Random:
    return Random(f"{scene.name}:{seed}{what_for}")


async def _unless_over(calling: Any, ended: asyncio.Event) -> None:
    """Call until all is said, or the agent has ended the conversation."""
    call, over = asyncio.ensure_future(calling), asyncio.ensure_future(ended.wait())
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
        for fault in scene.faults:
            _no_faults(fault)
        yield _Service({"config_list": [{"model": "gemini-3.8-live", "api_type": "google"}]}, _no_faults)
        return
    options = _options(suite, scene, seed)
    if sound:
        hearing, speaking = DefaultHearing(), DefaultSpeaking()
        # Before the call: what the first answer would wait for is none of the agent's time.
        await asyncio.gather(hearing.start(), speaking.start(), asyncio.to_thread(load_detection))
        async with LiveServer(**options, hearing=hearing, speaking=speaking, warm_up=False) as server:
            yield _Service(server.llm_config(), server.misbehave)
        return
    if isinstance(options["responder"], str) and options["responder"].startswith("chat"):
        options["responder"] = _Aside(options["responder"])
    in_memory = InMemoryServer(**options)
    # Without chance in the pauses between attempts, a call takes the same course each time.
    yield _Service(in_memory.llm_config(reconnect={"jitter": lambda: 1.0}), in_memory.misbehave)


def _options(suite: Suite, scene: Scene, seed: int) -> dict[str, Any]:
    """Of the embedded server."""
    model = scene.model or suite.model
    responder = beside(model, suite.folder) if isinstance(model, str) else model
    return {"responder": responder, "faults": scene.faults, "seed": seed}


def beside(model: str, folder: Path) -> str:
    """What plays Gemini, with the file of a script or a recording looked for in a folder."""
    kind, _, file = model.partition(":")
    return f"{kind}:{folder / file}" if file and kind in ("script", "replay") else model


class _Aside(Responder):
    """A chat model that thinks in a thread, with a loop of its own: virtual time does not wait for sockets."""

    def __init__(self, name: str) -> None:
        self._name = name

    async def respond(self, request: Request) -> AsyncIterator[Item]:
        """Give the whole reply at once."""
        for item in await asyncio.to_thread(asyncio.run, self._whole(request)):
            yield item

    def grammar(self, tools: Sequence[dict[str, Any]]) -> None:
        """Anything may be said."""

    async def _whole(self, request: Request) -> list[Item]:
        responder = cast("Chat", responder_named(self._name))
        try:
            return [item async for item in responder.respond(request)]
        finally:
            await responder.close()


def _no_faults(fault: str) -> None:
    raise ConfigError(
        f"faults such as {fault!r} come from the embedded server, which this agent does not talk to",
        remedy="leave them out, or call the agent in this process on another model than Gemini",
    )


async def _spelled(speed: float, words: str) -> bytes:
    return spell(words, speed=speed)


def _record(
    caller: Caller, log: ConversationLog, handset: Handset, complaints: Complaints, new_sessions: int
) -> CallRecord:
    uses = [use for turn in log.turns for use in turn.tools]
    lines = [
        TurnRecord(
            "caller" if turn.role == "user" else "agent",
            turn.said.strip() if turn.heard is None else turn.heard,
            turn.begin_ms / 1000,
            turn.interrupted,
        )
        for turn in log.turns
        if turn.said
    ]
    return CallRecord(
        turns=lines,
        tools=[
            ToolRecord(use.name, use.arguments, use.result, None if use.duration_ms is None else use.duration_ms / 1000)
            for use in uses
        ],
        resumed=log.resumed,
        new_sessions=new_sessions,
        cost_usd=log.cost_usd,
        lasted_s=max((turn.end_ms for turn in log.turns), default=0.0) / 1000,
        **_of_caller(caller, handset, complaints),
    )


def _of_caller(caller: Caller, handset: Handset, complaints: Complaints) -> dict[str, Any]:
    """What the caller can tell of the call."""
    others = {} if caller.is_alone else {"cut_short": handset.cut_short, "answered_others": handset.answered_others}
    return {
        "answered_after_s": [answer.after_s for answer in handset.answers if answer.after_s is not None],
        "stopped_after_s": handset.stopped_s,
        "talked_over": handset.talked_over,
        "late_s": handset.late_s,
        **others,
        **asdict(complaints),
    }
