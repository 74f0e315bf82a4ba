"""What goes into the line at the caller's end: the words, and what else the microphone hears."""

from __future__ import annotations

from typing import Protocol

from gemini_realtime.audio.format import INPUT_FORMAT
from gemini_realtime.audio.levels import first_audible_ms, last_audible_ms


class Surroundings(Protocol):
    """What a microphone hears beside the caller, and what the line does to it."""

    def around(self, words: bytes, played: bytes) -> bytes:
        """What comes of a piece of the caller's words, or of silence; equally long.

        Args:
            words: 16 kHz mono s16le.
            played: what the caller hears meanwhile, 24 kHz mono s16le.
        """
        ...


class Microphone:
    """Gives what the caller says, and silence otherwise, at the pace at which it is asked.

    Args:
        surroundings: where the caller is; None for a silent room.
    """

    def __init__(self, surroundings: Surroundings | None = None) -> None:
        self._surroundings = surroundings
        self._words = b""
        self._audible: tuple[float, float] | None = None  # where the words begin and end, from now on in ms

    @property
    def speaks(self) -> bool:
        """Whether there are words left."""
        return bool(self._words)

    @property
    def quiet(self) -> bool:
        """Whether nothing is audible now."""
        return self._surroundings is None and not self._words

    def speak(self, pcm16k: bytes) -> None:
        """Say this from now on; words that were not said yet come first."""
        before_ms = INPUT_FORMAT.duration_ms(len(self._words))
        first_ms, last_ms = first_audible_ms(pcm16k, INPUT_FORMAT), last_audible_ms(pcm16k, INPUT_FORMAT)
        if first_ms is not None and last_ms is not None:
            begin_ms = before_ms + first_ms if self._audible is None else self._audible[0]
            self._audible = (begin_ms, before_ms + last_ms)
        self._words += pcm16k

    def audible(self, piece_ms: float) -> tuple[float, float] | None:
        """From when until when the caller is audible in the next piece, in ms of it; None for not at all.

        The beginning is negative in a piece that goes on. Pauses between words count, what surrounds them does not.
        """
        if self._audible is None or self._audible[0] >= piece_ms:
            return None
        begin_ms, end_ms = self._audible
        return begin_ms, min(piece_ms, end_ms)

    def take(self, piece_ms: float) -> bytes:
        """The next piece of the words, or of silence."""
        n_bytes = INPUT_FORMAT.bytes_for_ms(piece_ms)
        piece, self._words = self._words[:n_bytes], self._words[n_bytes:]
        if self._audible is not None:
            begin_ms, end_ms = self._audible
            self._audible = (begin_ms - piece_ms, end_ms - piece_ms) if end_ms > piece_ms else None
        return piece + bytes(n_bytes - len(piece))

    def heard(self, piece: bytes, played: bytes) -> bytes:
        """What the line carries of a piece, during which the caller hears `played`, 24 kHz mono s16le."""
        return piece if self._surroundings is None else self._surroundings.around(piece, played)
