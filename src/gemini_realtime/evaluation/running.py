"""All calls of a suite, over the cores of this machine."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain, islice
from multiprocessing import active_children, get_context, parent_process
from pathlib import Path
from typing import Final

from gemini_realtime.checking import check_number, spelling_remedy
from gemini_realtime.errors import ConfigError
from gemini_realtime.evaluation.calls import GEMINI, Target, agent_named, play
from gemini_realtime.evaluation.expectations import Calls, CallsOnly, Costs, Resumes, Understands
from gemini_realtime.evaluation.record import CallResult
from gemini_realtime.evaluation.scenes import Goal, Judge, Misbehaves, Persona, Scene, Suite
from gemini_realtime.local.choices import responder_named
from gemini_realtime.local.responders.chat_endpoint import ChatEndpoint

_ENDING: Final = (signal.SIGINT, signal.SIGTERM)
_AHEAD: Final = 4  # calls that wait for each worker, so that none is idle

Call = tuple[Scene, int]
"""A scene, and the seed with which it is played."""


@dataclass(frozen=True)
class Plan:
    """What is to be run.

    Attributes:
        suite: whose scenes.
        agent: `module:function`, in place of the suite's.
        command: a program that is called instead of an agent, in real time.
        url: of an agent that is called over a WebSocket instead, see `Target`.
        only: names of scenes; all of them when empty.
        repeat: how many calls of each scene, with seeds that follow each other.
        sound: with real speech, in real time.
        workers: processes; 0 for one per core.
        record: where calls that were not as expected are kept as recordings.
        ray: address of a Ray cluster that does the work instead.
        folder: where the agent's module is looked for, beside the folder of the suite.
    """

    suite: Suite
    agent: str = ""
    command: Sequence[str] = ()
    url: str = ""
    only: Sequence[str] = ()
    repeat: int = 1
    sound: bool = False
    workers: int = 0
    record: Path | None = None
    ray: str = ""
    folder: Path = field(default_factory=Path.cwd)

    def __post_init__(self) -> None:
        check_number("repeat", self.repeat, 1, 1_000_000, whole=True)
        check_number("workers", self.workers, 0, 1024, whole=True)
        names = [scene.name for scene in self.suite.scenes]
        for name in self.only:
            if name not in names:
                raise ConfigError(f"there is no scene {name!r}", remedy=spelling_remedy(name, names))
        if not (self.agent or self.suite.agent or self.command or self.url):
            raise ConfigError(
                "there is no agent to call", remedy="name it in the suite, with --agent or --url, or a program"
            )

    @property
    def scenes(self) -> list[Scene]:
        """Those of the suite that are called."""
        return [scene for scene in self.suite.scenes if not self.only or scene.name in self.only]

    @property
    def calls(self) -> Iterator[Call]:
        """The calls: scene and seed."""
        return ((scene, self.suite.seed + number) for scene in self.scenes for number in range(self.repeat))

    def __len__(self) -> int:
        """How many calls that are."""
        return len(self.scenes) * self.repeat

    def includes(self, result: CallResult) -> bool:
        """Whether this is the result of one of the calls."""
        names = (scene.name for scene in self.scenes)
        return 0 <= result.seed - self.suite.seed < self.repeat and result.scene in names

    def check(self) -> None:
        """Find out what cannot be, before there are calls.

        Raises:
            MissingDependencyError: a chat endpoint is to be asked, and the extra [chat] is not installed.
            ConfigError: there is no such endpoint or model, or something is to go wrong, or expected,
                where it cannot be made to or seen.
        """
        for scene in self.scenes:
            model = scene.model or self.suite.model
            if self.url:
                _check_heard(scene)
            if self.url or model == GEMINI:
                _check_faultless(scene, "over a WebSocket" if self.url else "of the real service")
            elif isinstance(model, str) and model.partition(":")[0] == "chat":
                responder_named(model)
            if isinstance(scene.caller.does, Persona):
                ChatEndpoint(scene.caller.does.model, base_url=scene.caller.does.url)
            if self.suite.rubric(scene):
                ChatEndpoint(self.suite.judge.model, base_url=self.suite.judge.url)

    def target(self) -> Target:
        """What is called, for the process that asks, which is ready to call it then.

        Raises:
            ConfigError: there is no such agent, or as `check`.
        """
        self.check()  # in each process: it imports what would hold up a call
        if self.command or self.url:
            return Target(command=self.command, url=self.url, record=self.record)
        return Target(
            agent_named(self.agent or self.suite.agent, self.suite.folder, self.folder), self.sound, record=self.record
        )


def _check_heard(scene: Scene) -> None:
    """Of an agent at an address nothing is known but its sound: not what it calls, understands, costs and resumes."""
    for expectation in scene.expect:
        if isinstance(expectation, Calls | CallsOnly | Understands | Resumes | Costs):
            raise ConfigError(
                f"{scene.name!r} expects what cannot be heard over a WebSocket: {expectation}",
                remedy="call the agent itself with --agent or a command, or name the other scenes with --scene",
            )


def _check_faultless(scene: Scene, where: str) -> None:
    steps = () if isinstance(scene.caller.does, Goal | Persona) else scene.caller.does
    if scene.faults or any(isinstance(step, Misbehaves) for step in steps):
        raise ConfigError(
            f"the faults of {scene.name!r} cannot be made to happen {where}",
            remedy="play the scene on the embedded server, or name the other scenes with --scene",
        )


def run(plan: Plan, *, known: Collection[tuple[str, int]] = ()) -> Iterator[CallResult]:
    """Hold the calls of a plan; results come as they are there, in no order.

    Args:
        plan: what is to be run.
        known: calls that need not be held, by the name of the scene and the seed.

    Raises:
        ConfigError: the suite or the agent cannot be used.
    """
    calls = ((scene, seed) for scene, seed in plan.calls if (scene.name, seed) not in known)
    return _held(plan, calls, len(plan) - len(known))


def run_again(plan: Plan, failed: Iterable[CallResult], times: int) -> Iterator[CallResult]:
    """Hold failed calls again, each so many times with the seed that it had.

    Recordings and judgements are those of the first time.

    Raises:
        ConfigError: the suite or the agent cannot be used.
    """
    scenes = [replace(scene, rubric=()) for scene in plan.scenes]
    by_name = {scene.name: scene for scene in scenes}
    calls = [(by_name[result.scene], result.seed) for result in failed for _ in range(times)]
    plan = replace(plan, suite=replace(plan.suite, scenes=scenes, judge=Judge()), record=None)
    return _held(plan, iter(calls), len(calls))


def _held(plan: Plan, calls: Iterator[Call], count: int) -> Iterator[CallResult]:
    target = plan.target()  # what cannot be used is said here, and not by each process
    workers = min(plan.workers or _cores(), count)
    if plan.ray:
        from gemini_realtime.evaluation.cluster import run_on_ray

        yield from run_on_ray(plan, plan.ray, calls)
    elif workers > 1:
        yield from _over_processes(plan, calls, workers)
    else:
        yield from (play(plan.suite, scene, seed, target) for scene, seed in calls)


def _over_processes(plan: Plan, calls: Iterator[Call], workers: int) -> Iterator[CallResult]:
    """A process that dies takes the calls under way along: each is tried once more, in a process of its own."""
    suspects: list[Call] = []
    while (call := next(calls, None)) is not None:
        with call_workers(workers, _prepare, plan) as pool:
            yield from _until_broken(pool, chain([call], calls), workers * _AHEAD, suspects)
    for call in suspects:
        with call_workers(1, _prepare, plan) as pool:
            try:
                yield pool.submit(held_by_worker, _play, *call).result()
            except BrokenProcessPool:
                scene, seed = call
                yield CallResult(scene.name, seed, error="the agent ended its process")


def _until_broken(
    pool: ProcessPoolExecutor, calls: Iterator[Call], room: int, suspects: list[Call]
) -> Iterator[CallResult]:
    """Hold calls until there are no more, or a process dies; what was under way then is added to the suspects."""
    under_way: dict[Future[CallResult], Call] = {}
    try:
        while True:
            for call in islice(calls, room - len(under_way)):
                suspects.append(call)  # unless it can be submitted
                under_way[pool.submit(held_by_worker, _play, *call)] = suspects.pop()
            if not under_way:
                return
            done, _ = wait(under_way, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
                del under_way[future]
    except BrokenProcessPool:
        suspects += under_way.values()


@contextmanager
def call_workers(workers: int, prepare: Callable[..., None], *given: object) -> Iterator[ProcessPoolExecutor]:
    """Processes that hold calls; whoever leaves before they are done ends the calls, and the programs under test.

    Args:
        workers: how many.
        prepare: is called with `given` in each process before its first call.
        given: can be pickled.
    """
    others = set(active_children())
    # Not forked: a fork has the locks and threads of its parent, and the agent may have any.
    pool = ProcessPoolExecutor(workers, get_context("spawn"), initializer=partial(_begin, prepare, *given))
    try:
        yield pool
    except BaseException:
        for worker in set(active_children()) - others:
            worker.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(prepare: Callable[..., None], *given: object) -> None:
    for number in _ENDING:
        signal.signal(number, _end)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    prepare(*given)


def _end_with_parent() -> None:
    """Who is killed cannot end its workers."""
    parent = parent_process()
    assert parent is not None, "it is a worker"
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)


def _end(number: int, _: object) -> None:
    """The first signal ends the call under way; another may not keep it from ending its program."""
    for each in _ENDING:
        signal.signal(each, lambda *_: None)  # not SIG_IGN: Python prints a traceback of one that is there already
    logging.disable()  # what is cut off in the agent complains, which is no news
    sys.exit(128 + number)


def held_by_worker(hold: Callable[..., CallResult], *given: object) -> CallResult:
    """Hold a call in a process of `call_workers`, which ends when it is told to."""
    try:
        return hold(*given)
    except SystemExit as ending:  # the executor would send it to the parent as a result, and hold the next call
        os._exit(ending.code if isinstance(ending.code, int) else 1)


_prepared: list[tuple[Plan, Target]] = []
"""What this worker was made for."""


def _prepare(plan: Plan) -> None:
    _prepared[:] = [(plan, plan.target())]


def _play(scene: Scene, seed: int) -> CallResult:
    plan, target = _prepared[0]
    return play(plan.suite, scene, seed, target)


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        return os.cpu_count() or 1
