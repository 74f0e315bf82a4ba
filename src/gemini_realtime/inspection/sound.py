"""The sound of a recording: how loud it is, moment by moment, and as a file for a browser."""

from __future__ import annotations

import wave
from collections.abc import Iterator
from io import BytesIO
from typing import TYPE_CHECKING, Final

from gemini_realtime.errors import MissingDependencyError
from gemini_realtime.recordings import ConversationRecording

try:
    import numpy as np
    import soundfile
except (ImportError, OSError) as error:  # OSError: the package is there, the library it loads is not
    raise MissingDependencyError("inspecting a recording", "inspect") from error

from gemini_realtime.recordings.stereo import FORMAT, SILENCED, Stereo

if TYPE_CHECKING:
    from numpy.typing import NDArray

PEAKS_HZ: Final = 100
"""Peaks per second: as many as are told apart when a second is as wide as a hand."""

LONG_S: Final = 900.0
"""A longer recording is heard at half its rate in the page, which would be heavy otherwise."""

_BLOCK_FRAMES: Final = FORMAT.rate_hz * 10
_SAMPLES_PER_PEAK: Final = FORMAT.rate_hz // PEAKS_HZ


class Sound:
    """Both sides of a recording, read once.

    Args:
        recording: its `audio.wav` is read; where there is none, the sound in its frames.

    Attributes:
        peaks: by side, the user first: the largest sample of each hundredth of a second, from 0 to 127.
        flac: for a browser; empty where there is no sound.
    """

    def __init__(self, recording: ConversationRecording, duration_s: float) -> None:
        self.peaks: list[bytes] = [b"", b""]
        peaks: list[list[bytes]] = [[], []]
        written = BytesIO()
        half = duration_s > LONG_S
        rate_hz = FORMAT.rate_hz // 2 if half else FORMAT.rate_hz
        heard = False
        with soundfile.SoundFile(written, "w", rate_hz, 2, format="FLAC", subtype="PCM_16") as flac:
            for block in _blocks(recording):
                for side, samples in enumerate(np.ascontiguousarray(block.T)):
                    peaks[side].append(_peaks(samples))
                heard = heard or bool(block.any())
                flac.write(_halved(block) if half else block)
        self.peaks = [b"".join(side) for side in peaks]
        self.flac = written.getvalue() if heard else b""


def _blocks(recording: ConversationRecording) -> Iterator[NDArray[np.int16]]:
    """Both sides, in blocks of 10 s."""
    waiting = b""
    block_bytes = _BLOCK_FRAMES * FORMAT.frame_bytes
    for piece in _from_file(recording) if recording.audio_path.is_file() else _from_frames(recording):
        waiting += piece
        while len(waiting) >= block_bytes:
            yield _samples(waiting[:block_bytes])
            waiting = waiting[block_bytes:]
    whole = len(waiting) // (_SAMPLES_PER_PEAK * FORMAT.frame_bytes) * _SAMPLES_PER_PEAK * FORMAT.frame_bytes
    if whole:
        yield _samples(waiting[:whole])


def _from_file(recording: ConversationRecording) -> Iterator[bytes]:
    try:
        with wave.open(str(recording.audio_path), "rb") as file:
            while piece := file.readframes(_BLOCK_FRAMES):
                yield piece
    except (wave.Error, EOFError):  # cut short before it had a header
        yield from _from_frames(recording)


def _from_frames(recording: ConversationRecording) -> Iterator[bytes]:
    stereo = Stereo()
    now_ms = 0.0
    for _, line in recording.lines():
        now_ms = max(now_ms, line.ms)
        if line.sender == "server" or (line.sender is not None and b'"data"' in bytes(line.frame)):
            stereo.add(line.ms, line.connection, line.sender, line.parsed())
            yield from stereo.take(now_ms)
        elif line.event is not None and line.event.get("type") == SILENCED:
            stereo.cut(line.ms)
    yield from stereo.end(now_ms)


def is_loud(pcm: bytes, from_level: int) -> bool:
    """Whether one of these samples is as large as that."""
    samples: NDArray[np.int16] = np.frombuffer(pcm[: len(pcm) // 2 * 2], "<i2")
    return len(samples) > 0 and int(samples.max()) >= from_level


def _samples(pcm: bytes) -> NDArray[np.int16]:
    samples: NDArray[np.int16] = np.frombuffer(pcm, "<i2").reshape(-1, 2)
    return samples


def _peaks(side: NDArray[np.int16]) -> bytes:
    whole = len(side) // _SAMPLES_PER_PEAK * _SAMPLES_PER_PEAK
    windows = side[:whole].reshape(-1, _SAMPLES_PER_PEAK)
    loudest = np.maximum(windows.max(axis=1).astype(np.int32), -windows.min(axis=1).astype(np.int32))
    return bytes(np.minimum(loudest >> 8, 127).astype(np.uint8).tobytes())


def _halved(block: NDArray[np.int16]) -> NDArray[np.int16]:
    pairs = block[: len(block) // 2 * 2] >> 1  # two halves fit where two whole samples do not
    halved: NDArray[np.int16] = pairs[0::2] + pairs[1::2]
    return halved
