"""pocketsphinx; for a `Worker`: it keeps the GIL for as long as it decodes.

A request is a grammar (JSGF, may be empty) and an utterance (16 kHz mono s16le); the answer is its words.
"""

from __future__ import annotations

import random
import re
import sys
from array import array
from difflib import SequenceMatcher
from typing import Any, Final, NamedTuple

# A grammar forces any sound into one of its sentences, so its result must hold against dictation: sound alike,
# phone by phone, and be the likelier one, unless both say nearly the same. Of 56 recordings of other sentences,
# likeness alone accepted 10, likelihood alone 5, both together 1; none of 42 of the grammar was refused.
_ALIKE_MIN: Final = 0.42
_NEARLY_SAME_MIN: Final = 0.75

_GRAMMARS_KEPT: Final = 4  # about 10-20 MB each
_SHORTEST_BYTES: Final = 3_200  # 100 ms; pocketsphinx fails on an utterance of fewer frames than its window

# Synthetic voices pause in digital silence, which microphones never deliver and the acoustic model has not
# learnt: with noise of some steps, fewer words of espeak's voices are misheard (0.38 -> 0.34 of them, for the best).
_NOISE_PEAK: Final = 4
_NOISE_SAMPLES: Final = 16_000

# Stands for words that are not in the dictionary; sounds like nothing that anybody says.
_UNSPEAKABLE: Final = "unspeakable0"
_UNSPEAKABLE_PHONES: Final = "ZH ZH ZH ZH ZH ZH ZH ZH"

_JSGF_TOKEN: Final = re.compile(
    r"""(?P<keep> \A\s*\#JSGF[^;]*; (\s*grammar\s[^;]*;)?   # header
      | //[^\n]* | /\*.*?\*/                                 # comments
      | \{[^}]*\} | <[^>]*> | /[\d.]+/                       # tags, rule names, weights
      | \bpublic\b(?=\s*<) )
      | (?P<word> [^\s;=|*+<>()\[\]{}/"]+ )""",
    re.VERBOSE | re.DOTALL,
)


class _Hypothesis(NamedTuple):
    """What was probably said; the likelihoods of hypotheses of one utterance can be compared."""

    words: str
    likelihood: float


class SpeechDecoder:
    """Words of whole utterances, by dictation and, where a grammar is given, by it."""

    def __init__(self) -> None:
        from pocketsphinx import Config, Decoder

        # maxhmmpf bounds the time that noise takes, to 0.3 s per second for dictation and about as much for a
        # grammar; clear speech takes 0.15 s and 0.1 s.
        config = Config(maxhmmpf=5_000, loglevel="FATAL")
        self._decoder: Any = Decoder(config)
        self._dictation: str = self._decoder.current_search()
        self._decoder.add_word(_UNSPEAKABLE, _UNSPEAKABLE_PHONES, True)
        # A search reads the configuration when it is made, so this is for grammars: they gain nothing from a
        # second look at the lattice, which would take seconds. Dictation has a third fewer errors by it.
        config["bestpath"] = False
        self._grammars: dict[str, str] = {}  # text -> name of the search; least recently used first
        self._loaded = 0
        # A fixed seed: the same recording always gives the same words.
        generator = random.Random(1)
        self._noise = [generator.randint(-_NOISE_PEAK, _NOISE_PEAK) for _ in range(_NOISE_SAMPLES)]

    def answer(self, head: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
        """Hear an utterance."""
        return {"text": self.transcribe(body, head["grammar"])}, b""

    def transcribe(self, pcm16k: bytes, grammar: str) -> str:
        """Return the words in lower case, "" when there are none.

        Raises:
            ValueError: `grammar` is not JSGF with a public rule.
        """
        search = self._search(grammar) if grammar else None
        if len(pcm16k) < _SHORTEST_BYTES:
            return ""
        audio = self._with_noise(pcm16k)
        dictated = self._decode(self._dictation, audio)
        if search is None:
            return dictated.words
        expected = self._decode(search, audio)
        return expected.words if self._holds(expected, dictated) else dictated.words

    def _search(self, grammar: str) -> str:
        name = self._grammars.pop(grammar, None) or self._load(grammar)
        self._grammars[grammar] = name
        if len(self._grammars) > _GRAMMARS_KEPT:
            self._decoder.remove_search(self._grammars.pop(next(iter(self._grammars))))
        return name

    def _load(self, grammar: str) -> str:
        self._loaded += 1
        name = f"grammar{self._loaded}"
        self._decoder.add_jsgf_string(name, self._speakable(grammar))
        return name

    def _speakable(self, grammar: str) -> str:
        """Put a word that cannot be heard in the place of each unknown one, which JSGF loading fails on."""

        def word_or_substitute(token: re.Match[str]) -> str:
            if token["keep"] is not None:
                return token["keep"]
            word = token["word"].lower()
            return word if self._decoder.lookup_word(word) else _UNSPEAKABLE

        return _JSGF_TOKEN.sub(word_or_substitute, grammar)

    def _with_noise(self, pcm16k: bytes) -> bytes:
        samples = array("h", pcm16k[: len(pcm16k) // 2 * 2])
        if sys.byteorder == "big":
            samples.byteswap()
        noise = self._noise * (len(samples) // _NOISE_SAMPLES + 1)
        return array("h", [_clip(a + b) for a, b in zip(samples, noise, strict=False)]).tobytes()

    def _decode(self, search: str, audio: bytes) -> _Hypothesis:
        self._decoder.activate_search(search)
        self._decoder.start_utt()
        try:
            self._decoder.process_raw(audio, no_search=False, full_utt=True)
        finally:
            self._decoder.end_utt()
        hypothesis = self._decoder.hyp()
        return _Hypothesis(hypothesis.hypstr, hypothesis.score) if hypothesis else _Hypothesis("", 0.0)

    def _holds(self, expected: _Hypothesis, dictated: _Hypothesis) -> bool:
        if _UNSPEAKABLE in expected.words:
            return False
        matcher = SequenceMatcher(None, self._phones(expected.words), self._phones(dictated.words), autojunk=False)
        likeness = matcher.ratio()
        likelier = expected.likelihood >= dictated.likelihood
        return likeness >= (_ALIKE_MIN if likelier else _NEARLY_SAME_MIN)

    def _phones(self, words: str) -> list[str]:
        return [phone for word in words.split() for phone in (self._decoder.lookup_word(word) or "").split()]


def _clip(sample: int) -> int:
    return max(-32_768, min(32_767, sample))


def load() -> SpeechDecoder:
    """Make the engine of a worker."""
    return SpeechDecoder()
