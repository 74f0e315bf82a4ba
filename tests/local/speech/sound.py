"""Sound to be heard: 16 kHz mono s16le."""

from __future__ import annotations

import random
import struct
import wave
from pathlib import Path

from gemini_realtime.local.speech import hearing

SAMPLES = Path(hearing.__file__).parents[1] / "samples"


def sample(name: str) -> bytes:
    """A question that comes with the package."""
    with wave.open(str(SAMPLES / f"{name}.wav")) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16_000, 1, 2)
        return bytes(file.readframes(file.getnframes()))


def silence(duration_ms: int) -> bytes:
    """No sound at all."""
    return bytes(32 * duration_ms)


def noise(duration_ms: int, level_db: float) -> bytes:
    """White noise so far below full scale."""
    chance = random.Random(1)
    return _pcm([chance.gauss(0, 32_768 * 10 ** (level_db / 20)) for _ in range(16 * duration_ms)])


def mixed(pcm: bytes, other: bytes, gain_db: float = 0) -> bytes:
    """The first, amplified, and as much of the other."""
    gain = 10 ** (gain_db / 20)
    return _pcm([gain * a + b for a, b in zip(_samples(pcm), _samples(other), strict=False)])


def _samples(pcm: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(pcm) // 2}h", pcm)


def _pcm(samples: list[float]) -> bytes:
    clipped = [max(-32_768, min(32_767, round(value))) for value in samples]
    return struct.pack(f"<{len(clipped)}h", *clipped)
