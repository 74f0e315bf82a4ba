"""Speaking with espeak-ng: a machine's voice, in a hundred languages.

espeak-ng comes with the package espeakng-loader, is licensed under GPL-3.0, and is loaded at run time only.
It keeps one voice and one callback per process, so one thread does all the speaking, a sentence at a time:
sessions take turns by the sentence, and at most one sentence per session waits for its consumer.
"""

from __future__ import annotations

import asyncio
import ctypes
import importlib.util
import itertools
import logging
import os
import re
import sys
from array import array
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from functools import lru_cache, partial
from typing import Any, Final, NamedTuple

from gemini_realtime.audio.format import OUTPUT_FORMAT
from gemini_realtime.checking import spelling_remedy
from gemini_realtime.errors import ConfigError, MissingDependencyError
from gemini_realtime.local.speech.phrases import Phrases
from gemini_realtime.local.speech.speaking import (
    SENTENCE_CHARS_MAX,
    ChunkCutter,
    SpeakingError,
    SpokenChunk,
    WordBegin,
)
from gemini_realtime.local.speech.spoken_text import sentences

_log = logging.getLogger(__name__)

_BUFFER_MS: Final = 60  # what espeak renders between two looks at whether to stop
_ESPEAK_RATE_HZ: Final = 22_050

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


class Voice(NamedTuple):
    """How espeak-ng imitates a voice: variant of its data, pitch of 0 to 99, rate in words per minute."""

    variant: str
    pitch: int
    rate_wpm: int


# The service's prebuilt voices. Word error rates of this project's own recogniser over ten sentences, dictation:
# edward 0.16 to 0.24 (0.19 at 185 words per minute, none with a grammar), klatt3 to klatt5 0.29 to 0.44, f2 and
# f5 0.50 to 0.57, espeak's plain voice above 0.7. Slower is not clearer: 150 words per minute cost 0.1.
VOICES: Final[dict[str, Voice]] = {
    "zephyr": Voice("klatt3", 80, 190),
    "puck": Voice("klatt3", 60, 190),
    "charon": Voice("edward", 50, 185),
    "kore": Voice("f5", 50, 180),
    "fenrir": Voice("klatt5", 45, 195),
    "leda": Voice("f2", 75, 180),
    "orus": Voice("klatt4", 40, 175),
    "aoede": Voice("klatt3", 90, 185),
    "callirrhoe": Voice("klatt5", 80, 180),
    "autonoe": Voice("f5", 65, 185),
    "enceladus": Voice("klatt4", 30, 160),
    "iapetus": Voice("edward", 40, 175),
    "umbriel": Voice("klatt3", 40, 165),
    "algieba": Voice("edward", 30, 170),
    "despina": Voice("f2", 55, 175),
    "erinome": Voice("klatt4", 85, 185),
    "algenib": Voice("klatt5", 20, 165),
    "rasalgethi": Voice("klatt3", 50, 180),
    "laomedeia": Voice("klatt3", 99, 195),
    "achernar": Voice("f2", 65, 175),
    "alnilam": Voice("klatt5", 55, 180),
    "schedar": Voice("klatt4", 50, 170),
    "gacrux": Voice("klatt5", 70, 170),
    "pulcherrima": Voice("klatt4", 75, 195),
    "achird": Voice("edward", 60, 185),
    "zubenelgenubi": Voice("klatt3", 25, 170),
    "vindemiatrix": Voice("f2", 40, 170),
    "sadachbia": Voice("klatt4", 65, 190),
    "sadaltager": Voice("klatt5", 35, 175),
    "sulafat": Voice("klatt5", 92, 185),
}


class EspeakSpeaking:
    """The voice of the extra `[espeak]`; it remembers what it said.

    Raises:
        MissingDependencyError: the extra is not installed.
    """

    def __init__(self) -> None:
        if any(importlib.util.find_spec(module) is None for module in ("espeakng_loader", "numpy")):
            raise MissingDependencyError("speaking with espeak-ng", "espeak")
        self._phrases = Phrases()

    async def start(self) -> None:
        """Load espeak-ng, which otherwise happens with the first word.

        Raises:
            SpeakingError: it does not load.
        """
        async with aclosing(self.speak("a", voice=None, language=None)) as chunks:
            await anext(chunks)

    def speak(self, text: str, *, voice: str | None, language: str | None) -> AsyncGenerator[SpokenChunk, None]:
        """Speak a text; voices that are not the service's sound like the default one."""
        wanted = {"voice": voice if voice and voice.lower() in VOICES else None, "language": language}
        make = partial(speak, text, **{name: value for name, value in wanted.items() if value})
        return self._phrases.speak((text, *wanted.values()), make)


async def speak(text: str, *, voice: str = "charon", language: str = "en-US") -> AsyncGenerator[SpokenChunk, None]:
    """Speak `text` in chunks of 200 ms, then 240 ms each; the last one is what remains.

    The texts of the chunks join to `text` exactly and are the same in every run; samples differ by a few
    steps between runs. A sentence is rendered once the one before has been taken, hundreds of times faster
    than it is heard. Close the iterator to stop early (`contextlib.aclosing`).

    Args:
        voice: one of `VOICES`, in any case.
        language: BCP-47 tag; English where espeak-ng has no such language.

    Raises:
        ConfigError: there is no such voice.
        SpeakingError: espeak-ng does not load.
    """
    speech = _Speech(text, _voice(voice), language)
    loop = asyncio.get_running_loop()
    chunks: asyncio.Queue[SpokenChunk | None] = asyncio.Queue()  # of one sentence at most
    rendered: asyncio.Future[None] | None = None

    def deliver(chunk: SpokenChunk | None) -> None:
        loop.call_soon_threadsafe(chunks.put_nowait, chunk)

    try:
        for start, end in sentences(text, SENTENCE_CHARS_MAX):
            rendered = loop.run_in_executor(_speaker(), speech.render, start, end, deliver)
            while (chunk := await chunks.get()) is not None:
                yield chunk
            await rendered
        for chunk in speech.finish():
            yield chunk
    finally:
        speech.stopped = True
        if rendered:
            rendered.cancel()


def _voice(name: str) -> Voice:
    if voice := VOICES.get(name.lower()):
        return voice
    raise ConfigError(f"there is no voice {name!r}", remedy=spelling_remedy(name, map(str.capitalize, VOICES)))


@lru_cache(maxsize=1)
def _speaker() -> ThreadPoolExecutor:
    """The thread that owns espeak-ng; the sessions' sentences queue for it."""
    return ThreadPoolExecutor(1, thread_name_prefix="espeak")


class _Speech:
    """One text on its way to sound. `render` runs in the speaking thread, never while `finish` does."""

    def __init__(self, text: str, voice: Voice, language: str) -> None:
        self.stopped = False
        self._text = text
        self._voice = voice
        self._language = language
        self._converter: _Converter | None = None

    def render(self, start: int, end: int, deliver: Callable[[SpokenChunk | None], None]) -> None:
        """Render a part of the text, which ends with None."""
        converter = self._converter = self._converter or _Converter(self._text)

        def take(pcm: bytes, words: list[WordBegin]) -> bool:
            for chunk in converter.push(pcm, words, start):
                deliver(chunk)
            return not self.stopped

        try:
            if not self.stopped:
                is_last = end == len(self._text)
                _espeak().render(self._text[start:end], self._voice, self._language, is_last, take)
                converter.end_sentence()
        finally:
            deliver(None)

    def finish(self) -> list[SpokenChunk]:
        return self._converter.finish() if self._converter else []


class _Converter:
    """Converts the rate of one speech, and cuts it into chunks."""

    def __init__(self, text: str) -> None:
        from gemini_realtime.audio.resample import Resampler

        self._resampler = Resampler(_ESPEAK_RATE_HZ, OUTPUT_FORMAT.rate_hz)
        self._cutter = ChunkCutter(text)
        self._espeak_samples = 0
        self._sentence_sample = 0  # of the sound, where the present sentence begins

    def push(self, pcm: bytes, words: Iterable[WordBegin], sentence_char: int) -> list[SpokenChunk]:
        """Take what espeak rendered, with the words in it as they are placed in their sentence."""
        self._espeak_samples += len(pcm) // 2
        placed = [
            WordBegin(
                (self._sentence_sample + word.sample) * OUTPUT_FORMAT.rate_hz // _ESPEAK_RATE_HZ,
                sentence_char + word.char,
            )
            for word in words
        ]
        return self._cutter.push(self._resampler.push(pcm), placed)

    def end_sentence(self) -> None:
        self._sentence_sample = self._espeak_samples

    def finish(self) -> list[SpokenChunk]:
        return [*self._cutter.push(self._resampler.flush(), ()), *self._cutter.finish()]


class _Event(ctypes.Structure):
    """espeak_EVENT of espeak-ng's speak_lib.h."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),  # characters, from 1
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),  # ms
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    )


class _EspeakVoice(ctypes.Structure):
    """espeak_VOICE of espeak-ng's speak_lib.h."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_char_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("xx1", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


_SynthCallback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))

# speak_lib.h
_OUTPUT_SYNCHRONOUS: Final = 2
_DONT_EXIT: Final = 0x8000  # without it espeak ends the process when its data is missing
_CHARS_UTF8: Final = 1
_END_PAUSE: Final = 0x1000
_EVENT_LIST_END: Final = 0
_EVENT_WORD: Final = 1
_PARAMETER_RATE: Final = 1
_PARAMETER_PITCH: Final = 3

_Take = Callable[[bytes, "list[WordBegin]"], bool]


class _Espeak:
    """espeak-ng itself; used by the speaking thread alone."""

    def __init__(self) -> None:
        import espeakng_loader

        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        self._library.espeak_GetCurrentVoice.restype = ctypes.POINTER(_EspeakVoice)
        data = os.fsencode(espeakng_loader.get_data_path())
        rate_hz = self._library.espeak_Initialize(_OUTPUT_SYNCHRONOUS, _BUFFER_MS, data, _DONT_EXIT)
        if rate_hz != _ESPEAK_RATE_HZ:
            raise SpeakingError(
                f"espeak-ng answers {rate_hz} instead of {_ESPEAK_RATE_HZ} Hz", remedy="reinstall espeakng-loader"
            )
        self._callback = _SynthCallback(self._rendered)  # espeak keeps the pointer
        self._library.espeak_SetSynthCallback(self._callback)
        self._take: _Take = _take_nothing
        self._failure: BaseException | None = None

    def render(self, text: str, voice: Voice, language: str, is_last: bool, take: _Take) -> None:
        """Speak a sentence into `take` until it returns False; all but the last one end with a pause."""
        self._choose(voice, language)
        # espeak takes control characters for commands to change its voice, and NUL for the end.
        encoded = _CONTROL.sub(" ", text).encode(errors="replace")
        self._take, self._failure = take, None
        size, flags = ctypes.c_size_t(len(encoded) + 1), _CHARS_UTF8 | (0 if is_last else _END_PAUSE)
        self._library.espeak_Synth(encoded, size, 0, 0, 0, flags, None, None)
        self._take = _take_nothing
        if self._failure:
            raise self._failure

    def _choose(self, voice: Voice, language: str) -> None:
        wanted = _EspeakVoice(languages=language.encode(errors="replace"))
        if self._library.espeak_SetVoiceByProperties(ctypes.byref(wanted)):
            _log.warning("espeak-ng does not speak %s; English it is", language)
            self._library.espeak_SetVoiceByName(b"en-us")
        # "gmw/en-US", or "gmw/en-US+f2" when it was chosen before
        spoken = self._library.espeak_GetCurrentVoice().contents.identifier.partition(b"+")[0]
        self._library.espeak_SetVoiceByName(spoken + b"+" + voice.variant.encode())
        self._library.espeak_SetParameter(_PARAMETER_RATE, voice.rate_wpm, 0)
        self._library.espeak_SetParameter(_PARAMETER_PITCH, voice.pitch, 0)

    def _rendered(self, samples: Any, count: int, events: Any) -> int:
        """Take what espeak rendered; 1 makes it stop. Called by espeak, so nothing may be raised."""
        try:
            pcm = ctypes.string_at(samples, 2 * count) if samples and count > 0 else b""
            return 0 if self._take(_little_endian(pcm), list(_words(events))) else 1
        except BaseException as failure:
            self._failure = failure
            return 1


def _take_nothing(_pcm: bytes, _begun: list[WordBegin]) -> bool:
    return False


def _words(events: Any) -> Iterator[WordBegin]:
    for event in itertools.takewhile(lambda event: event.type != _EVENT_LIST_END, events):
        if event.type == _EVENT_WORD:
            yield WordBegin(event.sample, event.text_position - 1)


def _little_endian(pcm: bytes) -> bytes:
    if sys.byteorder == "little":
        return pcm
    samples = array("h", pcm)
    samples.byteswap()
    return samples.tobytes()


@lru_cache(maxsize=1)
def _espeak() -> _Espeak:
    try:
        return _Espeak()
    except OSError as error:
        raise SpeakingError(f"espeak-ng does not load: {error}", remedy="reinstall espeakng-loader") from error
