"""Speech that was made before, to be given again: what a server says, it says often."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Hashable, Sequence
from contextlib import aclosing
from typing import Final

from gemini_realtime.local.speech.speaking import SpokenChunk

_CAPACITY_BYTES: Final = 32 * 1024 * 1024  # eleven minutes of speech


class Phrases:
    """Speech by what it was made from; what was not asked for the longest is forgotten first.

    Args:
        capacity_bytes: of sound.
    """

    def __init__(self, capacity_bytes: int = _CAPACITY_BYTES) -> None:
        self._capacity_bytes = capacity_bytes
        self._size_bytes = 0
        self._kept: OrderedDict[Hashable, Sequence[SpokenChunk]] = OrderedDict()

    async def speak(
        self, key: Hashable, make: Callable[[], AsyncGenerator[SpokenChunk, None]]
    ) -> AsyncGenerator[SpokenChunk, None]:
        """Give the speech of this key; it is made when it is not here, and kept when it is made to its end."""
        if key in self._kept:
            self._kept.move_to_end(key)
            for chunk in self._kept[key]:
                yield chunk
            return
        made = []
        async with aclosing(make()) as chunks:
            async for chunk in chunks:
                made.append(chunk)
                yield chunk
        self._keep(key, made)

    def _keep(self, key: Hashable, chunks: Sequence[SpokenChunk]) -> None:
        self._forget(key)  # two may have made it at once
        self._kept[key] = chunks
        self._size_bytes += _size(chunks)
        while self._size_bytes > self._capacity_bytes:
            self._forget(next(iter(self._kept)))

    def _forget(self, key: Hashable) -> None:
        self._size_bytes -= _size(self._kept.pop(key, ()))


def _size(chunks: Sequence[SpokenChunk]) -> int:
    return sum(len(chunk.audio) for chunk in chunks)
