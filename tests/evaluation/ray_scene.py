"""Calls over a Ray cluster of two nodes on this machine, of whose workers one dies in the middle. In a process of its
own: Ray leaves sockets and threads behind."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from gemini_realtime.evaluation.files import to_json_line
from gemini_realtime.evaluation.plan import Plan
from gemini_realtime.evaluation.record import CallResult
from gemini_realtime.evaluation.running import run
from tests.evaluation.test_running import SUITE


def comparable(results: Iterable[CallResult]) -> list[str]:
    """All of them but for what differs each time: how long they took."""
    return sorted(to_json_line(replace(result, took_s=0.0)) for result in results)


def main() -> None:
    from ray.cluster_utils import Cluster

    cluster: Any = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    cluster.add_node(num_cpus=1)
    try:
        plan = Plan(SUITE, agent="tests.evaluation.agents:killed_once", repeat=10, ray=cluster.address)
        print(json.dumps(comparable(run(plan))))
    finally:
        cluster.shutdown()


if __name__ == "__main__":
    main()
