"""The process of a worker, and those that wait for the next worker of their kind.

Loading weights takes a second or more of a processor. So a process that is not needed any more waits for a while for
whoever needs one with the same engine next: the next server of a program, or the next test of a suite.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import os
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, Final, NamedTuple

from gemini_realtime.errors import GeminiRealtimeError
from gemini_realtime.local.speech.worker_program import HEADER, REFUSED, UNFIT

WAITS_S: Final = 60.0
"""How long a process waits to be needed again: it holds some 100 to 250 MB."""

NO_TELEMETRY: Final = {"ORT_DISABLE_TELEMETRY": "1"}
"""What hears and speaks uses no network. By its Privacy.md, onnxruntime tells Microsoft of its use unless it is asked
not to, and keeps a number of this machine in the home folder for that."""


class WorkerError(GeminiRealtimeError):
    """The process that hears or speaks did not start, or ended twice during one request."""


class Refusal(Exception):
    """The engine cannot do what was asked for; the message says why."""


class Answer(NamedTuple):
    """What an engine answered to a request."""

    head: dict[str, Any]
    body: bytes


class Process:
    """A process with an engine. It belongs to no event loop: a thread of its own waits for its answers.

    Args:
        command: the arguments of Python.
    """

    def __init__(self, command: tuple[str, ...]) -> None:
        self.command = command
        # A plain program, not multiprocessing: works from scripts without a main guard, from `python -c` and
        # under pytest, and imports nothing of the caller. -P keeps the current folder off its path.
        self._child = subprocess.Popen(
            [sys.executable, "-P", *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
                "OPENBLAS_NUM_THREADS": "1",
                "OMP_NUM_THREADS": "1",
                **NO_TELEMETRY,
            },
            # Ctrl-C reaches every process of a terminal's group, also one that is only being started: whether to end
            # on it is this program's decision.
            process_group=0 if os.name == "posix" else None,
        )
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="speech")
        self._loading = self._thread.submit(self._reply)  # the first one says that the engine is loaded

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._child.pid

    async def load(self) -> None:
        """Wait until the engine is loaded.

        Raises:
            OSError, EOFError: the process has ended.
            WorkerError: the engine does not load.
        """
        # Whoever gives up waiting leaves the loading as it is, for whoever takes the process next.
        await asyncio.shield(asyncio.wrap_future(self._loading))

    @property
    def loaded(self) -> bool:
        """Whether it can serve requests at once."""
        return self._loading.done()

    async def ask(self, requests: Sequence[tuple[bytes, bytes]]) -> AsyncGenerator[tuple[int, Answer | Refusal], None]:
        """Have a batch of requests, heads and bodies, served; the next only when all are answered.

        Gives each answer as it comes, with the place of its request: a refusal where the engine cannot do this.

        Raises:
            OSError, EOFError: the process has ended.
        """
        if not requests:
            return
        in_thread = partial(asyncio.get_running_loop().run_in_executor, self._thread)
        await in_thread(self._write, requests)
        for _ in requests:
            yield await in_thread(self._reply)

    def _write(self, requests: Sequence[tuple[bytes, bytes]]) -> None:
        assert self._child.stdin is not None  # PIPE was asked for
        for to_come, (head, body) in zip(reversed(range(len(requests))), requests, strict=True):
            self._child.stdin.write(HEADER.pack(0, to_come, len(head), len(body)) + head + body)
        self._child.stdin.flush()

    def _reply(self) -> tuple[int, Answer | Refusal]:
        status, place, head_bytes, body_bytes = HEADER.unpack(self._read(HEADER.size))
        head = json.loads(self._read(head_bytes))
        body = self._read(body_bytes)
        if status == UNFIT:
            raise WorkerError(head["why"], remedy=head["remedy"])
        return place, Refusal(head["why"]) if status == REFUSED else Answer(head, body)

    def _read(self, size: int) -> bytes:
        assert self._child.stdout is not None
        data = self._child.stdout.read(size)
        if len(data) < size:
            raise EOFError
        return data

    @property
    def alive(self) -> bool:
        """Whether the process has not ended."""
        return self._child.poll() is None

    def kill(self) -> None:
        """End it, whatever it does."""
        self._child.kill()

    def end(self) -> None:
        """End it, and wait until it has: that takes no longer than the system needs to clean up."""
        self.kill()
        self._thread.shutdown()  # who waits for an answer has been told by the end of the pipe
        for pipe in (self._child.stdin, self._child.stdout):
            with suppress(BrokenPipeError):  # what was not written yet
                pipe.close()  # type: ignore[union-attr]
        self._child.wait()


class _Idle:
    """Processes that nobody uses, with an engine that is loaded or being loaded: one of each kind."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[tuple[str, ...], tuple[Process, threading.Timer]] = {}
        atexit.register(self.end)

    def take(self, command: tuple[str, ...]) -> Process | None:
        """One that is there, if any."""
        with self._lock:
            process, timer = self._waiting.pop(command, (None, None))
        if timer is not None:
            timer.cancel()
        if process is not None and not process.alive:
            process.end()
            return None
        return process

    def give(self, process: Process) -> bool:
        """Let a process wait; returns whether it does. One of its kind may wait already."""
        with self._lock:
            if process.command in self._waiting or not process.alive:
                return False
            timer = threading.Timer(WAITS_S, self._too_long, [process])
            timer.daemon = True
            timer.start()
            self._waiting[process.command] = process, timer
            return True

    def _too_long(self, process: Process) -> None:
        with self._lock:
            waiting, _ = self._waiting.get(process.command, (None, None))
            if waiting is not process:
                return
            del self._waiting[process.command]
        process.end()

    def end(self) -> None:
        """End them all."""
        with self._lock:
            waiting, self._waiting = list(self._waiting.values()), {}
        for process, timer in waiting:
            timer.cancel()
            process.end()


idle: Final = _Idle()
"""Of this program."""
