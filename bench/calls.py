"""How many five-minute calls an evaluation holds in virtual time, and what memory that takes.

python -m bench.calls                  1,000 calls over the cores of this machine
python -m bench.calls --ray 2          the same over a Ray cluster of so many nodes with a core each, and over one node
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from typing import Any, Final

from gemini_realtime import RealtimeAgent
from gemini_realtime.evaluation import Caller, CallsOnly, Misbehaves, Plan, Says, Scene, Step, Suite, run
from gemini_realtime.local.speech.numbers import to_words

PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
TABLES: Final = 3


def host(llm_config: dict[str, Any]) -> RealtimeAgent:
    """The agent that is called."""
    agent = RealtimeAgent(name="host", system_message="You take bookings.", llm_config=llm_config)

    @agent.register_realtime_function()
    async def book_table(guests: int, hour: int) -> str:
        """Book a table."""
        return f"A table for {guests} at {hour} is booked."

    return agent


def five_minutes() -> Scene:
    """A call of some three dozen turns, over two connections."""
    sums = [Says(f"What is {to_words(one)} plus {to_words(other)}?") for one in range(2, 8) for other in range(2, 7)]
    tables = [Says(f"Book a table for {to_words(guests)} guests at eight.") for guests in range(2, 2 + TABLES)]
    steps: list[Step] = [
        *sums[:15],
        *tables,
        Misbehaves("cut"),
        *sums[15:],
        Says("Tell me a long story."),
        Says("Count to three."),
    ]
    return Scene("five minutes", Caller(steps), [CallsOnly(["book_table"] * TABLES)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--ray", type=int, default=0, metavar="NODES", help="over a Ray cluster of so many nodes")
    options = parser.parse_args()
    suite = Suite("calls", [five_minutes()], agent="bench.calls:host")
    if not options.ray:
        measure(Plan(suite, repeat=options.calls))
        return
    for nodes in (1, options.ray):
        with_ray(suite, options.calls, nodes)


def measure(plan: Plan) -> None:
    """Run, and say every tenth of the way how it goes."""
    began, passed, lasted_s, done = time.perf_counter(), 0, 0.0, 0
    for done, result in enumerate(run(plan), 1):
        passed += result.passed
        lasted_s += result.record.lasted_s
        if done % max(1, plan.repeat // 10) == 0:
            took_s = time.perf_counter() - began
            print(f"{done} calls, {passed} passed, {took_s:.1f} s, {_memory_mb():.0f} MB in all processes", flush=True)
    took_s = time.perf_counter() - began
    print(
        f"{lasted_s / done:.0f} s a call, {done / took_s:.2f} calls a second, {lasted_s / took_s:.0f} times real time"
    )


def with_ray(suite: Suite, calls: int, nodes: int) -> None:
    """Run over a cluster on this machine."""
    from ray.cluster_utils import Cluster

    cluster: Any = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    for _ in range(nodes - 1):
        cluster.add_node(num_cpus=1)
    print(f"{nodes} nodes")
    try:
        measure(Plan(suite, repeat=calls, ray=cluster.address))
    finally:
        cluster.shutdown()


def _memory_mb() -> float:
    """What this process and its children hold, shared pages counted once for each."""
    return sum(map(_resident_bytes, _family(os.getpid()))) / 1e6


def _family(pid: int) -> Iterator[int]:
    yield pid
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as children:
            for child in children.read().split():
                yield from _family(int(child))
    except OSError:
        return


def _resident_bytes(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/statm", encoding="ascii") as pages:
            return int(pages.read().split()[1]) * PAGE_BYTES
    except OSError:
        return 0


if __name__ == "__main__":
    main()
