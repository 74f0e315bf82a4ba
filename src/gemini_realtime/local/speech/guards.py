"""What a recogniser made up, told from what was said.

Whisper always finds words: in silence those that its training found there, and at the end of an utterance sometimes
its last sentence again and again. People say things again, too. What tells one from the other is that Whisper says
when it heard the end, and finds none where it goes round in circles: of 291 recordings of sentences that were said
once, by two voices, clean, in noise and by telephone, 18 were heard again and again, and none of these had an end. Of
57 that were said two or three times in a breath, 50 had one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

# Whisper's own thresholds: https://github.com/openai/whisper/blob/main/whisper/transcribe.py, `no_speech_threshold` and
# `logprob_threshold`.
_NO_SPEECH_MIN: Final = 0.6
_SURE_MIN: Final = -1.0

_REPEATS_MAX: Final = 3  # "no, no, no" is often said, more seldom
_SENTENCE_WORDS_MIN: Final = 3  # which are seldom said twice in a row
_WORDS_PER_S_MAX: Final = 7.0  # an auctioneer's
_WORDS_ALWAYS: Final = 2

# What Whisper hears where nobody speaks: words of subtitles, and short ones that are also said. In 96 pieces of noise,
# music and typing there was no speech with a probability of 0.77 and more; where such words were said, with 0.54 at
# most, however unsure it was of them. So that decides, and only what is most unsure besides.
_SUBTITLES: Final = frozenset(
    {
        *("thanks for watching", "thank you for watching", "thanks for listening"),
        *("please subscribe", "subscribe", "like and subscribe", "we'll be right back", "i'll see you next time"),
        *("see you next time", "see you in the next video", "i'm going to go", "i'm not going to lie"),
        *("the end", "music", "applause", "laughter", "silence", "foreign", "mm", "mmm", "mm hmm", "hm", "hmm"),
    }
)
_SHORT: Final = frozenset(
    {
        *("you", "thank you", "thanks", "thank you so much", "thank you very much", "bye", "bye bye", "i'm sorry"),
        *("oh", "ah", "uh", "um", "so", "okay", "yeah"),
    }
)
_UNSURE_SUBTITLES_MAX: Final = -0.7
_UNSURE_SHORT_MAX: Final = -1.3
_SOUND: Final = re.compile(r"[\[(*♪][^\])*♪]*[\])*♪]|[♪♫]+")
_WORD: Final = re.compile(r"[\w']+")


class Heard(NamedTuple):
    """What a recogniser gives.

    Attributes:
        text: the words.
        sureness: the mean logarithm of the probabilities of its parts.
        no_speech: how probably there is no speech.
        speech_s: how long the sound is.
        whole: whether it came to an end, and to one that it heard.
    """

    text: str
    sureness: float
    no_speech: float
    speech_s: float
    whole: bool = True


def words_of(heard: Heard) -> str:
    """The text without what nobody can have said; empty when that is all.

    What has no end is said over and over: once it is enough.
    """
    text = " ".join(_SOUND.sub(" ", heard.text).split())
    if not _WORD.search(text) or is_made_up(heard._replace(text=text)):
        return ""
    return text if heard.whole else said_once(text)


def is_noise(heard: Heard) -> bool:
    """Whether there is so surely no speech that no other attempt would find any."""
    return heard.no_speech > _NO_SPEECH_MIN and is_made_up(heard)


def is_made_up(heard: Heard) -> bool:
    """Whether these words were probably heard in a sound that is no speech."""
    text = _plain(heard.text)
    if heard.no_speech > _NO_SPEECH_MIN:
        return heard.sureness < _SURE_MIN or text in _SUBTITLES or text in _SHORT
    if text in _SUBTITLES:
        return heard.sureness < _UNSURE_SUBTITLES_MAX
    return text in _SHORT and heard.sureness < _UNSURE_SHORT_MAX


def is_rambling(heard: Heard) -> bool:
    """Whether this has no end, or is more than anybody says in the time: worth another attempt."""
    words = len(_WORD.findall(heard.text))
    return not heard.whole or words > _WORDS_ALWAYS + _WORDS_PER_S_MAX * heard.speech_s


def repeats(text: str) -> bool:
    """Whether something is said again and again in it."""
    words = _words(text)
    return len(_once(words)) < len(words)


def same_words(text: str, other: str) -> bool:
    """Whether two texts differ in case and punctuation at most."""
    return _plain(text.replace("-", " ")) == _plain(other.replace("-", " "))


def said_once(text: str) -> str:
    """Say what is said over and over once: a sentence after the first time, shorter things after the third.

    Where a sentence is all there is, a piece of it at the end is left out, too.
    """
    words = _words(text)
    plain = [_plain(word) for word in words]
    sizes = range(1, len(words) // 2 + 1)
    size = next((size for size in sizes if plain == [plain[at % size] for at in range(len(plain))]), 0)
    return " ".join(words[:size] if size >= _SENTENCE_WORDS_MIN else _once(words))


def _once(words: Sequence[str]) -> list[str]:
    once = list(words)
    plain = [_plain(word) for word in words]
    for size in range(len(once) // 2, 0, -1):
        most = 1 if size >= _SENTENCE_WORDS_MIN else _REPEATS_MAX
        at = 0
        while at + 2 * size <= len(once):
            times = 1
            while plain[at + times * size : at + (times + 1) * size] == plain[at : at + size]:
                times += 1
            if times > most:
                kept = slice(at + most * size, at + times * size)
                del once[kept], plain[kept]
            at += 1
    return once


def _words(text: str) -> list[str]:
    return text.replace("-", " ").split()


def _plain(text: str) -> str:
    return " ".join(_WORD.findall(text.lower()))
