"""`gemini-realtime serve`, and how it and `offline` make their server."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from gemini_realtime import LiveServer
from gemini_realtime.local import Limits, Replay, SessionLimits
from gemini_realtime.recordings import RecordingOptions


@dataclass(frozen=True, kw_only=True)
class ServerOptions:
    """What was typed; see `commands.py`."""

    host: str = "127.0.0.1"
    port: int = 0
    tls: bool = False
    tls_port: int = 0
    pace: Literal["realtime", "instant"] = "realtime"
    api_key: str | None = None
    model_profile: str | None = None
    strict_models: bool = False
    log: bool = False
    recording: RecordingOptions | None = None
    sessions: Path = Path(":memory:")
    connection_lifetime_s: float = 600.0
    go_away_before_s: float | None = None
    session_lifetime_s: float | None = None
    limits: Limits = field(default_factory=Limits)
    responder: str | Replay = "rules"
    hearing: str = "best"
    speaking: str = "best"
    unfinished_wait_s: float = 0.0
    faults: Sequence[str] = ()
    seed: int = 0

    def server(self) -> LiveServer:
        """The server as it was asked for."""
        return LiveServer(
            self.host,
            self.port,
            tls=self.tls,
            tls_port=self.tls_port,
            pace=self.pace,
            api_key=self.api_key,
            model_profile=self.model_profile,
            strict_models=self.strict_models,
            log=_log_line if self.log else None,
            record_to=self.recording,
            sessions_path=self.sessions,
            connection_lifetime_s=self.connection_lifetime_s,
            go_away_before_s=self.go_away_before_s,
            session_limits=SessionLimits(audio_s=self.session_lifetime_s),
            limits=self.limits,
            responder=self.responder,
            hearing=self.hearing,
            speaking=self.speaking,
            unfinished_wait_s=self.unfinished_wait_s,
            faults=self.faults,
            seed=self.seed,
        )


async def serve(options: ServerOptions) -> None:
    """Serve until cancelled; the first line of stdout is for whoever waits for it, the others are to be pasted."""
    async with options.server() as server:
        misbehave_on_signals(server)
        if options.tls:
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


def _log_line(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _assignment(name: str, value: str) -> str:
    return f"set {name}={value}" if os.name == "nt" else f"export {name}={shlex.quote(value)}"
