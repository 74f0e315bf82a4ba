"""What does importing the package cost, and what comes with it?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from tempfile import TemporaryDirectory
from typing import Any

from bench.contestants import AG2, GOOGLE, OURS, present
from bench.machine import machine, versions
from bench.report import Result, Series

QUESTION = "What does importing it cost?"
REMARKS = """\
In a new process, with compiled bytecode at hand, by the statement that an application needs to hold a session. What
ours needs to dial is imported with the first client that dials, and has a line of its own. Every program that does
anything by network imports `asyncio`: so much nobody can save."""

CPU = "CPU time, ms"
FIRST_CLIENT, FLOOR = f"{OURS}, with the first client", "asyncio alone"
STATEMENTS = {
    FLOOR: "import asyncio, logging, ssl",
    OURS: "from gemini_realtime import GeminiRealtimeClient",
    FIRST_CLIENT: "from gemini_realtime import GeminiRealtimeClient; import gemini_realtime.transport.websocket",
    GOOGLE: "from google import genai",
    AG2: "from autogen.agentchat.realtime.experimental.clients import GeminiRealtimeClient",
}
RUNS_ON = {FLOOR: OURS, OURS: OURS, FIRST_CLIENT: OURS, GOOGLE: GOOGLE, AG2: AG2}
DISTRIBUTIONS = {OURS: ["gemini-realtime"], GOOGLE: ["google-genai"], AG2: ["ag2", "google-genai", "websockets"]}
"""What an application installs; of AG2 what its Live client needs."""

INSTALLED = """\
import json, re, sys
from importlib.metadata import PackageNotFoundError, distribution
wanted, found = list(sys.argv[1:]), {}
while wanted:
    name = re.sub("[-_.]+", "-", re.match("[A-Za-z0-9._-]+", wanted.pop())[0]).lower()
    if name in found:
        continue
    try:
        installed = distribution(name)
    except PackageNotFoundError:
        continue  # another system's, or another Python's
    files = [file.locate() for file in installed.files or () if "__pycache__" not in file.parts]
    found[name] = sum(file.stat().st_size for file in files if file.exists())
    wanted += [needed for needed in installed.requires or () if "extra ==" not in needed]
print(json.dumps(found))
"""
PROBE = """\
import sys, time
before, wall, cpu = set(sys.modules), time.perf_counter(), time.process_time()
{statement}
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
with open("/proc/self/status") as status:  # getrusage would count the process that started this one
    rss = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
new = set(sys.modules) - before
import json
print(json.dumps({{"wall": wall, "cpu": cpu, "new": sorted(new), "rss": rss}}))
"""


def answer(rounds: int, *, quick: bool = False) -> Result:
    """Import in new processes, in turns; the first time of each is not counted."""
    found = present([OURS, GOOGLE, AG2], quick=quick)
    pythons = {name: found[runs_on] for name, runs_on in RUNS_ON.items() if runs_on in found}
    statements = {name: STATEMENTS[name] for name in pythons}
    series = Series("`import`", list(statements), {GOOGLE: OURS, AG2: OURS})
    installed = Series("What is installed with it, extras of other packages aside", [], {})
    brings = []
    with TemporaryDirectory() as bytecode:
        for name, statement in statements.items():
            brings.append(
                f"- {name}: `{statement}` brings {_packages(_probe(pythons[name], statement, bytecode)['new'])}"
            )
            if name in DISTRIBUTIONS:
                installed.add(name, _installed(pythons[name], DISTRIBUTIONS[name]))
        for _ in range(rounds):
            for name, statement in statements.items():
                probed = _probe(pythons[name], statement, bytecode)
                series.add(
                    name,
                    {
                        CPU: probed["cpu"] * 1000,
                        "time, ms": probed["wall"] * 1000,
                        "modules": len(probed["new"]),
                        "memory of the process, MB": probed["rss"] * 1024 / 1e6,
                    },
                )
    return Result([series, installed], machine(), versions(), "\n".join(brings))


def _probe(python: str, statement: str, bytecode: str) -> dict[str, Any]:
    """Import in a new process whose bytecode is in this folder, whatever the environment says of bytecode."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": bytecode, "PYTHONDONTWRITEBYTECODE": ""}
    command = [python, "-c", PROBE.format(statement=statement)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    probed: dict[str, Any] = json.loads(done.stdout)
    return probed


def _installed(python: str, names: list[str]) -> dict[str, float]:
    """How many packages come with these, and how large they are."""
    done = subprocess.run([python, "-c", INSTALLED, *names], capture_output=True, text=True, check=True)
    found: dict[str, int] = json.loads(done.stdout)
    return {"packages": len(found), "size of their files, MB": sum(found.values()) / 1e6}


def _packages(modules: list[str]) -> str:
    """The packages outside the standard library among them."""
    # Cython registers its runtime as if it were a module.
    roots = {name.partition(".")[0] for name in modules} - sys.stdlib_module_names - {"cython_runtime"}
    found = sorted(root for root in roots if not root.startswith("_"))
    return f"{len(found)} packages: {', '.join(found)}" if found else "no package"
