"""The voice of hibari: a network of 8 MB, distilled from Kokoro, that speaks American English; for a `Worker`.

A request says what in which timbre; the answer is 24 kHz mono s16le, and where in it the words of the text begin.

Source of what the network takes and gives: "ONNX interface" on https://pypi.org/project/hibari-tts/0.2.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import ceil
from pathlib import Path
from typing import Any, Final

import hibari
import numpy as np
from hibari import dsp
from numpy.typing import NDArray

from gemini_realtime.local.speech import weights
from gemini_realtime.local.speech.spoken_text import as_said
from gemini_realtime.local.speech.timbre import Parts, Timbre, changed

PACKAGE: Final = "hibari-tts==0.2.1"
CHECKSUMS: Final = {
    "hibari.onnx": "5f70741d4e900f4e85d0037498736cc1b3e1b9a63a13546a5da1e63abf4fccd8",
    "vocab.json": "70abefbe8a1c8865e43e0a43bbdc25b91a33e4aa053479d443ccf23e20a59e5d",
    "normalize.json": "d478ff05404bc43ac3e0468e306674e51085f1b1afc94cdef7c7ea4fb0d56bd8",
    "tokenizer_exceptions.json": "ddf3a3da07bdcf5144270ea4530191d8580fb4fd6f5ae93296e87916e795659a",
    "tagger.json.gz": "d2da7502284bbbe45d49e0b7ce3ce67bdab82254150f4317f1b8559b4d38d0eb",
    "lexicon_us_gold.json.gz": "63ae94f8ef0e906d5b24fe9b59ffcbd1529aca5686a774610e43973cbaa86ad2",
    "lexicon_us_silver.json.gz": "c4c2546ebf1eb07010331e7ef785a431aa17ba8e7bfb6b4af8d654ee96a71fd3",
    "oov.onnx": "d3cfd8122c5f172a98c8de38268bf1213ee09f2c2ae4df6e055fc6532590fe76",
    "oov.json": "b462e6e5dbdf0e7346c732385d0dd844f612f1770871441c56932bff4ca75d8c",
}
"""SHA-256 of what that package speaks American English with."""

_DURATIONS: Final = "/Clip_output_0"  # of each sound, within the network of this checksum
_DURATION_SAMPLES: Final = 2 * dsp.HOP
_SOUNDS_MAX: Final = 400  # at once; longer ones the network has not learnt

_LEAD_MS: Final = 100  # of the third of a second of silence that a sentence begins with: the softest sounds are in it
_FADE_MS: Final = 5
_SAMPLES_PER_MS: Final = dsp.SR // 1_000
# Brings every voice to -22 dB where it speaks, with peaks of -4 dB: a lower pitch has more harmonics, so is louder.
_LEVEL: Final = 1.5
_LEVEL_BY_PITCH: Final = 0.43
_PEAK_MAX: Final = 0.98

_WORD: Final = re.compile(r"\S+")

Samples = NDArray[np.float32]


class HibariVoice:
    """The network, and how English is pronounced."""

    def __init__(self) -> None:
        assets = Path(hibari.__file__).parent / "assets"
        weights.check(assets, CHECKSUMS, PACKAGE)
        # onnxruntime takes the bytes of a model where it takes a path.
        self._hibari = hibari.Hibari(model=(assets / "hibari.onnx").read_bytes() + _with_output(_DURATIONS))
        self._pronounce = self._hibari.g2p
        self.say("Hello.", Timbre())  # the first sentence takes longer than any after it

    def answer(self, head: dict[str, Any], _: bytes) -> tuple[dict[str, Any], bytes]:
        """Speak `head["text"]` in `head["timbre"]`."""
        samples, words = self.say(head["text"], Timbre(*head["timbre"]))
        return {"words": words}, _pcm(samples)

    def say(self, text: str, timbre: Timbre) -> tuple[Samples, list[tuple[int, int]]]:
        """Speak a sentence; the same text always sounds the same.

        Returns:
            The sound, and for each word where it begins: sample, and character of the text.
        """
        said = self._pronounce(as_said(text))
        sounds: list[Samples] = []
        begins: list[int] = []  # of the words as they are said, in samples
        for piece in _pieces(said):
            offset = sum(map(len, sounds))
            samples, at = self._speak(piece, timbre)
            sounds.append(samples)
            begins += [offset + begin for begin in at]
        samples = np.concatenate(sounds) if sounds else np.zeros(0, np.float32)
        return samples, list(self._word_begins(text, begins)) if begins else []

    def _speak(self, piece: str, timbre: Timbre) -> tuple[Samples, list[int]]:
        """The sound of words that are written as they sound, and where each begins."""
        ids = self._hibari.ids(piece)
        inputs = {"ids": np.asarray([ids], np.int64), "speed": np.asarray([timbre.rate], np.float32)}
        *parts, durations = (
            output.squeeze(0) if output.ndim > 1 else output for output in self._hibari.sess.run(None, inputs)
        )
        samples = dsp.synth(*changed(Parts(*parts), timbre), np.random.default_rng(0)) * (
            _LEVEL * timbre.pitch**_LEVEL_BY_PITCH
        )
        ends = np.cumsum(durations) * _DURATION_SAMPLES
        lead = max(0, int(ends[0]) - _LEAD_MS * _SAMPLES_PER_MS)
        known = [sound in self._hibari.vocab for sound in piece]
        first_sounds = [0, *(at + 1 for at, sound in enumerate(piece) if sound == " ")]
        begins = [max(0, int(ends[sum(known[:at])]) - lead) for at in first_sounds]
        return _faded(samples[lead:]), begins

    def _word_begins(self, text: str, begins: list[int]) -> Iterator[tuple[int, int]]:
        """Match the words as they are written with those that are said, which "$5" has two of.

        How many a written word has is seen by saying it alone. Where its neighbours change that ("Jan. 5th"), the sums
        differ, and the difference is spread evenly.
        """
        written = list(_WORD.finditer(text))
        said = [len(self._pronounce(as_said(word[0])).split()) for word in written]
        total, before = max(1, sum(said)), 0
        for word, count in zip(written, said, strict=True):
            if count:
                yield begins[min(len(begins) - 1, round(before * len(begins) / total))], word.start()
            before += count


def load() -> HibariVoice:
    """Make the engine of a worker."""
    return HibariVoice()


def _with_output(name: str) -> bytes:
    """What makes a value within an ONNX model one of its outputs, when it is put behind the model.

    Fields 7 (graph), 12 (output) and 1 (name) of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto; messages that
    are written one behind the other are one: https://protobuf.dev/programming-guides/encoding/#last-one-wins.
    """
    message = name.encode()
    for field in (1, 12, 7):
        message = bytes([field << 3 | 2, len(message)]) + message
    return message


def _pieces(said: str) -> Iterator[str]:
    """Cut what is too long for the network between words, evenly."""
    if not any(map(str.isalpha, said)):
        return
    words = said.split(" ")
    count = ceil(len(said) / _SOUNDS_MAX)
    size = ceil(len(words) / count)
    yield from (" ".join(words[at : at + size])[:_SOUNDS_MAX] for at in range(0, len(words), size))


def _faded(samples: Samples) -> Samples:
    """Begin and end in silence, without a click."""
    ramp = np.linspace(0, 1, min(_FADE_MS * _SAMPLES_PER_MS, len(samples) // 2), dtype=np.float32)
    samples[: len(ramp)] *= ramp
    samples[len(samples) - len(ramp) :] *= ramp[::-1]
    return samples


def _pcm(samples: Samples) -> bytes:
    loudest = float(np.abs(samples).max(initial=0.0))
    if loudest > _PEAK_MAX:
        samples = samples * (_PEAK_MAX / loudest)
    return bytes(np.rint(samples * 32_767).astype("<i2").tobytes())
