"""How loud audio is."""

from __future__ import annotations

import math
from array import array
from typing import Final

from gemini_realtime.audio.format import AudioFormat

SILENT_DB: Final = -90.0
"""The level of silence: one step of 16 bits is a little more."""


def level_db(pcm: bytes) -> float:
    """How loud 16-bit PCM is: its root mean square, in dB of full scale."""
    samples = array("h", pcm)
    power = sum(sample * sample for sample in samples) / max(1, len(samples))
    return max(SILENT_DB, 10 * math.log10(power / 32_768**2)) if power else SILENT_DB


AUDIBLE_DB: Final = -50.0
"""What is louder, over 10 ms, is audible: speech is at -26 dB or so, and what a line adds is at -60."""

_FRAME_MS: Final = 10


def first_audible_ms(pcm: bytes, format: AudioFormat) -> float | None:
    """When something is first audible in 16-bit PCM, to 10 ms; None for silence."""
    frame_bytes = format.bytes_for_ms(_FRAME_MS)
    for at in range(0, len(pcm), frame_bytes):
        if _is_audible(pcm[at : at + frame_bytes]):
            return format.duration_ms(at)
    return None


def last_audible_ms(pcm: bytes, format: AudioFormat) -> float | None:
    """Until when something is audible in 16-bit PCM, to 10 ms; None for silence."""
    frame_bytes = format.bytes_for_ms(_FRAME_MS)
    for end in range(len(pcm) // 2 * 2, 0, -frame_bytes):
        if _is_audible(pcm[max(0, end - frame_bytes) : end]):
            return format.duration_ms(end)
    return None


def _is_audible(pcm: bytes) -> bool:
    return level_db(pcm[: len(pcm) // 2 * 2]) >= AUDIBLE_DB
