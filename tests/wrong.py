"""Values of every wrong kind, for whatever takes something from a user."""

from __future__ import annotations

import enum
import types
from typing import Any


class Word(enum.Enum):
    """An enum whose value means nothing here."""

    ODD = "odd"


class Rude:
    """An object that does not want to be looked at."""

    def __repr__(self) -> str:
        raise RuntimeError("no")

    def __bool__(self) -> bool:
        raise RuntimeError("no")

    def model_dump(self, **_: Any) -> Any:
        """Raises, as a model may whose fields are broken."""
        raise RuntimeError("no")


def endless() -> list[Any]:
    """A list that holds itself, twice."""
    inside: list[Any] = []
    inside += [inside, inside]
    return inside


def deep() -> list[Any]:
    """A list that is deeper than anybody reads."""
    inside: list[Any] = []
    for _ in range(5000):
        inside = [inside]
    return inside


WRONG: list[Any] = [
    None, True, False, 0, -1, 1.5, 10**30, 10**5000, float("nan"), float("inf"), "", "x", "\ud800", "\x00", "x" * 9999,
    b"x", bytearray(b"x"), memoryview(b"x"), [], [1], [None], ["x"], [[]], {}, {"x": 1}, {1: 2}, {None: 1},
    (), ("a", "b"),
    set(), {1}, object(), int, Exception, len, lambda: 1, Word.ODD, Rude(), [Rude()], {"x": Rude()}, endless(), deep(),
    {"a": endless()}, types.SimpleNamespace(a=1), iter([1]), range(3), complex(1, 2), ...,
]  # fmt: skip
