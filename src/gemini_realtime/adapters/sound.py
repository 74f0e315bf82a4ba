"""An agent's sound on this machine: by microphone and loudspeaker, or from a file and into one."""

from __future__ import annotations

import asyncio
import os
from logging import Logger
from typing import Final

from gemini_realtime.adapters.devices import SoundDevice
from gemini_realtime.adapters.files import StereoRecording, read_wav
from gemini_realtime.agent.observers import RealtimeObserver
from gemini_realtime.audio.format import INPUT_FORMAT, OUTPUT_FORMAT
from gemini_realtime.audio.playback import Playback
from gemini_realtime.audio.rates import SteadyRate
from gemini_realtime.protocol.events import AudioDelta, Interrupted, PlaybackStopped, RealtimeEvent, TurnComplete

CHUNK_MS: Final = 20


class DeviceAudioAdapter(RealtimeObserver):
    """Microphone and loudspeaker of this machine, with echo cancellation where it is installed.

    Attributes:
        device: the devices.
        muted: the microphone is closed: silence is sent in its place.
    """

    def __init__(self, device: SoundDevice | None = None, *, logger: Logger | None = None) -> None:
        """Prepare an adapter.

        Args:
            device: the system's default microphone and loudspeaker, unless another is given; not opened yet.
            logger: for this adapter.

        Raises:
            MissingDependencyError: the extra `[devices]` is not installed.
            ConfigError: PortAudio is not installed.
        """
        super().__init__(logger=logger)
        self.device = device or SoundDevice()
        self._voice = SteadyRate(OUTPUT_FORMAT.rate_hz)
        self.muted = False

    async def initialize_session(self) -> None:
        """Nothing to prepare."""

    async def run_loop(self) -> None:
        """Send what the microphone hears."""
        async with self.device:
            async for chunk in self.device.microphone:
                audio = bytes(len(chunk)) if self.muted else chunk
                await self.realtime_client.send_audio(audio)  # type: ignore[arg-type]

    async def on_event(self, event: RealtimeEvent) -> None:
        """Play what the model says; fall silent when it is interrupted."""
        if isinstance(event, AudioDelta) and not event.stale:
            self.device.play(self._voice.push(event.audio, event.rate_hz))
        elif isinstance(event, TurnComplete):
            self.device.playback.end_turn()
        elif isinstance(event, Interrupted):
            self.agent.add_event(_flushed(self.device.playback))


class FileAudioAdapter(RealtimeObserver):
    """A recorded question as the microphone, and silence after it; the conversation as a stereo recording.

    The model's audio is played in real time into the recording, as a loudspeaker would, so that an interruption cuts it
    there too.

    Attributes:
        recording: both sides: the user left, the model right.
    """

    def __init__(
        self, question: str | os.PathLike[str], *, real_time: bool = True, logger: Logger | None = None
    ) -> None:
        """Prepare an adapter.

        Args:
            question: a wave file.
            real_time: False sends it as fast as the connection takes it.
            logger: for this adapter.

        Raises:
            AudioFormatError: it is not a wave file.
            OSError: it cannot be read.
        """
        super().__init__(logger=logger)
        self.recording = StereoRecording()
        self._question, self._rate_hz = read_wav(question)
        self._real_time = real_time
        self._playback = Playback(OUTPUT_FORMAT)
        self._voice = SteadyRate(OUTPUT_FORMAT.rate_hz)

    async def initialize_session(self) -> None:
        """Nothing to prepare."""

    async def run_loop(self) -> None:
        """Send the question, then silence until the conversation ends."""
        audio = _resampled(self._question, self._rate_hz, INPUT_FORMAT.rate_hz)
        piece_bytes = INPUT_FORMAT.bytes_for_ms(CHUNK_MS)
        self.recording.left(_resampled(self._question, self._rate_hz, OUTPUT_FORMAT.rate_hz), 0)
        loop = asyncio.get_running_loop()
        began_s, number = loop.time(), 0
        while True:
            piece = audio[number * piece_bytes :][:piece_bytes].ljust(piece_bytes, b"\0")
            await self.realtime_client.send_audio(piece)  # type: ignore[arg-type]
            self.recording.right(self._playback.take(OUTPUT_FORMAT.bytes_for_ms(CHUNK_MS)), number * CHUNK_MS)
            number += 1
            late_s = loop.time() - began_s - number * CHUNK_MS / 1000
            await asyncio.sleep(max(0.0, -late_s) if self._real_time or number * piece_bytes > len(audio) else 0)

    async def on_event(self, event: RealtimeEvent) -> None:
        """Play what the model says into the recording; fall silent when it is interrupted."""
        if isinstance(event, AudioDelta) and not event.stale:
            self._playback.push(self._voice.push(event.audio, event.rate_hz))
        elif isinstance(event, TurnComplete):
            self._playback.end_turn()
        elif isinstance(event, Interrupted):
            self.agent.add_event(_flushed(self._playback))


def _flushed(playback: Playback) -> PlaybackStopped:
    played_ms = playback.played_ms
    return PlaybackStopped(played_ms=round(played_ms), unplayed_ms=round(playback.flush()))


def _resampled(audio: bytes, from_rate_hz: int, to_rate_hz: int) -> bytes:
    if from_rate_hz == to_rate_hz:
        return audio
    from gemini_realtime.audio.resample import resample

    return resample(audio, from_rate_hz, to_rate_hz)
