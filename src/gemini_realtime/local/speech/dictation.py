"""From the utterances of one client to its words."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple


class _Utterance(NamedTuple):
    pcm16k: bytes
    words: asyncio.Task[str]


class Dictation:
    """Take utterances down in order, beginning before it is certain that they are over.

    Args:
        transcribe: gives the words of an utterance.
    """

    def __init__(self, transcribe: Callable[[bytes], Awaitable[str]]) -> None:
        self._transcribe = transcribe
        self._draft: _Utterance | None = None
        self._spoken: asyncio.Queue[_Utterance] = asyncio.Queue()
        self._tasks: set[asyncio.Task[str]] = set()

    @property
    def waiting(self) -> int:
        """How many utterances `next` has not given yet."""
        return self._spoken.qsize()

    def expect(self, pcm16k: bytes) -> None:
        """Begin with what is probably an utterance; what was expected before is forgotten."""
        if self._draft is not None:
            self._draft.words.cancel()
        self._draft = _Utterance(pcm16k, asyncio.create_task(self._words(pcm16k)))
        self._tasks.add(self._draft.words)
        self._draft.words.add_done_callback(self._done)

    def add(self, pcm16k: bytes) -> None:
        """Take an utterance that is over."""
        if self._draft is None or self._draft.pcm16k != pcm16k:
            self.expect(pcm16k)
        assert self._draft is not None
        self._spoken.put_nowait(self._draft)
        self._draft = None

    async def next(self) -> tuple[bytes, str]:
        """The next utterance and its words; raises what `transcribe` raises."""
        utterance = await self._spoken.get()
        return utterance.pcm16k, await utterance.words

    async def close(self) -> None:
        """Stop all work, and return when it has stopped."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _words(self, pcm16k: bytes) -> str:
        return await self._transcribe(pcm16k) if pcm16k else ""

    def _done(self, task: asyncio.Task[str]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # of a draft that failed and was forgotten nobody wants to know
