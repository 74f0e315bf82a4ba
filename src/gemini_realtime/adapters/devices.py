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
import contextlib
import math
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from logging import Logger, getLogger
from types import TracebackType
from typing import Any, Final

from gemini_realtime.adapters.echo import EchoCanceller, HalfDuplexGate, echo_handling
from gemini_realtime.audio.format import INPUT_FORMAT, OUTPUT_FORMAT
from gemini_realtime.audio.levels import level_db
from gemini_realtime.audio.playback import Playback
from gemini_realtime.checking import spelling_remedy
from gemini_realtime.errors import ConfigError, GeminiRealtimeError, MissingDependencyError

__all__ = [
    "CHUNK_MS", "DeviceInfo", "MicrophoneQueue", "SoundDevice", "default_devices", "list_devices",
]  # fmt: skip

CHUNK_MS: Final = 20
"""The stream runs in blocks of this length, both ways."""

MAX_WAITING_CHUNKS: Final = 50
"""1 s of microphone audio: what is older when it is read comes too late for a conversation."""

JITTER_MS: Final = 40
"""An answer sounds when so much of it is there: pieces that come in bursts then have no holes."""

LOST_AFTER_S: Final = 2.0
"""A stream that has given no block for so long has lost its device."""

HELD_BACK_MS: Final = 150
HELD_BACK_BLOCKS: Final = 50
"""After it stumbled, as on a machine that is too busy, a stream may give the microphone's sound so much later than
before, and for good: when it has done so for 1 s it is opened anew."""

_LOOK_EVERY_S: Final = 0.5

_PORTAUDIO: Final = {
    "linux": "apt install libportaudio2 libasound2-plugins",
    "darwin": "brew install portaudio",
}

_global_logger = getLogger("gemini_realtime.devices")


@dataclass(frozen=True)
class DeviceInfo:
    """A sound device of this machine.

    Attributes:
        name: by which it is chosen.
        microphone: whether it hears.
        loudspeaker: whether it sounds.
        default: what the system uses it for unless asked otherwise: `microphone`, `loudspeaker`, both or none.
    """

    name: str
    microphone: bool
    loudspeaker: bool
    default: tuple[str, ...] = ()


def list_devices() -> list[DeviceInfo]:
    """The sound devices there are.

    Raises:
        MissingDependencyError: the extra `[devices]` is not installed.
        ConfigError: PortAudio is not installed.
    """
    sounddevice = _sounddevice()
    defaults = {
        "microphone": _default_device(sounddevice, "input"),
        "loudspeaker": _default_device(sounddevice, "output"),
    }
    return [
        DeviceInfo(
            name := str(found["name"]),
            found["max_input_channels"] > 0,
            found["max_output_channels"] > 0,
            tuple(use for use, default in defaults.items() if name == default),
        )
        for found in sounddevice.query_devices()
    ]


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


def _chosen(name: str | None, kind: str) -> str | None:
    """The full name of the device that is meant by a part of it.

    Raises:
        ConfigError: there is none, or there are several.
    """
    if name is None:
        return None
    names = [device.name for device in list_devices() if getattr(device, kind)]
    found = [known for known in names if known == name] or [known for known in names if name.lower() in known.lower()]
    if len(found) != 1:
        how_many = "several devices are" if found else "no device is"
        remedy = f"name one of {', '.join(map(repr, found))}" if found else spelling_remedy(name, names)
        raise ConfigError(f"{how_many} called {name!r} among those that can be the {kind}", remedy=remedy)
    return found[0]


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


class SoundDevice:
    """The loudspeaker, and the microphone unless it is not wanted.

    A device that is unplugged is said so in the log, and what the system uses then takes its place; until there is one,
    the microphone hears nothing, and what is to be played waits.

    Attributes:
        microphone: 16 kHz chunks of `CHUNK_MS` to iterate over.
        playback: what is waiting to be played, and what has been.
        echo_cancellation: whether the loudspeaker is taken out of the microphone.
        half_duplex: whether the microphone is closed while the loudspeaker sounds, for want of echo cancellation: the
            user cannot interrupt by speaking then.
    """

    def __init__(
        self,
        *,
        microphone: bool | str = True,
        loudspeaker: str | None = None,
        echo_cancellation: bool | None = None,
        logger: Logger | None = None,
    ) -> None:
        """Choose devices; `async with` opens them.

        Args:
            microphone: its name or a part of it, of those that `list_devices()` gives; True for the system's default,
                False for the loudspeaker alone.
            loudspeaker: likewise.
            echo_cancellation: None for "if it is installed, and half-duplex if not". False for neither: for headphones.
            logger: is told of devices that come and go.

        Raises:
            MissingDependencyError: the extra `[devices]`, or its echo cancellation where it is asked for, is not
                installed.
            ConfigError: PortAudio is not installed, or no device has that name.
        """
        self._sounddevice = _sounddevice()
        self._names = (
            _chosen(microphone if isinstance(microphone, str) else None, "microphone"),
            _chosen(loudspeaker, "loudspeaker"),
        )
        self._hears = microphone is not False
        self._logger = logger or _global_logger
        self.microphone = MicrophoneQueue()
        self.playback = Playback(OUTPUT_FORMAT, jitter_ms=JITTER_MS)
        self._cleaner = echo_handling(echo_cancellation) if self._hears else None
        self.echo_cancellation = isinstance(self._cleaner, EchoCanceller)
        self.half_duplex = isinstance(self._cleaner, HalfDuplexGate)
        self._spoken = self._heard = b""  # the last block, for the meters
        self._stream: _Stream | None = None
        self._watching: asyncio.Task[None] | None = None

    async def __aenter__(self) -> SoundDevice:
        """Open the devices.

        Raises:
            GeminiRealtimeError: they cannot be opened.
        """
        self._loop = asyncio.get_running_loop()
        try:
            self._stream = await asyncio.to_thread(self._open, *self._names)
        except self._sounddevice.PortAudioError as error:
            raise GeminiRealtimeError(
                f"the sound device cannot be opened: {error}",
                remedy="close other programs that use it, and check the system's default microphone and loudspeaker",
                retryable=True,
            ) from error
        self._watching = asyncio.create_task(self._watch())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait([self._watching])
        await self._close()

    def play(self, audio: bytes) -> None:
        """Queue 24 kHz audio for the loudspeaker."""
        self.playback.push(audio)

    def flush(self) -> tuple[float, float]:
        """Fall silent: throw away what has not been played.

        Returns:
            How much of the turn was heard, and how much was thrown away, in ms. What the device itself holds counts as
            not heard, though it still sounds.
        """
        held_ms = min(self.latency_ms, self.playback.played_ms)
        played_ms = self.playback.played_ms - held_ms
        return played_ms, self.playback.flush() + held_ms

    @property
    def latency_ms(self) -> float:
        """How long the device itself holds audio before it sounds."""
        return 0.0 if self._stream is None else self._stream.latency_ms

    @property
    def microphone_db(self) -> float:
        """How loud the microphone is, at this moment, in dB of full scale; `SILENT_DB` for silence."""
        return level_db(self._heard)

    @property
    def loudspeaker_db(self) -> float:
        """How loud the loudspeaker is, likewise."""
        return level_db(self._spoken)

    # --- devices come and go

    def _open(self, microphone: str | None, loudspeaker: str | None) -> _Stream:
        on_heard = self._on_heard if self._hears else None
        return _Stream(self._sounddevice, (microphone, loudspeaker), self._on_take, on_heard)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            if self._stream is not None and self._stream.lost:
                self._logger.warning("the sound device has gone: waiting for another")
                await self._close()
            elif self._stream is not None and self._stream.held_back:
                self._logger.info("the sound device holds the microphone back since it stumbled: it is opened anew")
                await self._close()
                with contextlib.suppress(self._sounddevice.PortAudioError):
                    self._stream = await asyncio.to_thread(self._open, *self._names)
            if self._stream is None:
                with contextlib.suppress(self._sounddevice.PortAudioError, ValueError):
                    self._stream = await asyncio.to_thread(self._open_another)
                    self._logger.warning("a sound device is there: the conversation goes on with it")

    async def _close(self) -> None:
        self._spoken = self._heard = b""
        stream, self._stream = self._stream, None
        if stream is not None:
            await asyncio.to_thread(stream.close)

    def _open_another(self) -> _Stream:
        # PortAudio lists devices when it is initialized, and never again; the stream that was lost is closed already.
        self._sounddevice._terminate()
        self._sounddevice._initialize()
        try:
            return self._open(*self._names)
        except (self._sounddevice.PortAudioError, ValueError):
            return self._open(None, None)

    # --- called by PortAudio, in a thread of its own, every CHUNK_MS

    def _on_take(self) -> bytes:
        self._spoken = self.playback.take(OUTPUT_FORMAT.bytes_for_ms(CHUNK_MS))
        return self._spoken

    def _on_heard(self, heard: bytes, spoken: bytes, round_trip_ms: int) -> None:
        if self._cleaner is not None:
            heard = self._cleaner.cancel(heard, spoken, round_trip_ms)
        self._heard = heard
        self._loop.call_soon_threadsafe(self.microphone.put, heard)


class _Stream:
    """An open stream of PortAudio, at the rate that the devices like.

    Args:
        sounddevice: the library.
        names: of microphone and loudspeaker; None for the system's default.
        take: gives a block for the loudspeaker, at 24 kHz.
        heard: takes a block of the microphone at 16 kHz, what was taken in the same moment, and how long that needs to
            come back, in ms; None for no microphone.
    """

    def __init__(
        self,
        sounddevice: Any,
        names: tuple[str | None, str | None],
        take: Callable[[], bytes],
        heard: Callable[[bytes, bytes, int], None] | None,
    ) -> None:
        from gemini_realtime.audio.resample import Resampler

        self._take, self._on_heard = take, heard
        rate_hz = _common_rate_hz(sounddevice, names[1])
        self._from_device = Resampler(rate_hz, INPUT_FORMAT.rate_hz)
        self._to_device = Resampler(OUTPUT_FORMAT.rate_hz, rate_hz)
        # The first block out of a resampler is shorter than the others; it is spent on silence here.
        self._from_device.push(bytes(self._from_device.source.bytes_for_ms(CHUNK_MS)))
        self._to_device.push(bytes(self._to_device.source.bytes_for_ms(CHUNK_MS)))
        self._last_block_s = time.monotonic()
        self._shortest_ms = math.inf  # that a sound took from the loudspeaker's buffer to the microphone's
        self._late_blocks = 0
        stream_class = sounddevice.RawOutputStream if heard is None else sounddevice.RawStream
        self._stream = stream_class(
            device=names[1] if heard is None else names,
            samplerate=rate_hz,
            blocksize=rate_hz * CHUNK_MS // 1000,
            channels=1,
            dtype="int16",
            latency="low",
            callback=self._output if heard is None else self._duplex,
        )
        self._errors = (sounddevice.PortAudioError,)
        self._stream.start()

    @property
    def latency_ms(self) -> float:
        latency_s = self._stream.latency
        return 1000 * float(latency_s[1] if isinstance(latency_s, tuple) else latency_s)

    @property
    def lost(self) -> bool:
        """Whether the device has gone: PortAudio says so, or gives nothing any more."""
        return not self._stream.active or time.monotonic() - self._last_block_s > LOST_AFTER_S

    @property
    def held_back(self) -> bool:
        """Whether the microphone's sound has come late for a while, see `HELD_BACK_MS`."""
        return self._late_blocks >= HELD_BACK_BLOCKS

    def close(self) -> None:
        """Close it; one whose device has gone may refuse, and is gone all the same."""
        with contextlib.suppress(*self._errors):
            self._stream.close()

    def _duplex(self, indata: Any, outdata: Any, frames: int, moments: Any, status: Any) -> None:
        assert self._on_heard is not None
        spoken = self._speak(outdata)
        round_trip_ms = max(0, round(1000 * (moments.outputBufferDacTime - moments.inputBufferAdcTime)))
        self._shortest_ms = min(self._shortest_ms, round_trip_ms)
        self._late_blocks = self._late_blocks + 1 if round_trip_ms > self._shortest_ms + HELD_BACK_MS else 0
        self._on_heard(self._from_device.push(bytes(indata)), spoken, round_trip_ms)

    def _output(self, outdata: Any, frames: int, moments: Any, status: Any) -> None:
        self._speak(outdata)

    def _speak(self, outdata: Any) -> bytes:
        self._last_block_s = time.monotonic()
        spoken = self._take()
        outdata[:] = self._to_device.push(spoken)
        return spoken


def _common_rate_hz(sounddevice: Any, loudspeaker: str | None) -> int:
    """48 kHz if the loudspeaker takes it, since both our rates divide it: a quarter of the work of 44.1 kHz."""
    try:
        sounddevice.check_output_settings(device=loudspeaker, samplerate=48_000, channels=1, dtype="int16")
    except sounddevice.PortAudioError:
        return int(sounddevice.query_devices(loudspeaker, kind="output")["default_samplerate"])
    return 48_000
