"""An agent's sound on this machine: by microphone and loudspeaker, or from a file and into one."""

from __future__ import annotations

import asyncio
import os
from logging import Logger

from gemini_realtime.adapters.adapter import AudioAdapter
from gemini_realtime.adapters.devices import SoundDevice
from gemini_realtime.adapters.files import CHUNK_MS, Recording, StereoRecording, check_writable
from gemini_realtime.audio.format import INPUT_FORMAT, OUTPUT_FORMAT
from gemini_realtime.audio.playback import Playback
from gemini_realtime.audio.rates import SteadyRate
from gemini_realtime.client import GeminiRealtimeClient
from gemini_realtime.errors import ConfigError


class DeviceAudioAdapter(AudioAdapter):
    """Microphone and loudspeaker of this machine, with echo cancellation where it is installed.

    Attributes:
        device: the devices.
        muted: the microphone is closed: silence is sent in its place.
        talking: with push-to-talk, whether the user does.
    """

    def __init__(
        self, device: SoundDevice | None = None, *, push_to_talk: bool = False, logger: Logger | None = None
    ) -> None:
        """Prepare an adapter.

        Args:
            device: the system's default microphone and loudspeaker, unless another is given; not opened yet.
            push_to_talk: the microphone is heard between `press()` and `release()`, which also say where a question
                begins and ends; the service does not listen for that itself then.
            logger: for this adapter.

        Raises:
            MissingDependencyError: the extra `[devices]` is not installed.
            ConfigError: PortAudio is not installed.
        """
        super().__init__(logger=logger)
        self.device = device or SoundDevice()
        self.muted = False
        self.talking = False
        self._push_to_talk = push_to_talk

    async def initialize_session(self) -> None:
        """With push-to-talk, tell the service not to listen for where questions begin and end."""
        if self._push_to_talk:
            manual = {"realtime_input_config": {"automatic_activity_detection": {"disabled": True}}}
            await self.realtime_client.session_update(manual)

    async def press(self) -> None:
        """The user begins to talk, which interrupts the model.

        Raises:
            ConfigError: the adapter was made without `push_to_talk`.
        """
        if not self.talking:
            client = self._client_with_activity()
            self.device.microphone.clear()
            await client.activity_start()
            self.talking = True

    async def release(self) -> None:
        """The user has finished, and wants an answer; ConfigError as `press()`."""
        if self.talking:
            self.talking = False
            await self._client_with_activity().activity_end()

    def _client_with_activity(self) -> GeminiRealtimeClient:
        if not self._push_to_talk:
            raise ConfigError("the service listens for the user itself", remedy="DeviceAudioAdapter(push_to_talk=True)")
        client = self.realtime_client
        assert isinstance(client, GeminiRealtimeClient), "only Gemini's client knows of activity"
        return client

    async def run_loop(self) -> None:
        """Send what the microphone hears."""
        async with self.device:
            async for chunk in self.device.microphone:
                if self._push_to_talk and not self.talking:
                    continue
                audio = bytes(len(chunk)) if self.muted else chunk
                await self.send(audio)

    async def play(self, audio: bytes) -> None:
        """Queue 24 kHz PCM for the loudspeaker."""
        self.device.play(audio)

    async def end_turn(self) -> None:
        """What is played next begins another answer."""
        self.device.playback.end_turn()

    async def flush(self) -> tuple[float, float]:
        """Silence the loudspeaker; returns how much of the answer was heard, and how much was not, in ms."""
        return self.device.flush()


class FileAudioAdapter(AudioAdapter):
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
            AudioFormatError: it cannot be read as sound; or the recording has an ending that no format has.
            ConfigError: the recording cannot be written there.
            MissingDependencyError: it takes the extra `[audio]`, which is not installed.
            OSError: it cannot be read.
        """
        super().__init__(logger=logger)
        if record_to is not None:
            check_writable(record_to)
        self.recording = StereoRecording()
        self._question = Recording(question, real_time=real_time)
        self._record_to = record_to
        self._playback = Playback(OUTPUT_FORMAT)
        self._user = SteadyRate(OUTPUT_FORMAT.rate_hz)

    async def initialize_session(self) -> None:
        """Nothing to prepare."""

    async def run_loop(self) -> None:
        """Send the question, then silence until the conversation ends."""
        number = 0
        async for chunk in self._question:
            await self.send(chunk)
            self.recording.left(self._user.push(chunk, INPUT_FORMAT.rate_hz), 0)
            self.recording.right(self._playback.take(OUTPUT_FORMAT.bytes_for_ms(CHUNK_MS)), number * CHUNK_MS)
            number += 1

    async def on_close(self) -> None:
        """Save the recording, if it was asked for."""
        if self._record_to is not None:
            await asyncio.to_thread(self.recording.save, self._record_to)  # other conversations may go on

    async def play(self, audio: bytes) -> None:
        """Queue 24 kHz PCM for the recording."""
        self._playback.push(audio)

    async def end_turn(self) -> None:
        """What is played next begins another answer."""
        self._playback.end_turn()

    async def flush(self) -> tuple[float, float]:
        """Record no more of the answer; returns how much of it was recorded, and how much was not, in ms."""
        return self._playback.played_ms, self._playback.flush()
