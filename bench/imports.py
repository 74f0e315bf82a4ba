"""What does importing the package cost, and what comes with it?"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from bench.contestants import AG2, GOOGLE, OURS, interpreter
from bench.machine import machine, versions
from bench.report import Result, Series

QUESTION = "What does importing it cost?"
REMARKS = """\
In a new process, with compiled bytecode at hand, by the statement that an application needs to hold a session."""

STATEMENTS = {
    OURS: "from gemini_realtime import GeminiRealtimeClient; import gemini_realtime.transport.websocket",
    GOOGLE: "from google import genai",
    AG2: "from autogen.agentchat.realtime.experimental.clients import GeminiRealtimeClient",
}
PROBE = """\
import sys, time, resource
before, wall, cpu = set(sys.modules), time.perf_counter(), time.process_time()
{statement}
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
new = set(sys.modules) - before
import json
rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({{"wall": wall, "cpu": cpu, "new": sorted(new), "rss": rss}}))
"""


def answer(rounds: int, *, quick: bool = False) -> Result:
    """Import in new processes, in turns; the first time of each is not counted."""
    pythons = {name: python for name in STATEMENTS if (python := interpreter(name)) is not None}
    statements = {name: STATEMENTS[name] for name in pythons}
    series = Series("`import`", list(statements), {GOOGLE: OURS, AG2: OURS})
    remarks = [REMARKS]
    for name, statement in statements.items():
        remarks.append(f"- {name}: `{statement}` brings {_packages(_probe(pythons[name], statement)['new'])}")
    for _ in range(rounds):
        for name, statement in statements.items():
            probed = _probe(pythons[name], statement)
            series.add(
                name,
                {
                    "CPU time, ms": probed["cpu"] * 1000,
                    "time, ms": probed["wall"] * 1000,
                    "modules": len(probed["new"]),
                    "memory of the process, MB": probed["rss"] / 1000,
                },
            )
    return Result(QUESTION, [series], machine(), versions(), "\n".join([remarks[0], "", *remarks[1:]]))


def _probe(python: str, statement: str) -> dict[str, Any]:
    done = subprocess.run([python, "-c", PROBE.format(statement=statement)], capture_output=True, text=True, check=True)
    probed: dict[str, Any] = json.loads(done.stdout)
    return probed


def _packages(modules: list[str]) -> str:
    """The packages outside the standard library among them."""
    # Cython registers its runtime as if it were a module.
    roots = {name.partition(".")[0] for name in modules} - sys.stdlib_module_names - {"cython_runtime"}
    found = sorted(root for root in roots if not root.startswith("_"))
    return f"{len(found)} packages: {', '.join(found)}"
