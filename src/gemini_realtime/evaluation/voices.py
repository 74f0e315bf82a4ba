"""How a caller sounds where there is real speech: the voice, and what else the microphone hears."""

from __future__ import annotations

import asyncio
from random import Random
from typing import TYPE_CHECKING, Final

from gemini_realtime.audio.format import INPUT_FORMAT, OUTPUT_FORMAT
from gemini_realtime.evaluation.microphone import Microphone
from gemini_realtime.evaluation.scenes import Backchannel, Background, Caller, Echo, Goal, Interrupts, Persona
from gemini_realtime.local.speech.speaking import SENTENCE_CHARS_MAX
from gemini_realtime.local.speech.spoken_text import sentences
from gemini_realtime.testing.speech import speech_from_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.float64]

_TELEPHONE_HZ: Final = 8000
_LINE_DELAY_MS: Final = 10  # of a telephone, which the filters of both its ends take
_NOISE_S: Final = 10.0  # then it begins again, without a seam
_PAUSE_S: Final = (0.5, 2.5)  # of the voice in the background
_SENTENCE: Final = "How loud somebody speaks is measured with a sentence."


async def aloud(caller: Caller, words: str) -> bytes:
    """Words as this caller says them, 16 kHz mono s16le."""
    return await asyncio.to_thread(_spoken, caller, words)


async def load_voice(caller: Caller) -> None:
    """Make ready to speak, so that neither the first words nor an interruption comes late."""
    steps = () if isinstance(caller.does, Goal | Persona) else caller.does
    words = [step.text for step in steps if isinstance(step, Interrupts | Backchannel)]
    for text in [_SENTENCE, *words]:
        await aloud(caller, text)


async def microphone_of(caller: Caller, random: Random) -> Microphone:
    """What this caller speaks into; noise, and when the background is heard, are drawn from `random`."""
    if not caller.needs_sound:
        return Microphone()
    return Microphone(await asyncio.to_thread(Room, caller, random))


class Room:
    """Where a caller is: noise, a voice in the background, the echo of the loudspeaker; and a telephone line.

    Args:
        caller: whose speech the rest is compared with.
        random: decides about the noise, and the pauses of the background.
    """

    def __init__(self, caller: Caller, random: Random) -> None:
        loudness = _loudness(_samples(_spoken(caller, _SENTENCE)))
        self._sounds: list[_Loop] = []
        if caller.noise_db is not None:
            self._sounds.append(_Loop(_at_loudness(_pink_noise(random), loudness, caller.noise_db)))
        if caller.background is not None:
            self._sounds.append(_background(caller.background, loudness, random))
        self._echo = None if caller.echo is None else _EchoPath(caller.echo)
        self._telephone = _Telephone() if caller.telephone else None

    def around(self, words: bytes, played: bytes) -> bytes:
        """See `Surroundings`."""
        import numpy as np

        heard = _samples(words)
        for sound in self._sounds:
            heard = heard + sound.take(len(heard))
        if self._echo is not None:
            heard = heard + self._echo.of(played, len(heard))
        pcm: bytes = np.clip(np.rint(heard), -32768, 32767).astype("<i2").tobytes()
        return pcm if self._telephone is None else self._telephone.carried(pcm)


class _Loop:
    """A sound that is heard again and again."""

    def __init__(self, samples: Samples, at: int = 0) -> None:
        self._samples = samples
        self._at = at

    def take(self, count: int) -> Samples:
        import numpy as np

        piece: Samples = np.take(self._samples, range(self._at, self._at + count), mode="wrap")
        self._at = (self._at + count) % len(self._samples)
        return piece


class _EchoPath:
    """From the loudspeaker to the microphone."""

    def __init__(self, echo: Echo) -> None:
        from gemini_realtime.audio.resample import Resampler

        self._resampler = Resampler(OUTPUT_FORMAT.rate_hz, INPUT_FORMAT.rate_hz)
        self._gain = 10 ** (-echo.below_db / 20)
        self._on_its_way = bytearray(INPUT_FORMAT.bytes_for_ms(echo.after_s * 1000))

    def of(self, played: bytes, count: int) -> Samples:
        self._on_its_way += self._resampler.push(played)
        arrived = bytes(self._on_its_way[: 2 * count]).rjust(2 * count, b"\0")
        del self._on_its_way[: 2 * count]
        return _samples(arrived) * self._gain


class _Telephone:
    """A line of 8 kHz mu-law."""

    def __init__(self) -> None:
        from gemini_realtime.audio.resample import Resampler

        self._narrow = Resampler(INPUT_FORMAT.rate_hz, _TELEPHONE_HZ)
        self._wide = Resampler(_TELEPHONE_HZ, INPUT_FORMAT.rate_hz)
        self._on_its_way = bytearray(INPUT_FORMAT.bytes_for_ms(_LINE_DELAY_MS))

    def carried(self, pcm16k: bytes) -> bytes:
        from gemini_realtime.audio.g711 import mulaw_decode, mulaw_encode

        self._on_its_way += self._wide.push(mulaw_decode(mulaw_encode(self._narrow.push(pcm16k))))
        arrived = bytes(self._on_its_way[: len(pcm16k)])
        del self._on_its_way[: len(pcm16k)]
        return arrived


def _spoken(caller: Caller, words: str) -> bytes:
    pcm = speech_from_text(words, voice=caller.voice)
    return pcm if caller.speed == 1.0 else _at_speed(pcm, caller.speed)


def _at_speed(pcm: bytes, speed: float) -> bytes:
    """Quicker, and higher, as of somebody with another throat."""
    from gemini_realtime.audio.resample import resample

    rate_hz = round(INPUT_FORMAT.rate_hz * speed / 100) * 100
    return resample(pcm, rate_hz, INPUT_FORMAT.rate_hz)


def _pink_noise(random: Random) -> Samples:
    import numpy as np

    count = round(_NOISE_S * INPUT_FORMAT.rate_hz)
    white = np.fft.rfft(np.random.default_rng(random.randrange(2**32)).standard_normal(count))
    pink: Samples = np.fft.irfft(white / np.sqrt(np.maximum(1, np.arange(len(white)))), count)
    return pink


def _background(background: Background, loudness: float, random: Random) -> _Loop:
    """Somebody who says sentence after sentence, with pauses, and has begun already or will begin soon."""
    import numpy as np

    parts: list[Samples] = []
    for start, end in sentences(background.says, SENTENCE_CHARS_MAX):
        said = _samples(speech_from_text(background.says[start:end], voice=background.voice))
        pause = np.zeros(round(random.uniform(*_PAUSE_S) * INPUT_FORMAT.rate_hz))
        parts += [_at_loudness(said, loudness, background.below_db), pause]
    track = np.concatenate(parts)
    return _Loop(track, random.randrange(len(track)))


def _samples(pcm: bytes) -> Samples:
    import numpy as np

    return np.frombuffer(pcm, "<i2").astype(np.float64)


def _loudness(samples: Samples) -> float:
    import numpy as np

    return float(np.sqrt(np.mean(samples**2)))


def _at_loudness(samples: Samples, loudness: float, below_db: float) -> Samples:
    return samples * (loudness / _loudness(samples) * 10 ** (-below_db / 20))
