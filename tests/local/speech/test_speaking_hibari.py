"""hibari with its real weights: what it says, in which pieces, in which voices, and that it stops when told."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import AsyncIterator
from contextlib import aclosing
from itertools import pairwise

import pytest
import pytest_asyncio

from gemini_realtime.errors import MissingDependencyError
from gemini_realtime.local.speech.speaking import SpokenChunk
from gemini_realtime.local.speech.speaking_hibari import VOICES, HibariSpeaking, SpeakingNow

pytest.importorskip("hibari", reason="the extra [local] is not installed")
pytest.importorskip("onnxruntime", reason="the extra [local] is not installed")

import numpy as np
from numpy.typing import NDArray

pytestmark = pytest.mark.asyncio(loop_scope="module")

# Source: the service's list of voices, spelled as it spells them.
SERVICE_VOICES = """
    Zephyr Puck Charon Kore Fenrir Leda Orus Aoede Callirrhoe Autonoe Enceladus Iapetus Umbriel Algieba Despina
    Erinome Algenib Rasalgethi Laomedeia Achernar Alnilam Schedar Gacrux Pulcherrima Achird Zubenelgenubi
    Vindemiatrix Sadachbia Sadaltager Sulafat
"""

STORY = "Once upon a time there was a small server. It lived in a quiet house, and listened.\n\nOne day: a call!"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def speaking() -> AsyncIterator[HibariSpeaking]:
    speaking = HibariSpeaking()
    yield speaking
    await speaking.close()


async def spoken(speaking: HibariSpeaking, text: str, voice: str | None = None) -> list[SpokenChunk]:
    return [chunk async for chunk in speaking.speak(text, voice=voice, language=None)]


def samples(chunks: list[SpokenChunk]) -> NDArray[np.float64]:
    return np.frombuffer(b"".join(chunk.audio for chunk in chunks), "<i2").astype(np.float64) / 32_768


def pitch_hz(sound: NDArray[np.float64]) -> float:
    """Of the loudest half second: the lag at which it is most like itself."""
    at = int(np.argmax(np.convolve(sound**2, np.ones(12_000), "valid")))
    spectrum = np.fft.rfft(sound[at : at + 12_000], 24_000)
    likeness = np.fft.irfft(np.abs(spectrum) ** 2)
    return 24_000 / float(80 + np.argmax(likeness[80:340]))


async def test_sound_comes_in_the_sizes_of_the_service(speaking: HibariSpeaking) -> None:
    sizes = [len(chunk.audio) for chunk in await spoken(speaking, STORY)]
    assert sizes[0] == 9_600
    assert set(sizes[1:-1]) == {11_520}
    assert 0 < sizes[-1] <= 11_520


@pytest.mark.parametrize(
    "text",
    [
        STORY,
        " leading and trailing  ",
        "12:30 costs $5.20, doesn't it? Über 1234 naïve 😀 smileys…",
        "no_spaces" * 60,
        "1234567890 " * 60,
        "你好，我是服务器。今天天气很好。",
        "...",
        " ",
        "",
        "zero\0 and \x01 50P commands\x7f",
        "lone \ud800 surrogate",
    ],
)
async def test_the_texts_of_the_chunks_join_to_the_text(speaking: HibariSpeaking, text: str) -> None:
    assert "".join(chunk.text for chunk in await spoken(speaking, text)) == text


async def test_the_same_text_sounds_the_same(speaking: HibariSpeaking) -> None:
    other = HibariSpeaking()
    assert await spoken(speaking, "Good morning.") == await spoken(other, "Good morning.")
    await other.close()


async def test_words_come_with_the_sound_they_begin_in(speaking: HibariSpeaking) -> None:
    """Each word begins after a pause that is longer than any within a word."""
    chunks = await spoken(speaking, "One. Two. Three. Four.")
    sound = samples(chunks)
    loud = [at for at in range(0, len(sound) - 240, 240) if np.abs(sound[at : at + 240]).max() > 0.02]
    begins = [loud[0], *(after for before, after in pairwise(loud) if after - before > 6_000)]
    places = np.cumsum([0, *(len(chunk.audio) // 2 for chunk in chunks)])
    told = [int(place) for place, chunk in zip(places, chunks, strict=False) for _ in chunk.text.split()]
    assert len(told) == len(begins) == 4
    assert all(-2_400 <= begin - place <= 8_160 for begin, place in zip(begins, told, strict=True))


async def test_what_is_said_in_many_words_takes_its_time_in_the_transcript(speaking: HibariSpeaking) -> None:
    chunks = await spoken(speaking, "It costs $1,250.50 today.")
    price = next(at for at, chunk in enumerate(chunks) if "$1,250.50" in chunk.text)
    today = next(at for at, chunk in enumerate(chunks) if "today" in chunk.text)
    assert (today - price) * 0.24 > 2.5


async def test_speech_begins_soon_and_is_neither_clipped_nor_shifted(speaking: HibariSpeaking) -> None:
    sound = samples(await spoken(speaking, STORY))
    assert np.argmax(np.abs(sound) > 0.02) / 24_000 < 0.15
    assert 0.3 < np.abs(sound).max() < 0.99
    assert abs(sound.mean()) < 0.001


async def test_sentences_join_without_a_click(speaking: HibariSpeaking) -> None:
    sound = samples(await spoken(speaking, STORY))
    steps = np.abs(np.diff(sound))
    quiet = np.convolve(np.abs(sound), np.ones(480) / 480, "same")[:-1] < 0.001
    assert steps[quiet].max() < 0.01


async def test_every_voice_of_the_service_has_its_own() -> None:
    assert list(VOICES) == SERVICE_VOICES.lower().split()
    assert len(set(VOICES.values())) == len(VOICES)


async def test_voices_differ_in_pitch_and_rate(speaking: HibariSpeaking) -> None:
    low, middle, high = [
        samples(await spoken(speaking, "Ah, no, more.", voice)) for voice in ("algenib", "Kore", "LEDA")
    ]
    assert pitch_hz(low) < 0.75 * pitch_hz(middle) < 0.9 * pitch_hz(high)
    assert len(low) > len(middle)


async def test_a_name_that_is_no_voice_gets_the_voice_as_it_is(speaking: HibariSpeaking) -> None:
    assert await spoken(speaking, "Hi.", "nobody") == await spoken(speaking, "Hi.")


async def test_a_speech_that_is_closed_makes_no_more_sentences(speaking: HibariSpeaking) -> None:
    asked: list[str] = []
    ask = speaking._worker.ask

    async def counted(head: dict[str, object], *rest: object, **more: object) -> object:
        asked.append(str(head["text"]))
        return await ask(head, *rest, **more)  # type: ignore[arg-type]

    speaking._worker.ask = counted  # type: ignore[method-assign, assignment]
    try:
        async with aclosing(speaking.speak("This is a sentence. " * 100, voice=None, language=None)) as speech:
            await anext(speech)
        await spoken(speaking, "Next.")
    finally:
        speaking._worker.ask = ask  # type: ignore[method-assign]
    assert asked == ["This is a sentence. ", "Next."]


async def test_a_long_sentence_begins_with_its_first_clause(speaking: HibariSpeaking) -> None:
    text = "I can tell you what the weather is like today, " + "and tomorrow and the day after, " * 5
    async with aclosing(speaking.speak(text, voice=None, language=None)) as speech:
        await anext(speech)
    assert len(await spoken(speaking, text)) > 20


async def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match=r"gemini-realtime\[local\]"):
        HibariSpeaking()


async def test_the_voice_in_this_process_tells_its_makers_nothing_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORT_DISABLE_TELEMETRY", "0")
    monkeypatch.setattr("gemini_realtime.local.speech.hibari_engine.load", lambda: None)
    SpeakingNow()
    assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"
