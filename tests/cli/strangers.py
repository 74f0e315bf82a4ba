"""Commands as a stranger runs them: in a process of their own, without a key."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

TIMEOUT_S = 60
SAMPLES = Path(__file__).parents[2] / "src" / "gemini_realtime" / "local" / "samples"


def start(*arguments: str | Path, cwd: Path | None = None, **environment: str) -> subprocess.Popen[str]:
    """Start `gemini-realtime`."""
    hidden = ("GEMINI_API_KEY", "GOOGLE_API_KEY")
    own = {name: value for name, value in os.environ.items() if name not in hidden}
    return subprocess.Popen(
        [sys.executable, "-m", "gemini_realtime", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=cwd,
        env={**own, **environment},
    )


def run(*arguments: str | Path, **where: Any) -> subprocess.CompletedProcess[str]:
    """Run `gemini-realtime` to its end."""
    process = start(*arguments, **where)
    try:
        stdout, stderr = process.communicate(timeout=TIMEOUT_S)
    finally:
        process.kill()
    return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)
