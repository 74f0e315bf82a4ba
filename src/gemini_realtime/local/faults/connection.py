"""A connection that misbehaves as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Final

import picows

from gemini_realtime.errors import ConfigError
from gemini_realtime.local.faults import lines, resumed, turns
from gemini_realtime.local.faults.stages import Occasions, Stage, Way
from gemini_realtime.local.faults.table import Fault
from gemini_realtime.local.server.connection import CLOSE_TIMEOUT_S, Connection
from gemini_realtime.local.server.limits import Limits
from gemini_realtime.local.session.conversation import Pace

STAGES: Final[dict[str, type[Stage]]] = {
    "late-setup": turns.LateSetup,
    "no-setup": turns.NoSetup,
    "refuse-handle": turns.RefuseHandle,
    "cut": lines.Cut,
    "silence": lines.Silence,
    "stop-reading": lines.StopReading,
    "close": lines.Close,
    "go-away": lines.GoAway,
    "spurious-close": lines.SpuriousClose,
    "slow-pong": lines.SlowPong,
    "silent-resume": resumed.SilentResume,
    "close-after-resume": resumed.CloseAfterResume,
    "go-away-after-resume": resumed.GoAwayAfterResume,
    "garbage": lines.Garbage,
    "truncate": lines.Truncate,
    "oversize": lines.Oversize,
    "fragment": lines.Fragment,
    "duplicate": lines.Duplicate,
    "reorder": turns.Reorder,
    "empty-turn": turns.EmptyTurn,
    "interrupted": turns.Interrupted,
    "no-turn-complete": turns.NoTurnComplete,
    "cancel-calls": turns.CancelCalls,
    "repeat-calls": turns.RepeatCalls,
    "text-turn": turns.TextTurn,
    "thought-turn": turns.ThoughtTurn,
    "repeat-turn": turns.RepeatTurn,
    "early-transcript": turns.EarlyTranscript,
    "tone": turns.Tone,
    "near-silence": turns.NearSilence,
    "slow-audio": turns.SlowAudio,
}
"""What does each fault that happens on a connection; the others happen at the handshake."""


@dataclass(frozen=True)
class _Wire:
    """The last stage: the connection itself."""

    send: Callable[[bytes], None]
    pong: Callable[[bytes], None]
    close: Callable[[int, str], None]


class FaultyConnection(Connection):
    """A connection on which faults happen; without any it is like the others.

    Args:
        limits: of the server.
        seed: decides what is left to chance.

    Attributes:
        pace: of the service on this connection; None for that of the server.
    """

    def __init__(self, limits: Limits | None = None, seed: str = "") -> None:
        super().__init__(limits)
        self.pace: Pace | None = None
        self._seed = seed
        self._stages: list[Stage] = []
        self._wire = _Wire(self._send, self._pong, self._close)
        self._first: Way = self._wire
        self._timers: set[asyncio.TimerHandle] = set()
        self._mute = False

    def befall(self, fault: Fault, occasions: Occasions) -> None:
        """Let a fault happen, after those that happen already."""
        random = Random(f"{self._seed}:{len(self._stages)}")
        stage = STAGES[fault.kind.name](fault, occasions, random, self)
        stage.next = self._wire
        if self._stages:
            self._stages[-1].next = stage
        else:
            self._first = stage
        self._stages.append(stage)
        if self._socket is not None:
            stage.open()

    def misbehave(self, fault: Fault) -> None:
        """Let a fault happen in the middle of a session, at once unless it says when.

        Raises:
            ConfigError: it only happens while the client connects.
        """
        if fault.kind.at_handshake:
            raise ConfigError(
                f"the fault {fault.kind.name!r} happens while a client connects, not in a reply",
                remedy=f"use {', '.join(STAGES)}, or give it to the server",
            )
        self.befall(fault.at_once(), Occasions(fault["times"]))

    # --- what the service's side does

    def send(self, frame: bytes) -> None:
        """Send a frame, as far as the faults let it."""
        self._first.send(frame)

    def pong(self, payload: bytes) -> None:
        """Answer a ping, as far as the faults let it."""
        self._first.pong(payload)

    def close(self, code: int, reason: str) -> None:
        """Close, as far as the faults let it; before long nothing is left of the connection anyway."""
        self._first.close(code, reason)

    # --- called by picows

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        super().on_ws_connected(transport)
        for stage in self._stages:
            stage.open()

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        super().on_ws_disconnected(transport)
        for timer in self._timers:
            timer.cancel()

    def _take_close(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        if not self._mute:
            super()._take_close(transport, frame)

    def _tell(self, message: bytes) -> None:
        if not self._stages or all(stage.admits(message) for stage in self._stages):
            super()._tell(message)

    # --- what faults do

    def later(self, delay_s: float, call: Callable[[], None]) -> asyncio.TimerHandle:
        """Call after a while, if the connection is still there."""

        def due() -> None:
            self._timers.discard(timer)
            call()

        timer = asyncio.get_running_loop().call_later(delay_s, due)
        self._timers.add(timer)
        return timer

    def write(self, data: bytes) -> None:
        """Send bytes that are no frame."""
        if self._socket is not None and not self._mute:
            self._socket.underlying_transport.write(data)

    def send_fragments(self, fragments: list[bytes]) -> None:
        """Send a message in these fragments."""
        if self._socket is None or self._mute:
            return
        kind = picows.WSMsgType.BINARY
        for number, fragment in enumerate(fragments, 1):
            self._socket.send(kind, fragment, fin=number == len(fragments))
            kind = picows.WSMsgType.CONTINUATION

    def stop_reading(self) -> None:
        """Read nothing any more."""
        self.pause_reading("for good")

    def mute(self) -> None:
        """Send nothing any more."""
        self._mute = True

    def cut(self) -> None:
        """End the connection without a word."""
        self.mute()
        if self._socket is not None:
            self._socket.disconnect(False)

    # --- what is left of it after the last stage

    def _send(self, frame: bytes) -> None:
        if not self._mute:
            super().send(frame)

    def _pong(self, payload: bytes) -> None:
        if not self._mute:
            super().pong(payload)

    def _close(self, code: int, reason: str) -> None:
        if self._mute:
            self.later(CLOSE_TIMEOUT_S, self.cut)
        else:
            super().close(code, reason)
