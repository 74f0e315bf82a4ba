"""A host on our own agent, in the process of the evaluation."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import Any

from gemini_realtime import (
    InputAudioBufferDelta,
    InputTranscript,
    RealtimeAgent,
    RealtimeEvent,
    RealtimeObserver,
    SessionResumed,
)
from reliability.bookings import PRICES


@dataclass(frozen=True)
class Program:
    """The program around the model, as it should be or with mistakes; `DEFECTS` has what each is."""

    price_takes_s: float = 0.0
    price_fails: bool = False
    price_hangs: bool = False
    talks_over: bool = False
    deaf_after_resume: bool = False
    answers_coughs: bool = False
    gives_up_connection: bool = False
    hangs_up: bool = False
    loses_tool: bool = False
    hasty: bool = False

    def __call__(self, llm_config: dict[str, Any], audio_adapter: RealtimeObserver | None = None) -> RealtimeAgent:
        """Make the agent."""
        (entry,) = llm_config["config_list"]
        if self.gives_up_connection:
            entry = {**entry, "reconnect": False}
        agent = RealtimeAgent(name="host", llm_config={"config_list": [entry]}, audio_adapter=audio_adapter)
        if self.talks_over:
            setup = {"realtime_input_config": {"activity_handling": "NO_INTERRUPTION"}}
            agent.callbacks.on_observers_ready = partial(agent.realtime_client.session_update, setup)
        if self.hasty:
            pauses = {"realtime_input_config": {"automatic_activity_detection": {"silence_duration_ms": 100}}}
            agent.callbacks.on_observers_ready = partial(agent.realtime_client.session_update, pauses)
        if self.deaf_after_resume:
            agent.register_observer(_Deaf())
        if self.answers_coughs:
            agent.register_observer(_Eager())

        @agent.register_realtime_function(name="book" if self.loses_tool else "book_table")
        async def book_table(guests: int, hour: int, name: str) -> str:
            """Book a table."""
            if self.hangs_up:
                agent.stop()
            return "booked"

        @agent.register_realtime_function()
        async def price(dish: str) -> int:
            """The price of a dish in dollars."""
            await asyncio.sleep(self.price_takes_s)
            if self.price_hangs:
                await asyncio.Event().wait()
            if self.price_fails:
                raise KeyError(dish)
            return PRICES[dish]

        return agent


class _Watching(RealtimeObserver):
    async def initialize_session(self) -> None:
        """Nothing to prepare."""

    async def run_loop(self) -> None:
        """Nothing to do beside the events."""


class _Deaf(_Watching):
    """Hears nothing over its second connection."""

    async def on_event(self, event: RealtimeEvent) -> None:
        if isinstance(event, SessionResumed):
            self.realtime_client.send_audio = self._drop  # type: ignore[method-assign]

    async def _drop(self, audio: Any, **options: Any) -> None:
        return None


class _Eager(_Watching):
    """Takes each sound that is followed by silence for a question, with words or without."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces_since: int | None = None

    async def on_event(self, event: RealtimeEvent) -> None:
        if isinstance(event, InputTranscript):
            self._pieces_since = None
        elif isinstance(event, InputAudioBufferDelta):
            if event.delta.strip("A="):  # zeros in base64 are As
                self._pieces_since = 0
            elif self._pieces_since is not None:
                self._pieces_since += 1
                if self._pieces_since == 30:
                    await self.realtime_client.send_text(role="user", text="Hello?")
