"""What a page is told of its conversation: turns as they grow, and what happens to the connection."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from logging import Logger
from typing import Any, Final

from gemini_realtime.agent.log import ConversationLog, ToolUse, Turn
from gemini_realtime.protocol.events import (
    AudioDropped,
    ConnectionLost,
    GoAway,
    PlaybackStopped,
    RealtimeEvent,
    Reconnecting,
    SessionResumed,
    SessionUpdated,
    VoiceHealth,
)

Json = dict[str, Any]
Tell = Callable[[Json], Awaitable[None]]

INTERVAL_S: Final = 0.06
"""Turns are told so often while they grow: words and times come in more pieces than anybody reads."""

STILL_CHANGING: Final = 16
"""Turns before the last one that may still change: functions in the background end late."""

_HAPPENED: Final = (
    ConnectionLost, Reconnecting, SessionResumed, SessionUpdated, GoAway, AudioDropped, VoiceHealth, PlaybackStopped,
)  # fmt: skip


class PageLog(ConversationLog):
    """Tells a page of turns (the message `turn`), of what functions are called with and give (`call`), and of what
    happens (`happened`)."""

    def __init__(self, tell: Tell, *, logger: Logger | None = None) -> None:
        """Prepare a log.

        Args:
            tell: sends the page a message.
            logger: for this observer.
        """
        super().__init__(logger=logger)
        self._tell = tell
        self._changed = asyncio.Event()
        self._numbers: dict[int, int] = {}  # of turns, by identity: in the order in which they were seen
        self._told: dict[int, Json] = {}  # by number, of those that may still change

    async def on_event(self, event: RealtimeEvent) -> None:
        """Take note, and tell of it."""
        await super().on_event(event)
        self._changed.set()
        if isinstance(event, _HAPPENED):
            await self._tell({"event": "happened", "at_ms": self._now_ms(), **event.to_dict()})

    def note_typed(self, words: str, *, lasting_s: float = 0.0) -> None:
        """Take note of what was typed, and tell of it."""
        super().note_typed(words, lasting_s=lasting_s)
        self._changed.set()

    async def run_loop(self) -> None:
        """Tell of turns that have changed."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            await self._tell_turns()
            await asyncio.sleep(INTERVAL_S)

    async def on_close(self) -> None:
        """Tell how it ended."""
        await self._tell_turns()
        await super().on_close()

    async def _tell_turns(self) -> None:
        numbered = [(self._number_of(turn), turn) for turn in self.turns[-STILL_CHANGING:]]
        self._told = {number: self._told.get(number, {}) for number, _ in numbered}
        before = None  # which turn: one that comes late has its place before one that is there
        for number, turn in reversed(numbered):
            told = {"number": number, "before": before, **_shown(turn)}
            known = self._told[number]
            if told != known:
                self._told[number] = told
                await self._tell({"event": "turn", "turn": told})
                await self._tell_calls(number, turn, known.get("tools", []))
            before = number

    async def _tell_calls(self, number: int, turn: Turn, known: list[Json]) -> None:
        for use in turn.tools:
            if _shown_use(use) not in known:
                content = {"call_id": use.call_id, "arguments": use.arguments, "result": use.result}
                await self._tell({"event": "call", "number": number, **content})

    def _number_of(self, turn: Turn) -> int:
        return self._numbers.setdefault(id(turn), len(self._numbers))


def _shown(turn: Turn) -> Json:
    """A turn as it is told each time that it has grown: without what may be large, and is told once."""
    return {**vars(turn), "tools": [_shown_use(use) for use in turn.tools], "unheard": unheard_of(turn)}


def _shown_use(use: ToolUse) -> Json:
    failed = use.result is not None and "error" in use.result
    return {**vars(use), "arguments": None, "result": None, "failed": failed}


def unheard_of(turn: Turn) -> str:
    """The words of an interrupted answer that nobody heard, as they stand in `said`."""
    if turn.heard is None:
        return ""
    # What was heard is told with other spaces than what was said.
    left = sum(not letter.isspace() for letter in turn.heard)
    for at, letter in enumerate(turn.said):
        if not left:
            return turn.said[at:]
        left -= not letter.isspace()
    return ""
