"""The model's turn under way: what it answers, what was sent of it, and how fast."""

from __future__ import annotations

from typing import Final

from gemini_realtime.audio.format import OUTPUT_FORMAT
from gemini_realtime.local.thinking import Request

MAX_AHEAD_S: Final = 8.0
"""How much unheard audio the client may hold: an interruption has to find something to cut.

Source: clients of the service were measured to hold 7-8 s of unplayed audio, 2026-09-19.
"""

BURST_RATE: Final = 3.3
"""How much faster than it is heard speech is sent. Source: measured with 3.8, 2026-09-19."""

MAX_HELD_BYTES: Final = OUTPUT_FORMAT.bytes_for_ms(60_000)
"""How much speech waits for the rest of its transcript where the whole of that comes first."""


class Reply:
    """The model's turn under way: what it answers, what was sent of it, and until when that is heard."""

    def __init__(self, reply_id: int, request: Request) -> None:
        self.id = reply_id
        self.request = request
        self.begun = self.going_on = False
        self.heard_until = float("-inf")
        self._first_at = float("-inf")
        self._sent_s = 0.0
        self._said: list[str] = []
        self._held: list[tuple[bytes, str]] = []
        self._held_bytes = 0

    def say(self, text: str, audio: bytes, now: float) -> None:
        """Note what is sent now; the client plays it after what it still holds."""
        self._said.append(text)
        if not audio:
            return
        duration_s = OUTPUT_FORMAT.duration_ms(len(audio)) / 1000
        if self.heard_until < now:
            self._first_at, self._sent_s = now, 0.0
        self.heard_until = max(self.heard_until, now) + duration_s
        self._sent_s += duration_s

    def hold_s(self, now: float) -> float:
        """How long to keep the next piece of speech back: for a burst too fast, or a client that holds too much."""
        too_fast_s = self._first_at + self._sent_s / BURST_RATE - now
        return max(0.0, too_fast_s, self.heard_until - now - MAX_AHEAD_S)

    def hold(self, audio: bytes, text: str) -> bool:
        """Keep a piece of speech and its words back, until `take_held`; whether that can go on."""
        self._held.append((audio, text))
        self._held_bytes += len(audio)
        return self._held_bytes < MAX_HELD_BYTES

    def take_held(self) -> tuple[str, list[bytes]]:
        """The words and the speech that were kept back."""
        held, self._held, self._held_bytes = self._held, [], 0
        return "".join(text for _, text in held), [audio for audio, _ in held if audio]

    def take_said(self) -> str:
        """The words sent since the last call."""
        said = "".join(self._said).strip()
        self._said.clear()
        return said
