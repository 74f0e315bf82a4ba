"""`gemini-realtime offline`: another program, with the embedded server in the place of Google's."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from collections.abc import Mapping, Sequence

from gemini_realtime import LiveServer
from gemini_realtime.cli.running import STOPPED
from gemini_realtime.cli.serve import misbehave_on_signals

_CANNOT_RUN = 126
_NOT_FOUND = 127
"""Exit codes of POSIX shells."""


async def offline(server: LiveServer, command: Sequence[str]) -> int:
    """Run a command with a server of its own; returns the command's exit code."""
    async with server:
        misbehave_on_signals(server)
        return await _run(command, os.environ | server.environment())


async def _run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    program = shutil.which(command[0]) or command[0]
    try:
        process = await asyncio.create_subprocess_exec(program, *command[1:], env=environment)
    except OSError as error:
        print(f"{command[0]!r} cannot be run: {error.strerror or error}", file=sys.stderr)
        return _NOT_FOUND if isinstance(error, FileNotFoundError) else _CANNOT_RUN
    with contextlib.suppress(NotImplementedError):  # Windows: the console tells the command itself
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, _forward, process, number)
    code = await process.wait()
    return STOPPED - code if code < 0 else code


def _forward(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    """Pass a signal on, unless it is Ctrl-C in a terminal, which the command hears itself."""
    if number is signal.SIGINT and _in_foreground():
        return
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(number)


def _in_foreground() -> bool:
    """Whether a terminal sends its Ctrl-C to this process and, being of the same group, to the command."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    finally:
        os.close(terminal)
