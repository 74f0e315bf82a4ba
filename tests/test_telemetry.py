from __future__ import annotations

import sys
from typing import Any

import pytest

from gemini_realtime.protocol.events import ConnectionLost, GenerationComplete, SessionResumed, VoiceHealth
from gemini_realtime.telemetry import Telemetry

RESUMED = SessionResumed(gap_ms=1500, replayed=3, uncertain=1)


def test_a_conversation_is_measured_in_named_units(monkeypatch: pytest.MonkeyPatch) -> None:
    metrics = pytest.importorskip("opentelemetry.metrics")
    export = pytest.importorskip("opentelemetry.sdk.metrics.export")
    sdk = pytest.importorskip("opentelemetry.sdk.metrics")
    reader = export.InMemoryMetricReader()
    provider = sdk.MeterProvider(metric_readers=[reader])
    monkeypatch.setattr(metrics, "get_meter", provider.get_meter)
    telemetry = Telemetry()
    telemetry.note([ConnectionLost(code=1006), GenerationComplete(), RESUMED])
    telemetry.note([VoiceHealth(finding="empty_turn", detail="secret", action="report")])
    telemetry.dropped(250)
    (resource,) = reader.get_metrics_data().resource_metrics
    measured: dict[tuple[str, str], Any] = {
        (metric.name.removeprefix("gemini_realtime."), metric.unit): next(iter(metric.data.data_points))
        for metric in resource.scope_metrics[0].metrics
    }
    values = {name: point.sum if name == "sessions.gap" else point.value for (name, _), point in measured.items()}
    assert values == {
        "connections.lost": 1,
        "sessions.resumed": 1,
        "sessions.gap": 1.5,
        "messages.replayed": 3,
        "messages.uncertain": 1,
        "audio.dropped": 0.25,
        "findings": 1,
    }
    assert ("audio.dropped", "s") in measured
    assert dict(measured["findings", "{finding}"].attributes) == {"finding": "empty_turn", "action": "report"}


def test_without_opentelemetry_nothing_is_measured_and_nothing_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    telemetry = Telemetry()
    telemetry.note([ConnectionLost(code=1006), RESUMED])
    telemetry.dropped(250)
