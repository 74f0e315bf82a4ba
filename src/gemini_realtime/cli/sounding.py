"""The sound of `talk`: where the user's voice comes from, and where Gemini's goes."""

from __future__ import annotations

import asyncio
import contextlib
from base64 import b64decode
from collections.abc import AsyncIterator
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final

from gemini_realtime import (
    ConnectionClosed,
    GeminiRealtimeClient,
    InputAudioBufferDelta,
    NotConnectedError,
    RealtimeEvent,
    SessionCreated,
)
from gemini_realtime.adapters.adapter import AudioAdapter
from gemini_realtime.adapters.devices import MicrophoneQueue, SoundDevice
from gemini_realtime.adapters.files import CHUNK_MS, Recording, StereoRecording, write_audio
from gemini_realtime.audio.format import INPUT_FORMAT, OUTPUT_FORMAT
from gemini_realtime.audio.resample import Resampler
from gemini_realtime.cli.measuring import Clock, SpeechLevel

CHUNK_BYTES: Final = INPUT_FORMAT.bytes_for_ms(CHUNK_MS)


def sample_question() -> Recording:
    """A synthetic voice asks for the weather in London."""
    with as_file(files("gemini_realtime") / "local" / "samples" / "weather.wav") as sample:
        return Recording(sample)


class LiveVoice:
    """The microphone; silence after the user has said goodbye.

    Attributes:
        over: the user has said goodbye.
    """

    def __init__(self, microphone: MicrophoneQueue) -> None:
        self.over = False
        self._microphone = microphone

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self._microphone.clear()  # what was heard before anybody listened
        async for chunk in self._microphone:
            yield bytes(CHUNK_BYTES) if self.over else chunk


class Tape:
    """Both sides of the conversation in stereo: the user left, Gemini right, each when it was heard."""

    def __init__(self) -> None:
        self.recording = StereoRecording(OUTPUT_FORMAT.rate_hz)
        self._resampler = Resampler(INPUT_FORMAT.rate_hz, OUTPUT_FORMAT.rate_hz)
        self._begin_ms: float | None = None

    def user(self, pcm: bytes, at_ms: float) -> None:
        """Add a chunk of an unbroken stream of the user's voice, which ended at `at_ms`."""
        if self._begin_ms is None:
            self._begin_ms = max(0.0, at_ms - INPUT_FORMAT.duration_ms(len(pcm)))
        # Chunks join one another however unevenly they arrive, so all are placed behind the beginning of the first.
        self.recording.left(self._resampler.push(pcm), self._begin_ms)


class Loudspeaker:
    """Gemini's voice, as it is heard: from the device if there is one, and on the tape."""

    def __init__(self, device: SoundDevice | None, tape: Tape | None) -> None:
        self._device = device
        self._tape = tape
        self._heard = bytearray()
        self._until_ms = 0.0  # when all of it has been played
        self._given_ms = 0.0  # since it was silent last

    @property
    def silent_at_ms(self) -> float:
        """When everything received so far has been heard, also what the device still holds."""
        lag_ms = 0.0 if self._device is None else self._device.latency_ms + CHUNK_MS
        return self._until_ms + lag_ms

    def play(self, pcm: bytes, at_ms: float) -> None:
        """Take what arrived at `at_ms`; it sounds at once, or after what is still sounding."""
        duration_ms = OUTPUT_FORMAT.duration_ms(len(pcm))
        self._given_ms = duration_ms + (self._given_ms if at_ms < self._until_ms else 0.0)
        self._until_ms = max(at_ms, self._until_ms) + duration_ms
        self._heard += pcm
        if self._tape is not None:
            self._tape.recording.right(pcm, at_ms)
        if self._device is not None:
            self._device.play(pcm)

    def flush(self, at_ms: float) -> tuple[float, float]:
        """Fall silent at `at_ms`; returns how much of what was given since the last silence was heard, and how much was
        not, in ms."""
        unheard_ms = max(0.0, self._until_ms - at_ms)
        heard_ms = max(0.0, self._given_ms - unheard_ms)
        self._given_ms = 0.0
        unheard_bytes = OUTPUT_FORMAT.bytes_for_ms(unheard_ms)
        del self._heard[max(0, len(self._heard) - unheard_bytes) :]
        self._until_ms = min(at_ms, self._until_ms)
        if self._tape is not None:
            self._tape.recording.cut_right(at_ms)
        if self._device is not None:
            self._device.flush()
        return heard_ms, unheard_ms

    def save(self, path: Path) -> None:
        """Write what was heard, without the pauses: mono, 24 kHz."""
        write_audio(path, bytes(self._heard), OUTPUT_FORMAT.rate_hz)


class TalkAudio(AudioAdapter):
    """Sends the user's voice from when there is a session, and lets Gemini's be heard.

    Args:
        question: the user's voice; or what the user writes, which is not sent here.
        loudspeaker: for Gemini's.
        tape: keeps both, if there is one.
        clock: of the conversation.
    """

    def __init__(
        self, question: str | Recording | LiveVoice, *, loudspeaker: Loudspeaker, tape: Tape | None, clock: Clock
    ) -> None:
        super().__init__()
        self._question = question
        self._loudspeaker = loudspeaker
        self._tape = tape
        self._clock = clock
        self._level = SpeechLevel()
        self._created = asyncio.Event()

    @property
    def silent_at_ms(self) -> float:
        """When everything that Gemini has said so far has been heard."""
        return self._loudspeaker.silent_at_ms

    def is_speech(self, piece: InputAudioBufferDelta) -> bool:
        """Whether there is speech in the next piece of the user's voice."""
        return self._level.is_speech(b64decode(piece.delta))

    async def initialize_session(self) -> None:
        """Nothing to prepare."""

    async def run_loop(self) -> None:
        """Send the user's voice until the conversation ends."""
        await self._created.wait()
        if isinstance(self._question, str):
            await asyncio.Event().wait()  # the end of this would be that of the conversation
            return
        client = self.realtime_client
        assert isinstance(client, GeminiRealtimeClient)
        with contextlib.suppress(ConnectionClosed, NotConnectedError):  # whoever runs the agent is told why
            async for chunk in self._question:
                if self._tape is not None:
                    self._tape.user(chunk, self._clock.now_ms())
                await client.send_audio(chunk)

    async def on_event(self, event: RealtimeEvent) -> None:
        """Begin when there is a session; play what Gemini says."""
        if isinstance(event, SessionCreated):
            self._created.set()
        await super().on_event(event)

    async def play(self, audio: bytes) -> None:
        """Let it be heard."""
        self._loudspeaker.play(audio, self._clock.now_ms())

    async def end_turn(self) -> None:
        """Nothing: answers follow one another."""

    async def flush(self) -> tuple[float, float]:
        """Fall silent."""
        return self._loudspeaker.flush(self._clock.now_ms())
