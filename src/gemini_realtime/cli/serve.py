"""`gemini-realtime serve`."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import signal

from gemini_realtime import LiveServer


async def serve(server: LiveServer, *, tls: bool) -> None:
    """Serve until cancelled; the first line of stdout is for whoever waits for it, the others are to be pasted."""
    async with server:
        misbehave_on_signals(server)
        if tls:
            lines = [_assignment(name, value) for name, value in server.environment().items()]
            print(f"ready {server.url} {server.tls_url}", *lines, sep="\n", flush=True)
        else:
            print(f"ready {server.url}", flush=True)
        await asyncio.Event().wait()


def misbehave_on_signals(server: LiveServer) -> None:
    """Let SIGUSR1 cut every connection and SIGUSR2 announce their end, for programs that choose the moment."""
    loop = asyncio.get_running_loop()
    with contextlib.suppress(AttributeError, NotImplementedError):  # Windows
        loop.add_signal_handler(signal.SIGUSR1, server.misbehave, "cut")
        loop.add_signal_handler(signal.SIGUSR2, server.go_away)


def _assignment(name: str, value: str) -> str:
    return f"set {name}={value}" if os.name == "nt" else f"export {name}={shlex.quote(value)}"
