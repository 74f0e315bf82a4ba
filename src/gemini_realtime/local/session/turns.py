"""What was said in a session, as it was at some moment: taking it costs the same however much there is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final, overload

from gemini_realtime.local.thinking import Turn

TURN_CHARACTERS: Final = 16
"""What a turn counts beside its text: who said it, and that it is one."""


class Turns(Sequence[Turn]):
    """The first turns of a list that only grows.

    Args:
        log: the list.
        length: how many of it.
        characters: how many characters these are, each turn with `TURN_CHARACTERS` more.
    """

    __slots__ = ("_length", "_log", "characters")

    def __init__(self, log: list[Turn], length: int, characters: int) -> None:
        self._log = log
        self._length = length
        self.characters = characters

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, at: int) -> Turn: ...

    @overload
    def __getitem__(self, at: slice) -> tuple[Turn, ...]: ...

    def __getitem__(self, at: int | slice) -> Turn | tuple[Turn, ...]:
        if isinstance(at, slice):
            return tuple(self._log[n] for n in range(*at.indices(self._length)))
        if not -self._length <= at < self._length:
            raise IndexError(at)
        return self._log[at if at >= 0 else self._length + at]

    def __iter__(self) -> Iterator[Turn]:
        return islice(self._log, self._length)

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]  # as a list has none

    def __repr__(self) -> str:
        return repr(tuple(self))


def characters_in(turn: Turn) -> int:
    """What a turn counts."""
    return len(turn.text) + TURN_CHARACTERS
