"""Spans and metrics by OpenTelemetry's conventions for generative AI."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from gemini_realtime import AudioDelta, FunctionCall, OutputTranscript, TurnComplete, Usage
from gemini_realtime.agent.traces import ConversationTraces
from gemini_realtime.testing import in_virtual_time
from tests.agent.test_functions import Scene

SPOKEN = AudioDelta(delta="AAAA" * 1000)


class Telling(Scene):
    """A conversation of which OpenTelemetry is told."""

    def __init__(self) -> None:
        self.exporter, self.reader = InMemorySpanExporter(), InMemoryMetricReader()
        tracers = TracerProvider()
        tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        meters = MeterProvider([self.reader])
        super().__init__(observers=[ConversationTraces(tracer_provider=tracers, meter_provider=meters)])

        @self.tool()
        async def pay(euros: int) -> str:
            if euros > 9:
                raise ValueError("secret 4711")
            return "paid with card 4711"

    async def converse(self) -> None:
        async with self:
            await self.happens(
                FunctionCall(name="pay", arguments={"euros": 5}, call_id="1"),
                FunctionCall(name="pay", arguments={"euros": 50}, call_id="2"),
            )
            usage = Usage(prompt_tokens=20, response_tokens=7, total_tokens=27)
            await self.happens(SPOKEN, OutputTranscript(text="Your secret is paid."), usage, TurnComplete())

    @property
    def spans(self) -> dict[str, ReadableSpan]:
        return {str((span.attributes or {}).get("gen_ai.tool.call.id") or span.name): span for span in self.finished}

    @property
    def finished(self) -> tuple[ReadableSpan, ...]:
        return self.exporter.get_finished_spans()

    def points(self, name: str) -> list[Any]:
        data = self.reader.get_metrics_data()
        assert data is not None
        found = [m for r in data.resource_metrics for s in r.scope_metrics for m in s.metrics if m.name == name]
        return [point for metric in found for point in metric.data.data_points]


@in_virtual_time
async def test_answers_and_functions_are_spans_of_the_conversation() -> None:
    before_ns = time.time_ns()
    scene = Telling()
    await scene.converse()
    spans = scene.spans
    answer = spans["generate_content gemini-2.5-flash-native-audio"]
    conversation, paid = spans["invoke_agent test"], spans["1"]
    assert answer.parent is not None
    assert answer.parent.span_id == conversation.context.span_id
    assert paid.parent is not None
    assert paid.parent.span_id == answer.context.span_id
    assert paid.name == "execute_tool pay"
    assert dict(answer.attributes or {}) == {
        "gen_ai.operation.name": "generate_content", "gen_ai.provider.name": "gcp.gemini",
        "gen_ai.request.model": "gemini-2.5-flash-native-audio", "gen_ai.agent.name": "test",
        "gen_ai.output.type": "speech", "gen_ai.usage.input_tokens": 20, "gen_ai.usage.output_tokens": 7,
    }  # fmt: skip
    assert answer.end_time is not None
    assert answer.start_time is not None
    assert 0.9e9 < answer.end_time - answer.start_time < 1.1e9
    assert conversation.start_time is not None
    assert before_ns <= conversation.start_time <= answer.start_time


@in_virtual_time
async def test_a_function_that_fails_is_an_error_of_its_type() -> None:
    scene = Telling()
    await scene.converse()
    failed = scene.spans["2"]
    assert not failed.status.is_ok
    assert (failed.attributes or {})["error.type"] == "ValueError"
    assert "error.type" not in (scene.spans["1"].attributes or {})


@in_virtual_time
async def test_nothing_that_was_said_or_paid_is_told() -> None:
    scene = Telling()
    await scene.converse()
    told = str([span.to_json() for span in scene.finished]) + str(scene.reader.get_metrics_data())
    assert "4711" not in told
    assert "secret" not in told
    assert "euros" not in told


@in_virtual_time
async def test_tokens_and_durations_are_measured() -> None:
    scene = Telling()
    await scene.converse()
    tokens = {point.attributes["gen_ai.token.type"]: point.sum for point in scene.points("gen_ai.client.token.usage")}
    assert tokens == {"input": 20, "output": 7}
    durations = scene.points("gen_ai.client.operation.duration")
    assert {point.attributes["gen_ai.operation.name"] for point in durations} == {"generate_content", "execute_tool"}


@in_virtual_time
async def test_a_call_without_an_end_is_told_at_the_end_of_the_conversation() -> None:
    scene = Telling()
    async with scene:
        await scene.happens(FunctionCall(name="unheard_of", arguments={}, call_id="9"))
    assert scene.spans["9"].name == "execute_tool unheard_of"


@in_virtual_time
async def test_a_function_in_the_background_is_told_when_it_is_over() -> None:
    scene = Telling()

    @scene.tool(background=True)
    async def look_up() -> str:
        await asyncio.sleep(5)
        return "found"

    async with scene:
        await scene.happens(FunctionCall(name="look_up", arguments={}, call_id="1"), SPOKEN, TurnComplete())
        assert "1" not in scene.spans
        await scene.happens(after_s=6)
        looked_up = scene.spans["1"]
    assert "error.type" not in (looked_up.attributes or {})
    assert looked_up.end_time is not None
    assert looked_up.start_time is not None
    assert 4.9e9 < looked_up.end_time - looked_up.start_time < 5.1e9
