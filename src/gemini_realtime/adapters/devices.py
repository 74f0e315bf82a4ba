"""Microphone and loudspeaker of this machine, as one duplex stream.

    async with SoundDevice() as device:
        async for chunk in device.microphone:
            await client.send_audio(chunk)
        ...
        device.play(event.audio)  # AudioDelta
        device.flush()            # Interrupted

One stream and not two: both directions then share a clock, so that an echo stays where the canceller found it.
"""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from types import TracebackType
from typing import Any, Final

from gemini_realtime.audio.format import INPUT_FORMAT, OUTPUT_FORMAT
from gemini_realtime.audio.playback import Playback
from gemini_realtime.errors import ConfigError, GeminiRealtimeError, MissingDependencyError

__all__ = ["CHUNK_MS", "EchoCanceller", "MicrophoneQueue", "SoundDevice", "default_devices"]

CHUNK_MS: Final = 20
"""The stream runs in blocks of this length, both ways."""

MAX_WAITING_CHUNKS: Final = 50
"""1 s of microphone audio: what is older when it is read comes too late for a conversation."""

_PORTAUDIO: Final = {
    "linux": "apt install libportaudio2 libasound2-plugins",
    "darwin": "brew install portaudio",
}


def default_devices() -> tuple[str | None, str | None]:
    """Name the microphone and the loudspeaker the system would use; None where there is none.

    Raises:
        MissingDependencyError: the extra `[devices]` is not installed.
        ConfigError: PortAudio is not installed.
    """
    sounddevice = _sounddevice()
    return _default_device(sounddevice, "input"), _default_device(sounddevice, "output")


def _default_device(sounddevice: Any, kind: str) -> str | None:
    try:
        return str(sounddevice.query_devices(kind=kind)["name"])
    except (sounddevice.PortAudioError, ValueError):
        return None


def _sounddevice() -> Any:
    try:
        import sounddevice
    except ImportError as error:
        raise MissingDependencyError("the microphone", "devices") from error
    except OSError as error:  # the package is there, the library it loads is not
        raise ConfigError(
            "the microphone needs the library PortAudio, which is not installed",
            remedy=_PORTAUDIO.get(sys.platform, "install PortAudio"),
        ) from error
    return sounddevice


class MicrophoneQueue:
    """Chunks on their way from the microphone to one reader; when it falls behind, the oldest are dropped.

    Attributes:
        dropped_ms: how much was dropped.
    """

    def __init__(self, max_chunks: int = MAX_WAITING_CHUNKS) -> None:
        self.dropped_ms = 0
        self._chunks: deque[bytes] = deque()
        self._max_chunks = max_chunks
        self._arrived = asyncio.Event()

    def put(self, chunk: bytes) -> None:
        """Add what was just heard: `CHUNK_MS` of audio."""
        if len(self._chunks) == self._max_chunks:
            self._chunks.popleft()
            self.dropped_ms += CHUNK_MS
        self._chunks.append(chunk)
        self._arrived.set()

    def clear(self) -> None:
        """Forget what has not been read; that is not counted as dropped."""
        self._chunks.clear()

    def __aiter__(self) -> MicrophoneQueue:
        return self

    async def __anext__(self) -> bytes:
        while not self._chunks:
            self._arrived.clear()
            await self._arrived.wait()
        return self._chunks.popleft()


class EchoCanceller:
    """Take out of the microphone what the loudspeaker says, with WebRTC's audio processing."""

    def __init__(self) -> None:
        """Prepare one.

        Raises:
            MissingDependencyError: livekit, which carries it, is not installed.
        """
        try:
            from livekit import rtc
        except ImportError as error:
            raise MissingDependencyError("echo cancellation", "devices") from error
        self._frame = rtc.AudioFrame
        self._module = rtc.AudioProcessingModule(echo_cancellation=True, noise_suppression=True, high_pass_filter=True)

    def cancel(self, near: bytes, far: bytes, delay_ms: int = 0) -> bytes:
        """Clean what the microphone heard.

        Args:
            near: from the microphone, 16 kHz; whole 10 ms.
            far: what was given to the loudspeaker at the same time, 24 kHz; equally long.
            delay_ms: how long that takes to come back, as far as the device knows; the rest is found out.
        """
        near_frame_bytes, far_frame_bytes = INPUT_FORMAT.bytes_for_ms(10), OUTPUT_FORMAT.bytes_for_ms(10)
        cleaned = []
        for at in range(len(near) // near_frame_bytes):
            spoken = bytearray(far[at * far_frame_bytes : (at + 1) * far_frame_bytes])
            heard = bytearray(near[at * near_frame_bytes : (at + 1) * near_frame_bytes])
            self._module.process_reverse_stream(self._frame(spoken, OUTPUT_FORMAT.rate_hz, 1, len(spoken) // 2))
            self._module.set_stream_delay_ms(delay_ms)
            self._module.process_stream(self._frame(heard, INPUT_FORMAT.rate_hz, 1, len(heard) // 2))
            cleaned.append(heard)
        return b"".join(cleaned)


class SoundDevice:
    """The loudspeaker, and the microphone unless it is not wanted.

    Attributes:
        microphone: 16 kHz chunks of `CHUNK_MS` to iterate over.
        playback: what is waiting to be played, and what has been.
        echo_cancellation: whether the loudspeaker is taken out of the microphone.
    """

    def __init__(self, *, microphone: bool = True, echo_cancellation: bool | None = None) -> None:
        """Prepare the system's default devices; `async with` opens them.

        Args:
            microphone: False for the loudspeaker alone.
            echo_cancellation: None for "if it is installed".

        Raises:
            MissingDependencyError: the extra `[devices]`, or its echo cancellation where it is asked for, is not
                installed.
            ConfigError: PortAudio is not installed.
        """
        from gemini_realtime.audio.resample import Resampler

        self._sounddevice = _sounddevice()
        self.microphone = MicrophoneQueue()
        self.playback = Playback(OUTPUT_FORMAT)
        self._canceller = _canceller(echo_cancellation) if microphone else None
        self.echo_cancellation = self._canceller is not None
        self._stream_class = self._sounddevice.RawStream if microphone else self._sounddevice.RawOutputStream
        self._callback = self._duplex if microphone else self._output
        self._rate_hz = self._common_rate_hz()
        self._from_device = Resampler(self._rate_hz, INPUT_FORMAT.rate_hz)
        self._to_device = Resampler(OUTPUT_FORMAT.rate_hz, self._rate_hz)
        # The first block out of a resampler is shorter than the others; it is spent on silence here.
        self._from_device.push(bytes(self._from_device.source.bytes_for_ms(CHUNK_MS)))
        self._to_device.push(bytes(self._to_device.source.bytes_for_ms(CHUNK_MS)))
        self._stream: Any = None

    async def __aenter__(self) -> SoundDevice:
        """Open the devices.

        Raises:
            GeminiRealtimeError: they cannot be opened.
        """
        self._loop = asyncio.get_running_loop()
        try:
            self._stream = await asyncio.to_thread(self._open)
        except self._sounddevice.PortAudioError as error:
            raise GeminiRealtimeError(
                f"the sound device cannot be opened: {error}",
                remedy="close other programs that use it, and check the system's default microphone and loudspeaker",
                retryable=True,
            ) from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self._stream.close)

    def play(self, audio: bytes) -> None:
        """Queue 24 kHz audio for the loudspeaker."""
        self.playback.push(audio)

    def flush(self) -> None:
        """Fall silent: throw away what has not been played."""
        self.playback.flush()

    @property
    def latency_ms(self) -> float:
        """How long the device itself holds audio before it sounds."""
        latency_s = self._stream.latency
        return 1000 * float(latency_s[1] if isinstance(latency_s, tuple) else latency_s)

    def _common_rate_hz(self) -> int:
        """48 kHz if the loudspeaker takes it, since both our rates divide it: a quarter of the work of 44.1 kHz."""
        try:
            self._sounddevice.check_output_settings(samplerate=48_000, channels=1, dtype="int16")
        except self._sounddevice.PortAudioError:
            return int(self._sounddevice.query_devices(kind="output")["default_samplerate"])
        return 48_000

    def _open(self) -> Any:
        stream = self._stream_class(
            samplerate=self._rate_hz,
            blocksize=self._rate_hz * CHUNK_MS // 1000,
            channels=1,
            dtype="int16",
            latency="low",
            callback=self._callback,
        )
        stream.start()
        return stream

    # --- called by PortAudio, in a thread of its own, every CHUNK_MS

    def _duplex(self, indata: Any, outdata: Any, frames: int, time: Any, status: Any) -> None:
        spoken = self._speak(outdata, frames)
        heard = self._from_device.push(bytes(indata))
        if self._canceller is not None:
            round_trip_s = max(0.0, time.outputBufferDacTime - time.inputBufferAdcTime)
            heard = self._canceller.cancel(heard, spoken, round(1000 * round_trip_s))
        self._loop.call_soon_threadsafe(self.microphone.put, heard)

    def _output(self, outdata: Any, frames: int, time: Any, status: Any) -> None:
        self._speak(outdata, frames)

    def _speak(self, outdata: Any, frames: int) -> bytes:
        spoken = self.playback.take(OUTPUT_FORMAT.bytes_for_ms(CHUNK_MS))
        outdata[:] = self._to_device.push(spoken)
        return spoken


def _canceller(wanted: bool | None) -> EchoCanceller | None:
    if wanted is False:
        return None
    try:
        return EchoCanceller()
    except MissingDependencyError:
        if wanted:
            raise
        return None
