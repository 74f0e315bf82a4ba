"""All calls of a suite, over the machines of a Ray cluster: https://docs.ray.io."""

from __future__ import annotations

import logging
import os
import socket
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final

from gemini_realtime.errors import ConfigError, GeminiRealtimeError, MissingDependencyError
from gemini_realtime.evaluation.calls import Target, play
from gemini_realtime.evaluation.passing_on import EndpointSettings
from gemini_realtime.evaluation.plan import Call, Plan
from gemini_realtime.evaluation.record import CallResult
from gemini_realtime.version import __version__

_BATCH: Final = 4  # calls that travel together: what Ray does for each task takes some milliseconds
_AHEAD: Final = 3  # batches that wait for each core
_TRIES: Final = 3  # of calls whose machine dies
_PATIENCE_S: Final = 10.0  # with a cluster that is far away
_START: Final = "start one with `ray start --head`, and name HOST:PORT as that says"

_ready: list[tuple[Plan, Target]] = []
"""What this worker was made ready for last."""


def run_on_ray(plan: Plan, address: str, calls: Iterator[Call]) -> Iterator[CallResult]:
    """Hold these calls of a plan; results come as they are there. What a machine that dies had under way is run again.

    Each machine has this package, the agent and the suite's files, at the same paths, and is told of the endpoints that
    the environment here names.

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
    _check_answers(address)
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.WARNING)
    except RuntimeError as error:  # of versions of Ray and Python
        raise ConfigError(
            f"the Ray cluster at {address} cannot be used: {error}", remedy="install here what is installed there"
        ) from None
    except (ConnectionError, ValueError) as error:
        raise ConfigError(f"there is no Ray cluster at {address}: {error}", remedy=_START) from None
    try:
        yield from _over(ray, plan, calls)
    finally:
        ray.shutdown()


def _check_answers(address: str) -> None:
    """Refuse an address at which nothing listens, for which Ray itself waits two minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        return  # a name, such as `auto`: Ray knows whether there is such a cluster
    try:
        socket.create_connection((host, int(port)), _PATIENCE_S).close()
    except (OSError, OverflowError) as error:
        raise ConfigError(f"there is no Ray cluster at {address}: {error}", remedy=_START) from None


def _over(ray: Any, plan: Plan, calls: Iterator[Call]) -> Iterator[CallResult]:
    held = ray.remote(run_batch).options(max_retries=_TRIES - 1, num_cpus=1)
    told, settings = ray.put(plan), EndpointSettings.needed_by(plan, os.environ)
    suspects: deque[Call] = deque()
    under_way: dict[Any, Sequence[Call]] = {}
    while True:
        room = _AHEAD * max(1, int(ray.cluster_resources().get("CPU", 1)))
        while len(under_way) < room and (batch := _batch(suspects, calls)):
            under_way[held.remote(told, settings, __version__, batch)] = batch
        if not under_way:
            return
        done, _ = ray.wait(list(under_way), num_returns=1)
        batch = under_way.pop(done[0])
        try:
            yield from ray.get(done[0])
        except ray.exceptions.RayTaskError as error:
            raise _said_by_machine(error) from None
        except ray.exceptions.RayError as error:
            if len(batch) > 1:
                suspects += batch
            else:
                ((scene, seed),) = batch
                yield CallResult(scene.name, seed, error=f"its machine died {_TRIES} times: {type(error).__name__}")


def _batch(suspects: deque[Call], calls: Iterator[Call]) -> Sequence[Call]:
    """The next calls that travel together. A suspect may take its process along, and travels alone."""
    return [suspects.popleft()] if suspects else list(islice(calls, _BATCH))


def run_batch(plan: Plan, settings: EndpointSettings, version: str, calls: Sequence[Call]) -> list[CallResult]:
    """What each machine is asked to do: hold these calls.

    Args:
        plan: whose calls.
        settings: of endpoints, where this machine has none.
        version: of this package where the plan was made.
        calls: which of them.

    Raises:
        ConfigError: it is another version here, or the agent cannot be used here.
    """
    if version != __version__:
        raise ConfigError(
            f"a machine of the cluster has gemini-realtime {__version__}, this one {version}",
            remedy="install the same version everywhere, or else the verdicts may differ",
        )
    if not _ready or _ready[0][0] != plan:
        settings.give_to(os.environ)
        _ready[:] = [(plan, _target(plan))]
    target = _ready[0][1]
    return [play(plan.suite, scene, seed, target) for scene, seed in calls]


def _target(plan: Plan) -> Target:
    try:
        return plan.target()
    except ConfigError as error:
        raise ConfigError(
            f"on {socket.gethostname()}, a machine of the cluster: {error.problem}", remedy=error.remedy
        ) from None


def _said_by_machine(error: Any) -> Exception:
    """Whatever an agent does is a result: what a batch raises, it raises since it cannot begin."""
    if isinstance(error.cause, GeminiRealtimeError):
        return error.cause
    told = str(error).strip().splitlines()[-1]
    return ConfigError(
        f"a machine of the cluster holds no calls: {told}",
        remedy="each machine needs this package, the agent and the suite's files, at the same paths",
    )
