"""Spans and metrics of a conversation by OpenTelemetry's conventions for generative AI: the extra `[telemetry]`.

    agent = RealtimeAgent(name="host", observers=[ConversationTraces()], ...)

    span                          for                              attributes beside those of all spans
    ----------------------------- -------------------------------- ------------------------------------------------
    invoke_agent {agent}          the conversation                 gen_ai.conversation.id
    generate_content {model}      an answer                        gen_ai.usage.*, gen_ai.output.type
    execute_tool {tool}           a call of a function             gen_ai.tool.name, gen_ai.tool.call.id, error.type

    metric                             unit      counts
    ---------------------------------- --------- -----------------------------------------------
    gen_ai.client.token.usage          {token}   tokens of an answer, by gen_ai.token.type
    gen_ai.client.operation.duration   s         an answer, or a call of a function
    gemini_realtime.answer.first_audio s         from the end of the user's speech to the first sound

Nothing of what was said, no argument and no result is in them. Source:
https://github.com/open-telemetry/semantic-conventions/tree/main/docs/gen-ai, whose status is "development".
"""

from __future__ import annotations

import time
import uuid
from logging import Logger
from typing import Any, Final

from gemini_realtime.agent.log import ConversationLog, ToolUse, Turn
from gemini_realtime.errors import MissingDependencyError
from gemini_realtime.protocol.events import FunctionCallCancelled, FunctionResult, RealtimeEvent, TurnComplete
from gemini_realtime.version import __version__

try:
    from opentelemetry import metrics, trace
    from opentelemetry.trace import Span, SpanKind, StatusCode
except ImportError as error:
    raise MissingDependencyError("spans of a conversation", "telemetry") from error

NAME: Final = "gemini_realtime"
DURATIONS_S: Final = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
TOKENS: Final = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864)
"""Boundaries of the histograms, as the conventions ask for them."""

LAST_TURNS: Final = 8
"""How far back a turn may lie that has ended now."""


class ConversationTraces(ConversationLog):
    """Tells OpenTelemetry of each answer and each function, when it is over."""

    def __init__(
        self,
        *,
        provider: str = "gcp.gemini",
        tracer_provider: trace.TracerProvider | None = None,
        meter_provider: metrics.MeterProvider | None = None,
        logger: Logger | None = None,
    ) -> None:
        """Prepare spans and metrics.

        Args:
            provider: `gen_ai.provider.name`: `gcp.gemini` or `gcp.vertex_ai`.
            tracer_provider: that of the process by default.
            meter_provider: that of the process by default.
            logger: for this observer.
        """
        super().__init__(logger=logger)
        self._tracer = trace.get_tracer(NAME, __version__, tracer_provider)
        meter = metrics.get_meter(NAME, __version__, meter_provider)
        self._tokens = meter.create_histogram(
            "gen_ai.client.token.usage", "{token}", explicit_bucket_boundaries_advisory=TOKENS
        )
        self._duration = meter.create_histogram(
            "gen_ai.client.operation.duration", "s", explicit_bucket_boundaries_advisory=DURATIONS_S
        )
        self._first_audio = meter.create_histogram(
            "gemini_realtime.answer.first_audio", "s", explicit_bucket_boundaries_advisory=DURATIONS_S
        )
        self._provider = provider
        self._told: list[Turn] = []
        self._running: list[tuple[ToolUse, Span]] = []  # calls of answers that were told of
        self._began_ns = 0
        self._conversation: Span | None = None

    async def initialize_session(self) -> None:
        """Begin the span of the conversation."""
        await super().initialize_session()
        self._began_ns = time.time_ns()
        conversation = {"gen_ai.conversation.id": uuid.uuid4().hex, "gen_ai.agent.name": self.agent.name}
        self._conversation = self._tracer.start_span(
            f"invoke_agent {self.agent.name}",
            kind=SpanKind.INTERNAL,
            start_time=self._began_ns,
            attributes={**self._common("invoke_agent"), **conversation},
        )

    async def on_event(self, event: RealtimeEvent) -> None:
        """Take note, and tell of answers that are over."""
        await super().on_event(event)
        if isinstance(event, TurnComplete | FunctionResult | FunctionCallCancelled):
            self._tell()

    async def on_close(self) -> None:
        """End the span of the conversation."""
        self._answer = None
        self._tell(everything=True)
        if self._conversation is not None:
            self._conversation.end()
        await super().on_close()

    def _tell(self, *, everything: bool = False) -> None:
        for turn in self.turns[-LAST_TURNS:]:
            over = turn.role == "assistant" and turn is not self._answer
            if over and not any(turn is told for told in self._told):
                self._tell_of(turn)
                self._told = [*self._told, turn][-LAST_TURNS:]
        for use, span in self._running:
            if everything or use.duration_ms is not None:
                self._tell_of_tool(use, span)
        self._running = [(use, span) for use, span in self._running if use.duration_ms is None]

    def _tell_of(self, turn: Turn) -> None:
        common = self._common("generate_content")
        span = self._span(
            f"generate_content {self.agent.model}",
            SpanKind.CLIENT,
            turn.begin_ms,
            {
                **common,
                "gen_ai.agent.name": turn.agent,
                "gen_ai.output.type": "speech",
                "gen_ai.usage.input_tokens": turn.input_tokens,
                "gen_ai.usage.output_tokens": turn.output_tokens,
            },
            self._conversation,
        )
        self._running += [(use, span) for use in turn.tools]
        span.end(self._at_ns(turn.end_ms))
        self._duration.record((turn.end_ms - turn.begin_ms) / 1000, common)
        if turn.first_audio_ms is not None:
            self._first_audio.record(turn.first_audio_ms / 1000, common)
        for kind, count in (("input", turn.input_tokens), ("output", turn.output_tokens)):
            if count:
                self._tokens.record(count, {**common, "gen_ai.token.type": kind})

    def _tell_of_tool(self, use: ToolUse, parent: Span) -> None:
        common = {**self._common("execute_tool"), "gen_ai.tool.name": use.name, "gen_ai.tool.type": "function"}
        failure = _failure_of(use)
        if failure:
            common["error.type"] = failure
        attributes = {**common, "gen_ai.tool.call.id": use.call_id}
        span = self._span(f"execute_tool {use.name}", SpanKind.INTERNAL, use.begin_ms, attributes, parent)
        if failure:
            span.set_status(StatusCode.ERROR)
        duration_ms = use.duration_ms or 0.0
        span.end(self._at_ns(use.begin_ms + duration_ms))
        self._duration.record(duration_ms / 1000, common)

    def _common(self, operation: str) -> dict[str, Any]:
        return {
            "gen_ai.operation.name": operation,
            "gen_ai.provider.name": self._provider,
            "gen_ai.request.model": self.agent.model,
        }

    def _span(
        self, name: str, kind: SpanKind, begin_ms: float, attributes: dict[str, Any], parent: Span | None
    ) -> Span:
        context = trace.set_span_in_context(parent) if parent is not None else None
        begin_ns = self._at_ns(begin_ms)
        return self._tracer.start_span(name, context, kind=kind, start_time=begin_ns, attributes=attributes)

    def _at_ns(self, ms: float) -> int:
        return self._began_ns + int(ms * 1_000_000)


def _failure_of(use: ToolUse) -> str:
    if use.cancelled:
        return "cancelled"
    if use.duration_ms is None:
        return "unfinished"
    result = use.result or {}
    return str(result.get("type", "error")) if "error" in result else ""
