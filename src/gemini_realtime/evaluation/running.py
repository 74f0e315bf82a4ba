"""All calls of a plan, over the cores of this machine or a cluster."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from itertools import chain, islice
from typing import Final

from gemini_realtime.evaluation.calls import Target, play
from gemini_realtime.evaluation.cluster import run_on_ray
from gemini_realtime.evaluation.plan import Call, Plan
from gemini_realtime.evaluation.record import CallResult
from gemini_realtime.evaluation.scenes import Judge, Scene
from gemini_realtime.evaluation.workers import call_workers, held_by_worker

_AHEAD: Final = 4  # calls that wait for each worker, so that none is idle


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
