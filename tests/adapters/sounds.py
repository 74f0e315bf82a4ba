"""Tones, and how loud they are."""

from __future__ import annotations

import math
from array import array


def tone(rate_hz: int, ms: int, hz: int = 440) -> bytes:
    samples = [round(8000 * math.sin(2 * math.pi * hz * n / rate_hz)) for n in range(rate_hz * ms // 1000)]
    return array("h", samples).tobytes()


def loudness(pcm: bytes) -> float:
    samples = array("h", pcm)
    return math.sqrt(sum(sample * sample for sample in samples) / max(1, len(samples)))
