"""The recogniser's own process: utterances in, words out.

`hearing.Recognizer` runs this file as a program, apart from the package, so that starting it imports
pocketsphinx and nothing else. pocketsphinx keeps the GIL for as long as it decodes; in a process of its own it
cannot hold up an event loop.

A request is a `REQUEST_HEADER`, the grammar (UTF-8 JSGF, may be empty) and the utterance (16 kHz mono s16le). A
reply is a `REPLY_HEADER` and UTF-8 text: the words, or what is wrong with the request. The first reply comes
unasked and says that the models are loaded. End of input ends the process.
"""

from __future__ import annotations

import os
import random
import re
import signal
import struct
import sys
from array import array
from contextlib import suppress
from difflib import SequenceMatcher
from typing import Any, BinaryIO, Final, NamedTuple

REQUEST_HEADER: Final = struct.Struct(">II")  # bytes of grammar, bytes of audio
REPLY_HEADER: Final = struct.Struct(">BI")  # DONE or REFUSED, bytes of text
DONE: Final = 0
REFUSED: Final = 1

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


def serve(requests: BinaryIO, replies: BinaryIO) -> None:
    """Answer requests until they end."""
    decoder = SpeechDecoder()
    _reply(replies, DONE, "")
    while len(header := requests.read(REQUEST_HEADER.size)) == REQUEST_HEADER.size:
        grammar_bytes, audio_bytes = REQUEST_HEADER.unpack(header)
        body = requests.read(grammar_bytes + audio_bytes)
        if len(body) < grammar_bytes + audio_bytes:
            return
        try:
            words = decoder.transcribe(body[grammar_bytes:], body[:grammar_bytes].decode())
        except ValueError as error:
            _reply(replies, REFUSED, str(error))
        else:
            _reply(replies, DONE, words)


def _reply(replies: BinaryIO, status: int, text: str) -> None:
    encoded = text.encode()
    replies.write(REPLY_HEADER.pack(status, len(encoded)) + encoded)
    replies.flush()


def _main() -> None:
    # Ctrl-C reaches every process of a terminal; whether to end on it is the parent's decision.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    replies = os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)  # pocketsphinx echoes a grammar it cannot parse; that is no reply
    with suppress(BrokenPipeError):  # the parent is gone
        serve(sys.stdin.buffer, replies)


if __name__ == "__main__":
    _main()
