"""Piper's place in the server, with a library that is a fake: voices are not for tests to download."""

from __future__ import annotations

import importlib.util
import inspect
import sys
import threading
from contextlib import aclosing
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from gemini_realtime.errors import ConfigError, MissingDependencyError
from gemini_realtime.local.serve import LiveServer
from gemini_realtime.local.speech.speaking import SpokenChunk
from gemini_realtime.local.speech.speaking_piper import PiperSpeaking
from gemini_realtime.local.thinking import Say
from tests.local.fakes import FakeHearing, FakeResponder
from tests.local.test_serve import dialled, transcript

pytest.importorskip("numpy", reason="the extra [piper]")

RATE_HZ = 22_050
LETTER = bytes(RATE_HZ // 20 * 2)  # 50 ms of sound for each


class FakePiper(ModuleType):
    """piper as far as it is used."""

    def __init__(self) -> None:
        super().__init__("piper")
        self.loaded: list[Path] = []
        self.said: list[str] = []
        self.threads: set[str] = set()
        self.PiperVoice = SimpleNamespace(load=self._load)

    def _load(self, path: Path) -> FakePiper:
        self.loaded.append(path)
        return self

    def synthesize(self, text: str) -> Any:
        self.said.append(text)
        self.threads.add(threading.current_thread().name)
        if any(letter.isalnum() for letter in text):
            yield SimpleNamespace(sample_rate=RATE_HZ, audio_int16_bytes=LETTER * len(text))


@pytest.fixture
def piper(monkeypatch: pytest.MonkeyPatch) -> FakePiper:
    fake = FakePiper()
    monkeypatch.setitem(sys.modules, "piper", fake)
    return fake


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "en_GB-alba-medium.onnx"
    path.touch()
    path.with_name(f"{path.name}.json").touch()
    return path


async def spoken(speaking: PiperSpeaking, text: str) -> list[SpokenChunk]:
    return [chunk async for chunk in speaking.speak(text, voice="Puck", language="en-US")]


async def test_speech_comes_at_24_khz_in_the_pieces_of_the_service(piper: FakePiper, model: Path) -> None:
    chunks = await spoken(PiperSpeaking(model), "Good morning.")
    assert [len(chunk.audio) for chunk in chunks[:-1]] == [9_600, 11_520]
    assert sum(len(chunk.audio) for chunk in chunks) == pytest.approx(13 * 2_400, abs=20)


@pytest.mark.parametrize("text", ["Good morning.", "  One! Two?\nThree", "今日は。明日は。", "...", " ", ""])
async def test_the_words_join_to_the_text(piper: FakePiper, model: Path, text: str) -> None:
    assert "".join(chunk.text for chunk in await spoken(PiperSpeaking(model), text)) == text


async def test_words_come_with_the_sound_in_which_they_begin(piper: FakePiper, model: Path) -> None:
    chunks = await spoken(PiperSpeaking(model), "alpha two three")
    assert [chunk.text for chunk in chunks] == ["alpha ", "two ", "three", ""]


async def test_a_sentence_is_rendered_when_the_one_before_has_been_taken(piper: FakePiper, model: Path) -> None:
    async with aclosing(PiperSpeaking(model).speak("Good morning. How are you?", voice=None, language=None)) as chunks:
        await anext(chunks)
        assert piper.said == ["Good morning. "]


async def test_the_model_is_loaded_once_and_off_the_event_loop(piper: FakePiper, model: Path) -> None:
    speaking = PiperSpeaking(model)
    await speaking.start()
    await spoken(speaking, "One. Two.")
    assert piper.loaded == [model]
    assert piper.threads == {"piper_0"}
    await speaking.close()


async def test_a_server_speaks_with_it_and_closes_it(piper: FakePiper, model: Path) -> None:
    responder = FakeResponder(lambda _: [Say("Good morning.")])
    speaking = PiperSpeaking(model)
    server = LiveServer(responder=responder, hearing=FakeHearing(), speaking=speaking, pace="instant")
    async with server, dialled(server, outputAudioTranscription={}) as client:
        client.types("hello")
        assert transcript(await client.until("turnComplete")) == "Good morning."
    with pytest.raises(RuntimeError):
        await speaking.start()


@pytest.mark.parametrize("missing", ["en_GB-alba-medium.onnx", "en_GB-alba-medium.onnx.json"])
def test_a_voice_that_was_not_downloaded_is_refused_with_the_command_for_it(
    piper: FakePiper, model: Path, missing: str
) -> None:
    model.with_name(missing).unlink()
    with pytest.raises(ConfigError, match=f"{missing} is not there .* piper.download_voices en_GB-alba-medium$"):
        PiperSpeaking(model)


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, model: Path) -> None:
    monkeypatch.setitem(sys.modules, "piper", None)
    with pytest.raises(MissingDependencyError, match=r"gemini-realtime\[piper\]"):
        PiperSpeaking(model)


@pytest.mark.skipif(importlib.util.find_spec("piper") is None, reason="the extra [piper]")
def test_the_library_takes_and_gives_what_the_fake_does() -> None:
    import piper

    inspect.signature(piper.PiperVoice.load).bind("path")
    inspect.signature(piper.PiperVoice.synthesize).bind(None, "text")
    assert {"sample_rate", "audio_int16_bytes"} <= {*dir(piper.AudioChunk), *piper.AudioChunk.__dataclass_fields__}
