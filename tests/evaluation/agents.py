"""Agents to be called by tests."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

from gemini_realtime import RealtimeAgent
from gemini_realtime.agent.observers import RealtimeObserver
from gemini_realtime.protocol.events import RealtimeEvent


def restaurant(llm_config: dict[str, Any]) -> RealtimeAgent:
    """Books tables."""
    agent = RealtimeAgent(name="host", llm_config=llm_config)

    @agent.register_realtime_function()
    def book_table(guests: int, hour: int) -> str:
        """Book a table."""
        return f"a table for {guests} at {hour}"

    return agent


class _Greeting(RealtimeObserver):
    async def initialize_session(self) -> None:
        await self.realtime_client.send_text(role="user", text="What is six times seven?")

    async def run_loop(self) -> None:
        pass

    async def on_event(self, event: RealtimeEvent) -> None:
        pass


def talkative(llm_config: dict[str, Any]) -> RealtimeAgent:
    """Speaks first."""
    agent = RealtimeAgent(name="host", llm_config=llm_config)
    agent.register_observer(_Greeting())
    return agent


def hasty(llm_config: dict[str, Any]) -> RealtimeAgent:
    """Takes each pause for the end of what is said."""
    agent = RealtimeAgent(name="host", llm_config=llm_config)
    setup = {"realtime_input_config": {"automatic_activity_detection": {"silence_duration_ms": 100}}}
    agent.callbacks.on_observers_ready = partial(agent.realtime_client.session_update, setup)
    return agent


def broken(llm_config: dict[str, Any]) -> RealtimeAgent:
    """Cannot be made."""
    raise LookupError("no such menu")


def suicidal(llm_config: dict[str, Any]) -> RealtimeAgent:
    """Takes its process along."""
    os._exit(3)


def hangs_up(llm_config: dict[str, Any]) -> RealtimeAgent:
    """Ends the call instead of booking a table."""
    agent = RealtimeAgent(name="host", llm_config=llm_config)

    @agent.register_realtime_function()
    async def book_table(guests: int, hour: int) -> str:
        """Book a table."""
        agent.stop()
        return "booked"

    return agent


NO_FUNCTION = 3


def killed_once(llm_config: dict[str, Any]) -> RealtimeAgent:
    """Takes its process along, the first time anybody asks for it in the folder that the environment names."""
    try:
        os.close(os.open(os.path.join(os.environ["KILLED_ONCE"], "killed"), os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return restaurant(llm_config)
    os._exit(3)
