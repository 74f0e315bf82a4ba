"""What the numbers were measured on."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bench.contestants import ENVIRONMENTS, ROOT, interpreter

OURS = ["gemini-realtime", "picows", "aiofastnet", "msgspec", "pybase64"]
OTHERS = ["google-genai", "ag2", "pydantic-ai-slim", "livekit-plugins-google", "pipecat-ai", "websockets", "pydantic"]


def machine() -> dict[str, str]:
    """Processor, cores, system and interpreter."""
    return {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.release()} ({platform.machine()})",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "event loop": "asyncio",
    }


def versions() -> dict[str, str]:
    """Of the packages that matter, as far as they are installed."""
    found = {package: each for package, each in _versions_here().items() if package in OURS}
    for name in ENVIRONMENTS:
        if python := interpreter(name):
            done = subprocess.run([python, "-m", "bench.machine"], cwd=ROOT, capture_output=True, text=True, check=True)
            theirs = json.loads(done.stdout)
            found |= {f"{package}, environment of {name}": theirs[package] for package in OTHERS if package in theirs}
    return found


def _versions_here() -> dict[str, str]:
    found = {}
    for package in [*OURS, *OTHERS]:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or sys.platform


if __name__ == "__main__":
    print(json.dumps(_versions_here()))
