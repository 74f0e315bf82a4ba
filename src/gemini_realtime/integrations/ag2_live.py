"""AG2 1.x: its `LiveAgent` talks through this package's client.

    from ag2.live import LiveAgent
    from gemini_realtime.integrations.ag2_live import RealtimeConfig

    config = RealtimeConfig({"config_list": [{"model": "gemini-3.8-live"}]})
    agent = LiveAgent("host", "You are helpful.", config=config, tools=[get_weather])
    async with agent.run() as context: ...

Beside AG2's own config for Gemini, a conversation survives its connection, an interruption reaches the player
(`AudioInterruptedEvent`), and a tool that takes its time holds up no sound.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import asynccontextmanager
from logging import getLogger
from typing import Any

from gemini_realtime.client import GeminiRealtimeClient
from gemini_realtime.errors import ConfigError
from gemini_realtime.protocol.events import (
    AudioDelta,
    FunctionCall,
    InputTranscript,
    Interrupted,
    OutputTranscript,
    RealtimeEvent,
    TextDelta,
    TurnComplete,
    Usage,
)

try:
    from ag2 import events as ag2
    from ag2.events import RecordedAudioEvent, ToolResultEvent
except ImportError as error:
    raise ConfigError("AG2 1.x is not installed", remedy="pip install 'ag2>=1.2,<2'") from error

__all__ = ["RealtimeConfig"]

_logger = getLogger("gemini_realtime.integrations")


class RealtimeConfig:
    """What `LiveAgent(config=...)` opens its sessions with."""

    def __init__(self, llm_config: Any, *, session_options: Mapping[str, Any] | None = None) -> None:
        """Prepare a configuration.

        Args:
            llm_config: as for `GeminiRealtimeClient`.
            session_options: as for its `session_update`; instructions and tools are the agent's.

        Raises:
            ConfigError: it cannot work.
        """
        self._llm_config = llm_config
        self._options = dict(session_options or {})
        GeminiRealtimeClient(llm_config=llm_config)  # says at once what is wrong with it

    @asynccontextmanager
    async def session(
        self, context: Any, *, instructions: Iterable[str] = (), tools: Iterable[Any] = (), serializer: Any
    ) -> AsyncGenerator[None, None]:
        """Hold a conversation for the duration of the context, between the events of AG2's stream and the service.

        Raises:
            ConfigError: a tool is none that a function stands behind, or an option cannot work.
            GeminiRealtimeError: the conversation could not be opened, or ended with an error.
        """
        client = GeminiRealtimeClient(llm_config=self._llm_config)
        declarations = [_declaration(tool) for tool in tools]
        instruction = "\n".join(instructions)
        agents = {"instructions": instruction} if instruction else {}
        await client.session_update({**agents, **({"tools": declarations} if declarations else {}), **self._options})

        async def hear(event: RecordedAudioEvent) -> None:
            await client.send_audio(event.content)

        async def give(event: ToolResultEvent) -> None:
            await client.send_function_result(event.parent_id, _text_of(event, serializer))

        stream = context.stream
        async with client.connect():
            with stream.where(RecordedAudioEvent).sub_scope(hear), stream.where(ToolResultEvent).sub_scope(give):
                telling = _Telling(context)
                reading = asyncio.create_task(telling.run(client))
                try:
                    yield
                finally:
                    await telling.stop(reading)
                if not reading.cancelled():
                    reading.result()


class _Telling:
    """Tells AG2's stream what the service says."""

    def __init__(self, context: Any) -> None:
        self._context = context
        self._calls: set[asyncio.Task[None]] = set()
        self._question = ""  # what the user was heard to say since the last answer
        self._answer = ""
        self._usage = Usage()

    async def run(self, client: GeminiRealtimeClient) -> None:
        async for event in client.read_events():
            for told in self._told(event):
                await self._context.send(told)

    async def stop(self, reading: asyncio.Task[None]) -> None:
        """End the reading, and the functions that still run."""
        tasks = [reading, *self._calls]
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

    def _told(self, event: RealtimeEvent) -> Iterable[Any]:
        match event:
            case InputTranscript(text=text) if text:
                self._question += text
                yield ag2.TranscriptionChunkEvent(text)
            case AudioDelta(stale=False):
                yield from self._question_complete()
                yield ag2.SynthesizedAudioEvent(event.audio)
            case OutputTranscript(text=text) | TextDelta(text=text) if text:
                yield from self._question_complete()
                self._answer += text
                yield ag2.ModelMessageChunk(text)
            case Interrupted():
                yield ag2.AudioInterruptedEvent()
            case FunctionCall():
                yield from self._question_complete()
                call = ag2.ToolCallEvent(id=event.call_id, name=event.name, arguments=json.dumps(event.arguments))
                # Not awaited: AG2 runs the function meanwhile, and the sound is not to wait for it.
                running = asyncio.create_task(self._context.send(call))
                self._calls.add(running)
                running.add_done_callback(self._called)
            case Usage():
                self._usage = event
            case TurnComplete():
                yield from self._turn_complete(event.usage or self._usage)

    def _called(self, running: asyncio.Task[None]) -> None:
        self._calls.discard(running)
        if not running.cancelled() and (error := running.exception()) is not None:
            _logger.error("AG2 could not run a function: %s", type(error).__name__, exc_info=error)

    def _question_complete(self) -> Iterable[Any]:
        question, self._question = self._question, ""
        if question:
            yield ag2.TranscriptionCompletedEvent(question)

    def _turn_complete(self, usage: Usage) -> Iterable[Any]:
        spent = ag2.Usage(
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.response_tokens,
            total_tokens=usage.total_tokens,
            cache_read_input_tokens=usage.cached_tokens,
            thinking_tokens=usage.thought_tokens,
        )
        answer, self._answer, self._usage = self._answer, "", Usage()
        if spent:
            yield ag2.UsageEvent(spent, kind="model_call", provider="gemini")
        message = ag2.ModelMessage(answer) if answer else None
        yield ag2.ModelResponse(message=message, usage=spent, provider="gemini")


def _declaration(tool: Any) -> dict[str, Any]:
    function = getattr(tool, "function", None)
    if function is None:
        raise ConfigError(
            f"AG2's tool of type {getattr(tool, 'type', '?')!r} has no function behind it",
            remedy="give LiveAgent functions only",
        )
    declared = {"name": function.name, "description": function.description}
    parameters = function.parameters or {}
    return {**declared, "parameters": parameters} if parameters.get("properties") else declared


def _text_of(event: Any, serializer: Any) -> str:
    """A result as AG2's own config for Gemini gives it: the texts of its parts."""
    return "\n".join(_text_of_part(part, serializer) for part in event.result.parts)


def _text_of_part(part: Any, serializer: Any) -> str:
    if isinstance(part, ag2.TextInput):
        return str(part.content)
    if isinstance(part, ag2.DataInput):
        return str(serializer.encode(part.data).decode())
    return str(part)
