"""Other voices out of one."""

from __future__ import annotations

import pytest

pytest.importorskip("numpy", reason="the extra [local] is not installed")

import numpy as np

from gemini_realtime.local.speech.timbre import BIN_HZ, Parts, Timbre, changed

BINS, FRAMES = 601, 4
FORMANT_HZ, PITCH_HZ = 1_000.0, 200.0


def sentence() -> Parts:
    """A throat with one resonance, as it is known at multiples of the pitch; three voiced frames and one without."""
    hz = np.arange(BINS)[:, None] * BIN_HZ
    resonance = (-(((hz - FORMANT_HZ) / 400) ** 2)).astype(np.float32).repeat(FRAMES, 1)
    known = (hz % PITCH_HZ == 0).repeat(FRAMES, 1)
    harmonics = np.where(known, resonance, -20).astype(np.float32)  # nonsense in between
    pitch_hz = np.array([PITCH_HZ, PITCH_HZ, PITCH_HZ, 0], np.float32)
    flat = np.zeros((BINS, FRAMES), np.float32)
    return Parts(harmonics, flat, flat - 5, flat - 3, flat, pitch_hz)


def test_the_voice_as_it_was_learnt_is_left_alone() -> None:
    parts = sentence()
    assert changed(parts, Timbre(rate=1.2)) is parts


def test_pitch_is_changed_and_the_throat_kept() -> None:
    parts = changed(sentence(), Timbre(pitch=0.6))
    assert parts.pitch_hz.tolist() == pytest.approx([120, 120, 120, 0])
    envelope = parts.harmonics[:, 0]
    assert np.argmax(envelope) * BIN_HZ == FORMANT_HZ
    assert envelope[round(900 / BIN_HZ)] > -1  # between two harmonics of old, where nonsense was


def test_a_longer_throat_resonates_lower() -> None:
    parts = changed(sentence(), Timbre(pitch=0.6, throat=0.8))
    assert np.argmax(parts.harmonics[:, 0]) * BIN_HZ == pytest.approx(800, abs=BIN_HZ)


def test_little_is_left_above_what_a_longer_throat_passes() -> None:
    parts = changed(sentence(), Timbre(throat=0.8))
    assert parts.noise[490, 0] - parts.noise[470, 0] == pytest.approx(-4)


def test_sounds_without_voice_keep_all_they_have() -> None:
    before, after = sentence(), changed(sentence(), Timbre(pitch=0.6))
    assert after.rest[:, 3].tolist() == before.rest[:, 3].tolist()
    assert (after.rest[:, 0] < before.rest[:, 0]).all()


def test_what_was_given_is_not_changed() -> None:
    parts = sentence()
    before = [part.copy() for part in parts]
    changed(parts, Timbre(0.6, 0.8, 1.0))
    assert all((one == other).all() for one, other in zip(before, parts, strict=True))
