"""All calls of a suite, over the machines of a Ray cluster: https://docs.ray.io."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final

from gemini_realtime.errors import ConfigError, MissingDependencyError
from gemini_realtime.evaluation.calls import Target, play
from gemini_realtime.evaluation.record import CallResult
from gemini_realtime.evaluation.running import Call, Plan

_BATCH: Final = 4  # calls that travel together: what Ray does for each task takes some milliseconds
_AHEAD: Final = 3  # batches that wait for each core
_TRIES: Final = 3  # of calls whose machine dies

_ready: list[tuple[Plan, Target]] = []
"""What this worker was made ready for last."""


def run_on_ray(plan: Plan, address: str, calls: Iterator[Call]) -> Iterator[CallResult]:
    """Hold these calls of a plan; results come as they are there. What a machine that dies had under way is run again.

    Each machine has this package, the agent and the suite's files, at the same paths.

    Args:
        plan: whose calls.
        address: of the cluster: `HOST:PORT`, or `auto` for the one that runs here.
        calls: which of them.

    Raises:
        MissingDependencyError: the extra `[ray]` is not installed.
        ConfigError: there is no such cluster.
    """
    try:
        import ray
    except ImportError as error:
        raise MissingDependencyError("calls on a Ray cluster", "ray") from error
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.WARNING)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise ConfigError(
            f"there is no Ray cluster at {address}: {error}", remedy="start one with `ray start --head`"
        ) from None
    try:
        yield from _over(ray, plan, calls)
    finally:
        ray.shutdown()


def _over(ray: Any, plan: Plan, calls: Iterator[Call]) -> Iterator[CallResult]:
    play_batch = ray.remote(_play_batch).options(max_retries=_TRIES - 1, num_cpus=1)
    told = ray.put(plan)
    suspects: deque[Call] = deque()
    under_way: dict[Any, Sequence[Call]] = {}
    while True:
        room = _AHEAD * max(1, int(ray.cluster_resources().get("CPU", 1)))
        while len(under_way) < room and (batch := _batch(suspects, calls)):
            under_way[play_batch.remote(told, batch)] = batch
        if not under_way:
            return
        done, _ = ray.wait(list(under_way), num_returns=1)
        batch = under_way.pop(done[0])
        try:
            yield from ray.get(done[0])
        except ray.exceptions.RayTaskError as error:
            raise error.cause if isinstance(error.cause, Exception) else error from None
        except ray.exceptions.RayError as error:
            if len(batch) > 1:
                suspects += batch
            else:
                ((scene, seed),) = batch
                yield CallResult(scene.name, seed, error=f"its machine died {_TRIES} times: {type(error).__name__}")


def _batch(suspects: deque[Call], calls: Iterator[Call]) -> Sequence[Call]:
    """The next calls that travel together. A suspect may take its process along, and travels alone."""
    return [suspects.popleft()] if suspects else list(islice(calls, _BATCH))


def _play_batch(plan: Plan, calls: Sequence[Call]) -> list[CallResult]:
    if not _ready or _ready[0][0] != plan:
        _ready[:] = [(plan, plan.target())]
    target = _ready[0][1]
    return [play(plan.suite, scene, seed, target) for scene, seed in calls]
