"""The model's speech while it goes on, read without parsing it."""

from __future__ import annotations

from math import inf
from typing import Any, Final

from gemini_realtime.protocol.codec import AudioFrames, Frame
from gemini_realtime.protocol.events import AudioDelta

SECONDS_PER_CHARACTER: Final = 3 / 4 / 2
"""Divided by the sample rate: 4 characters of base64 are 3 bytes, and 2 bytes are a sample."""

DEFAULT_RATE_HZ: Final = 24000


class Speech:
    """What is spoken in the present turn.

    Most of what the service sends are frames that hold a piece of it and nothing else, see `AudioFrames`. While the
    speech goes on like this, a further piece changes nothing but what is kept here: whoever wants to know asks.

    Attributes:
        spoken_s: how much there is, seconds.
        heard_at: when `next` found the last piece, seconds.
    """

    def __init__(self) -> None:
        self.spoken_s = 0.0
        self.heard_at = -inf
        self._frames = AudioFrames()
        self._goes_on = False

    def begin(self) -> None:
        """A turn begins, or none is there."""
        self.spoken_s, self._goes_on = 0.0, False

    def interrupt(self) -> None:
        """The next piece may mean more than that there is one."""
        self._goes_on = False

    def add(self, characters: int, rate_hz: int) -> None:
        """So many characters of base64 came, of 16-bit samples at that rate."""
        self.spoken_s += characters * SECONDS_PER_CHARACTER / (rate_hz or DEFAULT_RATE_HZ)

    def learn(self, data: bytes, event: AudioDelta) -> None:
        """This frame held this piece and nothing else: others like it are known by their bytes."""
        self._frames.learn(data, event.delta, event.rate_hz)

    def find(self, data: bytes) -> AudioDelta | None:
        """The event of a frame that holds a piece and nothing else; None for one that has to be parsed, as has any that
        `next` has left while the speech goes on."""
        audio_base64 = None if self._goes_on else self._frames.find(data)
        if audio_base64 is None:
            return None
        raw_message: Any = Frame(data)  # parsed when somebody asks
        return AudioDelta(raw_message=raw_message, delta=audio_base64, rate_hz=self._frames.rate_hz)

    def go_on(self) -> None:
        """What was found is part of an answer that has been heard: more of it means nothing more."""
        self._goes_on = True

    def next(self, data: bytes, now: float) -> AudioDelta | None:
        """The event of a frame in which the speech goes on, which nobody else has to know of; None for any other."""
        if not self._goes_on or (audio_base64 := self._frames.find(data)) is None:
            return None
        # As in `add` and `find`, without the calls: this happens 25 times a second.
        rate_hz = self._frames.rate_hz
        self.heard_at = now
        self.spoken_s += len(audio_base64) * SECONDS_PER_CHARACTER / (rate_hz or DEFAULT_RATE_HZ)
        raw_message: Any = Frame(data)
        return AudioDelta(raw_message=raw_message, delta=audio_base64, rate_hz=rate_hz)
