"""Named measurements of conversations, for OpenTelemetry when it is installed: the extra `[telemetry]`.

    name                                 kind       unit          attributes        counts
    ------------------------------------ ---------- ------------- ----------------- ----------------------------------
    gemini_realtime.connections.lost     counter    {connection}  code              connections that broke or were left
    gemini_realtime.sessions.resumed     counter    {session}     new_session       conversations that went on
    gemini_realtime.sessions.gap         histogram  s                               time without a connection
    gemini_realtime.messages.replayed    counter    {message}                       what was sent again
    gemini_realtime.messages.uncertain   counter    {message}                       what may have been heard twice
    gemini_realtime.audio.dropped        counter    s                               microphone audio thrown away
    gemini_realtime.findings             counter    {finding}     finding, action   `VoiceHealth` events

What is measured is numbers: no text, audio, key or handle. Nothing is recorded until the application sets a meter
provider up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from gemini_realtime.protocol.events import ConnectionLost, RealtimeEvent, SessionResumed, VoiceHealth
from gemini_realtime.version import __version__

Record = Callable[..., None]
"""Takes an amount and, perhaps, attributes."""


def _nothing(amount: float, attributes: dict[str, Any] | None = None) -> None:
    """OpenTelemetry is not installed."""


class Telemetry:
    """The measurements of this process.

    OpenTelemetry keeps every instrument that was ever made, so that they are made once.
    """

    def __init__(self) -> None:
        self._lost: Record = _counter("connections.lost", "{connection}")
        self._resumed: Record = _counter("sessions.resumed", "{session}")
        self._gap: Record = _histogram("sessions.gap", "s")
        self._replayed: Record = _counter("messages.replayed", "{message}")
        self._uncertain: Record = _counter("messages.uncertain", "{message}")
        self._dropped: Record = _counter("audio.dropped", "s")
        self._findings: Record = _counter("findings", "{finding}")

    def note(self, happened: Sequence[RealtimeEvent]) -> None:
        """Measure what is worth it."""
        for event in happened:
            match event:
                case ConnectionLost():
                    self._lost(1, {"code": event.code})
                case SessionResumed():
                    self._resumed(1, {"new_session": event.new_session})
                    self._gap(event.gap_ms / 1000)
                    self._replayed(event.replayed)
                    self._uncertain(event.uncertain)
                case VoiceHealth():
                    self._findings(1, {"finding": event.finding, "action": event.action})

    def dropped(self, duration_ms: int) -> None:
        """Microphone audio was thrown away."""
        self._dropped(duration_ms / 1000)


def _counter(name: str, unit: str) -> Record:
    meter = _meter()
    return meter.create_counter(f"gemini_realtime.{name}", unit).add if meter is not None else _nothing


def _histogram(name: str, unit: str) -> Record:
    meter = _meter()
    return meter.create_histogram(f"gemini_realtime.{name}", unit).record if meter is not None else _nothing


@cache
def telemetry() -> Telemetry:
    """The measurements that all conversations share."""
    return Telemetry()


def _meter() -> Any:
    try:
        from opentelemetry import metrics
    except ImportError:
        return None
    return metrics.get_meter("gemini_realtime", __version__)
