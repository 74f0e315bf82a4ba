"""A call to a voice agent, from the caller's side: say something, hear the answer, interrupt, look at what was done.

call = await caller(my_agent)
await call.says("A table for two at eight.")
answer = await call.hears()
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, cast

from gemini_realtime.adapters.files import read_audio
from gemini_realtime.agent import ConversationLog, RealtimeAgent, ToolUse, Turn
from gemini_realtime.client import GeminiRealtimeClient
from gemini_realtime.errors import ConfigError, NotConnectedError
from gemini_realtime.protocol.events import AudioDelta, RealtimeEvent, TurnComplete
from gemini_realtime.testing.conversation import say

if TYPE_CHECKING:
    from gemini_realtime import LiveServer


class Listening(ConversationLog):
    """The log of the call, which knows when the agent is audible."""

    def __init__(self) -> None:
        super().__init__()
        self.audible = asyncio.Event()

    def note(self, event: RealtimeEvent) -> None:
        super().note(event)
        if isinstance(event, AudioDelta) and not event.stale:
            self.audible.set()
        elif isinstance(event, TurnComplete):
            self.audible.clear()


class Call(ABC):
    """A conversation with an agent.

    Attributes:
        log: of the conversation, as the caller follows it.
    """

    def __init__(self, log: Listening, server: LiveServer | None) -> None:
        self.log: ConversationLog = log
        self._audible = log.audible
        self._server = server

    @abstractmethod
    async def says(self, speech: str | bytes | Path, *, rate_hz: int = 16000) -> None:
        """Speak, and be silent then.

        Args:
            speech: words; samples, mono signed 16-bit little-endian; or a sound file.
            rate_hz: of samples.
        """

    @abstractmethod
    async def types(self, words: str) -> None:
        """Say it in writing: quicker than to speak, and understood to the letter."""

    async def hears(self, *, timeout_s: float = 30.0) -> Turn:
        """The next answer of the agent, when it is whole; a turn that only calls functions is none.

        Raises:
            AssertionError: there was none in time, or before the call ended; the message tells the conversation.
        """
        try:
            async with asyncio.timeout(timeout_s):
                return await self.log.next_answer()
        except TimeoutError:
            raise AssertionError(f"no answer within {timeout_s:g} s:\n{self.story()}") from None
        except NotConnectedError:
            raise AssertionError(f"the call ended before an answer:\n{self.story()}") from None

    async def interrupts(self, speech: str | bytes | Path, *, after_ms: float = 300.0, timeout_s: float = 30.0) -> None:
        """Wait until the agent is audible, and speak over it. The server has to keep pace: `pace="realtime"`.

        Args:
            speech: as for `says`.
            after_ms: how long it may speak.
            timeout_s: how long to wait for its first sound.

        Raises:
            AssertionError: it was not audible in time.
        """
        try:
            async with asyncio.timeout(timeout_s):
                await self._audible.wait()
        except TimeoutError:
            raise AssertionError(f"nothing to interrupt within {timeout_s:g} s:\n{self.story()}") from None
        await asyncio.sleep(after_ms / 1000)
        await self.says(speech)

    def fault(self, name: str) -> None:
        """Let something go wrong now, as docs/faults.md names it: `cut`, `silence`, `close:code=1011`, `go-away`.

        Raises:
            ConfigError: there is no such fault, or the call does not know the server.
        """
        if self._server is None:
            raise ConfigError("the call does not know the server", remedy="pass `server`, or a function for the agent")
        self._server.misbehave(name)

    @abstractmethod
    async def hangs_up(self) -> None:
        """End the call; returns when everything is in order."""

    def story(self) -> str:
        """The conversation as text, for whoever reads why a test failed."""
        return self.log.table()

    @property
    def turns(self) -> list[Turn]:
        """What both sides said, so far."""
        return self.log.turns

    @property
    def tools(self) -> list[ToolUse]:
        """The functions that were called, in order."""
        return [use for turn in self.log.turns for use in turn.tools]

    @property
    def latencies_ms(self) -> list[float]:
        """Of each answer: from the end of what the caller said to its first sound."""
        return [turn.first_audio_ms for turn in self.log.turns if turn.first_audio_ms is not None]


class AgentCall(Call):
    """A conversation with a `RealtimeAgent` in this process.

    Attributes:
        agent: who was called.
    """

    def __init__(self, agent: RealtimeAgent, log: Listening, server: LiveServer | None) -> None:
        super().__init__(log, server)
        self.agent = agent

    async def says(self, speech: str | bytes | Path, *, rate_hz: int = 16000) -> None:
        """Speak to its client, words by a synthetic voice, and be silent for a second."""
        if isinstance(speech, Path):
            speech, rate_hz = read_audio(speech)
        client = cast("GeminiRealtimeClient", self.agent.realtime_client)
        await say(client, speech, rate_hz=rate_hz, realtime=False)

    async def types(self, words: str) -> None:
        """Send it as text."""
        await self.agent.send_text(words)

    async def hangs_up(self) -> None:
        """End the call; returns when the agent has put everything in order."""
        self.agent.stop()
        await self.log.over.wait()
