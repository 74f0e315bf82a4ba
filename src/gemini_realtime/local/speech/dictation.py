"""From the utterances of one client to its words."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, NamedTuple

from gemini_realtime.audio.format import INPUT_FORMAT
from gemini_realtime.local.speech.unfinished import goes_on

_SKETCH_EVERY_BYTES: Final = INPUT_FORMAT.bytes_for_ms(1_000)


class _Utterance(NamedTuple):
    pcm16k: bytes
    words: asyncio.Task[str]
    begins: int  # of utterances, this one included


class Dictation:
    """Take utterances down in order, beginning before it is certain that they are over.

    Args:
        transcribe: gives the words of an utterance.
        hears: is told the words so far of an utterance under way; None when nobody wants to know.
        unfinished_wait_s: how much longer to wait for the user to go on where a sentence plainly does.
    """

    def __init__(
        self,
        transcribe: Callable[[bytes], Awaitable[str]],
        *,
        hears: Callable[[str], None] | None = None,
        unfinished_wait_s: float = 0.0,
    ) -> None:
        self._transcribe = transcribe
        self._hears = hears
        self._unfinished_wait_s = unfinished_wait_s
        self._begins = 0
        self._begun = asyncio.Event()
        self._draft: _Utterance | None = None
        self._spoken: asyncio.Queue[_Utterance] = asyncio.Queue()
        self._sketch: asyncio.Task[None] | None = None
        self._sketched_bytes = 0
        self._tasks: set[asyncio.Task[str] | asyncio.Task[None]] = set()

    @property
    def waiting(self) -> int:
        """How many utterances `next` has not given yet."""
        return self._spoken.qsize()

    def begin(self) -> None:
        """The user begins to speak."""
        self._begins += 1
        self._begun.set()

    def wants(self, speech_bytes: int) -> bool:
        """Whether `sketch` is of use when so much of an utterance has been heard."""
        idle = self._sketch is None or self._sketch.done()
        return self._hears is not None and idle and speech_bytes >= self._sketched_bytes + _SKETCH_EVERY_BYTES

    def sketch(self, pcm16k: bytes) -> None:
        """Take an utterance as far as it has come, to tell its words so far."""
        self._sketched_bytes = len(pcm16k)
        self._sketch = asyncio.create_task(self._tell(pcm16k))
        self._keep(self._sketch)

    def expect(self, pcm16k: bytes) -> None:
        """Begin with what is probably an utterance; what was expected before is forgotten."""
        if self._draft is not None:
            self._draft.words.cancel()
        self._draft = _Utterance(pcm16k, asyncio.create_task(self._words(pcm16k)), self._begins)
        self._keep(self._draft.words)

    def add(self, pcm16k: bytes) -> None:
        """Take an utterance that is over."""
        if self._draft is None or self._draft.pcm16k != pcm16k:
            self.expect(pcm16k)
        assert self._draft is not None
        self._spoken.put_nowait(self._draft)
        self._draft = None
        if self._sketch is not None:
            self._sketch.cancel()
        self._sketched_bytes = 0

    async def next(self) -> tuple[bytes, str]:
        """The next utterance and its words; raises what `transcribe` raises."""
        utterance = await self._spoken.get()
        words = await utterance.words
        if self._unfinished_wait_s and goes_on(words):
            await self._more(utterance.begins)
        return utterance.pcm16k, words

    async def close(self) -> None:
        """Stop all work, and return when it has stopped."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _words(self, pcm16k: bytes) -> str:
        return await self._transcribe(pcm16k) if pcm16k else ""

    async def _tell(self, pcm16k: bytes) -> None:
        words = await self._transcribe(pcm16k)
        if self._hears is not None:
            self._hears(words)

    async def _more(self, begins: int) -> None:
        """Return when another utterance has begun since, or is not to be expected any more."""
        if self._begins == begins:
            self._begun.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._unfinished_wait_s):
                    await self._begun.wait()

    def _keep(self, task: asyncio.Task[str] | asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[str] | asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # of a draft that failed and was forgotten nobody wants to know
