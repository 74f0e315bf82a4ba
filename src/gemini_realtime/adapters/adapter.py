"""What audio adapters have in common: whose voice goes to the model, and when its own is played, and when not."""

from __future__ import annotations

from abc import abstractmethod
from logging import Logger

from gemini_realtime.agent.observers import RealtimeObserver
from gemini_realtime.audio.format import OUTPUT_FORMAT
from gemini_realtime.audio.rates import SteadyRate
from gemini_realtime.protocol.events import (
    AudioDelta,
    AudioTruncated,
    Interrupted,
    PlaybackStopped,
    RealtimeEvent,
    TurnComplete,
)


class AudioAdapter(RealtimeObserver):
    """Sends what the user says, and plays what the model says; throws away what was not played when the answer is cut
    off, and tells how much.

    An interruption and `truncate_audio` cut it off alike. The service is told of the latter by nobody and may go on
    with the answer: the rest of it is not played either.
    """

    carries_sound = True

    def __init__(self, *, logger: Logger | None = None) -> None:
        super().__init__(logger=logger)
        self._voice = SteadyRate(OUTPUT_FORMAT.rate_hz)
        self._answering = False
        self._cut = False  # the answer under way is not played any more

    async def send(self, audio: bytes) -> None:
        """Send 16 kHz PCM of the user to the model, unless it hears a recording in its place (`agent.hear`)."""
        if not self.agent.hears_recording:
            await self.realtime_client.send_audio(audio)  # type: ignore[arg-type]

    @abstractmethod
    async def play(self, audio: bytes) -> None:
        """Play 24 kHz PCM, after what is playing."""

    @abstractmethod
    async def end_turn(self) -> None:
        """The answer is complete."""

    @abstractmethod
    async def flush(self) -> tuple[float, float]:
        """Throw away what has not been played; returns how much of the answer was played, and how much was not, in
        ms."""

    async def on_event(self, event: RealtimeEvent) -> None:
        """Play the model's audio; fall silent when it is cut off."""
        match event:
            case AudioDelta(stale=False):
                self._answering = True
                if not self._cut:
                    await self.play(self._voice.push(event.audio, event.rate_hz))
            case TurnComplete():
                self._answering = self._cut = False
                await self.end_turn()
            case Interrupted():
                already_silent, self._answering, self._cut = self._cut, False, False
                if not already_silent:
                    await self.clear()
            case AudioTruncated() if not self._cut:
                self._cut = self._answering
                await self.clear()

    async def clear(self) -> None:
        """Fall silent, and tell the observers how much of the answer was heard."""
        played_ms, unplayed_ms = await self.flush()
        self.agent.add_event(PlaybackStopped(played_ms=round(played_ms), unplayed_ms=round(unplayed_ms)))
