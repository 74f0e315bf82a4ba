"""Other voices out of one: higher or lower, of longer or shorter throats, without a change of what is said or how fast.

A network such as hibari's says for every frame of 12.5 ms what the throat does (a spectrum) and at which pitch, and the
sound is made of these. So pitch and throat can be changed between the two, where a change of finished sound would be
heard as one.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Spectrum = NDArray[np.float32]  # frequencies, 20 Hz apart, by frames

BIN_HZ: Final = 20.0
_VOICED_MIN_HZ: Final = 40.0
_BEYOND: Final = -4.0  # of what a longer throat leaves of the highest frequencies: 35 dB down, as natural logarithm
_RESIDUE: Final = np.log(0.3)  # what is left at another pitch of the sound that belongs to the old one


class Timbre(NamedTuple):
    """How a voice differs from the one that the network learnt.

    Attributes:
        pitch: times as high.
        throat: times as high its resonances are; below 1 for a longer throat.
        rate: times as fast.
    """

    pitch: float = 1.0
    throat: float = 1.0
    rate: float = 1.0


class Parts(NamedTuple):
    """A sentence as hibari's network gives it.

    Attributes:
        harmonics: logarithm of the size of what sounds at the pitch and its multiples.
        angles: its phase, where 1 is half a turn before `tanh`.
        noise: logarithm of the size of breath.
        rest: logarithm of the size of what is neither.
        phases: of the rest, in radians.
        pitch_hz: by frame; less than 40 where there is no voice.
    """

    harmonics: Spectrum
    angles: Spectrum
    noise: Spectrum
    rest: Spectrum
    phases: Spectrum
    pitch_hz: NDArray[np.float32]


def changed(parts: Parts, timbre: Timbre) -> Parts:
    """The sentence in another voice."""
    if timbre.pitch == timbre.throat == 1.0:
        return parts
    source = np.arange(len(parts.harmonics)) / timbre.throat  # where each frequency's sound comes from
    nearest = np.minimum(np.rint(source), len(source) - 1).astype(np.intp)
    harmonics, angles, noise, rest, phases = (part[nearest] for part in parts[:5])
    if timbre.pitch != 1.0:
        voiced = parts.pitch_hz > _VOICED_MIN_HZ
        harmonics[:, voiced], angles[:, voiced] = _between_harmonics(parts, voiced, source)
        rest[:, voiced] += _RESIDUE
    for sizes in (harmonics, noise, rest):
        sizes[source > len(source) - 1] += _BEYOND
    return Parts(harmonics, angles, noise, rest, phases, parts.pitch_hz * np.float32(timbre.pitch))


def _between_harmonics(
    parts: Parts, voiced: NDArray[np.bool_], source: NDArray[np.float64]
) -> tuple[Spectrum, Spectrum]:
    """What the throat does at any frequency, when it is known at multiples of the pitch alone.

    Between them there is next to no sound, so the network never learnt what to say there.
    """
    sizes, angles = parts.harmonics[:, voiced], parts.angles[:, voiced]
    step = parts.pitch_hz[voiced] / BIN_HZ
    at = source[:, None] / step
    below = np.maximum(1, np.floor(at))
    weight = np.clip(at - below, 0, 1)
    last = len(source) - 1
    lower, upper = (np.clip(np.rint(n * step), 0, last).astype(np.intp) for n in (below, below + 1))
    size = np.take_along_axis(sizes, lower, 0) * (1 - weight) + np.take_along_axis(sizes, upper, 0) * weight
    angle = np.take_along_axis(angles, np.where(weight < 0.5, lower, upper), 0)
    return size.astype(np.float32), angle
