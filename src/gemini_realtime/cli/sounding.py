"""Where the user's voice comes from, and where Gemini's goes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final

from gemini_realtime.adapters.devices import MicrophoneQueue, SoundDevice
from gemini_realtime.adapters.files import CHUNK_MS, Recording, StereoRecording, write_audio
from gemini_realtime.audio.format import INPUT_FORMAT, OUTPUT_FORMAT
from gemini_realtime.audio.resample import Resampler

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

    @property
    def silent_at_ms(self) -> float:
        """When everything received so far has been heard, also what the device still holds."""
        lag_ms = 0.0 if self._device is None else self._device.latency_ms + CHUNK_MS
        return self._until_ms + lag_ms

    def play(self, pcm: bytes, at_ms: float) -> None:
        """Take what arrived at `at_ms`; it sounds at once, or after what is still sounding."""
        self._until_ms = max(at_ms, self._until_ms) + OUTPUT_FORMAT.duration_ms(len(pcm))
        self._heard += pcm
        if self._tape is not None:
            self._tape.recording.right(pcm, at_ms)
        if self._device is not None:
            self._device.play(pcm)

    def flush(self, at_ms: float) -> None:
        """Fall silent at `at_ms`."""
        unheard_bytes = OUTPUT_FORMAT.bytes_for_ms(max(0.0, self._until_ms - at_ms))
        del self._heard[max(0, len(self._heard) - unheard_bytes) :]
        self._until_ms = min(at_ms, self._until_ms)
        if self._tape is not None:
            self._tape.recording.cut_right(at_ms)
        if self._device is not None:
            self._device.flush()

    def save(self, path: Path) -> None:
        """Write what was heard, without the pauses: mono, 24 kHz."""
        write_audio(path, bytes(self._heard), OUTPUT_FORMAT.rate_hz)
