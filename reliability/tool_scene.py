"""One conversation in which a model calls functions that pay: what was paid, and which calls were left unanswered.

The service is that of `reliability.service`, with a model that orders one thing or many for each question. Each
question is one wish of the user's: what it orders may be paid once.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any
from unittest.mock import patch

from gemini_realtime import (
    CallContext,
    GeminiRealtimeClient,
    GeminiRealtimeError,
    RealtimeAgent,
    RealtimeEvent,
    RealtimeObserver,
    SendTimeout,
    TurnComplete,
)
from gemini_realtime.testing import VirtualTimeLoop
from gemini_realtime.transport.faults import Fault, faulty
from reliability.network import Line, Network
from reliability.service import Connection, Service
from reliability.sessions import Answer, Branch

MODELS = ("gemini-3.8-live", "gemini-3.1-flash-live-preview", "gemini-2.5-flash-native-audio-preview-12-2025")
ANSWER_WITHIN_S = 240.0
LIMIT_S = 6000.0

IN_THE_BACKGROUND_S = 15.0
"""What runs in the background has paid by then."""


@dataclass
class ToolVerdict:
    """What came of a conversation.

    Attributes:
        calls: that reached the agent, repetitions included.
        paid: how often something was paid.
        doubled: payments beyond one for each wish.
        missing: wishes that nothing stood in the way of, and that were not paid.
        unanswered: calls that the service still waits for at the end, and questions without an answer.
        other: what else is wrong.
    """

    calls: int = 0
    paid: int = 0
    doubled: int = 0
    missing: int = 0
    unanswered: int = 0
    other: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether there is nothing to be said against it."""
        return not (self.doubled or self.missing or self.unanswered or self.other)


class Till:
    """Where the functions pay, and how they do it.

    Attributes:
        paid: how often, by item; a payment under an idempotency key that was used before is none.
        wished: the wishes for which the model has called, by item.
        takes_s: before and after the payment.
    """

    def __init__(self, random: Random) -> None:
        self.random = random
        self.paid: Counter[str] = Counter()
        self.wished: dict[str, set[str]] = {}
        self._keys: set[str] = set()
        self.takes_s = (0.1, 3.0)

    def pay(self, item: str, key: str = "") -> None:
        """What must not happen twice."""
        if not key or key not in self._keys:
            self._keys.add(key)
            self.paid[item] += 1

    async def wait(self) -> None:
        """Work that takes time."""
        await asyncio.sleep(self.random.uniform(*self.takes_s))


@dataclass
class Model:
    """How the model of the service calls.

    Attributes:
        name: of the function.
        count: calls for one question.
        times: how often the same call is said.
        both_forms: whether it comes among the parts of `modelTurn` as well.
        same_ids: whether a question that is asked again leads to calls of the same ids.
        arguments: of a call for an item.
        called: is told that calls have been made.
    """

    name: str = "pay"
    count: int = 1
    times: int = 1
    both_forms: bool = False
    same_ids: bool = False
    arguments: Callable[[str], dict[str, Any]] = lambda item: {"item": item}
    called: Callable[[CallingConnection], object] = lambda connection: None
    answered: Callable[[CallingConnection], object] = lambda connection: None


class CallingService(Service):
    """A service whose model calls `pay`."""

    def __init__(self, random: Random, model: Model, till: Till, note: Callable[[str], None]) -> None:
        super().__init__(random, chunk_ms=40, note=note)
        self.model = model
        self.till = till
        self.ids: dict[str, str] = {}

    def accept(self, line: Line) -> Connection:
        """A client connects."""
        return CallingConnection(self, line)


class CallingConnection(Connection):
    """One connection to it."""

    service: CallingService

    def _call(self, branch: Branch, answer: Answer, ask: str) -> None:
        self._turn = None
        branch.answers.remove(answer)
        wanted = [key for key in (*answer.inherited, *answer.covers) if key.endswith("call")]
        calls = [
            self._made(branch, f"{wish} {index}") for wish in dict.fromkeys(wanted) for index in range(self._count)
        ]
        self.service.note(f"calls {[call['id'] for call in calls]} for {wanted}")
        message = {"toolCall": {"functionCalls": calls}}
        if self.service.model.both_forms:
            parts = [{"functionCall": call} for call in calls]
            self.say({"serverContent": {"modelTurn": {"parts": parts}}})
        for _ in range(self.service.model.times):
            self.say(message)
        self.service.model.called(self)

    @property
    def _count(self) -> int:
        return self.service.model.count

    def _made(self, branch: Branch, wish: str) -> dict[str, Any]:
        service, item = self.service, wish.split(maxsplit=2)[2].replace(" call", "")
        service.till.wished.setdefault(item, set()).add(wish)
        call_id = service.ids.get(wish) if service.model.same_ids else None
        call_id = service.ids[wish] = call_id or service.new_call()
        self._calls[call_id] = wish
        branch.called_for[call_id] = wish.rpartition(" ")[0]
        service.made_calls.setdefault(branch.session, set()).add(call_id)
        return {"id": call_id, "name": service.model.name, "args": service.model.arguments(item)}

    def _toolResponse(self, response: dict[str, Any]) -> None:
        results = response["functionResponses"]
        last = [result for result in results if not result.get("willContinue")]
        if last:
            self.service.model.answered(self)
            super()._toolResponse({"functionResponses": last})

    def take_back(self) -> None:
        """Cancel what is open, and answer without it."""
        self._do_without()

    @property
    def waits_for_results(self) -> int:
        """Calls that are open."""
        return len(self._calls)


class Asking(RealtimeObserver):
    """Sees answers come to their end."""

    def __init__(self) -> None:
        super().__init__()
        self.answered = asyncio.Event()
        self.over = asyncio.Event()

    async def initialize_session(self) -> None: ...

    async def run_loop(self) -> None: ...

    async def on_close(self) -> None:
        self.over.set()

    async def on_event(self, event: RealtimeEvent) -> None:
        if isinstance(event, TurnComplete) and event.reason is None and not event.interrupted:
            self.answered.set()


@dataclass
class ToolScene:
    """Where a fault is arranged.

    Attributes:
        random: for the fault.
        till: where the functions pay.
        model: how the model calls.
        service: may be told to misbehave.
        network: between the two.
        agent: whose functions are called.
        options: of the function.
        function: in place of the one that pays.
        may_miss: whether wishes may go unpaid.
        ends: whether the conversation may end early.
        interrupts: whether the user speaks before there is an answer.
    """

    random: Random
    till: Till
    model: Model
    service: CallingService
    network: Network
    agent: RealtimeAgent
    faults: list[Fault] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)
    function: Callable[..., Any] | None = None
    may_miss: bool = False
    ends: bool = False
    interrupts: bool = False
    strikes: int = 2
    model_silent: int = 0

    def cut(self) -> None:
        """Break what is connected."""
        for line in list(self.network.lines):
            line.cut()

    def struck(self) -> bool:
        """Whether the fault is due this time: now and then, and not for ever."""
        if self.strikes and self.random.random() < 0.5:
            self.strikes -= 1
            return True
        return False

    def later(self, delay_s: tuple[float, float], action: Callable[[], object]) -> None:
        """Do something in a while."""
        asyncio.get_running_loop().call_later(self.random.uniform(*delay_s), action)


Arrange = Callable[[ToolScene], object]


def hold(name: str, arrange: Arrange, seed: int, timeline: list[str] | None = None) -> ToolVerdict:
    """Hold one conversation."""
    try:
        with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(LIMIT_S)) as runner:
            return runner.run(_held(name, arrange, seed, timeline))
    except (AssertionError, asyncio.CancelledError) as error:
        return ToolVerdict(other=[f"the loop stopped: {error.__context__ or error}"])


async def _held(name: str, arrange: Arrange, seed: int, timeline: list[str] | None) -> ToolVerdict:
    def note(text: str) -> None:
        if timeline is not None:
            timeline.append(f"{asyncio.get_running_loop().time():9.3f}  {text}")

    random = Random(f"{name} {seed}")
    till, model = Till(Random(random.random())), Model()
    service = CallingService(Random(random.random()), model, till, note)
    network, faults = Network(service.accept, Random(random.random())), list[Fault]()
    entry = {"model": random.choice(MODELS), "api_key": "k", "reconnect": {"jitter": random.random}}
    client = GeminiRealtimeClient(
        llm_config={"config_list": [entry]}, dial=faulty(network.dial, faults, random=Random(random.random()).random)
    )
    service.manner.lost_calls_block = "3.8" in str(entry["model"])
    service.manner.eager_handles = random.random() < 0.3
    asking = Asking()
    agent = RealtimeAgent(name="till", client=client, llm_config={"config_list": [entry]}, observers=[asking])
    scene = ToolScene(Random(random.random()), till, model, service, network, agent, faults)
    arrange(scene)
    agent.register_realtime_function(name="pay", description="Pay", **scene.options)(scene.function or paying(till))
    before = asyncio.all_tasks()
    verdict = ToolVerdict()

    async def in_thread(call: Callable[[], Any]) -> Any:
        """A thread cannot be seen in virtual time: it takes its time, and nobody can stop it."""

        async def work() -> Any:
            await till.wait()
            return call()

        working = asyncio.create_task(work(), name="thread")
        return await asyncio.shield(working)

    with patch("gemini_realtime.agent.tools.in_thread", in_thread):
        try:
            async with agent.running():
                talking = asyncio.create_task(_converse(scene, asking, Random(random.random()), note))
                over = asyncio.create_task(asking.over.wait())
                await asyncio.wait([talking, over], return_when=asyncio.FIRST_COMPLETED)
                over.cancel()
                present = service.present
                if talking.done():
                    talking.result()
                elif not scene.ends:
                    verdict.other.append("it ended before its time")
                if isinstance(present, CallingConnection) and talking.done():
                    verdict.unanswered += present.waits_for_results
                talking.cancel()
        except GeminiRealtimeError as error:
            if not scene.ends:
                verdict.other.append(f"it ended: {error}")
        await asyncio.sleep(30)
    verdict.other += [f"a task is left: {task.get_name()}" for task in asyncio.all_tasks() - before]
    verdict.other += dict.fromkeys(service.violations)
    verdict.calls, verdict.paid = service._calls, till.paid.total()
    for item in till.wished.keys() | till.paid:
        more = till.paid[item] - len(till.wished.get(item, ()))
        verdict.doubled += max(0, more)
        verdict.missing += max(0, -more) if not scene.may_miss else 0
    verdict.unanswered += scene.model_silent
    return verdict


async def _converse(scene: ToolScene, asking: Asking, random: Random, note: Callable[[str], None]) -> None:
    """Wish for things, now and then for the same again, and wait for each answer."""
    client = scene.agent.realtime_client
    for number in range(6):
        item = f"item-{random.randint(1, 3)}"
        asking.answered.clear()
        note(f"asks for {item}")
        await _send(client, f"ask {number} {item} call")
        if scene.interrupts and random.random() < 0.5:
            await asyncio.sleep(random.uniform(0.5, 4.0))
            await _send(client, f"ask {number} never mind")
        try:
            await asyncio.wait_for(asking.answered.wait(), ANSWER_WITHIN_S)
        except TimeoutError:
            note("no answer")
            scene.model_silent += 1
        await asyncio.sleep(random.uniform(0.1, 3.0))
    await asyncio.sleep(IN_THE_BACKGROUND_S)


async def _send(client: Any, words: str) -> None:
    """Say it, however long the network is stalled."""
    while True:
        try:
            await client.send_text(role="user", text=words)
        except SendTimeout:
            continue
        return


def paying(till: Till) -> Callable[..., Any]:
    """A function that takes its time before it pays, and after."""

    async def pay(item: str, context: CallContext) -> str:
        await till.wait()
        till.pay(item, context.idempotency_key)
        await till.wait()
        return f"paid {item}"

    return pay
