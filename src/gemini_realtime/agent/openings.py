"""What an agent says first when a conversation was handed over to it."""

from __future__ import annotations

from logging import Logger

from gemini_realtime.agent.observers import RealtimeObserver
from gemini_realtime.errors import GeminiRealtimeError
from gemini_realtime.protocol.events import RealtimeEvent, SessionUpdated


class Openings(RealtimeObserver):
    """Asks the agent to open, as soon as its instructions are in force.

    Attributes:
        words: what it is asked; empty where nothing is to be said.
    """

    def __init__(self, *, logger: Logger | None = None) -> None:
        super().__init__(logger=logger)
        self.words = ""

    async def initialize_session(self) -> None:
        """Nothing to prepare."""

    async def run_loop(self) -> None:
        """Nothing to do beside the events."""

    async def on_event(self, event: RealtimeEvent) -> None:
        """Ask when the session has been changed."""
        if not isinstance(event, SessionUpdated) or not self.words:
            return
        words, self.words = self.words, ""
        try:
            await self.realtime_client.send_text(role="system", text=words)
        except GeminiRealtimeError as error:
            self.logger.warning("the agent was not asked to open: %s", error.problem)
