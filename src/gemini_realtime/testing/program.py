"""A program that is run for a test, and ended with all that it has started."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

from gemini_realtime.errors import ConfigError

KEPT_LINES: Final = 1000
TOLD_LINES: Final = 20
GRACE_S: Final = 5.0
"""How long a program may take to end when it is asked to."""


class Program:
    """A program under test.

    Args:
        command: it and its arguments.
        environment: all of its variables.
        cwd: the folder in which it runs.

    Attributes:
        output: the last lines that it wrote, to stdout or stderr.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], cwd: str | os.PathLike[str] | None):
        if isinstance(command, str) or not command or not all(isinstance(word, str) for word in command):
            raise ConfigError("`command` is no list of words", remedy='pass ["python", "my_agent.py"]')
        self.output: deque[str] = deque(maxlen=KEPT_LINES)
        self._command = list(command)
        # Otherwise Python writes nothing before its buffer is full, and what a failed test would show is lost.
        self._environment = {"PYTHONUNBUFFERED": "1", **environment}
        self._cwd = cwd
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None

    @property
    def exit_code(self) -> int | None:
        """With what it ended, negative for a signal; None while it runs."""
        return None if self._process is None else self._process.returncode

    async def start(self) -> None:
        """Run it.

        Raises:
            ConfigError: it cannot be run.
        """
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                env=self._environment,
                cwd=self._cwd,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,  # so that `uv run` and the like can be ended with what they run
            )
        except OSError as error:
            raise ConfigError(
                f"{self._command[0]!r} cannot be run: {error.strerror or error}", remedy="name a program that exists"
            ) from None
        self._reading = asyncio.create_task(self._read(self._process))

    async def ended(self) -> int:
        """Wait until it has ended by itself, or was ended; returns its exit code."""
        assert self._process is not None
        return await self._process.wait()

    async def end(self) -> None:
        """End it, and what it has started."""
        if self._process is None or self._reading is None:
            return
        if self._process.returncode is None:
            self._signal(signal.SIGTERM)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), GRACE_S)
        self._signal(_KILL)
        await self._process.wait()
        await asyncio.wait([self._reading], timeout=GRACE_S)  # somebody else may still hold the pipe
        self._reading.cancel()

    @property
    def ending(self) -> str:
        """How it ended, and the last line that it wrote."""
        last = next((line for line in reversed(self.output) if line.strip()), "")
        return f"the program ended with {self.exit_code}{': ' if last else ''}{last.strip()}"

    def tail(self) -> str:
        """The last of what it wrote, and how it ended, in lines."""
        state = "runs" if self.exit_code is None else f"ended with {self.exit_code}"
        return "\n".join([f"the program {state}; it wrote:", *list(self.output)[-TOLD_LINES:]])

    def _signal(self, number: int) -> None:
        assert self._process is not None
        with suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, number)
            elif self._process.returncode is None:
                self._process.send_signal(number)

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        rest = ""
        while chunk := await process.stdout.read(65536):
            *lines, rest = (rest + chunk.decode(errors="replace")).split("\n")
            self.output.extend(lines)
        if rest:
            self.output.append(rest)


_KILL: Final = getattr(signal, "SIGKILL", signal.SIGTERM)
