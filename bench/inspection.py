"""How long does an hour's recording take to be inspected? `python -m bench.inspection RECORDING [FOLDER]`.

The hour is one recorded call, again and again: `python -m gemini_realtime talk --record calls` makes one.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from gemini_realtime.recordings import ConversationRecording
from gemini_realtime.recordings.folder import Folder, Noted
from gemini_realtime.recordings.lines import Line

HOUR_MS = 3_600_000.0


def write_hour(call: ConversationRecording, folder: Path) -> float:
    """Write an hour of this call; returns how many seconds of CPU time that took."""
    lines = [line for _, line in call.lines() if line.connection == 1 and not line.closed and not line.event]
    lasting_ms = max(line.ms for line in lines) + 1000
    began = time.process_time()
    hour = Folder(folder / "hour", began_at=datetime(2026, 11, 28, tzinfo=UTC), side="client")
    from_ms = 0.0
    while from_ms + lasting_ms <= HOUR_MS:
        hour.write(noted for line in lines if (noted := _noted(line, from_ms)) is not None)
        from_ms += lasting_ms
    hour.close()
    return time.process_time() - began


def _noted(line: Line, from_ms: float) -> Noted | None:
    if line.sender is None or (from_ms and b'"setup' in bytes(line.frame)[:10]):
        return None
    return Noted(from_ms + line.ms, 1, (line.sender, bytes(line.frame)))


def inspect(folder: Path) -> tuple[float, float, float]:
    """Inspect it in a process of its own; returns seconds, those of CPU time, and the most memory in MB."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "gemini_realtime", "inspect", str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    took_s = time.perf_counter() - began
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return took_s, used.ru_utime + used.ru_stime, used.ru_maxrss / 1000


def main(call: str, folder: Path) -> None:
    """Write an hour, inspect it, and say what that took."""
    wrote_s = write_hour(ConversationRecording(call), folder)
    took_s, cpu_s, memory_mb = inspect(folder)
    for file in sorted((folder / "hour").iterdir()):
        print(f"{file.name:<18} {file.stat().st_size / 1e6:8.1f} MB")
    print(f"written in {wrote_s:.1f} s of CPU time, {wrote_s / 36:.2f} % of a core for an hour")
    print(f"inspected in {took_s:.1f} s ({cpu_s:.1f} s of CPU time), {memory_mb:.0f} MB")


if __name__ == "__main__":
    if len(sys.argv) > 2:
        main(sys.argv[1], Path(sys.argv[2]))
    else:
        with TemporaryDirectory() as temporary:
            main(sys.argv[1], Path(temporary))
