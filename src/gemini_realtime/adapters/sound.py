"""An agent's sound on this machine: by microphone and loudspeaker, or from a file and into one."""

from __future__ import annotations

import os
from logging import Logger

from gemini_realtime.adapters.devices import SoundDevice
from gemini_realtime.adapters.files import CHUNK_MS, Recording, StereoRecording
from gemini_realtime.agent.observers import RealtimeObserver
from gemini_realtime.audio.format import INPUT_FORMAT, OUTPUT_FORMAT
from gemini_realtime.audio.playback import Playback
from gemini_realtime.audio.rates import SteadyRate
from gemini_realtime.protocol.events import AudioDelta, Interrupted, PlaybackStopped, RealtimeEvent, TurnComplete


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
        self,
        question: str | os.PathLike[str],
        *,
        record_to: str | os.PathLike[str] | None = None,
        real_time: bool = True,
        logger: Logger | None = None,
    ) -> None:
        """Prepare an adapter.

        Args:
            question: a sound file, WAV, FLAC, Ogg, ..., of any rate and channel count.
            record_to: where the recording is saved in the end, in the format of the name's ending.
            real_time: False sends the question as fast as the connection takes it.
            logger: for this adapter.

        Raises:
            AudioFormatError: it cannot be read as sound.
            MissingDependencyError: it takes the extra `[audio]`, which is not installed.
            OSError: it cannot be read.
        """
        super().__init__(logger=logger)
        self.recording = StereoRecording()
        self._question = Recording(question, real_time=real_time)
        self._record_to = record_to
        self._playback = Playback(OUTPUT_FORMAT)
        self._voice = SteadyRate(OUTPUT_FORMAT.rate_hz)
        self._user = SteadyRate(OUTPUT_FORMAT.rate_hz)

    async def initialize_session(self) -> None:
        """Nothing to prepare."""

    async def run_loop(self) -> None:
        """Send the question, then silence until the conversation ends."""
        number = 0
        async for chunk in self._question:
            await self.realtime_client.send_audio(chunk)  # type: ignore[arg-type]
            self.recording.left(self._user.push(chunk, INPUT_FORMAT.rate_hz), 0)
            self.recording.right(self._playback.take(OUTPUT_FORMAT.bytes_for_ms(CHUNK_MS)), number * CHUNK_MS)
            number += 1

    async def on_close(self) -> None:
        """Save the recording, if it was asked for."""
        if self._record_to is not None:
            self.recording.save(self._record_to)

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
