"""What was found so far in one utterance: the values, and which words they were taken from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from .functions import Function
from .parameters import Leaf, Path
from .schema import fits
from .words import Utterance, stem


class Findings:
    """The values found in an utterance; the words that one was taken from are not used for another."""

    def __init__(self, function: Function, utterance: Utterance, wanted: Sequence[Leaf]) -> None:
        self.function = function
        self.utterance = utterance
        self.words = utterance.words
        self.values: dict[Path, Any] = {}
        self.wanted = wanted
        self._taken: set[int] = set()

    def open(self) -> list[Leaf]:
        """List what is still to be found."""
        return [leaf for leaf in self.wanted if leaf.path not in self.values]

    def open_texts(self) -> list[Leaf]:
        """List the free texts that are still to be found."""
        return [leaf for leaf in self.open() if leaf.is_text]

    def is_free(self, at: int) -> bool:
        """Tell whether no value was taken from this word."""
        return at not in self._taken

    def put(self, leaf: Leaf, value: Any, *taken: int | range) -> bool:
        """Keep a value that fits its schema, with the words it was taken from."""
        if not fits(value, leaf.schema):
            return False
        self.values[leaf.path] = value
        for part in taken:
            self._taken.update([part] if isinstance(part, int) else part)
        return True

    def mentions(self, leaf: Leaf) -> list[int]:
        """List where the name of a parameter is said."""
        return [at for at, word in enumerate(self.words) if self.is_free(at) and stem(word) in leaf.stems]

    def matching(self, pattern: re.Pattern[str]) -> tuple[str, range] | None:
        """Find the first text that matches a pattern and was not used yet, with its words."""
        for match in pattern.finditer(self.utterance.text):
            inside = [
                at
                for at, token in enumerate(self.utterance.tokens)
                if token.start < match.end() and match.start() < token.stop
            ]
            if inside and all(map(self.is_free, inside)):
                return match.group(), range(inside[0], inside[-1] + 1)
        return None
