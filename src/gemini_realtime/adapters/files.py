"""Sound files: read speech, hear it as a microphone would, write answers, record a conversation in stereo."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import wave
from array import array
from collections.abc import AsyncGenerator, Iterator
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from gemini_realtime.audio.format import INPUT_FORMAT, OUTPUT_FORMAT, AudioFormat
from gemini_realtime.checking import check_type
from gemini_realtime.errors import AudioFormatError, ConfigError, MissingDependencyError

if TYPE_CHECKING:
    from numpy.typing import NDArray

CHUNK_MS: Final = 20
"""What a microphone gives at a time."""

_CHUNK_BYTES: Final = INPUT_FORMAT.bytes_for_ms(CHUNK_MS)

_REMEDY: Final = "convert it, for example with: ffmpeg -i INPUT -c:a pcm_s16le OUTPUT.wav"

# Most writers put more than 16 bits or 2 channels into WAVE_FORMAT_EXTENSIBLE (0xFFFE), which wave reads since
# Python 3.12 only. When the sub-format's GUID is that of PCM, plain PCM (0x0001) means the same.
_EXTENSIBLE_PCM: Final = re.compile(
    rb"(?<=fmt .{4})\xfe\xff(?=.{22}\x01\x00\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71)", re.DOTALL
)


def read_audio(path: str | os.PathLike[str]) -> tuple[bytes, int]:
    """Read a sound file as mono 16-bit PCM and its rate in Hz; several channels are averaged.

    Wave files of integer PCM as `read_wav` does; all else that libsndfile reads (FLAC, Ogg Vorbis and Opus, MP3, AIFF,
    waves of floating point, ...) needs the extra `[audio]`.

    Raises:
        AudioFormatError: it cannot be read as sound.
        MissingDependencyError: the extra is not installed.
        OSError: the file cannot be read.
    """
    try:
        return read_wav(path)
    except AudioFormatError as no_wave:
        try:
            return _read_with_soundfile(path)
        except MissingDependencyError:
            if Path(path).suffix.lower() in ("", ".wav", ".wave"):
                raise no_wave from None
            raise


def _read_with_soundfile(path: str | os.PathLike[str]) -> tuple[bytes, int]:
    soundfile = _soundfile(f"reading {os.fspath(path)!r}")
    try:
        with Path(path).open("rb") as file:
            samples, rate_hz = soundfile.read(file, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, TypeError) as error:
        problem = getattr(error, "error_string", str(error))
        raise AudioFormatError(f"{os.fspath(path)!r} cannot be read as sound: {problem}", remedy=_REMEDY) from error
    return _pcm16(samples.mean(axis=1) * 32_768), int(rate_hz)


def write_audio(path: str | os.PathLike[str], pcm: bytes, rate_hz: int, channels: int = 1) -> None:
    """Write 16-bit PCM, channels interleaved, in the format that the name ends with: `.wav`, `.flac`, `.ogg`, ...

    Raises:
        AudioFormatError: `pcm` ends inside a frame, the rate or channel count cannot be, or the format is not known.
        MissingDependencyError: it is no wave file, and the extra `[audio]` is not installed.
    """
    if Path(path).suffix.lower() in ("", ".wav", ".wave"):
        write_wav(path, pcm, rate_hz, channels)
        return
    AudioFormat("pcm16", rate_hz, channels).check(pcm)
    soundfile = _soundfile(f"writing {os.fspath(path)!r}")
    import numpy as np

    samples: NDArray[np.int16] = np.frombuffer(pcm, "<i2").reshape(-1, channels)
    try:
        soundfile.write(os.fspath(path), samples, rate_hz)
    except (soundfile.LibsndfileError, TypeError, ValueError) as error:
        raise AudioFormatError(
            f"{os.fspath(path)!r} cannot be written: {error}", remedy="use .wav, .flac or .ogg"
        ) from error


def check_writable(path: str | os.PathLike[str]) -> None:
    """Whether a stereo file can be written there, found out before there is anything to write.

    Raises:
        ConfigError: there is no such folder, or nothing may be written in it.
        AudioFormatError: the format of the name's ending is not known.
        MissingDependencyError: it takes the extra `[audio]`, which is not installed.
    """
    check_type("path", path, (str, os.PathLike), "the path of a file")
    target = Path(path)
    try:
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, "it is a folder")
        with TemporaryDirectory(dir=target.parent) as folder:
            write_audio(Path(folder) / target.name, b"", OUTPUT_FORMAT.rate_hz, channels=2)
    except AudioFormatError:
        problem = f"{os.fspath(path)!r} cannot be written: no format has the ending {target.suffix!r}"
        raise AudioFormatError(problem, remedy="use .wav, .flac or .ogg") from None
    except OSError as error:
        problem = f"{os.fspath(path)!r} cannot be written: {error.strerror}"
        raise ConfigError(problem, remedy="name a file in a folder that is there, and may be written in") from error


def _soundfile(purpose: str) -> Any:
    try:
        import soundfile
    except (ImportError, OSError) as error:  # OSError: the package is there, the library it loads is not
        raise MissingDependencyError(purpose, "audio") from error
    return soundfile


class Recording:
    """A sound file, heard as a microphone hears: 16 kHz chunks of 20 ms in real time, and silence without end after it.

    The silence matters: the service takes a question for finished when it hears nothing for a while.

    Attributes:
        over: everything in the file has been heard.
    """

    def __init__(self, path: str | os.PathLike[str], *, real_time: bool = True) -> None:
        """Read a file.

        Args:
            path: of any rate and channel count; see `read_audio`.
            real_time: False gives what is in it at once, and only the silence in real time.

        Raises:
            AudioFormatError: it cannot be read as sound.
            ConfigError: it is no path.
            MissingDependencyError: it takes the extra `[audio]`, which is not installed.
            OSError: the file cannot be read.
        """
        check_type("recording", path, (str, os.PathLike), "the path of a sound file")
        pcm, rate_hz = read_audio(path)
        self.over = False
        self._real_time = real_time
        self._pcm = _resampled(pcm, rate_hz, INPUT_FORMAT.rate_hz)

    async def __aiter__(self) -> AsyncGenerator[bytes, None]:
        clock = asyncio.get_running_loop().time
        due = clock()
        for chunk in self._chunks():
            if self._real_time or self.over:
                due += CHUNK_MS / 1000  # a chunk is there when its end was heard
                await asyncio.sleep(due - clock())
            else:
                due = clock()
            yield chunk

    def _chunks(self) -> Iterator[bytes]:
        for at in range(0, len(self._pcm), _CHUNK_BYTES):
            yield self._pcm[at : at + _CHUNK_BYTES].ljust(_CHUNK_BYTES, b"\0")
        self.over = True
        while True:
            yield bytes(_CHUNK_BYTES)


def read_wav(path: str | os.PathLike[str]) -> tuple[bytes, int]:
    """Read a wave file as mono 16-bit PCM and its rate in Hz.

    Integer PCM of 8, 16, 24 or 32 bits; several channels are averaged. Anything but mono 16-bit needs the
    extra `[audio]`. A file cut short gives the whole frames it has.

    Raises:
        AudioFormatError: not a wave file, or one of another encoding.
        OSError: the file cannot be read.
    """
    content = _EXTENSIBLE_PCM.sub(b"\x01\x00", Path(path).read_bytes(), count=1)
    try:
        with wave.open(BytesIO(content), "rb") as reader:
            channels, sample_bytes, rate_hz, n_frames = reader.getparams()[:4]
            audio = reader.readframes(n_frames)
    except (wave.Error, EOFError, RuntimeError) as error:  # wave's chunk reader raises the last two, wordless
        problem = str(error) or "its header is damaged or cut short"
        raise AudioFormatError(f"{os.fspath(path)!r} is not a PCM wave file: {problem}", remedy=_REMEDY) from error
    if sample_bytes > 4 or not rate_hz:
        problem = f"has samples of {sample_bytes * 8} bits at {rate_hz} Hz"
        raise AudioFormatError(f"{os.fspath(path)!r} {problem}", remedy=_REMEDY)
    audio = audio[: len(audio) - len(audio) % (channels * sample_bytes)]
    if (channels, sample_bytes) != (1, 2):
        audio = _mono16(audio, channels, sample_bytes)
    return audio, rate_hz


def write_wav(path: str | os.PathLike[str], pcm: bytes, rate_hz: int, channels: int = 1) -> None:
    """Write 16-bit PCM, channels interleaved, as a wave file.

    Raises:
        AudioFormatError: `pcm` ends inside a frame, or the rate or channel count cannot be.
    """
    AudioFormat("pcm16", rate_hz, channels).check(pcm)
    with open(path, "wb") as file, wave.open(file, "wb") as writer:
        writer.setnchannels(channels)
        writer.setsampwidth(2)
        writer.setframerate(rate_hz)
        writer.writeframes(pcm)


class StereoRecording:
    """A conversation on one timeline: one side left, the other right, each mono 16-bit PCM at `rate_hz`.

    Times are ms since the recording began. Each side behaves as a loudspeaker does: audio sounds when it
    arrives, or directly after what is still sounding.
    """

    def __init__(self, rate_hz: int = 24_000) -> None:
        self.format = AudioFormat("pcm16", rate_hz)
        self._left = bytearray()
        self._right = bytearray()

    def left(self, pcm: bytes, at_ms: float) -> None:
        """Add what the left side said at `at_ms`; AudioFormatError when it ends inside a sample."""
        self._add(self._left, pcm, at_ms)

    def right(self, pcm: bytes, at_ms: float) -> None:
        """Add what the right side said at `at_ms`; AudioFormatError when it ends inside a sample."""
        self._add(self._right, pcm, at_ms)

    def cut_right(self, at_ms: float) -> None:
        """Drop what the right side would have said after `at_ms`, as when it is interrupted."""
        del self._right[max(0, self.format.bytes_for_ms(at_ms)) :]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a file of two channels as long as the longer side: `.wav`, or what `write_audio` knows."""
        frames = max(len(self._left), len(self._right)) // 2
        both = array("h", bytes(4 * frames))
        for channel, side in enumerate((self._left, self._right)):
            both[channel::2] = array("h", side.ljust(2 * frames, b"\x00"))
        write_audio(path, both.tobytes(), self.format.rate_hz, channels=2)

    def _add(self, side: bytearray, pcm: bytes, at_ms: float) -> None:
        self.format.check(pcm)
        side += bytes(max(0, self.format.bytes_for_ms(at_ms) - len(side)))
        side += pcm


def _mono16(audio: bytes, channels: int, sample_bytes: int) -> bytes:
    try:
        import numpy as np
    except ImportError as error:
        raise MissingDependencyError("reading anything but mono 16-bit wave files", "audio") from error
    samples = np.frombuffer(audio, np.uint8).reshape(-1, sample_bytes)
    left_aligned = np.zeros((len(samples), 4), np.uint8)
    left_aligned[:, 4 - sample_bytes :] = samples
    if sample_bytes == 1:
        left_aligned[:, 3] ^= 0x80  # 8-bit wave samples are unsigned
    mono: NDArray[np.float64] = left_aligned.view("<i4").reshape(-1, channels).mean(axis=1)
    return _pcm16(mono / 65_536)


def _pcm16(samples: NDArray[Any]) -> bytes:
    import numpy as np

    pcm16: np.dtype[np.int16] = np.dtype("<i2")
    return bytes(np.rint(samples).clip(-32_768, 32_767).astype(pcm16).tobytes())


def _resampled(audio: bytes, from_rate_hz: int, to_rate_hz: int) -> bytes:
    if from_rate_hz == to_rate_hz:
        return audio
    from gemini_realtime.audio.resample import resample

    return resample(audio, from_rate_hz, to_rate_hz)
