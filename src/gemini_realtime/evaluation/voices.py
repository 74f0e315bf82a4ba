"""How a caller sounds where there is real speech: voice, speed, telephone, and noise around it."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Final

from gemini_realtime.audio.format import INPUT_FORMAT
from gemini_realtime.evaluation.scenes import Caller
from gemini_realtime.testing.speech import speech_from_text

_TELEPHONE_HZ: Final = 8000
_AROUND_MS: Final = 300  # noise before and after the words, by which a detector knows the room


async def aloud(caller: Caller, random: Random, words: str) -> bytes:
    """Words as this caller says them, 16 kHz mono s16le; noise is drawn from `random`."""
    return await asyncio.to_thread(_made, caller, random.randrange(2**32), words)


def _made(caller: Caller, seed: int, words: str) -> bytes:
    pcm = speech_from_text(words, voice=caller.voice)
    if caller.speed != 1.0:
        pcm = _at_speed(pcm, caller.speed)
    if caller.noise_db is not None:
        pcm = _in_noise(pcm, caller.noise_db, seed)
    return _by_telephone(pcm) if caller.telephone else pcm


def _at_speed(pcm: bytes, speed: float) -> bytes:
    """Quicker, and higher, as of somebody with another throat."""
    from gemini_realtime.audio.resample import resample

    rate_hz = round(INPUT_FORMAT.rate_hz * speed / 100) * 100
    return resample(pcm, rate_hz, INPUT_FORMAT.rate_hz)


def _in_noise(pcm: bytes, snr_db: float, seed: int) -> bytes:
    """With pink noise, so many dB below the speech."""
    import numpy as np

    around = bytes(INPUT_FORMAT.bytes_for_ms(_AROUND_MS))
    speech = np.frombuffer(around + pcm + around, "<i2").astype(np.float64)
    white = np.fft.rfft(np.random.default_rng(seed).standard_normal(len(speech)))
    pink = np.fft.irfft(white / np.sqrt(np.maximum(1, np.arange(len(white)))), len(speech))
    loudness = np.sqrt(np.mean(np.frombuffer(pcm, "<i2").astype(np.float64) ** 2))
    noise = pink * loudness / (np.sqrt(np.mean(pink**2)) * 10 ** (snr_db / 20))
    noisy: bytes = np.clip(speech + noise, -32768, 32767).astype("<i2").tobytes()
    return noisy


def _by_telephone(pcm: bytes) -> bytes:
    from gemini_realtime.audio.g711 import mulaw_decode, mulaw_encode
    from gemini_realtime.audio.resample import resample

    narrow = resample(pcm, INPUT_FORMAT.rate_hz, _TELEPHONE_HZ)
    return resample(mulaw_decode(mulaw_encode(narrow)), _TELEPHONE_HZ, INPUT_FORMAT.rate_hz)
