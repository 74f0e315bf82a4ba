"""Contestants measured in turns, so that whatever else the machine does hits all of them alike."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from bench.contestants import GENERATOR, ROOT, SLEEP, interpreter
from bench.report import Series

CPU, USER = "CPU time, µs", "of it outside the kernel, µs"


class Race:
    """A service and a worker per contestant, each a process."""

    def __init__(self, service: subprocess.Popen[str], workers: dict[str, subprocess.Popen[str]]) -> None:
        self._service = service
        self._workers = workers
        self._port = int(read_line(service))

    @property
    def contestants(self) -> list[str]:
        """Who takes part."""
        return list(self._workers)

    def measure(self, name: str, path: str, **command: Any) -> dict[str, float]:
        """Let a contestant do something at `path` of the service.

        Returns:
            What the worker measured.

        Raises:
            RuntimeError: not all that was sent arrived.
        """
        worker = self._workers[name]
        assert worker.stdin is not None
        command["url"] = f"ws://127.0.0.1:{self._port}{path}"
        print(json.dumps(command), file=worker.stdin, flush=True)
        measured: dict[str, float] = json.loads(read_line(worker))
        connections = 0 if name == GENERATOR else command.get("sessions", 1)
        received = sum(int(read_line(self._service)) for _ in range(connections))
        # The setup takes the place of the chunk that is not sent when the meter stops.
        if command["do"] == "send" and name != SLEEP and received != measured["ticks"]:
            raise RuntimeError(f"{name} sent {measured['ticks']:.0f} frames, of which {received} arrived")
        return measured

    def round(self, series: Series, path: str, baseline: str, *, sampled: bool, **command: Any) -> None:
        """Measure every contestant once, per message.

        Args:
            series: takes the numbers.
            path: as for `measure`.
            baseline: a contestant that is no client; its cost is subtracted from that of all in the last column.
            sampled: enough CPU time passes for the kernel's sampling of its own part to mean something.
            command: as for `measure`.
        """
        measured = {name: self.measure(name, path, **command) for name in self._workers if name in series.contestants}
        least = _per_message(measured[baseline], "cpu_s")
        for name, numbers in measured.items():
            columns = {CPU: _per_message(numbers, "cpu_s")}
            if sampled:
                columns[USER] = _per_message(numbers, "user_s")
            if name != baseline:
                columns[f"beyond {baseline}, µs"] = columns[CPU] - least
            series.add(name, columns)


@contextmanager
def race(names: Sequence[str]) -> Iterator[Race]:
    """Start the service, and those contestants whose packages are installed here."""
    with ExitStack() as stack:
        service = stack.enter_context(running("bench.service"))
        pythons = {name: python for name in names if (python := interpreter(name)) is not None}
        workers = {
            name: stack.enter_context(running("bench.worker", name, python=python)) for name, python in pythons.items()
        }
        yield Race(service, workers)


@contextmanager
def running(*module: str, python: str | None = None) -> Iterator[subprocess.Popen[str]]:
    """A Python process that speaks line by line, killed at the end."""
    # What a process complains about is shown only when it dies: AG2 complains whenever its reader is left.
    with tempfile.TemporaryFile("w+") as complaints:
        process = subprocess.Popen(
            [python or sys.executable, "-m", *module],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
        )
        try:
            yield process
        except EOFError:
            if process.poll():
                complaints.seek(0)
                print(*module, "said:", complaints.read()[-2000:], file=sys.stderr)
            raise
        finally:
            process.kill()
            process.communicate()


def read_line(process: subprocess.Popen[str]) -> str:
    """The next line a process prints; raises EOFError when it ended."""
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        process.wait()
        raise EOFError(f"{process.args!r} ended")
    return line


def _per_message(measured: dict[str, float], what: str) -> float:
    """Microseconds."""
    return measured[what] / measured["messages"] * 1e6
