"""Contestants measured in turns, so that whatever else the machine does hits all of them alike."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bench.contestants import ROOT, SLEEP, available, present
from bench.progress import now
from bench.report import Series

TRIES = 3
"""Audio is dropped where the other end does not read for a second, as something else has the machine."""

CPU, USER = "CPU time, µs", "of it outside the kernel, µs"


class Race:
    """A service and a worker per contestant, each a process.

    Args:
        service: tells its port, and that of its TLS where it has one.
        workers: by the name of their contestant.
        tls: whether it has.
    """

    def __init__(self, service: subprocess.Popen[str], workers: dict[str, subprocess.Popen[str]], tls: bool) -> None:
        self._service = service
        self._workers = workers
        self._places = {
            scheme: f"{scheme}://127.0.0.1:{int(read_line(service))}" for scheme in ["ws", "wss"][: 1 + tls]
        }

    @property
    def has_tls(self) -> bool:
        """Whether `measure` can be asked for it."""
        return "wss" in self._places

    @property
    def contestants(self) -> list[str]:
        """Who takes part."""
        return list(self._workers)

    def measure(self, name: str, path: str, *, scheme: str = "ws", **command: Any) -> dict[str, float]:
        """Let a contestant do something at `path` of the service, by `ws` or `wss`.

        Returns:
            What the worker measured.

        Raises:
            RuntimeError: not all that was sent arrived, time and again.
        """
        now(f"{name}: {command['do']}, {scheme}:/{path}")
        worker = self._workers[name]
        assert worker.stdin is not None
        command["url"] = self._places[scheme] + path
        for _ in range(TRIES):
            print(json.dumps(command), file=worker.stdin, flush=True)
            measured: dict[str, float] = json.loads(read_line(worker))
            # The setup takes the place of the chunk that is not sent when the meter stops.
            if command["do"] != "send" or name == SLEEP or (received := self._received()) == measured["ticks"]:
                return measured
        raise RuntimeError(f"{name} sent {measured['ticks']:.0f} frames, of which {received} arrived")

    def _received(self) -> int:
        """How many frames came by the last connection that ended, which was the only one."""
        assert self._service.stdin is not None
        print(file=self._service.stdin, flush=True)
        return int(read_line(self._service))

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
                columns[beyond(baseline)] = columns[CPU] - least
            series.add(name, columns)


@contextmanager
def race(names: Sequence[str], *, quick: bool = False) -> Iterator[Race]:
    """Start the service, and those contestants that are present."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        trusted, chain = _certificates(folder) if available("trustme") else ({}, [])
        service = stack.enter_context(running("bench.service", *chain))
        workers = {
            name: stack.enter_context(running("bench.worker", name, python=python, more=trusted))
            for name, python in present(names, quick=quick).items()
        }
        for worker in workers.values():  # what one imports would be in the way of what another measures
            read_line(worker)
        yield Race(service, workers, bool(chain))


def _certificates(folder: Path) -> tuple[dict[str, str], list[str]]:
    """For the service: the environment in which clients trust it, and the file with its key and chain."""
    import trustme

    authority, chain = trustme.CA(), folder / "chain.pem"
    authority.cert_pem.write_to_path(folder / "authority.pem")
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(chain)
    return {"SSL_CERT_FILE": str(folder / "authority.pem")}, [str(chain)]


@contextmanager
def running(
    *module: str, python: str | None = None, more: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """A Python process that speaks line by line, killed at the end."""
    # What a process complains about is shown only when it dies: AG2 complains whenever its reader is left.
    with tempfile.TemporaryFile("w+") as complaints:
        process = subprocess.Popen(
            [python or sys.executable, "-m", *module],
            cwd=ROOT,
            env={**os.environ, **(more or {})},
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


def beyond(baseline: str) -> str:
    """The column with what something costs more than this does."""
    return f"beyond {baseline}, µs"


def _per_message(measured: dict[str, float], what: str) -> float:
    """Microseconds."""
    return measured[what] / measured["messages"] * 1e6
