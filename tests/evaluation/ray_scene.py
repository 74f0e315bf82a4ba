"""Calls over a Ray cluster of two nodes on this machine, of whose workers one dies in the middle. In a process of its
own: Ray leaves sockets and threads behind."""

from __future__ import annotations

import json
from typing import Any

from ray.cluster_utils import Cluster

from gemini_realtime.evaluation.running import Plan, run
from tests.evaluation.test_running import SUITE


def main() -> None:
    cluster: Any = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    cluster.add_node(num_cpus=1)
    try:
        plan = Plan(SUITE, agent="tests.evaluation.agents:killed_once", repeat=10, ray=cluster.address)
        print(json.dumps(sorted([result.scene, result.seed, result.failures] for result in run(plan))))
    finally:
        cluster.shutdown()


if __name__ == "__main__":
    main()
