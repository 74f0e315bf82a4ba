"""One conversation with one kind of trouble: from a seed to a verdict."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from gemini_realtime import GeminiRealtimeClient, RealtimeEvent
from gemini_realtime.testing import VirtualTimeLoop
from gemini_realtime.transport.base import Dial
from gemini_realtime.transport.faults import Fault, faulty
from reliability.application import Application, Habits
from reliability.evidence import Record, Tap
from reliability.network import Line, Network
from reliability.oracle import Verdict, judge
from reliability.service import Connection, Manner, Service

KEY = "test-key-that-nobody-may-see"

LIMIT_S = 1200.0
"""A conversation that has not ended so long after it should have hangs."""

MODELS = ("gemini-3.8-live", "gemini-3.8-live", "gemini-3.8-live", "gemini-3.1-flash-live-preview")


UP_TO_DATE_MS = 3000
"""How far behind the microphone the service may be, when all is well."""


@dataclass
class Stage:
    """Where trouble is arranged, before the conversation and during it.

    Attributes:
        random: for the trouble.
        service: may be told to misbehave.
        faults: of the connections; may be changed at any time.
        moment_s: when trouble is due.
        habits: of the application.
        network: the true one.
        config: what else the client is configured with.
        options: of the session, beside instructions and tools.
    """

    random: Random
    service: Service
    network: Network
    habits: Habits
    moment_s: float
    faults: list[Fault] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def manner(self) -> Manner:
        """How the service behaves."""
        return self.service.manner

    def at(self, time_s: float, action: Callable[[], Any]) -> None:
        """Do something at a time of the conversation."""
        asyncio.get_running_loop().call_at(time_s, action)

    def then(self, action: Callable[[], Any]) -> None:
        """Do something when trouble is due."""
        self.at(self.moment_s, action)

    def connected(self, action: Callable[[Connection], Any]) -> None:
        """Do something to the present connection, as soon as there is one."""
        if self.service.present is not None:
            action(self.service.present)
        else:
            asyncio.get_running_loop().call_later(0.05, self.connected, action)

    def lines(self) -> list[Line]:
        """The connections that are open."""
        return list(self.network.lines)


Trouble = Callable[[Stage], Any]


@dataclass
class Case:
    """One conversation.

    Attributes:
        arrange: brings the trouble.
        seed: everything follows from it, and from the name.
        habits: of the application.
        may_end: whether the conversation may end with an error.
        wrap: put around what the client dials, for tests of the oracle.
        observe: gets each event.
        timeline: lines are added to it, if there is one.
    """

    arrange: Trouble
    seed: int
    name: str = ""
    habits: Habits = field(default_factory=Habits)
    may_end: bool = False
    config: dict[str, Any] = field(default_factory=dict)
    wrap: Callable[[Dial], Dial] = lambda dial: dial
    observe: Callable[[RealtimeEvent], None] = lambda event: None
    timeline: list[str] | None = None
    _now: Callable[[], float] = lambda: 0.0

    def run(self) -> Verdict:
        """Hold the conversation."""
        try:
            with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(self.limit_s + 1000)) as runner:
                return runner.run(self._held())
        except (AssertionError, asyncio.CancelledError) as error:
            # The loop itself has stopped; tasks that cannot be ended in an orderly way are let go.
            return Verdict(hung=True, wrong=[f"the loop stopped: {error.__context__ or error}"])

    @property
    def limit_s(self) -> float:
        """When it hangs."""
        return self.habits.duration_s * 1.5 + LIMIT_S

    async def _held(self) -> Verdict:
        self._now = asyncio.get_running_loop().time
        random = Random(f"{self.name} {self.seed}")
        record, tap = Record(), Tap(lambda text: self._note("client", text))
        service = Service(Random(random.random()), self.habits.chunk_ms, lambda text: self._note("service", text))
        network = Network(service.accept, Random(random.random()))
        model = random.choice(MODELS)
        habits = replace(self.habits, obedient=random.random() < 0.7)
        if "3.1" in model:  # takes turns only at the beginning
            habits = replace(habits, notes=False)
            service.manner.lost_calls_block = False
        moment_s = random.uniform(2.0, 0.8 * habits.duration_s)
        stage = Stage(Random(random.random()), service, network, habits, moment_s)
        self.arrange(stage)
        dial = self.wrap(tap.around(faulty(network.dial, stage.faults, random=Random(random.random()).random)))
        entry = {"model": model, "api_key": KEY, "setup_timeout_s": 8.0, "reconnect": {"jitter": random.random}}
        client = GeminiRealtimeClient(llm_config={"config_list": [{**entry, **self.config, **stage.config}]}, dial=dial)
        await client.session_update({"instructions": "context 0", "tools": [LOOK_UP], **stage.options})
        application = Application(
            client,
            stage.habits,
            Random(random.random()),
            record,
            settled=lambda: _settled(record, tap, service),
            note=lambda text: self._note("application", text),
            observe=self.observe,
        )
        before = asyncio.all_tasks()
        holding = asyncio.get_running_loop().create_task(self._hold(application, service, record, tap))
        done, _ = await asyncio.wait([holding], timeout=self.limit_s)
        if not done:
            return Verdict(hung=True, wrong=[f"after {self.limit_s:.0f} s: {_stack(holding)}"])
        verdict = holding.result()
        await asyncio.sleep(5.0)  # connections are closed in bounded time
        left = asyncio.all_tasks() - before
        verdict.wrong += [f"a task is left: {task.get_coro()!r:.120}" for task in left]
        if tap.open or network.lines:
            verdict.wrong.append(f"{max(tap.open, len(network.lines))} connections are left open")
        verdict.wrong += dict.fromkeys(service.violations)
        return verdict

    async def _hold(self, application: Application, service: Service, record: Record, tap: Tap) -> Verdict:
        verdict = Verdict()

        def conclude() -> None:
            nonlocal verdict
            verdict = judge(
                record,
                tap,
                service.branches,
                service.present.branch if service.present else None,
                chunk_ms=self.habits.chunk_ms,
                instructions=service.last_instructions,
                may_end=self.may_end,
            )

        try:
            await application.hold(conclude)
        except Exception as error:
            verdict.wrong.append("".join(traceback.format_exception(error)[-2:]).strip())
        return verdict

    def _note(self, who: str, text: str) -> None:
        if self.timeline is not None:
            self.timeline.append(f"{self._now():9.3f}  {who:<12}{text}")


LOOK_UP = {
    "type": "function",
    "name": "look_up",
    "description": "Find something.",
    "parameters": {"type": "object", "properties": {"ask": {"type": "string"}}},
}


def _settled(record: Record, tap: Tap, service: Service) -> bool:
    """Whether every question has an answer, the microphone is heard, and nobody is busy."""
    connection = service.present
    if connection is None or not connection.settled:
        return False
    answers = [answer for branch in service.branches for answer in branch.answers if answer.number in tap.complete]
    answered = {key for answer in answers for key in (*answer.covers, *answer.inherited)}
    asked = {sent.key for sent in record.sent if sent.kind == "ask" and sent.accepted}
    behind = len(record.utterances) - service.heard
    return asked <= answered and behind * service.chunk_ms < UP_TO_DATE_MS


def _stack(task: asyncio.Task[Any]) -> str:
    frames = task.get_stack(limit=3)
    return ", ".join(f"{frame.f_code.co_qualname} line {frame.f_lineno}" for frame in frames)
