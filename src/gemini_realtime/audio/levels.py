"""How loud audio is."""

from __future__ import annotations

import math
from array import array
from typing import Final

SILENT_DB: Final = -90.0
"""The level of silence: one step of 16 bits is a little more."""


def level_db(pcm: bytes) -> float:
    """How loud 16-bit PCM is: its root mean square, in dB of full scale."""
    samples = array("h", pcm)
    power = sum(sample * sample for sample in samples) / max(1, len(samples))
    return max(SILENT_DB, 10 * math.log10(power / 32_768**2)) if power else SILENT_DB
